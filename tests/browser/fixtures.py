"""Debian's Chromium, and the sites that it visits; nothing here is a stand-in for a browser.

Playwright's own loop runs in the thread of the tests for as long as it is started, and asyncio
can't run another one beside it. So it lives as long as one file of tests, and such a file has no
test that is async itself.
"""

import json
import shutil
from functools import partial

import pytest

from tests.servers import PATIENCE, missing

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--ignore-certificate-errors",  # on which Chromium also lets nobody register a worker
    "--host-resolver-rules=MAP *.test 127.0.0.1",
]


OTHERS_COOKIES = {"profile": {"cookie_controls_mode": 0, "block_third_party_cookies": False}}
"""The preference of who lets other sites' cookies through; a private window never does."""

NO_COOKIES = {"profile": {"default_content_setting_values": {"cookies": 2}}}


class Program:
    """How Debian's Chromium is started."""

    def __init__(self, type_):
        self._type = type_
        self._how = {
            "executable_path": shutil.which("chromium") or missing("Chromium"),
            "args": FLAGS,
            # Playwright turns it off, and people have it.
            "ignore_default_args": ["--disable-back-forward-cache"],
        }

    def private(self):
        """One whose contexts are private windows."""
        return self._type.launch(**self._how)

    def lenient(self, profile):
        """The one context of one with a profile, which lets other sites' cookies through."""
        return self._preferring(profile, OTHERS_COOKIES)

    def without_cookies(self, profile):
        """The one context of one with a profile, which lets no cookies in at all."""
        return self._preferring(profile, NO_COOKIES)

    def _preferring(self, profile, preferences):
        (profile / "Default").mkdir(parents=True)
        (profile / "Default/Preferences").write_text(json.dumps(preferences))
        return self._type.launch_persistent_context(profile, **self._how)


@pytest.fixture(scope="module")
def program():
    """Debian's Chromium for a file of tests."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield Program(playwright.chromium)


@pytest.fixture(scope="module")
def chromium(program):
    """One Chromium for a file of tests."""
    browser = program.private()
    yield browser
    browser.close()


def patient(context):
    """Let nothing in it be given up before it hangs."""
    context.set_default_timeout(PATIENCE * 1000)
    context.set_default_navigation_timeout(PATIENCE * 1000)
    return context


@pytest.fixture
def lenient_context(program, tmp_path, no_cover):
    """A browser that sends a site's cookies also where another site asks, if they allow it.

    Chromium does so by itself, and not in a private window, which every other context here is.
    """
    context = patient(program.lenient(tmp_path / "profile"))
    yield context
    context.close()


@pytest.fixture
def new_context(chromium, no_cover):
    """Makes a browser of somebody's own: cookies and storage that no other has."""
    made = []

    def make(**options):
        context = patient(chromium.new_context(**options))
        made.append(context)
        return context

    yield make
    for each in made:
        each.close()


@pytest.fixture
def context(new_context):
    """The browser of somebody who comes for the first time."""
    return new_context()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """What every site shows; Chromium is told to ask for no better one."""
    from tests.certificates import self_signed

    return self_signed(tmp_path_factory.mktemp("certificate"), "*.test")


@pytest.fixture
def new_sites(tmp_path, certificate, no_cover):
    """Starts the sites with settings of the test's own, for the length of a block."""
    from tests.browser.sites import opened

    return partial(opened, tmp_path, certificate)


@pytest.fixture
def sites(new_sites):
    """The sites with the settings as they are by default, but for limits on attempts."""
    with new_sites() as sites:
        yield sites
