"""The HTTP contract of the revocation feed: who may read it, what it holds, how it is followed."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any

from admit.testing.http_caller import EMAIL, Mixin, refused

if TYPE_CHECKING:
    import httpx

    from admit.testing.http_caller import Headers, Serve, Service

KEY = "a-key-of-the-verifiers-in-the-tests-0123456789"
FORMER = "the-former-key-of-the-verifiers-in-the-tests-98"
BOTH = f"{KEY},{FORMER}"
FEED = "/revocations"
NO_KEYS = ("x", KEY[:-1], KEY + "x", KEY.upper(), "Ünbekannt", BOTH, ",")
NO_CURSORS = ("", "x", "1", "-1", "-1.00000000", "1.0000000", "1.0000000G", "%00", "1e9.00000000")
NO_WAITS = ("", "-1", "31", "1.5", "x", "1e1", "99999999999999999999", "+1", "%D9%A1")


async def read(service: Service, query: str = "", **headers: str) -> httpx.Response:
    """The answer to one request for the feed, with the key."""
    named: Headers = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await service.send("GET", FEED + query, bearer=KEY, headers=named)
    if answer.status_code < 400:
        assert answer.headers["cache-control"] == "private, no-cache"
        assert answer.headers["etag"].startswith('W/"')
    return answer


async def feed(service: Service, query: str = "") -> dict[str, Any]:
    """What the feed answers."""
    answer = await read(service, query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def ended(service: Service, count: int = 1) -> list[str]:
    """Sessions that were opened and ended: the ids that their access tokens had."""
    ids = []
    for _ in range(count):
        tokens = await service.sign_in()
        me = await service.send("GET", "/me", bearer=tokens["access_token"])
        ids.append(me.json()["session"]["id"])
        await service.send("POST", "/logout", json={"refresh_token": tokens["refresh_token"]})
    return ids


def subjects(body: dict[str, Any]) -> list[str]:
    """Whom the entries concern."""
    return [each["subject"] for each in body["revocations"]]


class Revocations(Mixin):
    """The feed of what was revoked."""

    async def test_only_a_verifiers_key_reads_the_feed(self, serve: Serve) -> None:
        """Each of several; no user's token, no other text, nothing outside the header."""
        async with serve(verifier_keys=BOTH) as service:
            await service.register()
            tokens = await service.sign_in()
            for key in (KEY, FORMER):
                assert (await service.send("GET", FEED, bearer=key)).status_code == 200
            for key in (*NO_KEYS, tokens["access_token"], tokens["refresh_token"]):
                latin = [(b"Authorization", b"Bearer " + key.encode())]
                answer = await service.send("GET", FEED, headers=latin)  # type: ignore[arg-type]
                refused(answer, 401, "invalid_token")
            for value in (None, "", "Bearer", f"Basic {KEY}", KEY):
                headers: Headers = [] if value is None else [("Authorization", value)]
                refused(await service.send("GET", FEED, headers=headers), 401, "unauthenticated")
            twice = [("Authorization", f"Bearer {KEY}")] * 2
            refused(await service.send("GET", FEED, headers=twice), 400, "malformed")
            for name in ("key", "access_token", "token"):
                answer = await service.send("GET", f"{FEED}?{name}={KEY}")
                refused(answer, 401, "unauthenticated")

    async def test_without_a_configured_key_nobody_reads_the_feed(self, serve: Serve) -> None:
        """An empty one neither."""
        async with serve() as service:
            refused(await service.send("GET", FEED), 401, "unauthenticated")
            refused(await service.send("GET", FEED, bearer=KEY), 401, "invalid_token")
            refused(await service.send("GET", FEED, bearer=" "), 401, "unauthenticated")

    async def test_a_key_of_the_feed_opens_nothing_else(self, serve: Serve) -> None:
        """It is no user's token."""
        async with serve(verifier_keys=KEY) as service:
            for method, path in (("GET", "/me"), ("GET", "/sessions"), ("POST", "/logout/all")):
                refused(await service.send(method, path, bearer=KEY), 401, "invalid_token")

    async def test_an_ended_session_is_in_the_feed_until_its_last_token_is_dead(
        self, serve: Serve
    ) -> None:
        """With the reason, and both instants; `until` is never earlier than the truth."""
        async with serve(verifier_keys=KEY) as service:
            await service.register()
            assert await feed(service) == {
                "revocations": [],
                "cursor": (await feed(service))["cursor"],
                "more": False,
            }
            service.clock.advance(0.75)
            (session,) = await ended(service)
            (entry,) = (await feed(service))["revocations"]
            assert (entry["kind"], entry["subject"]) == ("session", session)
            assert (entry["reason"], entry["version"]) == ("signed_out", 0)
            at, until = (datetime.fromisoformat(entry[name]) for name in ("at", "until"))
            assert at.timestamp() == int(service.clock.now)
            last = service.clock.now + service.settings.access_ttl
            assert last + 10 <= until.timestamp() <= last + 60
            service.clock.advance(until.timestamp() - service.clock.now)
            assert subjects(await feed(service)) == []

    async def test_every_way_to_end_a_session_is_in_the_feed(self, serve: Serve) -> None:
        """A password change, a reuse, the end of all."""
        async with serve(verifier_keys=KEY, leeway="0") as service:
            await service.register()
            first = await service.sign_in()
            second = (await service.refresh(first["refresh_token"])).json()
            await service.refresh(second["refresh_token"])
            refused(await service.refresh(first["refresh_token"]), 401, "refresh_refused")
            kept, _ = await service.sign_in(), await service.sign_in()
            body = {"current_password": "correct horse battery", "new_password": "seven lanterns!"}
            await service.send("POST", "/password", json=body, bearer=kept["access_token"])
            await service.send("POST", "/logout/all", bearer=kept["access_token"])
            reasons = [each["reason"] for each in (await feed(service))["revocations"]]
            assert reasons == ["reuse_detected", "password_changed", "signed_out"]

    async def test_a_cursor_leads_on_from_where_it_was(self, serve: Serve) -> None:
        """Each entry once, in the order of their commits; the same cursor, the same answer."""
        async with serve(verifier_keys=KEY) as service:
            await service.register()
            one, two = await ended(service, 2)
            first = await feed(service)
            assert subjects(first) == [one, two]
            after = f"?after={first['cursor']}"
            assert await feed(service, after) == {**first, "revocations": []}
            (three,) = await ended(service)
            for _ in range(2):
                assert subjects(await feed(service, after)) == [three]

    async def test_a_cursor_that_is_ahead_of_the_store_gets_everything(self, serve: Serve) -> None:
        """The store has lost what it had seen; so has whoever made it up."""
        async with serve(verifier_keys=KEY) as service:
            await service.register()
            ids = await ended(service, 2)
            for cursor in ("1000.00000000", "9999999999999999999.ffffffff", "1.ffffffff"):
                assert subjects(await feed(service, f"?after={cursor}")) == ids

    async def test_what_is_asked_is_read_strictly(self, serve: Serve) -> None:
        """422 names each parameter that is wrong, unknown or doubled."""
        async with serve(verifier_keys=KEY) as service:
            for name, values in (("after", NO_CURSORS), ("wait", NO_WAITS)):
                for value in values:
                    answer = await read(service, f"?{name}={value}")
                    refused(answer, 422, "invalid_input")
                    assert set(answer.json()["fields"]) == {name}, value
            answer = await read(service, f"?key={KEY}&after=x&wait=1&wait=2")
            refused(answer, 422, "invalid_input")
            assert set(answer.json()["fields"]) == {"key", "after", "wait"}
            assert KEY not in answer.text

    async def test_who_has_it_already_gets_304(self, serve: Serve) -> None:
        """RFC 9110 section 13.1.2; the tag moves with the next entry."""
        async with serve(verifier_keys=KEY) as service:
            await service.register()
            await ended(service)
            tag = (await read(service)).headers["etag"]
            for held in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
                answer = await read(service, if_none_match=held)
                assert (answer.status_code, answer.content) == (304, b"")
                assert answer.headers["etag"] == tag
            await ended(service)
            answer = await read(service, if_none_match=tag)
            assert answer.status_code == 200
            assert answer.headers["etag"] != tag

    async def test_a_long_poll_is_answered_as_soon_as_something_comes(self, serve: Serve) -> None:
        """And not before; one that holds the newest tag as well."""
        async with serve(verifier_keys=KEY) as service:
            await service.register()
            await ended(service)
            was = await read(service)
            polls = [
                asyncio.create_task(read(service, f"?wait=30&after={was.json()['cursor']}")),
                asyncio.create_task(read(service, "?wait=30", if_none_match=was.headers["etag"])),
            ]
            done, _ = await asyncio.wait(polls, timeout=0.2)
            assert not done
            (session,) = await ended(service)
            after, whole = [(await poll).json() for poll in polls]
            assert subjects(after) == [session]
            assert subjects(whole)[-1] == session

    async def test_a_long_poll_has_an_end(self, serve: Serve) -> None:
        """Nothing new: an empty answer. What is there already is not waited with."""
        async with serve(verifier_keys=KEY) as service:
            await service.register()
            now = await read(service, "?wait=1")
            assert now.json()["revocations"] == []
            (session,) = await ended(service)
            assert subjects(await feed(service, "?wait=30")) == [session]

    async def test_the_feed_holds_no_secret(self, serve: Serve) -> None:
        """No token, no address, no name: ids and reasons."""
        async with serve(verifier_keys=KEY) as service:
            await service.register(username="ada")
            tokens = await service.sign_in()
            await service.send("POST", "/logout", json={"refresh_token": tokens["refresh_token"]})
            text = (await read(service)).text
            for secret in (tokens["access_token"], tokens["refresh_token"], EMAIL, '"ada"'):
                assert secret not in text
