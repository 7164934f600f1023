"""How the pages look and sound: to axe-core, on the smallest phone, and with another theme."""

import json

import pytest

from tests.browser.axe import faults
from tests.browser.hosted import account, opened, signed_in_elsewhere


@pytest.fixture
def sites(new_sites):
    """The sites with the pages."""
    with new_sites(pages=True) as sites:
        yield sites


STATES = (
    "/auth/sign-in",
    "/auth/sign-up",
    "/auth/signed-out?reason=reuse_detected",
    "/auth/nothing",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(sites, new_context, scheme):
    context = new_context(color_scheme=scheme)
    tab, _ = opened(sites, context, "/plain")
    for state in STATES:
        tab.goto(sites.url + state)
        assert faults(tab) == [], state
    tab.goto(f"{sites.url}/auth/sign-up")
    tab.click("button[type=submit]")
    assert faults(tab) == []

    tab.close()
    tab, _ = account(sites, context)
    assert faults(tab) == []
    tab.click("#everywhere")
    assert faults(tab) == []


SIZES = """() => [...document.querySelectorAll("a, button, input")]
  .filter((each) => each.checkVisibility({ visibilityProperty: true }))
  .filter((each) => !each.matches(".unseen"))
  .map((each) => [each.outerHTML, each.getBoundingClientRect()])
  .filter(([, { width, height }]) => width < 44 || height < 44)
  .map(([html, { width, height }]) => `${width} x ${height}: ${html}`)"""


def test_on_the_smallest_phone_nothing_is_cut_off_and_everything_can_be_hit(sites, new_context):
    context = new_context(viewport={"width": 320, "height": 568}, has_touch=True)
    signed_in, _ = account(sites, context)
    for state in (None, *STATES):
        tab = signed_in if state is None else opened(sites, new_context(), state)[0]
        tab.set_viewport_size({"width": 320, "height": 568})
        assert tab.evaluate("document.documentElement.scrollWidth") == 320, state
        assert tab.evaluate(SIZES) == [], state


def test_on_the_smallest_phone_a_device_is_called_by_whole_words(sites, new_context):
    sites.have("ada")
    signed_in_elsewhere(sites, "odd")
    context = new_context(viewport={"width": 320, "height": 568}, locale="de-DE")
    tab, _ = account(sites, context)
    called = tab.get_by_text("Unbekanntes Gerät", exact=True)

    assert called.evaluate("(each) => each.getClientRects().length") == 1


def test_a_theme_changes_the_colours_and_can_load_nothing_of_anybody_else(
    new_sites, context, tmp_path
):
    theme = tmp_path / "theme.css"
    theme.write_text(
        ":root { --admit-accent: rgb(0 96 0); }"
        " body { background-image: url(https://evil.other.test/pixel); }"
    )
    with new_sites(pages=True, pages_theme=str(theme)) as sites:
        tab, watch = opened(sites, context, "/auth/sign-in")
        colour = tab.evaluate(
            "getComputedStyle(document.querySelector('button.main')).backgroundColor"
        )

    assert colour == "rgb(0, 96, 0)"
    assert [each for each in sites.wire.seen if each.host.startswith("evil")] == []
    assert json.dumps(watch.complaints).count("img-src") == 1
