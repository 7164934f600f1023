"""The HTTP contract of sessions: refresh, sign out, list, end; the law as it shows outside."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from admit.testing.http_accounts import SESSION
from admit.testing.http_caller import EMAIL, PASSWORD, Mixin, refused

if TYPE_CHECKING:
    from admit.testing.http_caller import Serve

DAY = 86_400


class Sessions(Mixin):
    """Sessions over HTTP."""

    async def test_a_refresh_gives_the_successor_and_a_new_access_token(self, serve: Serve) -> None:
        """From the body and from the header `Refresh-Token`, the same way back."""
        async with serve() as service:
            user = await service.register()
            tokens = await service.sign_in()
            for sent in ("body", "header"):
                parent = tokens["refresh_token"]
                if sent == "body":
                    answer = await service.refresh(parent)
                else:
                    answer = await service.send(
                        "POST", "/refresh", headers={"Refresh-Token": parent}
                    )
                assert answer.status_code == 200
                assert answer.headers["cache-control"] == "no-store"
                assert not answer.headers.get_list("set-cookie")
                assert answer.json()["user"] == user
                assert answer.json()["refresh_token"] != parent
                tokens = answer.json()
                service.clock.advance(10)  # it has rested
                assert await service.me(tokens["access_token"]) == 200

    async def test_callers_at_once_with_one_token_get_one_successor(self, serve: Serve) -> None:
        """40 tabs, 40 answers 200, and the session lives on."""
        async with serve() as service:
            await service.register()
            parent = (await service.sign_in())["refresh_token"]
            answers = await asyncio.gather(*(service.refresh(parent) for _ in range(40)))
            assert {answer.status_code for answer in answers} == {200}
            successors = {answer.json()["refresh_token"] for answer in answers}
            assert len(successors) == 1
            service.clock.advance(10)
            after = await service.refresh(successors.copy().pop())
            assert after.status_code == 200
            assert after.json()["refresh_token"] not in successors

    async def test_a_token_rests_for_the_leeway(self, serve: Serve) -> None:
        """Until then it brings itself and a new access token; one of a sign-in does not rest."""
        async with serve() as service:
            await service.register()
            first = (await service.sign_in())["refresh_token"]
            second = (await service.refresh(first)).json()["refresh_token"]
            assert second != first
            for passed, rests in ((0, True), (9.5, True), (0.5, False)):
                service.clock.advance(passed)
                answer = await service.refresh(second)
                assert answer.status_code == 200
                assert (answer.json()["refresh_token"] == second) is rests
                assert await service.me(answer.json()["access_token"]) == 200

    async def test_a_grandparent_may_be_late_by_less_than_the_leeway(self, serve: Serve) -> None:
        """Three tabs refresh one after the other, and the first one's request arrives last."""
        async with serve() as service:
            await service.register()
            first = (await service.sign_in())["refresh_token"]
            second = (await service.refresh(first)).json()["refresh_token"]
            service.clock.advance(1)
            third = (await service.refresh(second)).json()["refresh_token"]
            service.clock.advance(8.5)
            late = (await service.refresh(first)).json()["refresh_token"]
            assert late == second == third

    async def test_a_lost_answer_comes_again_within_the_leeway(self, serve: Serve) -> None:
        """Byte for byte the same successor, until 10 s are over."""
        async with serve() as service:
            await service.register()
            parent = (await service.sign_in())["refresh_token"]
            first = (await service.refresh(parent)).json()["refresh_token"]
            service.clock.advance(9.5)
            assert (await service.refresh(parent)).json()["refresh_token"] == first
            service.clock.advance(0.5)
            refused(await service.refresh(parent), 401, "refresh_refused", reason="reuse_detected")

    async def test_a_retry_with_its_key_gets_the_same_successor_an_hour_later(
        self, serve: Serve
    ) -> None:
        """Another key at that time is reuse."""
        async with serve() as service:
            await service.register()
            parent = (await service.sign_in())["refresh_token"]
            lost = (await service.refresh(parent, key="k-1")).json()["refresh_token"]
            service.clock.advance(3_600)
            again = await service.refresh(parent, key="k-1")
            assert again.json()["refresh_token"] == lost
            answer = await service.refresh(parent, key="k-2")
            refused(answer, 401, "refresh_refused", reason="reuse_detected")

    async def test_a_token_whose_successor_was_used_ends_its_session(self, serve: Serve) -> None:
        """Inside the leeway too; the session is dead, the user's other sessions live."""
        async with serve() as service:
            await service.register()
            stolen, other = await service.sign_in(), await service.sign_in()
            child = (await service.refresh(stolen["refresh_token"])).json()
            service.clock.advance(10)
            grandchild = (await service.refresh(child["refresh_token"])).json()
            for token in (stolen, child, grandchild):
                answer = await service.refresh(token["refresh_token"])
                refused(answer, 401, "refresh_refused", reason="reuse_detected")
                assert await service.me(token["access_token"]) == 401
            assert await service.me(other["access_token"]) == 200
            assert (await service.refresh(other["refresh_token"])).status_code == 200

    async def test_a_session_that_lies_idle_expires(self, serve: Serve) -> None:
        """At exactly 7 days it is over."""
        async with serve() as service:
            await service.register()
            early, late = await service.sign_in(), await service.sign_in()
            service.clock.advance(7 * DAY - 1)
            assert (await service.refresh(early["refresh_token"])).status_code == 200
            service.clock.advance(1)
            answer = await service.refresh(late["refresh_token"])
            refused(answer, 401, "refresh_refused", reason="expired")

    async def test_no_refresh_moves_the_absolute_end(self, serve: Serve) -> None:
        """However busy, a session is over after 30 days, and no token says it lasts longer."""
        async with serve() as service:
            await service.register()
            tokens = await service.sign_in()
            for day in range(6, 30, 6):
                service.clock.advance(6 * DAY)
                tokens = (await service.refresh(tokens["refresh_token"])).json()
                assert tokens["refresh_expires_in"] == min(7, 30 - day) * DAY
            service.clock.advance(6 * DAY)
            answer = await service.refresh(tokens["refresh_token"])
            refused(answer, 401, "refresh_refused", reason="expired")

    async def test_what_is_no_refresh_token_is_malformed(self, serve: Serve) -> None:
        """An access token is none; no token at all is `unauthenticated`."""
        async with serve() as service:
            await service.register()
            tokens = await service.sign_in()
            for text in ("x", "a.b.c", tokens["access_token"], tokens["refresh_token"] + "x", "é"):
                answer = await service.refresh(text)
                refused(answer, 401, "refresh_refused", reason="malformed")
            refused(await service.send("POST", "/refresh"), 401, "unauthenticated")
            refused(await service.send("POST", "/refresh", json={}), 401, "unauthenticated")

    async def test_signing_out_ends_the_session_at_once(self, serve: Serve) -> None:
        """By a refresh token in the body, in the header or by a bearer token: always 204."""
        async with serve() as service:
            await service.register()
            for way in ("body", "header", "bearer"):
                tokens = await service.sign_in()
                refresh = tokens["refresh_token"]
                if way == "body":
                    body = {"refresh_token": refresh}
                    answer = await service.send("POST", "/logout", json=body)
                elif way == "header":
                    headers = {"Refresh-Token": refresh}
                    answer = await service.send("POST", "/logout", headers=headers)
                else:
                    answer = await service.send("POST", "/logout", bearer=tokens["access_token"])
                assert (answer.status_code, answer.content) == (204, b"")
                gone = await service.send("GET", "/me", bearer=tokens["access_token"])
                refused(gone, 401, "invalid_token", reason="signed_out")
                answer = await service.refresh(refresh)
                refused(answer, 401, "refresh_refused", reason="signed_out")

    async def test_signing_out_is_204_whatever_is_presented(self, serve: Serve) -> None:
        """Nothing, rubbish, or a token that is over."""
        async with serve() as service:
            await service.register()
            tokens = await service.sign_in()
            body = {"refresh_token": tokens["refresh_token"]}
            for _ in range(2):
                assert (await service.send("POST", "/logout", json=body)).status_code == 204
            assert (await service.send("POST", "/logout")).status_code == 204
            assert (await service.send("POST", "/logout", bearer="x")).status_code == 204
            rubbish = {"Refresh-Token": "rubbish"}
            assert (await service.send("POST", "/logout", headers=rubbish)).status_code == 204

    async def test_signing_out_everywhere_ends_every_session(self, serve: Serve) -> None:
        """The user's own, and nobody else's."""
        async with serve() as service:
            await service.register()
            await service.register("bob@example.com")
            bob = await service.sign_in("bob@example.com")
            mine = [await service.sign_in() for _ in range(3)]
            answer = await service.send("POST", "/logout/all", bearer=mine[0]["access_token"])
            assert (answer.status_code, answer.content) == (204, b"")
            for tokens in mine:
                assert await service.me(tokens["access_token"]) == 401
                answer = await service.refresh(tokens["refresh_token"])
                refused(answer, 401, "refresh_refused", reason="signed_out")
            assert await service.me(bob["access_token"]) == 200

    async def test_the_sessions_of_a_user_are_listed(self, serve: Serve) -> None:
        """The newest first, with what a person recognises a device by; only living ones."""
        async with serve() as service:
            await service.register()
            gone = await service.sign_in()
            await service.send("POST", "/logout", bearer=gone["access_token"])
            body = {"login": EMAIL, "password": PASSWORD, "delivery": "body"}
            bearer = ""
            for device in ("first", "second"):
                service.clock.advance(1)
                headers = {"User-Agent": device}
                answer = await service.send("POST", "/login", json=body, headers=headers)
                bearer = answer.json()["access_token"]
            answer = await service.send("GET", "/sessions", bearer=bearer)
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "no-store"
            listed = answer.json()["sessions"]
            assert all(set(each) == SESSION for each in listed)
            seen = [(each["user_agent"], each["current"]) for each in listed]
            assert seen == [("second", True), ("first", False)]

    async def test_one_session_can_be_ended_by_its_id(self, serve: Serve) -> None:
        """204 once; 404 where it is over, unknown, or somebody else's, which then lives on."""
        async with serve() as service:
            await service.register()
            await service.register("bob@example.com")
            mine, other = await service.sign_in(), await service.sign_in()
            bob = await service.sign_in("bob@example.com")
            bearer = mine["access_token"]
            ids = {}
            for name, tokens in (("other", other), ("bob", bob)):
                me = await service.send("GET", "/me", bearer=tokens["access_token"])
                ids[name] = me.json()["session"]["id"]
            path = f"/sessions/{ids['other']}"
            answer = await service.send("DELETE", path, bearer=bearer)
            assert (answer.status_code, answer.content) == (204, b"")
            assert await service.me(other["access_token"]) == 401
            for gone in (path, f"/sessions/{ids['bob']}", "/sessions/unknown"):
                answer = await service.send("DELETE", gone, bearer=bearer)
                refused(answer, 404, "not_found")
            assert await service.me(bob["access_token"]) == 200
            assert await service.me(bearer) == 200
