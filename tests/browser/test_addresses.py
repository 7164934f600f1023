"""How Chromium reads the addresses that a link may send people to."""

import random

from admit.settings import Settings
from admit.web.places import Places
from tests.attacks.test_return_to import EVIL, GOOD
from tests.browser.hosted import opened


def test_chromium_reads_every_allowed_address_as_one_of_ours(sites, context):
    """Whatever a link asks for: what we let through leads, in a browser, where we said."""
    own, app = "https://auth.example.com", "https://app.example.com"
    settings = Settings.load(environ={}, dotenv=None, base_url=own, allowed_origins=app)
    places = Places(settings, never=frozenset())
    tab, _ = opened(sites, context, "/plain")
    dice = random.Random(1)
    parts = [*"/\\.:@?#%\t\n ;&=[]a", "//", "..", "%2f", "%5c", "%2e", "%00", "https:", "HTTP://"]
    parts += [
        "javascript:",
        "auth.example.com",
        "evil.example",
        "app.example.com",
        ":443",
        "\u3002",
    ]
    made = ["".join(dice.choices(parts, k=dice.randint(1, 7))) for _ in range(20_000)]
    made += [f"{start}{each}" for each in made[:8_000] for start in ("/", own, f"{app}/")]
    allowed = [found for each in (*EVIL, *GOOD, *made) if (found := places.allowed(each))]
    read = tab.evaluate(
        """([all, own]) => all.map((each) => {
          const { origin, username, password, pathname } = new URL(each, own + "/auth/sign-in");
          return [origin, username + password, pathname];
        })""",
        [allowed, own],
    )

    assert len(allowed) > 500
    for address, (origin, userinfo, path) in zip(allowed, read, strict=True):
        assert origin in {own, app, "http://localhost:3000"}, address
        assert userinfo == "", address
        assert not path.startswith("//"), address
