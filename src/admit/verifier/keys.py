"""The issuer's public keys, from its JWKS (RFC 7517).

Only what the issuer signs access tokens with is taken, each key for exactly one algorithm. They are
fetched again when the answer is older than it may be, when a token names an unknown key (answered
once a minute at most: anybody can write such a token), and when a key was withdrawn. While the
issuer is away they go on.
"""

from __future__ import annotations

import logging
import re
import threading
from typing import TYPE_CHECKING, Any

import msgspec

from admit.errors import Unavailable
from admit.tokens.algorithms import READERS
from admit.verifier.instants import NEVER
from admit.verifier.issuer import Away
from admit.verifier.rests import LONGEST_SECONDS as LONGEST_REST
from admit.verifier.rests import Rests

if TYPE_CHECKING:
    from collections.abc import Callable

    from admit.tokens.checker import Parts
    from admit.verifier.instants import Clocks, Instant
    from admit.verifier.issuer import Issuer
    from admit.verifier.known import Known

logger = logging.getLogger("admit.verifier")

PATH = "/.well-known/jwks.json"
UNKNOWN_SECONDS = 60.0
"""How often an unknown key's name makes us ask."""
DEFAULT_SECONDS = 300.0
LONGEST_SECONDS = 3_600.0
"""How long an answer is good where it does not say, and at most."""
SHORTEST_SECONDS = 1.0
"""And at least; or where it has a withdrawn key still, so not yet what signs in its place."""
LAST_SECONDS = 86_400.0
"""How long the keys go on while the issuer does not give them."""
UNKNOWN = "The issuer's public keys are not known."
NEWEST_UNKNOWN = "The issuer's newest public keys are not known."
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=([0-9]{1,9})(?:$|[\s,])", re.ASCII | re.IGNORECASE)
_SECRET = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
"""The members of a JWK that nobody publishes (RFC 7518 section 6)."""


class Listed(msgspec.Struct, frozen=True):
    """A JWKS; what is no key is left out, not refused (RFC 7517 section 5)."""

    keys: list[dict[str, Any]]


class Jwk(msgspec.Struct, frozen=True):
    """What has to be said of a key before its algorithm reads the rest."""

    kid: str
    alg: str
    use: str = "sig"
    key_ops: tuple[str, ...] = ("verify",)


class PublicKey:
    """A key that verifies with one algorithm."""

    def __init__(self, kid: str, algorithm: str, verify: Callable[[bytes, bytes], bool]) -> None:
        self.kid = kid
        self.algorithm = algorithm
        self._verify = verify

    def signed(self, parts: Parts) -> bool:
        """Whether it signed this, with its own algorithm, whatever else the header names."""
        if parts.header.get("alg") != self.algorithm:
            return False
        return self._verify(parts.message, parts.signature)


class PublicKeys:
    """The keys whose tokens are accepted.

    Arguments:
        issuer: has them.
        clocks: tell how old they are.
        known: says which are withdrawn.
        path: where they are, behind the issuer's prefix.
        read: makes a key of a JWK, or None where it is none of ours.
        rest: the longest rest after a failure, in seconds.
    """

    def __init__(
        self,
        issuer: Issuer,
        *,
        clocks: Clocks,
        known: Known,
        path: str = PATH,
        read: Callable[[dict[str, Any]], PublicKey | None] | None = None,
        rest: float = LONGEST_REST,
    ) -> None:
        self._issuer = issuer
        self._path = path
        self._read = read or read_key
        self._clocks = clocks
        self._known = known
        self._rests = Rests("public keys", clocks, longest=rest)
        self._listed: list[dict[str, Any]] | None = None
        self._asked_at = self._searched_at = NEVER
        self._good_for = 0.0
        self._withdrawals = 0
        self._using = threading.Lock()
        self.state: list[PublicKey] = []  # no tuple: Python has one empty tuple only

    def refresh(self, at: Instant) -> None:
        """Have keys that are fresh enough, or the best there are.

        Raises:
            Unavailable: there are none, or they are too old.
        """
        if self._withdrawals == self._known.withdrawals and self._is_fresh(at):
            return
        with self._issuer.turn:
            at = self._clocks.now()  # others may have asked while this one waited for its turn
            self._keep(at)
            if at.since(self._asked_at) > LAST_SECONDS:
                raise Unavailable(UNKNOWN)

    def _keep(self, at: Instant) -> None:
        """Heed what was withdrawn, and look where that is due."""
        self._heed_withdrawals()
        if not self._is_fresh(at) and self._rests.over(at):
            self._look(at)

    def verifying(self, kid: str, now: float) -> PublicKey | None:  # noqa: ARG002  the clocks say more
        """The key of this name.

        Raises:
            Unavailable: it may be one that the issuer could not tell us of.
        """
        found = self._find(kid)
        if found is None and kid not in self._known.keys:
            self._search()
            found = self._find(kid)
            if found is None and self._rests.failing:
                raise Unavailable(NEWEST_UNKNOWN)
        return found

    def _find(self, kid: str) -> PublicKey | None:
        return next((key for key in self.state if key.kid == kid), None)

    def _is_fresh(self, at: Instant) -> bool:
        return at.since(self._asked_at) < self._good_for

    def _search(self) -> None:
        """Look for a key that we don't have; once a minute."""
        with self._issuer.turn:
            at = self._clocks.now()
            if self._may_search(at):
                self._look(at)
                if not self._rests.failing:
                    self._searched_at = at

    def _may_search(self, at: Instant) -> bool:
        return at.since(self._searched_at) >= UNKNOWN_SECONDS and self._rests.over(at)

    def _heed_withdrawals(self) -> None:
        """Let go of what was withdrawn, and ask for what stands in its place."""
        if self._withdrawals != self._known.withdrawals:
            self._withdrawals = self._known.withdrawals
            self._good_for = 0.0
            self._use()

    def _look(self, at: Instant) -> None:
        try:
            answer = self._issuer.get(self._path, patient=not self.state)
            listed = msgspec.json.decode(answer.body, type=Listed).keys
        except (Away, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            self._rests.begin(error)
            return
        self._rests.end()
        named = [each.get("kid") for each in listed]
        outdated = any(kid in named for kid in list(self._known.keys))  # another thread adds to it
        self._asked_at = at
        self._good_for = SHORTEST_SECONDS if outdated else _lifetime(answer.cache_control)
        if listed != self._listed:
            self._listed = listed
            self._use()

    def _use(self) -> None:
        """Another state, by which what was verified under the former is forgotten."""
        with self._using:  # or one that looked would put back what another heard was withdrawn
            kept = [self._read(each) for each in self._listed or []]
            named = [key.kid for key in kept if key]
            self.state = [
                key
                for key in kept
                if key and key.kid not in self._known.keys and named.count(key.kid) == 1
            ]


def read_key(given: dict[str, Any]) -> PublicKey | None:
    """The key, where it is one of ours: public, for signatures, of an algorithm that we verify."""
    if is_secret(given):
        return None
    try:
        jwk = msgspec.convert(given, Jwk)
        if jwk.use != "sig" or "verify" not in jwk.key_ops or jwk.alg not in READERS:
            return None
        return PublicKey(jwk.kid, jwk.alg, READERS[jwk.alg](given))
    except (msgspec.MsgspecError, ValueError) as error:
        logger.warning("The issuer publishes a key that can't be read (%s): it is not used.", error)
        return None


def is_secret(given: dict[str, Any]) -> bool:
    """Whether it is a key that nobody publishes; then that is complained of."""
    found = bool(_SECRET & given.keys()) or given.get("kty") == "oct"
    if found:
        logger.error("The issuer publishes a private or symmetric key: it is not used.")
    return found


def _lifetime(cache_control: str) -> float:
    match = _MAX_AGE.search(cache_control)
    given = float(match[1]) if match else DEFAULT_SECONDS
    return min(max(given, SHORTEST_SECONDS), LONGEST_SECONDS)
