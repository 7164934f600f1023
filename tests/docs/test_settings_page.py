"""docs/settings.md tells every setting, its true default, and an example that works."""

import re
from dataclasses import fields
from pathlib import Path
from secrets import token_urlsafe

import pytest

from admit import Settings
from admit.settings import variable

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| `(\w+)=(.+?)` \| (.+) \|$", re.MULTILINE)
ROWS = {row[1]: row for row in ROW.finditer(PAGE)}
NAMES = [each.name for each in fields(Settings)]

STORES = re.compile("sqlite://|postgresql://|dynamodb://|PostgreSQL|DynamoDB")

NO_SECRET = "…"
"""An example that worked would end up in somebody's deployment."""

NEEDS = {
    "access_ttl": {"refresh_ttl": "7d"},
    "cookie_samesite": {
        "base_url": "https://example.com",
        "allowed_origins": "https://app.example.com",
    },
}
"""What an example wants beside it."""


def test_every_setting_is_told_once_and_nothing_else_is() -> None:
    assert sorted(row[1] for row in ROW.finditer(PAGE)) == sorted(NAMES)


def read(texts: dict[str, str]) -> Settings:
    """The settings that these texts make, whatever this machine's environment holds."""
    return Settings.load(environ={}, dotenv=None, **texts)


@pytest.mark.parametrize("name", NAMES)
def test_the_variable_is_the_settings_own(name: str) -> None:
    assert ROWS[name][3] == variable(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_default_is_the_one_in_the_code(name: str) -> None:
    told = re.fullmatch(r"`([^`]+)`", ROWS[name][2])
    default = next(each.default for each in fields(Settings) if each.name == name)

    if told is None:  # in words, where there is no value to type
        assert default in {(), ""}
    else:
        assert getattr(read({name: told[1]}), name) == default


@pytest.mark.parametrize("name", NAMES)
def test_the_example_works_and_differs_from_the_default(name: str) -> None:
    default = next(each.default for each in fields(Settings) if each.name == name)

    example = ROWS[name][4].replace(NO_SECRET, token_urlsafe(32))

    assert getattr(read({name: example, **NEEDS.get(name, {})}), name) != default


@pytest.mark.parametrize("name", NAMES)
def test_the_page_says_no_less_than_the_code(name: str) -> None:
    about = next(each.metadata["about"] for each in fields(Settings) if each.name == name)
    first = re.split(r"[.:;,(]", about.replace("`", ""))[0].strip()

    assert first in ROWS[name][5].replace("`", "")


@pytest.mark.parametrize("name", NAMES)
def test_the_page_names_every_store_that_the_code_names(name: str) -> None:
    about = next(each.metadata["about"] for each in fields(Settings) if each.name == name)

    assert set(STORES.findall(about)) <= set(STORES.findall(ROWS[name][5]))


GIVEN = re.compile(r"`(?:Admit\()?([a-z]\w*=[^,()`]+(?:,\s\w+=[^,()`]+)*)\)?`")


def given() -> list[tuple[str, str]]:
    """Settings that the other pages give in passing, as code gives them: the page and they."""
    pages = sorted((ROOT / "docs").rglob("*.md"))
    texts = [(each.name, each.read_text(encoding="utf-8")) for each in pages]
    return [(page, found) for page, text in texts for found in GIVEN.findall(text)]


def test_what_other_pages_say_to_set_can_be_set() -> None:
    told = [
        (page, dict(part.split("=", 1) for part in re.split(r",\s", each)))
        for page, each in given()
    ]
    told = [(page, texts) for page, texts in told if texts.keys() <= set(NAMES)]

    assert ("frameworks.md", {"data_dir": "tmp_path", "throttle": '"off"'}) in told
    for _, texts in told:
        read({name: text.strip('"') for name, text in texts.items()})
