"""Searches everything that is logged during the whole run of the tests for what must not be there.

Every record of the loggers `admit`, `uvicorn` and the root is looked at, down to the level debug,
traceback included, and so is what servers said that tests started (`look_at`). What is a secret is
learned on the way: every setting that is one, every password that was hashed or checked.
"""

import logging
import re

import pytest

from admit.passwords import Passwords
from admit.settings import Settings

SHAPES = {
    "a token": r"eyJ[\w-]{5,}\.[\w-]*\.[\w-]{5,}",
    "an e-mail address": r"[\w.+-]+@[\w-]+(\.[\w-]+)+",
    "a hash of a password": r"\$argon2|\$2[abxy]\$|\$scrypt\$|pbkdf2_",
}
SHORTEST = 12
"""Of a secret that is learned: shorter ones stand in a log by chance."""
TIMES = re.compile(r"\d+(\.\d+)? ms")


class Search(logging.Handler):
    """Keeps every line once, and finds secrets in them."""

    def __init__(self):
        super().__init__()
        self.setFormatter(logging.Formatter())
        self.lines = {}
        self.secrets = set()

    def emit(self, record):
        self.look_at(self.format(record))

    def look_at(self, text):
        """Keep these lines; those that differ only in how long something took are one."""
        self.lines.setdefault(TIMES.sub("", text), text)

    def learn(self, *secrets):
        self.secrets |= {each for each in secrets if len(each) >= SHORTEST}

    def found(self):
        """What is in the lines and must not be, as sentences."""
        text = "\n".join(self.lines.values())
        shapes = [
            f"{what}: {match[0]!r}"
            for what, shape in SHAPES.items()
            for match in re.finditer(shape, text)
        ]
        return shapes + [f"a secret: {each!r}" for each in self.secrets if each in text]


SEARCH = Search()
look_at = SEARCH.look_at


def learning(patch):
    """Every `Settings` that is made and every password that is used teaches us its secrets."""
    made, hashed, verified = Settings.__post_init__, Passwords.hash, Passwords.verify

    def settings(self):
        made(self)
        SEARCH.learn(*self.secret, *self.verifier_keys, *self.metrics_keys)

    def hashing(self, password):
        SEARCH.learn(password)
        return hashed(self, password)

    def verifying(self, password, stored):
        SEARCH.learn(password, stored or "")
        return verified(self, password, stored)

    patch.setattr(Settings, "__post_init__", settings)
    patch.setattr(Passwords, "hash", hashing)
    patch.setattr(Passwords, "verify", verifying)


@pytest.fixture(scope="session", autouse=True)
def no_secret_in_any_log():
    """After the last test: nothing that was logged anywhere held a secret."""
    ours, root = logging.getLogger("admit"), logging.getLogger()
    ours.setLevel(logging.DEBUG)
    root.addHandler(SEARCH)  # uvicorn's come this way too
    with pytest.MonkeyPatch.context() as patch:
        learning(patch)
        yield
    root.removeHandler(SEARCH)
    ours.setLevel(logging.NOTSET)
    assert not SEARCH.found()
