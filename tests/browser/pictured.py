"""People, devices and a week that never were, for pictures; and what a picture shows."""

import base64
import random
import time

from admit.events import Kind, event
from admit.model import Origin
from admit.testing.http_contract import Clock
from tests.browser.administered import FIREFOX, IPHONE, Administered
from tests.browser.sites import PASSWORD

DAY = 86_400.0
WINDOWS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0"
)
ANDROID = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Mobile Safari/537.36"
)
MAC = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.5 Safari/605.1.15"
)
DEVICES = (WINDOWS, ANDROID, MAC, IPHONE, FIREFOX)
PEOPLE = {
    "ada": "ferris",
    "bela": "novak",
    "chiara": "conti",
    "dmitri": "orlov",
    "elif": "aydin",
    "farid": "rahimi",
    "greta": "holm",
    "hana": "sato",
}
ROLES = {"ada": ("admin",), "chiara": ("editor",), "farid": ("editor", "support")}
HERE = "198.51.100.24"
"""Where the one who administers sits: addresses of RFC 5737 are nobody's."""

LOOK = """async (picture) => {
  const bytes = Uint8Array.from(atob(picture), (each) => each.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const { width, height } = image;
  const canvas = new OffscreenCanvas(width, height).getContext("2d");
  canvas.drawImage(image, 0, 0);
  const { data } = canvas.getImageData(0, 0, width, height);
  const colours = new Set();
  let light = 0;
  const step = 4 * 3; // each third pixel says as much
  for (let at = 0; at < data.length; at += step) {
    colours.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]);
    light += data[at] + data[at + 1] + data[at + 2];
  }
  return { width, height, colours: colours.size, light: (light * step) / (data.length * 3 * 255) };
}"""


def looked_at(tab, picture):
    """How large it is, how many colours are in it, and how light it is, from 0 to 1.

    Arguments:
        tab: a page without a policy, whose browser decodes it.
        picture: the bytes of a PNG.
    """
    return tab.evaluate(LOOK, base64.b64encode(picture).decode())


class Installation(Administered):
    """One that is a week old, and was busy."""

    def settle(self):
        """Everybody has an account, some of them for long."""

        async def work(auth):
            for number, (name, surname) in enumerate(PEOPLE.items()):
                user = await auth.accounts.register(
                    email=f"{name}@example.com",
                    password=PASSWORD,
                    username=f"{name}.{surname}",
                    roles=ROLES.get(name, ()),
                    now=self.now - number * 11 * DAY,
                )
                self.ids[name] = user.id

        self.beside(work)

    def visit(self, name, user_agent, ip):
        """Somebody signs in with a device, at another address."""
        given = {"login": f"{name}@example.com", "password": PASSWORD, "delivery": "body"}
        self.sites.post("/auth/login", given, User_Agent=user_agent, X_Forwarded_For=ip)

    def past(self, dice, until):
        """What happened in the last day but at the devices of these tests."""
        chances: list[tuple[Kind, int, str | None]] = [
            ("signed_in", 70, None),
            ("sign_in_failed", 18, "wrong_password"),
            ("reuse_detected", 3, "reuse_detected"),
        ]
        events = [
            self._one(kind, dice, until, reason)
            for kind, times, reason in chances
            for _ in range(times)
        ]
        self.happened(*sorted(events, key=lambda each: each.at))

    def _one(self, kind, dice, until, reason):
        # Few are awake at the other end of the day.
        at = until - DAY * (0.5 + dice.triangular(-0.5, 0.5, 0.2))
        origin = Origin(ip=f"203.0.113.{dice.randrange(1, 255)}", user_agent=dice.choice(DEVICES))
        person = self.ids[dice.choice(list(PEOPLE))]
        return event(kind, now=at, user_id=person, reason=reason, origin=origin)


def installed(sites, data_dir):
    """The installation, on these sites whose clock is some days behind and is put right here."""
    dice = random.Random(6)
    story = Installation(sites, data_dir)
    story.settle()
    for number, name in enumerate(list(PEOPLE)[1:]):
        sites.clock.advance(3_600)
        story.visit(name, DEVICES[number % len(DEVICES)], f"203.0.113.{40 + number}")
    for user_agent, ip, later in (
        (MAC, "203.0.113.7", 1.1 * DAY),
        (IPHONE, "2001:db8:4:1::7", 0.9 * DAY),
        (WINDOWS, "192.0.2.18", 3_000),
    ):
        story.visit("ada", user_agent, ip)
        sites.clock.advance(later)
    sites.clock.now = time.time()
    story.past(dice, sites.clock.now)
    return story


def past_clock():
    """The clock of a server that was started three days ago."""
    return Clock(time.time() - 3 * DAY)


def from_here(asked, ask):
    """A rule of the wire: browsers are where nobody's addresses are, behind a proxy of ours."""
    asked.headers.append(("X-Forwarded-For", HERE))
    return ask()
