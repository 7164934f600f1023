"""What a request presents, and where it comes from."""

from __future__ import annotations

import re
from hashlib import sha256
from hmac import compare_digest
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from admit.errors import InvalidToken, Unauthenticated
from admit.events import USER_AGENT_LENGTH
from admit.guards.presented import bearer
from admit.model import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Scope

    from admit.guards.presented import Headers
    from admit.settings import Settings


_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{16,64}")


class Keys:
    """Who may read what is for other services: whoever presents one of these as a bearer token.

    Arguments:
        keys: those of a setting.
        setting: its name, for people.
    """

    def __init__(self, keys: tuple[str, ...], setting: str) -> None:
        self._digests = [sha256(key.encode()).digest() for key in keys]
        self._setting = setting

    def check(self, headers: Headers) -> None:
        """Return where one is presented. All are compared, by their hashes: time tells nothing.

        Raises:
            Unauthenticated: there is none.
            InvalidToken: it is none of these.
        """
        presented = bearer(headers)
        if presented is None:
            raise Unauthenticated(f"Send one of {self._setting} as Authorization: Bearer KEY.")
        digest = sha256(presented.encode("latin-1")).digest()  # the very bytes that were sent
        if not sum([compare_digest(digest, each) for each in self._digests]):
            raise InvalidToken(f"This is none of {self._setting}.")


def proxys_request_id(scope: Scope, settings: Settings) -> str | None:
    """The well-formed X-Request-Id that one of our proxies gave this request, or None.

    A stranger's is not taken: it could make the lines of two requests look like one.
    """
    client = scope.get("client")
    if not settings.trusted_proxies or client is None or not _trusted(client[0], settings):
        return None
    given = [value for name, value in scope["headers"] if name == b"x-request-id"]
    if len(given) != 1 or not _REQUEST_ID.fullmatch(given[0]):
        return None
    return str(given[0].decode())


def origin(scope: Mapping[str, Any], headers: Headers, settings: Settings) -> Origin:
    """The client's address, through the trusted proxies only, and its user agent."""
    agent = headers.get("user-agent")
    if agent and not (agent := agent[:USER_AGENT_LENGTH]).isprintable():
        # It is printed in terminals and logs: no control characters, no escape sequences.
        agent = "".join(each if each.isprintable() else "?" for each in agent)
    client = scope.get("client")
    return Origin(ip=_address(client[0] if client else None, headers, settings), user_agent=agent)


def _address(peer: str | None, headers: Headers, settings: Settings) -> str | None:
    """From the right, the first address that is not one of our proxies.

    What stands further left was written by whoever sent the request.
    """
    if peer is None or not settings.trusted_proxies:
        return peer
    hops = ",".join(headers.getlist("x-forwarded-for")).split(",")
    address = peer
    for hop in reversed([each.strip() for each in hops if each.strip()]):
        if not _trusted(address, settings):
            break
        try:
            address = str(ip_address(hop.partition("%")[0]))  # a zone may hold anything
        except ValueError:
            break
    return address


def _trusted(address: str, settings: Settings) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    # A socket that listens on IPv6 shows an IPv4 peer as ::ffff:192.0.2.1.
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(parsed in network for network in settings.trusted_proxies)
