"""Whether a zip for AWS Lambda works: it answers with nothing beside it, or equals one that did."""

from __future__ import annotations

import os
import platform
import re
import secrets
import struct
import subprocess
import sys
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import botocore.session

from desk.bundle import PROCESSORS, ROOT, interpreter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from desk.bundle import Target

ELF_MACHINES = {"x86_64": 62, "arm64": 183}
"""`e_machine` in the header of a compiled library (ELF, figure 1-4 and its supplements)."""

ALONE = Path(__file__).with_name("alone.py")
ANSWER_SECONDS = 60
NAME, REGION = "admit", "eu-central-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "emulated", "AWS_SECRET_ACCESS_KEY": "emulated"}
"""An emulator takes any."""


class Flaw(Exception):
    """A zip that would not work on Lambda, and why."""


def check(zips: Mapping[Target, Path]) -> str:
    """Look at each zip, have those answer that can run here, and tell what was seen.

    Raises:
        Flaw: a library is for another processor, a module is missing, or it does not answer.
    """
    for target, path in zips.items():
        libraries(target, path)
    ran = [each for each in zips if runs_here(each)]
    with emulated() as settings:
        answers = [answer(each, zips[each], settings) for each in ran]
    lines = [f"{each.processor}: answered {said}" for each, said in zip(ran, answers, strict=True)]
    lines += [_compared(each, zips, ran) for each in zips if each not in ran]
    return "\n".join(lines)


def _compared(other: Target, zips: Mapping[Target, Path], ran: list[Target]) -> str:
    if not ran:
        return (
            f"{other.processor}: its libraries are for it; nothing was run, for here is no"
            f" python{other.python} on {other.processor}"
        )
    lacking = modules(zips[ran[0]]) ^ modules(zips[other])
    if lacking:
        raise Flaw(f"{sorted(lacking)} are in one of the zips only.")
    return f"{other.processor}: the same modules, its libraries are for it"


def libraries(target: Target, path: Path) -> list[str]:
    """The compiled libraries of this zip, all of them for this processor.

    Raises:
        Flaw: one is not, or there is none.
    """
    with zipfile.ZipFile(path) as packed:
        found = [each for each in packed.namelist() if re.search(r"\.so(\.|$)", each)]
        for name in found:
            (machine,) = struct.unpack_from("<H", packed.read(name), 18)
            if machine != ELF_MACHINES[target.processor]:
                raise Flaw(f"{name} is for another processor than {target.processor}.")
    if not found:
        raise Flaw(f"{path.name} holds no compiled library.")
    return found


def modules(path: Path) -> set[str]:
    """What the zip holds, by names that don't tell the processor."""
    wheel_names = "|".join([*PROCESSORS, *PROCESSORS.values()])
    names = [each.filename for each in entries(path)]
    return {re.sub(rf"-({wheel_names})-linux-gnu", "", name) for name in names}


def entries(path: Path) -> list[zipfile.ZipInfo]:
    """The files of a zip."""
    with zipfile.ZipFile(path) as packed:
        return packed.infolist()


def answer(target: Target, path: Path, settings: Mapping[str, str]) -> str:
    """What the handler answers from this zip, unpacked, where no other package is.

    Arguments:
        target: what it was built for; this machine must be able to run it.
        path: the zip.
        settings: the environment of both functions.

    Raises:
        Flaw: it does not answer 201 to a registration.
    """
    python = interpreter(target.python)
    assert python, f"there is no python{target.python} here"
    with tempfile.TemporaryDirectory() as work:
        tree = Path(work) / "task"
        with zipfile.ZipFile(path) as packed:
            packed.extractall(tree)
        told = subprocess.run(
            [python, "-I", "-S", "-B", str(ALONE), str(tree)],
            capture_output=True,
            text=True,
            check=False,
            timeout=ANSWER_SECONDS,
            cwd=work,
            env={"PATH": os.defpath, **settings},
        )
    if told.returncode or not told.stdout.startswith("201 "):
        raise Flaw(f"{path.name} does not answer: {told.stdout}{told.stderr}")
    return told.stdout.strip()


@contextmanager
def emulated() -> Iterator[dict[str, str]]:
    """What both functions have to be told, for the length of a block.

    The table and the secret are an emulator's: what is left of botocore has to do for both.
    """
    emulator = subprocess.Popen(
        [sys.executable, "-m", "desk.table", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    )
    assert emulator.stdout
    try:
        place = f"region={REGION}&endpoint={emulator.stdout.readline().strip()}"
        _keep_a_secret(place.rpartition("=")[2])
        yield {
            "ADMIT_AUTHORIZER_KEY": secrets.token_urlsafe(48),
            "ADMIT_BASE_URL": "https://auth.example.com",
            "ADMIT_DATABASE_URL": f"dynamodb://{NAME}?{place}",
            "ADMIT_SECRET_SOURCE": f"secretsmanager:{NAME}?{place}",
            **CREDENTIALS,
        }
    finally:
        emulator.kill()
        emulator.wait()
        emulator.stdout.close()


def _keep_a_secret(address: str) -> None:
    client = botocore.session.get_session().create_client(
        "secretsmanager",
        region_name=REGION,
        endpoint_url=address,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )
    client.create_secret(Name=NAME, SecretString=secrets.token_urlsafe(48))
    client.close()


def runs_here(target: Target) -> bool:
    """Whether this machine has what it was built for."""
    return target.processor == own_processor() and interpreter(target.python) is not None


def own_processor() -> str:
    """This machine's processor, as Lambda calls it."""
    return {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
