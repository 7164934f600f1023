"""The words of the pages, for templates and scripts alike: one file for each language."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources
from typing import Any

LANGUAGES = {"en": "English", "de": "Deutsch"}
"""Each language by what its speakers call it; the first one is for whoever wants none of them."""
ENGLISH = "en"
MOST_WANTED = 20
"""How many languages of a header are looked at: people list a handful."""
_WANTED = re.compile(r"([A-Za-z]{1,8})(?:-[A-Za-z0-9-]*)?(?:;q=([01](?:\.\d{0,3})?))?")
"""One of them, without spaces: a pattern that allows for them in each gap tries all ways to share
out a long run, and one header would hold up everybody."""

Texts = dict[str, Any]
"""Sections of sentences by their names."""


@cache
def texts(language: str) -> Texts:
    """Every text in this language, which must be one of `LANGUAGES`."""
    file = resources.files("admit.web") / "texts" / f"{language}.json"
    read: Texts = json.loads(file.read_text(encoding="utf-8"))
    return read


def language(asked: str | None, accepted: str) -> str:
    """The language of an answer.

    Arguments:
        asked: what the address asks for (`?lang=`), which goes first.
        accepted: what the browser accepts (`Accept-Language`, RFC 9110 section 12.5.4).
    """
    if asked in LANGUAGES:
        return asked
    listed = "".join(accepted.split()).split(",")[:MOST_WANTED]
    wanted = (_WANTED.fullmatch(each) for each in listed)
    ranked = [(float(each[2] or 1), each[1].lower()) for each in wanted if each]
    best = sorted((each for each in ranked if each[0] > 0), key=lambda each: -each[0])
    return next((name for _, name in best if name in LANGUAGES), ENGLISH)
