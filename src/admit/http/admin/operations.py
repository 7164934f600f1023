"""The routes of the admin API as a table, as in `admit.http.operations`."""

from __future__ import annotations

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
    from admit.engine import Engine

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
    return [
        *_users(People(engine, administrators)),
        *_sessions(People(engine, administrators), Trail(engine, administrators)),
    ]


def _users(people: People) -> list[Operation]:
    return [
        Operation(
            method="GET",
            path="/admin/users",
            endpoint=people.admin_users,
            summary="Users, in the order of their addresses",
            gives=bodies.AdminUsersOut,
            refuses=ASKING,
            presents=("bearer",),
            parameters=(SEARCH, AFTER, LIMIT),
        ),
        Operation(
            method="GET",
            path="/admin/users/{id}",
            endpoint=people.admin_user,
            summary="One user",
            gives=bodies.AdminUserAnswer,
            refuses=FOUND,
            presents=("bearer",),
            id_is=USER,
        ),
        Operation(
            method="GET",
            path="/admin/users/{id}/sessions",
            endpoint=people.admin_user_sessions,
            summary="The devices on which a user is signed in",
            gives=SessionsOut,
            refuses=FOUND,
            presents=("bearer",),
            id_is=USER,
        ),
        Operation(
            method="DELETE",
            path="/admin/users/{id}/sessions",
            endpoint=people.end_user_sessions,
            summary="Sign a user out everywhere",
            gives=bodies.EndedOut,
            refuses=FOUND,
            presents=("bearer",),
            id_is=USER,
        ),
        Operation(
            method="POST",
            path="/admin/users/{id}/disable",
            endpoint=people.disable_user,
            summary="Disable a user; every session of theirs ends",
            takes=bodies.NothingBody,
            gives=bodies.AdminUserAnswer,
            refuses=(*BODY, *FOUND),
            presents=("bearer",),
            id_is=USER,
        ),
        Operation(
            method="POST",
            path="/admin/users/{id}/enable",
            endpoint=people.enable_user,
            summary="Enable a user who was disabled",
            takes=bodies.NothingBody,
            gives=bodies.AdminUserAnswer,
            refuses=(*BODY, *FOUND),
            presents=("bearer",),
            id_is=USER,
        ),
        Operation(
            method="POST",
            path="/admin/users/{id}/roles",
            endpoint=people.set_user_roles,
            summary="Give a user roles and take them away",
            takes=bodies.RolesBody,
            gives=bodies.AdminUserAnswer,
            refuses=(*BODY, *FOUND),
            presents=("bearer",),
            id_is=USER,
        ),
    ]


def _sessions(people: People, trail: Trail) -> list[Operation]:
    return [
        Operation(
            method="GET",
            path="/admin/sessions",
            endpoint=trail.admin_sessions,
            summary="Sign-ins, the newest first, and what became of each session",
            gives=bodies.AdminSessionsOut,
            refuses=ASKING,
            presents=("bearer",),
            parameters=(BEFORE, LIMIT),
        ),
        Operation(
            method="GET",
            path="/admin/sessions/{id}",
            endpoint=trail.admin_session,
            summary="One session",
            gives=bodies.AdminSessionAnswer,
            refuses=FOUND,
            presents=("bearer",),
        ),
        Operation(
            method="DELETE",
            path="/admin/sessions/{id}",
            endpoint=people.end_any_session,
            summary="End one session",
            status=204,
            refuses=FOUND,
            presents=("bearer",),
        ),
        Operation(
            method="GET",
            path="/admin/events",
            endpoint=trail.admin_events,
            summary="The audit trail, the newest first",
            gives=bodies.EventsOut,
            refuses=ASKING,
            presents=("bearer",),
            parameters=(USER_ID, KIND, SINCE, BEFORE, LIMIT),
        ),
        Operation(
            method="GET",
            path="/admin/activity",
            endpoint=trail.admin_activity,
            summary="Sign-ins, refusals and reuse over time",
            gives=bodies.ActivityOut,
            refuses=ASKING,
            presents=("bearer",),
            parameters=(SINCE, UNTIL, EACH),
        ),
    ]
