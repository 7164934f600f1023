"""The texts: as many in each language, one for each reason and code, in the language asked for."""

import re
from html import unescape
from pathlib import Path
from typing import get_args

import pytest

from admit.errors import RefreshReason, Refusal
from admit.web.texts import LANGUAGES, language, texts

WEB = Path(__file__).resolve().parents[2] / "src" / "admit" / "web"


def flat(tree, path=""):
    """Every text by its whole name."""
    if isinstance(tree, str):
        return {path: tree}
    return {
        name: text
        for key, value in tree.items()
        for name, text in flat(value, f"{path}.{key}".lstrip(".")).items()
    }


def test_there_is_a_file_for_each_language_and_no_other():
    assert {each.stem for each in (WEB / "texts").iterdir()} == set(LANGUAGES)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_language_has_the_same_texts_with_the_same_gaps(lang):
    there, english = flat(texts(lang)), flat(texts("en"))

    assert there.keys() == english.keys()
    for name, text in there.items():
        assert text.strip() == text != ""
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(
            re.findall(r"\{\w+\}", english[name])
        ), name


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_code_and_every_reason_has_words(lang):
    codes = {each.code for each in Refusal.__subclasses__()} | {"network", "unexpected"}

    assert texts(lang)["codes"].keys() == codes
    assert texts(lang)["reasons"].keys() == {*get_args(RefreshReason), "other"}
    for each in texts(lang)["reasons"].values():
        assert each.keys() == {"title", "what", "advice"}


def test_every_text_that_a_script_asks_for_is_there():
    """A name that a script puts together is not seen here; whoever does that tests it."""
    english = texts("en")
    asked = [
        (path.name, *found)
        for path in (WEB / "static").rglob("*.js")
        if path.name != "client.js"
        for found in re.findall(r'words\("(\w+)", "(\w+)"', path.read_text(encoding="utf-8"))
    ]

    assert asked
    for script, section, name in asked:
        assert name in english[section], script


@pytest.mark.parametrize(
    ("asked", "accepted", "chosen"),
    [
        (None, "", "en"),
        (None, "de", "de"),
        (None, "de-AT,de;q=0.9,en;q=0.8", "de"),
        (None, "en-GB,de;q=0.9", "en"),
        (None, "fr,de;q=0.5,en;q=0.4", "de"),
        (None, "en;q=0.1, de;q=0.2", "de"),
        (None, "de;q=0", "en"),
        (None, "*", "en"),
        (None, "fr-CA", "en"),
        (None, "de;q=nonsense", "en"),
        (None, ",;,=" * 5_000, "en"),
        ("de", "en", "de"),
        ("en", "de", "en"),
        ("fr", "de", "de"),
        ("../de", "", "en"),
        ("", "de", "de"),
    ],
)
def test_the_language_is_the_one_asked_for_else_the_best_accepted(asked, accepted, chosen):
    assert language(asked, accepted) == chosen


@pytest.mark.anyio
async def test_a_page_is_written_in_that_language_and_says_so(browser):
    german = await browser.get("/auth/sign-in", headers={"Accept-Language": "de-CH, en;q=0.7"})
    english = await browser.get("/auth/sign-in")

    assert '<html lang="de">' in german.text
    assert "<h1>Anmelden</h1>" in german.text
    assert '<html lang="en">' in english.text
    assert "accept-language" in german.headers["vary"].lower()


@pytest.mark.anyio
async def test_the_language_that_was_asked_for_goes_along_with_the_links(browser):
    answer = await browser.get("/auth/sign-in?lang=de&return_to=/shop")

    assert 'href="/auth/sign-up?lang=de&amp;return_to=%2Fshop"' in answer.text
    assert 'href="?lang=en&amp;return_to=%2Fshop"' in answer.text


@pytest.mark.anyio
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("reason", [*get_args(RefreshReason), "other"])
async def test_why_one_was_signed_out_is_told_in_words(browser, lang, reason):
    answer = await browser.get("/auth/signed-out", params={"reason": reason, "lang": lang})

    for sentence in texts(lang)["reasons"][reason].values():
        assert sentence in unescape(answer.text)


@pytest.mark.anyio
@pytest.mark.parametrize("query", ["", "?reason=", "?reason=nonsense", "?reason=__class__"])
async def test_a_reason_that_nobody_knows_is_told_neutrally(browser, query):
    answer = await browser.get(f"/auth/signed-out{query}")

    assert answer.status_code == 200
    assert texts("en")["reasons"]["other"]["what"] in answer.text


@pytest.mark.anyio
async def test_from_signed_out_the_way_back_is_kept(browser):
    answer = await browser.get("/auth/signed-out?reason=expired&return_to=/shop")

    assert 'href="/auth/sign-in?return_to=%2Fshop"' in answer.text
