"""What somebody wrote into their address, name, device or role runs in nobody's browser.

The most that an attacker has is text that an administrator looks at: everything is written into the
store as it might come from an import, from an app's own table, or from a header of a request.
"""

import secrets
from functools import partial

import msgspec
import pytest
from playwright.sync_api import expect

from admit.events import event
from admit.model import Origin
from admit.testing import samples
from tests.browser.administered import administered
from tests.browser.sites import opened
from tests.browser.watching import Watch
from tests.servers import PATIENCE

expect.set_options(timeout=PATIENCE * 1000)
pytestmark = pytest.mark.no_cover
IMAGE = "<img src=x onerror=ran=1>"
LINK = "javascript:ran=1//"
BREAKING_OUT = "\"'></bdi></script><script>ran=1</script><svg onload=ran=1>"
TURNED = "moc.live\u202egpj.exe\u202c\u2066\u200b\ufeff\x07"
"""Turns the direction of text, and holds what can't be seen."""
LONG = "x" * 200
HOSTILE = {
    "a": IMAGE,
    "b": LINK,
    "c": BREAKING_OUT,
    "d": TURNED,
    "e": "{{ ran }} ${ran=1} {email} %s",
    "f": "__proto__",
    "g": LONG,
}
UNSEEN = "\u202e\u202c\u2066\u200b\ufeff\x07"
EVIDENCE = """(unseen) => ({
  ran: "ran" in globalThis,
  made: document.querySelectorAll("main img, main script, main iframe, main svg [onload]").length,
  links: [...document.links].map((link) => link.protocol).filter((each) => each !== "https:"),
  handlers: [...document.querySelectorAll("*")].flatMap((each) =>
    each.getAttributeNames().filter((name) => name.startsWith("on"))),
  unseen: [...document.querySelectorAll("body, body *")].flatMap((each) => [
    ...[...each.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data),
    ...[...each.attributes].map((attribute) => attribute.value),
  ]).filter((text) => [...unseen].some((character) => text.includes(character))),
  title: [...unseen].some((character) => document.title.includes(character)),
  wider: document.documentElement.scrollWidth > innerWidth,
})"""
NOTHING = {
    "ran": False,
    "made": 0,
    "links": [],
    "handlers": [],
    "unseen": [],
    "title": False,
    "wider": False,
}


@pytest.fixture(scope="module")
def story(tmp_path_factory, certificate):
    data_dir = tmp_path_factory.mktemp("hostile")
    with administered(partial(opened, data_dir, certificate), data_dir) as story:
        story.beside(lambda auth: _hostile(auth, story))
        yield story


async def _hostile(auth, story):
    """Users, sessions and events that hold each text wherever a text is kept."""
    for key, text in HOSTILE.items():
        origin = Origin(ip=text, user_agent=text)
        base = samples.account(key)
        user = msgspec.structs.replace(
            base.user,
            id=f"id-{key}",
            email=f"{text}@example.com",
            username=text,
            roles=(text, "plain"),
        )
        told = event("user_registered", now=story.now, user_id=user.id, origin=origin)
        account = samples.account(key, user=user, email_key=f"{text}@example.com".lower())
        assert await auth.store.add_user(account, event=told) is None
        session = samples.session(
            id=secrets.token_urlsafe(16),
            user_id=user.id,
            opened_at=story.now,
            rotated_at=story.now,
            expires_at=story.now + 3_600,
            ends_at=story.now + 7_200,
            ip=text,
            user_agent=text,
        )
        signed_in = event(
            "signed_in", now=story.now, origin=origin, user_id=user.id, session_id=session.id
        )
        assert await auth.store.open_session(
            session, password_version=0, event=signed_in, replaces=None
        )
        failed = event(
            "sign_in_failed", now=story.now, origin=origin, reason=text, by=text, roles=text
        )
        await auth.store.record(failed)
        await auth.store.record(msgspec.structs.replace(failed, user_id=text, session_id=text))


def _look(tab):
    return tab.evaluate(EVIDENCE, UNSEEN)


def test_nothing_that_was_stored_runs_on_the_admin_page(story, context):
    tab = story.page(context)
    watch = Watch(tab)
    places = ["users", "sessions", "trail", "activity", f"users?search={IMAGE}"]
    for place in [*places, *(f"users/id-{key}" for key in HOSTILE)]:
        tab.goto(f"{story.sites.url}/auth/admin#{place}")
        expect(tab.locator("main tbody tr").first).to_be_attached()
        expect(tab.locator("[aria-busy=true]")).to_have_count(0)
        for width in (1280, 390):
            tab.set_viewport_size({"width": width, "height": 800})
            assert _look(tab) == NOTHING, place
        if place == "users/id-d":
            expect(tab.get_by_role("heading", level=1)).to_contain_text("[U+202E]")
    assert not [each for each in watch.complaints if "404" not in each]  # a user who is gone
    assert watch.origins == {story.sites.url}
    tab.locator("main").get_by_role("button", name="End").first.click()
    assert _look(tab) == NOTHING
    # And the policy is there, should we ever forget: markup is not taken from anybody.
    said = tab.evaluate(
        "() => { try { document.body.innerHTML = '<p>'; } catch (error) { return error.name; } }"
    )
    assert said == "TypeError"


def test_an_address_that_somebody_sends_does_nothing(story, context):
    tab = story.page(context)
    watch = Watch(tab)
    story.sites.wire.forget()
    for hash_ in (
        f"users/{IMAGE}",
        f"{LINK}",
        f"users/{LINK}",
        "users/..%2F..%2Flogout",
        "sessions/..%2Fusers%2F" + story.ids["bob"] + "%2Fdisable",
        f"trail?user={BREAKING_OUT}&kind={IMAGE}&since={LINK}",
        "activity?span=__proto__",
        "users/%E0%A4%A",
    ):
        tab.goto(f"{story.sites.url}/auth/admin#{hash_}")
        tab.evaluate("new Promise((done) => setTimeout(done))")  # after `hashchange`
        expect(tab.locator("[aria-busy=true], #loading:visible")).to_have_count(0)
        expect(tab.locator("#section > *").first).to_be_attached()
        assert _look(tab) == NOTHING, hash_
    assert not [each for each in watch.complaints if "404" not in each and "422" not in each]
    asked = {each.method for each in story.sites.wire.seen if "/auth/admin/" in each.path}
    assert asked == {"GET"}
    assert story.sign_in("bob").status_code == 200
