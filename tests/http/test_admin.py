"""The admin API: what each route gives, and what it takes."""

from datetime import UTC, datetime
from functools import partial

import msgspec
import pytest

from admit.events import Kind, event
from admit.testing.http_accounts import SESSION, USER, instant
from admit.testing.http_caller import EMAIL, PASSWORD, refused

pytestmark = pytest.mark.anyio
ADMIN_SESSION = SESSION | {"user_id", "email", "ended_at", "ended_because"}
EVENT = {"id", "at", "kind", "user_id", "session_id", "reason", "ip", "user_agent", "detail"}
SOMEBODY = "0" * 32
SOME_SESSION = "x" * 22
WRONG = {
    "/admin/users": {
        "limit": ("0", "201", "-1", "1.0", "1e1", "٣", "", "9" * 30),
        "after": ("", "%", "a b", "x" * 3_000, "_w", "AA", "YQ=="),
        "search": ("a\0b", "x" * 321, "a\nb"),
    },
    "/admin/sessions": {"before": ("0", "-1", "x", str(2**63), ""), "limit": ("201",)},
    "/admin/events": {
        "user_id": ("", "a b", "x" * 129),
        "kind": ("", "signed_in,reuse_detected", "Signed_In"),
        "since": ("2026-01-01", "2026-01-01T00:00:00", "1767225600", "2026-02-30T00:00:00Z", ""),
        "before": ("1.0",),
    },
    "/admin/activity": {
        "since": ("0001-01-01T00:00:00+14:00", "2026-01-01 00:00:00Z"),
        "until": ("9999-12-31T23:59:59-14:00", "1969-12-31T23:59:59Z"),
        "step": ("59", "60.0", "0", "PT1H"),
    },
}
"""What a parameter can't be, by address and name."""


@pytest.fixture
async def service(serve):
    async with serve(admin_role="boss", throttle="off") as service:
        await administrator(service)
        yield service


async def administrator(service):
    """Ada, who holds the role; what she holds stands on the service."""
    accounts, now = service.auth.accounts, service.clock()
    user = await accounts.register(email=EMAIL, password=PASSWORD, roles=("boss",), now=now)
    service.ada = user.id
    service.token = (await service.sign_in())["access_token"]


async def ask(service, method, path, **given):
    return await service.send(method, f"/admin{path}", bearer=service.token, **given)


async def asked(service, path, key):
    answer = await ask(service, "GET", path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()[key]


async def test_users_are_listed_page_by_page_and_found_by_a_part_of_a_key(service):
    for name in ("bob", "cy", "dan", "eve"):
        await service.register(f"{name}@example.com", username=f"{name}_{name}")
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = (await ask(service, "GET", f"/users?limit=2{after and f'&after={after}'}")).json()
        assert len(page["users"]) <= 2
        seen += [each["email"] for each in page["users"]]
        after = page["next"]
    assert seen == [f"{name}@example.com" for name in ("ada", "bob", "cy", "dan", "eve")]
    (bob,) = await asked(service, "/users?search=BOB_b", "users")
    assert set(bob) == USER | {"disabled_at"}
    assert bob["disabled_at"] is None
    for none in ("%25", "b%25b", "b_b%40"):  # `%` and `_` stand for themselves
        assert await asked(service, f"/users?search={none}", "users") == []


async def test_whoever_comes_while_one_turns_pages_moves_nobody_to_another(service):
    """Each who was there at the beginning is seen once, on whichever side of the page they come."""
    people = [f"{name}@example.com" for name in ("cy", "dan", "eve", "fay")]
    for email in people:
        await service.register(email)
        await service.sign_in(email)
    for path, name in (("/users", "after"), ("/sessions", "before")):
        seen: list[str] = []
        pages = 0
        query: str | None = ""
        while query is not None:
            page = (await ask(service, "GET", f"{path}?limit=1{query}")).json()
            seen += [each["email"] for each in page[path[1:]]]
            query = f"&{name}={page['next']}" if page["next"] else None
            pages += 1
            for side in "az":
                await service.register(f"{side}-{name}-{pages}@example.com")
                await service.sign_in(f"{side}-{name}-{pages}@example.com")
            assert pages < 20, "there is no end to it"
            if len(set(people) & set(seen)) == len(people):
                break
        assert [each for each in seen if each in people] == (
            people if name == "after" else people[::-1]
        )
        assert len(set(seen)) == len(seen)


async def test_a_user_is_disabled_and_enabled_and_the_trail_says_by_whom(service):
    bob = await service.register("bob@example.com")
    tokens = await service.sign_in("bob@example.com")
    path = f"/users/{bob['id']}"
    shown = (await ask(service, "POST", f"{path}/disable")).json()["user"]
    assert instant(shown["disabled_at"]) == datetime.fromtimestamp(service.clock.now, UTC)
    assert await asked(service, path, "user") == shown
    assert await service.me(tokens["access_token"]) == 401
    assert (await ask(service, "POST", f"{path}/disable", json={})).json()["user"] == shown
    shown = (await ask(service, "POST", f"{path}/enable")).json()["user"]
    assert shown == bob | {"disabled_at": None}
    of_bob = await asked(service, f"/events?user_id={bob['id']}&limit=3", "events")
    kinds = ["user_enabled", "user_disabled", "session_ended"]
    assert [each["kind"] for each in of_bob] == kinds
    assert {each["detail"]["by"] for each in of_bob} == {service.ada}
    assert all(each["ip"] and each["user_agent"] for each in of_bob)  # where she did it from
    assert of_bob[2]["reason"] == "revoked"


async def test_roles_are_given_and_taken_and_the_trail_says_by_whom(service):
    bob = await service.register("bob@example.com")
    change = partial(ask, service, "POST", f"/users/{bob['id']}/roles")
    user = (await change(json={"add": ["writer", "boss"]})).json()["user"]
    assert user["roles"] == ["boss", "writer"]
    token = (await service.sign_in("bob@example.com"))["access_token"]
    body = {"remove": ["writer", "nothing"], "add": ["reader"]}
    assert (await change(json=body)).json()["user"]["roles"] == ["boss", "reader"]
    assert await service.me(token) == 401
    assert (await change(json={})).json()["user"]["roles"] == ["boss", "reader"]
    first, second = await asked(service, "/events?kind=roles_changed", "events")
    assert first["detail"] == {"roles": "boss reader", "by": service.ada}
    assert second["detail"] == {"roles": "boss writer", "by": service.ada}
    for wrong in (["a b"], [""], ["x" * 65], ["r"] * 51, "boss", [1], None):
        for name in ("add", "remove"):
            answer = await change(json={name: wrong})
            refused(answer, 422, "invalid_input")
            assert set(answer.json()["fields"]) == {name}
            assert "`" not in answer.json()["fields"][name], "for people, and not from a parser"
    many = [f"{'r' * 60}{i:03}" for i in range(20)]
    refused(await change(json={"add": many}), 422, "invalid_input")


async def test_a_users_sessions_are_listed_and_ended(service):
    bob = await service.register("bob@example.com")
    tokens = [await service.sign_in("bob@example.com") for _ in range(2)]
    path = f"/users/{bob['id']}/sessions"
    living = await asked(service, path, "sessions")
    assert [set(each) for each in living] == [SESSION] * 2
    assert not any(each["current"] for each in living)
    assert (await ask(service, "DELETE", path)).json() == {"ended": 2}
    assert await asked(service, path, "sessions") == []
    assert (await ask(service, "DELETE", path)).json() == {"ended": 0}
    answer = await service.refresh(tokens[0]["refresh_token"])
    refused(answer, 401, "refresh_refused", reason="revoked")
    ended = await asked(service, "/events?kind=session_ended", "events")
    assert {each["detail"]["by"] for each in ended} == {service.ada}
    (own,) = await asked(service, f"/users/{service.ada}/sessions", "sessions")
    assert own["current"]


async def test_one_session_is_shown_and_ended(service):
    bob = await service.register("bob@example.com")
    tokens = await service.sign_in("bob@example.com")
    (living,) = await asked(service, f"/users/{bob['id']}/sessions", "sessions")
    path = f"/sessions/{living['id']}"
    shown = await asked(service, path, "session")
    assert shown == living | {
        "user_id": bob["id"],
        "email": bob["email"],
        "ended_at": None,
        "ended_because": None,
    }
    assert (await ask(service, "DELETE", path)).status_code == 204
    assert (await asked(service, path, "session"))["ended_because"] == "revoked"
    assert await service.me(tokens["access_token"]) == 401
    assert (await ask(service, "DELETE", path)).status_code == 204  # it is over, as was wished
    (ended,) = await asked(service, "/events?kind=session_ended", "events")
    assert ended["detail"] == {"by": service.ada}


async def test_sign_ins_are_listed_with_what_became_of_each(service):
    bob = await service.register("bob@example.com")
    service.clock.advance(60)
    first = await service.sign_in("bob@example.com")
    service.clock.advance(60)
    await service.sign_in("bob@example.com")
    await service.send("POST", "/logout", json={"refresh_token": first["refresh_token"]})
    page = (await ask(service, "GET", "/sessions?limit=2")).json()
    living, over = page["sessions"]
    assert set(living) == set(over) == ADMIN_SESSION
    assert {living["email"], over["email"]} == {"bob@example.com"}
    assert {living["user_id"], over["user_id"]} == {bob["id"]}
    assert (living["ended_at"], living["ended_because"]) == (None, None)
    assert over["ended_because"] == "signed_out"
    assert instant(over["ended_at"]) > instant(over["opened_at"])
    rest = (await ask(service, "GET", f"/sessions?before={page['next']}")).json()
    assert [(each["email"], each["current"]) for each in rest["sessions"]] == [(EMAIL, True)]
    assert rest["next"] is None


async def test_of_a_session_that_is_cleaned_up_the_sign_in_is_told(service):
    store, now = service.auth.store, service.clock()
    signed_in = event("signed_in", now=now, user_id=SOMEBODY, session_id=SOME_SESSION)
    await store.record(signed_in)
    gone, _ = await asked(service, "/sessions", "sessions")
    assert set(gone) == ADMIN_SESSION
    assert (gone["id"], gone["user_id"], gone["email"]) == (SOME_SESSION, SOMEBODY, None)
    assert instant(gone["opened_at"]).timestamp() == now
    for name in ("last_seen_at", "expires_at", "ended_at", "ended_because"):
        assert gone[name] is None


async def test_the_trail_is_asked_for_by_user_kind_and_time_page_by_page(service):
    bob = await service.register("bob@example.com")
    service.clock.advance(60)
    for _ in range(3):
        await service.sign_in("bob@example.com")
    since = datetime.fromtimestamp(service.clock(), UTC).isoformat().replace("+00:00", "Z")
    query = f"/events?user_id={bob['id']}&kind=signed_in&since={since}&limit=2"
    page = (await ask(service, "GET", query)).json()
    assert len(page["events"]) == 2
    rest = (await ask(service, "GET", f"{query}&before={page['next']}")).json()
    assert (len(rest["events"]), rest["next"]) == (1, None)
    every = page["events"] + rest["events"]
    assert all(set(each) == EVENT and isinstance(each["id"], str) for each in every)
    assert {(each["kind"], each["user_id"]) for each in every} == {("signed_in", bob["id"])}
    assert all(isinstance(each["session_id"], str) and each["detail"] == {} for each in every)


async def test_activity_counts_by_step_and_says_why_sign_ins_failed(service):
    since, store = service.clock() - 7_200, service.auth.store
    happened: list[tuple[float, Kind, str]] = [
        (-1, "signed_in", "pwd"),  # before the first step
        (0, "signed_in", "pwd"),
        (3_599.5, "signed_in", "moved"),
        (3_600, "sign_in_failed", "wrong_password"),
        (3_600, "sign_in_failed", "unknown_login"),
        (3_700, "sign_in_failed", "wrong_password"),
        (5_000, "reuse_detected", "reuse_detected"),
        (5_400, "signed_in", "pwd"),  # after the last
    ]
    for at, kind, reason in happened:
        await store.record(event(kind, now=since + at, reason=reason))
    begin, end = (
        datetime.fromtimestamp(since + at, UTC).isoformat().replace("+00:00", "Z")
        for at in (0, 5_400)
    )
    answer = await ask(service, "GET", f"/activity?since={begin}&until={end}&step=3600")
    assert answer.json() == {
        "since": begin,
        "until": end,
        "step": 3_600,
        "complete": True,
        "counted_since": begin,
        "series": {"signed_in": [2, 0], "sign_in_failed": [0, 3], "reuse_detected": [0, 1]},
        "refused": {"unknown_login": 1, "wrong_password": 2},
    }


async def test_activity_is_the_last_day_by_the_hour_where_nobody_says(service):
    """What happened in this very second is in it."""
    shown = (await ask(service, "GET", "/activity")).json()
    span = instant(shown["until"]) - instant(shown["since"])
    assert (span.total_seconds(), shown["step"]) == (86_400, 3_600)
    assert shown["series"]["signed_in"] == [0] * 23 + [1]


async def test_activity_says_where_not_all_of_it_is_counted(service, monkeypatch):
    """As of a store that looks at so many events and no more."""
    store = service.auth.store
    count = store.count_events

    async def counted(**asked):
        return msgspec.structs.replace(await count(**asked), since=asked["since"] + 3_600.5)

    monkeypatch.setattr(store, "count_events", counted)
    shown = (await ask(service, "GET", "/activity")).json()
    assert shown["complete"] is False
    assert (instant(shown["counted_since"]) - instant(shown["since"])).total_seconds() == 3_601


async def test_activity_has_at_most_400_steps(service):
    until = "2027-01-15T00:00:00Z"
    path = f"/activity?until={until}&step=60&since="
    assert (await ask(service, "GET", f"{path}2027-01-14T17:20:00Z")).status_code == 200
    answer = await ask(service, "GET", f"{path}2027-01-14T17:19:59Z")
    refused(answer, 422, "invalid_input")
    assert set(answer.json()["fields"]) == {"step"}
    answer = await ask(service, "GET", f"{path}{until}")
    refused(answer, 422, "invalid_input")
    assert set(answer.json()["fields"]) == {"since"}


async def test_a_parameter_that_is_wrong_is_named(service):
    """So are one that is not known and one that stands twice."""
    for path, names in WRONG.items():
        for name, values in names.items():
            for value in values:
                answer = await service.client.get(
                    f"/auth{path}",
                    params={name: value},
                    headers={"Authorization": f"Bearer {service.token}"},
                )
                refused(answer, 422, "invalid_input")
                assert set(answer.json()["fields"]) == {name}, value
        refused(await ask(service, "GET", f"{path[6:]}?Limit=1"), 422, "invalid_input")
        refused(await ask(service, "GET", f"{path[6:]}?q=1&q=1"), 422, "invalid_input")
    answer = await ask(service, "GET", "/users?limit=1&limit=1")
    refused(answer, 422, "invalid_input", fields={"limit": "one value, not several"})


async def test_what_is_not_there_is_404(service):
    for user_id in (SOMEBODY, "nobody", "%00", "a%20b", "x" * 200):
        for method, path in (
            ("GET", ""),
            ("GET", "/sessions"),
            ("DELETE", "/sessions"),
            ("POST", "/disable"),
            ("POST", "/enable"),
            ("POST", "/roles"),
        ):
            answer = await ask(service, method, f"/users/{user_id}{path}")
            refused(answer, 404, "not_found")
    for session_id in (SOME_SESSION, "short", "%00" * 22, "ß" * 22):
        for method in ("GET", "DELETE"):
            refused(await ask(service, method, f"/sessions/{session_id}"), 404, "not_found")


async def test_a_405_names_every_method_of_the_address(service):
    for path, methods in (
        (f"/users/{service.ada}/sessions", {"GET", "HEAD", "DELETE"}),
        (f"/sessions/{SOME_SESSION}", {"GET", "HEAD", "DELETE"}),
        ("/users", {"GET", "HEAD"}),
    ):
        answer = await ask(service, "PUT", path)
        refused(answer, 405, "method_not_allowed")
        assert set(answer.headers["allow"].split(", ")) == methods
    answer = await ask(service, "HEAD", f"/users/{service.ada}/sessions")
    assert (answer.status_code, answer.content) == (200, b"")
