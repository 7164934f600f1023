"""A picture of each page, light and dark, on a phone and on a desk; and what can be told of it.

`PICTURES=docs/pictures` writes them there, for the docs.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.fixtures import patient
from tests.browser.hosted import complaints, sign_in
from tests.browser.pictured import from_here, installed, looked_at, past_clock
from tests.browser.sites import opened
from tests.browser.watching import Watch
from tests.servers import PATIENCE

pytestmark = pytest.mark.no_cover
expect.set_options(timeout=PATIENCE * 1000)

SIZES = {"phone": (390, 844), "desktop": (1280, 800)}
ADA = "ada@example.com"


@pytest.fixture(scope="module")
def story(tmp_path_factory, certificate):
    data_dir = tmp_path_factory.mktemp("pictured")
    settings = {"pages": True, "admin_role": "admin", "trusted_proxies": "127.0.0.1"}
    with opened(data_dir, certificate, clock=past_clock(), **settings) as sites:
        yield installed(sites, data_dir)


@pytest.fixture(scope="module")
def browser(chromium):
    context = patient(chromium.new_context(locale="en-GB", timezone_id="Europe/Berlin"))
    yield context
    context.close()


@pytest.fixture
def tab(story, browser):
    story.sites.wire.rule = from_here
    tab = browser.new_page()
    yield tab
    tab.close()


@pytest.fixture
def pictures(tmp_path):
    """Where the pictures go."""
    directory = Path(os.environ.get("PICTURES") or tmp_path)
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def go(tab, story, path):
    tab.goto(f"{story.sites.url}/auth/{path}")


def signing_in(tab, story):
    go(tab, story, "sign-in")


def wrong_password(tab, story):
    go(tab, story, "sign-in")
    sign_in(tab, ADA, "not her password")
    tab.get_by_role("alert").wait_for()


def signing_up(tab, story):
    go(tab, story, "sign-up")


def signed_out(tab, story):
    go(tab, story, "signed-out?reason=reuse_detected")


def account(tab, story):
    """Whoever comes here isn't signed in yet, and is sent to where that is done, and back."""
    go(tab, story, "account")
    tab.wait_for_url("**/auth/sign-in?**")
    sign_in(tab, ADA)
    tab.wait_for_selector("#account:not([hidden])")
    expect(tab.locator("#devices > li")).to_have_count(4)


def section(tab, story, hash_, seen):
    tab.goto("about:blank")  # the section is loaded with its page, not shown in it
    go(tab, story, f"admin#{hash_}")
    tab.locator(seen).first.wait_for()


PAGES: dict[str, Callable[..., None]] = {
    "sign-in": signing_in,
    "sign-in-refused": wrong_password,
    "sign-up": signing_up,
    "signed-out": signed_out,
    "account": account,  # from here on she is signed in
    "admin-users": partial(section, hash_="users", seen="tbody tr"),
    "admin-trail": partial(section, hash_="trail", seen="tbody tr"),
    "admin-chart": partial(section, hash_="activity", seen="main svg"),
}


def taken(tab, scheme, size, *, whole):
    """The page as it looks then, or the whole of it, once it has come to rest."""
    width, height = SIZES[size]
    tab.set_viewport_size({"width": width, "height": height})
    tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    return tab.screenshot(full_page=whole, animations="disabled", caret="hide")


def test_each_page_is_good_to_look_at(story, browser, tab, pictures):
    """Nothing is cut off, nothing complains, nobody else is asked; and dark is dark."""
    watch = Watch(tab)
    eye = browser.new_page()  # a page without a policy, which may decode a picture
    for name, show in PAGES.items():
        show(tab, story)
        for size, (width, height) in SIZES.items():
            seen = {}
            for scheme in ("light", "dark"):
                picture = taken(tab, scheme, size, whole=name == "account")
                (pictures / f"{name}-{size}-{scheme}.png").write_bytes(picture)
                seen[scheme] = looked_at(eye, picture)
                assert seen[scheme]["width"] == width, name
                assert seen[scheme]["height"] >= height, name
                assert seen[scheme]["colours"] > 20, name  # letters have soft edges
            assert seen["light"]["light"] > 0.75, name
            assert seen["dark"]["light"] < 0.35, name
    assert complaints(watch) == []
    assert watch.origins == {story.sites.url}
