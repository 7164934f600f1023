"""The access tokens of other issuers: where their keys are, and what their claims mean.

| form | meant for `audience` where | roles | session | `auth_time` |
|---|---|---|---|---|
| `auth0` | `aud` has it | `permissions` | | |
| `cognito` | `client_id` is it | `cognito:groups` | `origin_jti` | `auth_time` |
| `supabase` | `aud` has it | `role` | `session_id` | the latest of `amr` |
| `keycloak` | `aud` has it, or `azp` is it | `realm_access.roles` | `sid` | `auth_time` |

An ID token tells a client who signed in; it opens no API. It is signed with the same key, so each
form says how it is told apart (RFC 9068 section 5, RFC 8725 section 3.11).
"""

from __future__ import annotations

from typing import Any, ClassVar

Claims = dict[str, Any]

LARGEST = 2**53
"""Past it a float counts no whole seconds, and then it can't hold the number at all."""


class Form:
    """How the tokens of one kind of issuer are read."""

    name: ClassVar[str]
    keys: ClassVar[str] = "/.well-known/jwks.json"
    """Where the JWKS is, behind the issuer's address without a slash at its end."""
    roles: tuple[str, ...]
    """The claim that has them, from the outermost to the innermost name."""
    session: str | None = None
    """The claim that has the id of the session, where there is one."""

    def check(self, issuer: str) -> None:
        """Check that this can be the `iss` of its tokens.

        Raises:
            ValueError: it ends as none of them does.
        """
        if issuer.endswith("/"):
            raise ValueError(f"the issuer of {self.name} has no slash at its end: {issuer!r}")

    def is_access(self, claims: Claims, audience: str) -> bool:
        """Whether it is an access token that is meant for this audience."""
        raise NotImplementedError

    def auth_time(self, claims: Claims) -> float:
        """When its user last signed in, in seconds since 1970; 0 where it does not say."""
        return instant(claims.get("auth_time"))

    def session_id(self, claims: Claims) -> str:
        """The id of its session, or nothing."""
        found = claims.get(self.session) if self.session else None
        return found if isinstance(found, str) else ""


class Auth0(Form):
    """Auth0: an API's identifier is the audience, and its ID tokens have that of a client.

    Scopes are no roles: without RBAC a client gets every scope that it asks for.
    """

    name = "auth0"
    roles = ("permissions",)

    def check(self, issuer: str) -> None:
        """Check that this can be the `iss` of its tokens.

        Raises:
            ValueError: it has no slash at its end.
        """
        if not issuer.endswith("/"):
            raise ValueError(f"the issuer of auth0 has a slash at its end: {issuer + '/'!r}")

    def is_access(self, claims: Claims, audience: str) -> bool:
        """Whether it was given to a client for this API: the two are named, and are not one."""
        client = claims.get("azp", claims.get("client_id"))
        return isinstance(client, str) and client != audience and audience in audiences(claims)


class Cognito(Form):
    """Amazon Cognito user pools: the id of the app client is the audience."""

    name = "cognito"
    roles = ("cognito:groups",)
    session = "origin_jti"

    def is_access(self, claims: Claims, audience: str) -> bool:
        """Whether it says that it is an access token, of this client."""
        return claims.get("token_use") == "access" and claims.get("client_id") == audience


class Supabase(Form):
    """Supabase, where it signs with keys of its own and not with the project's shared secret."""

    name = "supabase"
    roles = ("role",)
    session = "session_id"

    def is_access(self, claims: Claims, audience: str) -> bool:
        """Whether it is that of a session: an ID token has neither role nor session."""
        named = all(isinstance(claims.get(each), str) for each in ("role", "session_id"))
        return named and audience in audiences(claims)

    def auth_time(self, claims: Claims) -> float:
        """When its user last proved something: a refresh is no sign-in."""
        amr = claims.get("amr")
        proofs = [each for each in amr if isinstance(each, dict)] if isinstance(amr, list) else []
        given = [each for each in proofs if each.get("method") != "token_refresh"]
        return max((instant(each.get("timestamp")) for each in given), default=0.0)


class Keycloak(Form):
    """Keycloak: a token is for those whom an audience mapper adds, and for its own client."""

    name = "keycloak"
    keys = "/protocol/openid-connect/certs"
    roles = ("realm_access", "roles")
    session = "sid"

    def is_access(self, claims: Claims, audience: str) -> bool:
        """Whether its payload says that it is a bearer's."""
        meant = audience in audiences(claims) or claims.get("azp") == audience
        return claims.get("typ") == "Bearer" and meant


FORMS: dict[str, Form] = {each.name: each() for each in (Auth0, Cognito, Supabase, Keycloak)}


def audiences(claims: Claims) -> list[str]:
    """Whom a token is for (RFC 7519 section 4.1.3)."""
    given = claims.get("aud")
    listed = given if isinstance(given, list) else [given]
    return [each for each in listed if isinstance(each, str)]


def instant(given: object) -> float:
    """Seconds since 1970, or 0 where it is no instant."""
    if isinstance(given, bool) or not isinstance(given, int | float) or abs(given) > LARGEST:
        return 0.0
    return float(given)


def named_roles(claims: Claims, path: tuple[str, ...]) -> tuple[str, ...]:
    """The roles at the end of this path: a list of them, or one alone."""
    found: object = claims
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    listed = found if isinstance(found, list) else [found]
    return tuple(each for each in listed if isinstance(each, str))
