"""docs/client.md says of the client's numbers what they are, and its errors are there."""

import re
from pathlib import Path

import pytest

import admit.client
from admit.client import answers, clocks, refusals, renewal

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "client.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "told",
    [
        f"ends within {clocks.MARGIN:g} s (or a fifth of its life",
        f"tried again after {renewal.EARLY_PAUSE:g} s",
        f"after {renewal.PAUSES[0]:g} s, doubled up to {renewal.PAUSES[-1]:g} s",
        f"tells the server for up to {renewal.GOODBYE_SECONDS:g} s",
        f"looks every {renewal.POLLS[0] * 1000:g} to {renewal.POLLS[-1] * 1000:g} ms",
        "for `patience` (30 s)",
        f"the same within {refusals.PAUSE:g} s (or a fifth of the token's life",
        f"three times `timeout` at most ({answers.SHARES * 10} s)",
        f"over {answers.LARGEST // 1024} KiB",
    ],
)
def test_a_number_is_told_as_it_is(told):
    assert told in " ".join(PAGE.split())


def test_every_name_is_told_and_is_there():
    for name in admit.client.__all__:
        assert getattr(admit.client, name).__name__ == name
        assert re.search(rf"`{name}\b", PAGE) or f"import {name}" in PAGE, name


def test_it_loads_no_server_and_no_keychain():
    from tests.core.test_public_api import HEAVY, loaded

    assert loaded("import admit.client") & (HEAVY | {"joserfc", "msgspec", "keyring"}) == {"httpx"}
