"""The admin page as it is served: where it is on, and with words for all that it may show."""

import re
from pathlib import Path
from typing import get_args

import pytest

from admit.events import Kind
from admit.http.admin.trail import KINDS
from admit.model import EndedBecause
from admit.web.texts import texts

STATIC = Path(__file__).resolve().parents[2] / "src/admit/web/static"
SCRIPTS = {
    each.name: each.read_text(encoding="utf-8")
    for each in (STATIC / "admin.js", *STATIC.glob("admin/*.js"))
}
WRITERS = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("settings", "status"),
    [({"admin_role": "boss"}, 200), ({}, 404), ({"admin_role": "boss", "pages": False}, 404)],
)
async def test_it_is_there_where_pages_and_a_role_are_set(pages, settings, status):
    async with pages(**settings) as client:
        answer = await client.get("/auth/admin")
    assert answer.status_code == status
    assert ("nonce-" in answer.headers["content-security-policy"]) == (status == 200)


@pytest.mark.anyio
async def test_it_is_a_shell_that_says_nothing_of_anybody(pages):
    async with pages(admin_role="boss") as client:
        plain = (await client.get("/auth/admin")).text
        signed_in = (await client.get("/auth/admin", headers={"Cookie": "admit-refresh=x"})).text
    nonce = re.compile(r'nonce="[^"]+"')
    assert nonce.sub("", plain) == nonce.sub("", signed_in)


def test_every_kind_and_every_end_has_words():
    words = texts("en")["admin"]
    assert {f"kind_{each}" for each in get_args(Kind)} <= words.keys()
    assert {f"because_{each}" for each in get_args(EndedBecause)} <= words.keys()
    assert {f"why_{each}" for each in get_args(EndedBecause)} <= words.keys()
    for reason in ("unknown_login", "wrong_password", "disabled", "raced"):
        assert f"why_{reason}" in words
    for each in (*get_args(Kind), *KINDS):
        assert f'"{each}"' in SCRIPTS["events.js"] + SCRIPTS["chart.js"]


def test_every_text_that_a_script_asks_for_is_there_and_none_is_for_nothing():
    words = texts("en")["admin"]
    counted = {each.removesuffix("_other") for each in words if each.endswith("_other")}
    plain = {*counted, *words} - {f"{each}_{form}" for each in counted for form in ("one", "other")}
    everything = "".join(SCRIPTS.values())
    asked = set(re.findall(r'\b(?:text|fact)\(\s*"(\w+)"', everything))
    assert asked
    assert asked <= plain
    template = (STATIC.parent / "templates/admin.html").read_text(encoding="utf-8")
    named = set(re.findall(r'"(\w+)"', everything)) | set(re.findall(r"words\.(\w+)", template))
    made = ("kind_", "why_", "because_", "detail_")
    assert {each for each in plain if not each.startswith(made)} <= named


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_makes_markup_of_text(name):
    assert not [each for each in WRITERS if each in SCRIPTS[name]]
