"""The HTTP contract of accounts: register, sign in, who am I, change the password."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from admit.testing.http_caller import EMAIL, PASSWORD, Mixin, refused

if TYPE_CHECKING:
    from admit.testing.http_caller import Serve

USER = {"id", "email", "username", "roles", "email_verified", "created_at"}
SESSION = {"id", "current", "opened_at", "last_seen_at", "expires_at", "ip", "user_agent"}
ANOTHER = "another horse battery"


def instant(text: str) -> datetime:
    """The instant of an RFC 3339 text, which is in UTC."""
    assert text.endswith("Z"), text
    return datetime.fromisoformat(text)


class Accounts(Mixin):
    """Accounts over HTTP."""

    async def test_registering_gives_201_and_the_user(self, serve: Serve) -> None:
        """The user has exactly the members of the contract, and no password in any form."""
        async with serve() as service:
            body = {"email": "Ada@Example.com", "password": PASSWORD, "username": "ada"}
            answer = await service.send("POST", "/register", json=body)
            assert answer.status_code == 201
            assert answer.headers["cache-control"] == "no-store"
            assert set(answer.json()) == {"user"}
            user = answer.json()["user"]
            assert set(user) == USER
            assert user["email"].casefold() == EMAIL
            assert user["username"] == "ada"
            assert user["roles"] == []
            assert user["email_verified"] is False
            assert instant(user["created_at"]) == datetime.fromtimestamp(service.clock.now, UTC)

    async def test_an_address_or_name_is_taken_whatever_its_case(self, serve: Serve) -> None:
        """409, and `fields` says which of the two it is."""
        async with serve() as service:
            await service.register(EMAIL, "ada")
            for body, taken in (
                ({"email": "ADA@EXAMPLE.COM", "username": "other"}, "email"),
                ({"email": "other@example.com", "username": "ADA"}, "username"),
            ):
                whole = {**body, "password": PASSWORD}
                answer = await service.send("POST", "/register", json=whole)
                refused(answer, 409, "already_exists")
                assert set(answer.json()["fields"]) == {taken}

    async def test_the_login_is_the_address_or_the_username_in_any_case(self, serve: Serve) -> None:
        """Both open a session for the same user."""
        async with serve() as service:
            user = await service.register(EMAIL, "Ada")
            for login in (EMAIL, "ADA@example.COM", "Ada", "aDA"):
                assert (await service.sign_in(login))["user"] == user

    async def test_signing_in_gives_tokens(self, serve: Serve) -> None:
        """The members of the contract, spans in whole seconds, never to be cached."""
        async with serve() as service:
            user = await service.register()
            body = {"login": EMAIL, "password": PASSWORD, "delivery": "body"}
            answer = await service.send("POST", "/login", json=body)
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "no-store"
            tokens = answer.json()
            assert tokens.pop("access_token").count(".") == 2
            assert tokens.pop("refresh_token").count(".") == 2
            assert tokens == {
                "token_type": "Bearer",
                "expires_in": 900,
                "refresh_expires_in": 604_800,
                "user": user,
            }

    async def test_an_unknown_login_and_a_wrong_password_get_one_answer(self, serve: Serve) -> None:
        """Not a byte tells whether an account exists."""
        async with serve() as service:
            await service.register(EMAIL, "ada")
            answers = [
                await service.send("POST", "/login", json={"login": login, "password": "wrong one"})
                for login in (EMAIL, "ada", "bob", "bob@example.com", "no such/name", "@", "a@b")
            ]
            for answer in answers:
                refused(answer, 401, "invalid_credentials")
                assert answer.content == answers[0].content
                del answer.headers["x-request-id"]  # each request has its own
                assert answer.headers == answers[0].headers

    async def test_me_gives_the_user_and_the_session(self, serve: Serve) -> None:
        """The session is the caller's own."""
        async with serve() as service:
            user = await service.register()
            tokens = await service.sign_in()
            answer = await service.send("GET", "/me", bearer=tokens["access_token"])
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "no-store"
            assert set(answer.json()) == {"user", "session"}
            assert answer.json()["user"] == user
            session = answer.json()["session"]
            assert set(session) == SESSION
            assert session["current"] is True
            assert instant(session["opened_at"]) == instant(session["last_seen_at"])
            idle = instant(session["expires_at"]) - instant(session["opened_at"])
            assert idle.total_seconds() == 604_800

    async def test_an_access_token_dies_15_minutes_and_the_skew_after_its_birth(
        self, serve: Serve
    ) -> None:
        """10 s of clock skew are tolerated, and not one more."""
        async with serve() as service:
            await service.register()
            tokens = await service.sign_in()
            service.clock.advance(900 + 9.5)
            assert await service.me(tokens["access_token"]) == 200
            service.clock.advance(0.5)
            answer = await service.send("GET", "/me", bearer=tokens["access_token"])
            refused(answer, 401, "invalid_token", reason="expired")

    async def test_changing_the_password_ends_every_other_session(self, serve: Serve) -> None:
        """This one goes on; the others hear why, and their access tokens are off at once."""
        async with serve() as service:
            await service.register()
            mine, other = await service.sign_in(), await service.sign_in()
            answer = await service.send(
                "POST",
                "/password",
                bearer=mine["access_token"],
                json={"current_password": PASSWORD, "new_password": ANOTHER},
            )
            assert (answer.status_code, answer.content) == (204, b"")
            assert await service.me(mine["access_token"]) == 200
            assert await service.me(other["access_token"]) == 401
            assert (await service.refresh(mine["refresh_token"])).status_code == 200
            answer = await service.refresh(other["refresh_token"])
            refused(answer, 401, "refresh_refused", reason="password_changed")
            for password, status in ((PASSWORD, 401), (ANOTHER, 200)):
                body = {"login": EMAIL, "password": password}
                assert (await service.send("POST", "/login", json=body)).status_code == status

    async def test_a_wrong_current_password_changes_nothing(self, serve: Serve) -> None:
        """401 `invalid_credentials`, and the old password still opens a session."""
        async with serve() as service:
            await service.register()
            mine, other = await service.sign_in(), await service.sign_in()
            body = {"current_password": "wrong one", "new_password": ANOTHER}
            answer = await service.send("POST", "/password", bearer=mine["access_token"], json=body)
            refused(answer, 401, "invalid_credentials")
            assert await service.me(other["access_token"]) == 200
            await service.sign_in()

    async def test_new_passwords_meet_the_policy(self, serve: Serve) -> None:
        """8 to 256 characters, not common, not made of the user's own words; at both routes."""
        async with serve() as service:
            await service.register()
            mine = await service.sign_in()
            bad = ("seven77", "x" * 257, "password", "PassWord1", "ada@example.com1", "")
            for password in bad:
                body = {"email": EMAIL, "password": password}
                answer = await service.send("POST", "/register", json=body)
                refused(answer, 422, "invalid_input")
                assert set(answer.json()["fields"]) == {"password"}
                change = {"current_password": PASSWORD, "new_password": password}
                answer = await service.send(
                    "POST", "/password", bearer=mine["access_token"], json=change
                )
                refused(answer, 422, "invalid_input")
                assert set(answer.json()["fields"]) == {"new_password"}

    async def test_a_password_is_taken_exactly_as_typed(self, serve: Serve) -> None:
        """256 characters, spaces at its ends, no normalisation; nothing is cut off."""
        async with serve() as service:
            long = " é\u202e\0" + "long enough " * 21
            assert len(long) == 256
            body = {"email": EMAIL, "password": long}
            assert (await service.send("POST", "/register", json=body)).status_code == 201
            tries = {long: 200, long.strip(): 401, long[:-1]: 401}
            tries[long.replace("é", "e\u0301")] = 401
            for password, status in tries.items():
                body = {"login": EMAIL, "password": password}
                assert (await service.send("POST", "/login", json=body)).status_code == status
