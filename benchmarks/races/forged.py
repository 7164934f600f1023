"""Tokens that the system never gave anybody, made from one that it did."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.races.system import in_trouble
from benchmarks.races.trial import STAYS, THIEF, Scenario

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
    from random import Random

    from benchmarks.peers.peer import Call
    from benchmarks.races.trial import Step, Trial

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
PADDED = 8
COOKIE_VALUE = re.compile(r"(?<==)[^;]+")


async def _forged(trial: Trial) -> AsyncGenerator[Step, None]:
    calls = await _calls(trial)
    trial.random.shuffle(calls)
    taken = False
    for call in calls:
        answer = await trial.system.lines.ask(call)
        trial.counts.errors += in_trouble(answer)
        taken = taken or answer.status // 100 == 2
    trial.counts.thieves_in += taken
    trial.counts.thieves_unnoticed += taken
    yield trial.system.past_grace
    await trial.owner_stays()


async def _calls(trial: Trial) -> list[Call]:
    """Each forgery of what the owner holds, presented where the real one would be."""
    system, held = trial.system, trial.owner.held
    keys = await system.public_keys()
    calls = [
        system.speech.protected(held._replace(access=each))
        for each in forgeries(held.access, keys, trial.random)
    ]
    if system.refreshes:
        calls += [
            system.speech.refresh(held._replace(refresh=each))
            for each in forgeries(held.refresh, keys, trial.random)
        ]
    return calls


def forgeries(token: str, keys: Sequence[bytes], random: Random) -> Iterator[str]:
    """What a forger without the secret could make of a token.

    Arguments:
        token: a JWT, another text, or cookies (`name=value; name=value`).
        keys: the system's public keys as PEM, each to be mistaken for a secret.
        random: chooses what is altered.
    """
    yield _in_each_value(token, lambda value: _made_up(value, random))
    yield _in_each_value(token, lambda value: _altered(value, random))
    if _is_jwt(token):
        yield _signed(token, "none", lambda _: b"")
        for key in (b"", *keys):
            yield _signed(token, "HS256", partial(_hmac, key))


def _in_each_value(token: str, forge: Callable[[str], str]) -> str:
    if "=" in token.rstrip("=") and not _is_jwt(token):
        return COOKIE_VALUE.sub(lambda found: forge(found[0]), token)
    return forge(token)


def _made_up(value: str, random: Random) -> str:
    """As long, and with the same signs in the same places."""
    return "".join(random.choice(LETTERS) if each.isalnum() else each for each in value)


def _altered(value: str, random: Random) -> str:
    """One letter of the last third is another one, whatever cases are worth.

    None of the last ones: the last letter of base64 holds bits that say nothing, and what pads it
    may follow in other letters (`%3D`).
    """
    places = [at for at in range(len(value) * 2 // 3, len(value) - PADDED) if value[at].isalnum()]
    at = random.choice(places)
    others = [each for each in LETTERS if each.lower() != value[at].lower()]
    return value[:at] + random.choice(others) + value[at + 1 :]


def _is_jwt(token: str) -> bool:
    try:
        return "alg" in json.loads(_decoded(token.partition(".")[0])) and token.count(".") == 2
    except ValueError:
        return False


def _signed(token: str, algorithm: str, sign: Callable[[bytes], bytes]) -> str:
    header, payload, _ = token.split(".")
    changed = json.loads(_decoded(header)) | {"alg": algorithm}
    text = f"{_encoded(json.dumps(changed).encode())}.{payload}"
    return f"{text}.{_encoded(sign(text.encode()))}"


def _hmac(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, hashlib.sha256)


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


FORGED = (
    Scenario(
        name="forged token",
        told=(
            "Tokens that are made up, altered, unsigned (`alg: none`) or signed with a public key"
            " for a secret are presented; one that is taken is a thief, and the session goes on."
        ),
        kind="thief",
        play=_forged,
        counted=STAYS | THIEF,
    ),
)
