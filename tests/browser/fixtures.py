"""Debian's Chromium, and the sites that it visits; nothing here is a stand-in for a browser.

Playwright's own loop runs in the thread of the tests for as long as it is started, and asyncio
can't run another one beside it. So it lives as long as one file of tests, and such a file has no
test that is async itself.
"""

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


@pytest.fixture(scope="module")
def chromium():
    """One Chromium for a file of tests."""
    program = shutil.which("chromium") or missing("Chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def new_context(chromium, no_cover):
    """Makes a browser of somebody's own: cookies and storage that no other has."""
    made = []

    def make(**options):
        context = chromium.new_context(**options)
        context.set_default_timeout(PATIENCE * 1000)
        context.set_default_navigation_timeout(PATIENCE * 1000)
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
