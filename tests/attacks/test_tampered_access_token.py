"""A genuine access token, changed in each of its parts."""

import pytest

from admit.testing.http_caller import refused

from .forging import encoded, opened

pytestmark = pytest.mark.anyio
SHAPES = {
    "padded": lambda token: token + "=",
    "padded twice": lambda token: token + "==",
    "a dot at the end": lambda token: token + ".",
    "a dot at the start": lambda token: "." + token,
    "four parts": lambda token: token + ".AA",
    "an empty part": lambda token: token.replace(".", "..", 1),
    "a tab": lambda token: token.replace(".", "\t.", 1),
    "cut in half": lambda token: token[: len(token) // 2],
    "an escape": lambda token: token + "%00",
    "a question mark": lambda token: token + "?",
    "no signature": lambda token: token.rpartition(".")[0] + ".",
    "the other alphabet": lambda token: token.replace("-", "+").replace("_", "/") + "+",
    "quoted": lambda token: f'"{token}"',
    "twice, with a comma": lambda token: f"{token},{token}",
    "twice, with a space": lambda token: f"{token} {token}",
    "over 8 KiB": lambda token: token + "A" * 8_192,
    "60 kB": lambda _: "A" * 60_000,
    "dots": lambda _: ".." * 1_000,
    "empty objects": lambda _: "e30.e30.e30",
}


async def test_a_changed_character_anywhere_is_refused(service):
    """At the ends and in the middle of each part; the spare bits of the last character included."""
    await service.register()
    good = (await service.sign_in())["access_token"]
    assert await service.me(good) == 200  # remembered: a near miss must not hit the memory
    places = {*range(0, len(good), 11), len(good) - 1}
    ends = {at + step for at, each in enumerate(good) if each == "." for step in (-1, 1)}
    for at in sorted(places | ends):
        for other in "AQgw-9":
            if good[at] in {other, "."}:
                continue
            answer = await service.send("GET", "/me", bearer=good[:at] + other + good[at + 1 :])
            refused(answer, 401, "invalid_token")
    assert await service.me(good) == 200


async def test_claims_that_are_swapped_are_refused(service):
    """One's own signature under somebody else's claims."""
    await service.register()
    await service.register("bob@example.com")
    ada = (await service.sign_in())["access_token"].split(".")
    bob = (await service.sign_in("bob@example.com"))["access_token"].split(".")
    mixed = ".".join((ada[0], bob[1], ada[2]))
    refused(await service.send("GET", "/me", bearer=mixed), 401, "invalid_token")
    header, claims = opened(".".join(ada))
    for better in ({"roles": ["admin"]}, {"exp": 2**40}, {"sub": "x"}):
        forged = ".".join((ada[0], encoded({**claims, **better}), ada[2]))
        refused(await service.send("GET", "/me", bearer=forged), 401, "invalid_token")
    assert header["typ"] == "at+jwt"


async def test_another_shape_is_refused(service):
    """One character outside the alphabet, one part more or less, or over 8 KiB."""
    await service.register()
    good = (await service.sign_in())["access_token"]
    for change in SHAPES.values():
        answer = await service.send("GET", "/me", bearer=change(good))
        refused(answer, 401, "invalid_token")


async def test_bytes_beyond_ascii_are_refused(service):
    """In every place where a token may stand: 401, never 500."""
    await service.register()
    tokens = await service.sign_in()
    for raw in (b"\xe9", b"\xff\xfe", "é".encode(), "\u0661".encode(), b"\x80"):
        for name, token, code in (
            (b"Authorization", b"Bearer " + tokens["access_token"].encode(), "invalid_token"),
            (b"Refresh-Token", tokens["refresh_token"].encode(), "refresh_refused"),
        ):
            method, path = ("GET", "/me") if name == b"Authorization" else ("POST", "/refresh")
            answer = await service.client.request(
                method, f"/auth{path}", headers=[(name, token[:-1] + raw)]
            )
            refused(answer, 401, code)
