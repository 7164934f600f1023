"""An installation with people in it, their devices and what happened, and one who administers."""

import asyncio
import secrets
import threading
import time
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec

from admit import Admit
from admit.events import event
from admit.model import Origin
from admit.testing import samples
from admit.testing.http_contract import Clock
from tests.browser.sites import OURS, PASSWORD
from tests.cheap import cheap

ROLE = "boss"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)
HOUR = 3_600.0
SIGN_IN = """async (body) => {
  const headers = { "Content-Type": "application/json" };
  const asked = { method: "POST", headers, body: JSON.stringify(body) };
  const answer = await fetch("/auth/login", asked);
  return answer.status;
}"""


class Administered:
    """What tests know of it: the sites, and what is written into the store beside the server.

    Arguments:
        sites: runs with the admin API and the pages.
        data_dir: where its store is.
    """

    def __init__(self, sites, data_dir):
        self.sites = sites
        self.now = sites.clock.now
        self._data_dir = data_dir
        self.ids: dict[str, str] = {}

    def beside(self, work):
        """What `work` returns, with an engine of another process over the same store.

        In a thread of its own: Playwright's loop runs in that of the tests.
        """
        found: list[Any] = []

        async def run():
            made = cheap(data_dir=self._data_dir, base_url=self.sites.url, throttle="off")
            async with Admit(made, clock=self.sites.clock, watch=False) as auth:
                found.append(await work(auth))

        thread = threading.Thread(target=lambda: asyncio.run(run()))
        thread.start()
        thread.join()
        (answer,) = found
        return answer

    def have(self, **roles):
        """These have accounts by now, each with these roles, and can sign in."""

        async def work(auth):
            for name, held in roles.items():
                user = await auth.accounts.register(
                    email=f"{name}@example.com",
                    password=PASSWORD,
                    username=f"{name}.{name}",
                    roles=held,
                    now=self.now,
                )
                self.ids[name] = user.id

        self.beside(work)

    def sign_in(self, name, *, user_agent=FIREFOX, password=PASSWORD):
        """Somebody signs in with a device, or tries to; what the server answers."""
        return httpx.post(
            f"http://127.0.0.1:{self.sites.wire.to}/auth/login",
            json={"login": f"{name}@example.com", "password": password, "delivery": "body"},
            headers={"Host": OURS, "User-Agent": user_agent},
        )

    def crowd(self, count, prefix="crowd"):
        """So many accounts that nobody signs in to, in the order of their names."""

        async def work(auth):
            made = [self.account(f"{prefix}{number:05}") for number in range(count)]
            registered = event("user_registered", now=self.now)
            for start in range(0, count, 1_000):
                await auth.store.add_users(made[start : start + 1_000], event=registered)

        self.beside(work)

    def account(self, name, **changes):
        """An account of the store, as it is written."""
        user = {"id": secrets.token_hex(16), "email": f"{name}@example.com", "roles": ()}
        made = msgspec.structs.replace(samples.account(name).user, **user | changes)
        return samples.account(name, user=made)

    def happened(self, *events):
        """These are in the audit trail."""

        async def work(auth):
            await asyncio.gather(*map(auth.store.record, events))

        self.beside(work)

    def page(self, context, hash_="", who="ada"):
        """A tab with the admin page, where this person signed in a moment ago."""
        tab = context.new_page()
        tab.goto(f"{self.sites.url}/auth/signed-out")
        body = {"login": f"{who}@example.com", "password": PASSWORD}
        assert tab.evaluate(SIGN_IN, body) == 200
        tab.goto(f"{self.sites.url}/auth/admin{hash_}")
        return tab


def failed(name_or_none, *, at, reason="wrong_password"):
    """A sign-in that was refused."""
    origin = Origin(ip="203.0.113.9", user_agent=FIREFOX)
    return event("sign_in_failed", now=at, user_id=name_or_none, reason=reason, origin=origin)


@contextmanager
def administered(new_sites, data_dir, **settings):
    """The installation, for the length of a block: `ada` administers, `bob` is anybody."""
    clock = Clock(time.time())  # the page asks what was lately by the time of the answers
    with new_sites(pages=True, admin_role=ROLE, clock=clock, **settings) as sites:
        story = Administered(sites, data_dir)
        story.have(ada=(ROLE,), bob=())
        yield story
