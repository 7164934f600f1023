"""The routes of the admin API as a table, as in `admit.http.operations`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from admit import errors
from admit.http.admin import bodies, queries
from admit.http.admin.callers import Administrators
from admit.http.admin.people import People
from admit.http.admin.trail import MOST_STEPS, STEP, Trail
from admit.http.bodies import SessionsOut
from admit.http.operations import BEARER, BODY, Operation
from admit.users.base import ID

if TYPE_CHECKING:
    import msgspec

    from admit.engine import Engine
    from admit.http.operations import Endpoint

USER = f"^{ID.pattern}$"
ASKING = (*BEARER, errors.Forbidden, errors.InvalidInput)
FOUND = (*ASKING, errors.NotFound)


def _query(name: str, description: str, **schema: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema,
    }


LIMIT = _query(
    "limit",
    "How many at most.",
    type="integer",
    minimum=1,
    maximum=queries.LARGEST_LIMIT,
    default=queries.LIMIT,
)
SEARCH = _query(
    "search",
    "What an address or a username has in it.",
    type="string",
    maxLength=queries.LONGEST_SEARCH,
)
AFTER = _query("after", "The `next` of the page before.", type="string", pattern="^[A-Za-z0-9_-]+$")
BEFORE = _query(
    "before", "The `next` of the page before.", type="string", pattern="^[1-9][0-9]{0,18}$"
)
SINCE = _query("since", "The first instant that counts.", type="string", format="date-time")
UNTIL = _query("until", "The first instant after it; else now.", type="string", format="date-time")
KIND = _query("kind", "Which kind of event.", type="string", enum=list(queries.KINDS))
USER_ID = _query("user_id", "Whose.", type="string", pattern=USER)
EACH = _query(
    "step",
    f"Seconds of one step; there may be {MOST_STEPS}.",
    type="integer",
    minimum=queries.SHORTEST_STEP,
    maximum=queries.LONGEST_STEP,
    default=STEP,
)


def operations(engine: Engine) -> list[Operation]:
    """Every route of the admin API, under the prefix."""
    administrators = Administrators(engine)
    people, trail = People(engine, administrators), Trail(engine, administrators)
    return [*_users(people), *_sessions(people, trail)]


def _operation(
    method: str,
    path: str,
    endpoint: Endpoint,
    summary: str,
    *,
    takes: type[msgspec.Struct] | None = None,
    **more: Any,  # noqa: ANN401  what else an Operation has
) -> Operation:
    """One route: for a bearer, who may ask for an id that nobody has."""
    refuses = FOUND if "{id}" in path else ASKING
    return Operation(
        method=method,
        path=path,
        endpoint=endpoint,
        summary=summary,
        takes=takes,
        refuses=(*BODY, *refuses) if takes else refuses,
        presents=("bearer",),
        **more,
    )


def _users(people: People) -> list[Operation]:
    one = partial(_operation, id_is=USER)
    return [
        _operation(
            "GET",
            "/admin/users",
            people.admin_users,
            "Users, in the order of their addresses",
            gives=bodies.AdminUsersOut,
            parameters=(SEARCH, AFTER, LIMIT),
        ),
        one(
            "GET",
            "/admin/users/{id}",
            people.admin_user,
            "One user",
            gives=bodies.AdminUserAnswer,
        ),
        one(
            "GET",
            "/admin/users/{id}/sessions",
            people.admin_user_sessions,
            "The devices on which a user is signed in",
            gives=SessionsOut,
        ),
        one(
            "DELETE",
            "/admin/users/{id}/sessions",
            people.end_user_sessions,
            "Sign a user out everywhere",
            gives=bodies.EndedOut,
        ),
        one(
            "POST",
            "/admin/users/{id}/disable",
            people.disable_user,
            "Disable a user; every session of theirs ends",
            takes=bodies.NothingBody,
            gives=bodies.AdminUserAnswer,
        ),
        one(
            "POST",
            "/admin/users/{id}/enable",
            people.enable_user,
            "Enable a user who was disabled",
            takes=bodies.NothingBody,
            gives=bodies.AdminUserAnswer,
        ),
        one(
            "POST",
            "/admin/users/{id}/roles",
            people.set_user_roles,
            "Give a user roles and take them away",
            takes=bodies.RolesBody,
            gives=bodies.AdminUserAnswer,
        ),
    ]


def _sessions(people: People, trail: Trail) -> list[Operation]:
    return [
        _operation(
            "GET",
            "/admin/sessions",
            trail.admin_sessions,
            "Sign-ins, the newest first, and what became of each session",
            gives=bodies.AdminSessionsOut,
            parameters=(BEFORE, LIMIT),
        ),
        _operation(
            "GET",
            "/admin/sessions/{id}",
            trail.admin_session,
            "One session",
            gives=bodies.AdminSessionAnswer,
        ),
        _operation(
            "DELETE",
            "/admin/sessions/{id}",
            people.end_any_session,
            "End one session",
            status=204,
        ),
        _operation(
            "GET",
            "/admin/events",
            trail.admin_events,
            "The audit trail, the newest first",
            gives=bodies.EventsOut,
            parameters=(USER_ID, KIND, SINCE, BEFORE, LIMIT),
        ),
        _operation(
            "GET",
            "/admin/activity",
            trail.admin_activity,
            "Sign-ins, refusals and reuse over time",
            gives=bodies.ActivityOut,
            parameters=(SINCE, UNTIL, EACH),
        ),
    ]
