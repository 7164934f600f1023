"""Another site puts our page into a frame of its own, or a script gets into it: in Chromium.

What a policy says is read in tests/web; here is what a browser makes of it.
"""

import pytest

from tests.browser.hosted import opened
from tests.browser.sites import FOREIGN, SIBLING

FRAME = "<!doctype html><title>Frame</title><iframe src='{}/auth/sign-in'></iframe>"

TRIED = """async () => {
  globalThis.ran = [];
  const done = {};
  const attempt = (name, does) => {
    try { does(); done[name] = "done"; } catch (error) { done[name] = error.name; }
  };
  const script = document.createElement("script");
  attempt("text of a script", () => { script.text = "ran.push('text')"; });
  const named = document.createElement("script");
  attempt("address of a script", () => { named.src = "/auth/static/page.js"; });
  attempt("markup", () => { document.body.innerHTML = "<img src=x onerror='ran.push(1)'>"; });
  attempt("handler", () => document.body.setAttribute("onclick", "ran.push('handler')"));
  attempt("policy", () => trustedTypes.createPolicy("mine", { createHTML: (text) => text }));
  const style = document.createElement("style");
  style.append("body { color: rgb(1, 2, 3) }");
  document.head.append(style);
  done.style = getComputedStyle(document.body).color === "rgb(1, 2, 3)" ? "applied" : "refused";
  const link = document.createElement("a");
  link.href = "javascript:ran.push('link')";
  document.body.append(link);
  link.click();
  const image = new Image();
  image.src = "https://%s/pixel";
  await fetch("https://%s/pixel").catch((error) => { done.fetch = error.name; });
  document.body.click();
  done.ran = ran;
  return done;
}"""


@pytest.fixture
def sites(new_sites):
    """The sites with the pages."""
    with new_sites(pages=True) as sites:
        yield sites


@pytest.mark.parametrize("host", [FOREIGN, SIBLING])
def test_no_other_site_can_show_our_page_in_a_frame(sites, context, host):
    """Who types a password there would not see where."""
    sites.pages.put(host, "/frame", FRAME.format(sites.url))
    tab = context.new_page()
    with tab.expect_console_message(lambda said: "frame-ancestors" in said.text):
        tab.goto(f"https://{host}:{sites.wire.port}/frame")

    frame = tab.frames[1]
    assert frame.locator("input").count() == 0


def test_what_gets_into_the_page_runs_nothing_and_reaches_nobody(sites, context):
    tab, _ = opened(sites, context, "/auth/sign-in")
    foreign = f"{FOREIGN}:{sites.wire.port}"
    done = tab.evaluate(TRIED.replace("%s", foreign))

    assert done == {
        "text of a script": "TypeError",
        "address of a script": "TypeError",
        "markup": "TypeError",
        "handler": "TypeError",
        "policy": "TypeError",
        "style": "refused",
        "fetch": "TypeError",
        "ran": [],
    }
    assert [each for each in sites.wire.seen if each.host.startswith(FOREIGN)] == []
