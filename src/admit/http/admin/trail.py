"""Sign-ins, the audit trail and what happened over time, as an administrator sees them."""

from __future__ import annotations

import asyncio
from collections import Counter
from math import ceil
from typing import TYPE_CHECKING, TypeVar, get_args

from admit.errors import NotFound
from admit.http.admin import bodies
from admit.http.admin.people import NO_SESSION
from admit.http.admin.queries import Asked
from admit.http.bodies import answer, utc
from admit.stores import patience
from admit.tokens.refresh import is_session_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.requests import Request
    from starlette.responses import Response

    from admit.engine import Engine
    from admit.events import Event
    from admit.http.admin.callers import Administrators
    from admit.model import Account, Session
    from admit.stores.base import Counts

Found = TypeVar("Found")

MOST_STEPS = 400
DAY = 86_400
STEP = 3_600
"""Seconds; a day by the hour, where nobody says."""
AT_ONCE = 8
"""Look-ups of one request that are under way together: others want the store as well."""
KINDS: tuple[bodies.Series, ...] = get_args(bodies.Series)


class Trail:
    """The routes of what happened.

    Arguments:
        engine: has the store and the clock.
        administrators: says who may ask.
    """

    def __init__(self, engine: Engine, administrators: Administrators) -> None:
        self._engine = engine
        self._administrators = administrators

    async def admin_sessions(self, request: Request) -> Response:
        """`GET /admin/sessions`: the sign-ins, and what became of each."""
        principal = await self._administrators.admit(request)
        asked = Asked(request, "before", "limit")
        before, limit = asked.before(), asked.limit()
        asked.check()
        found = await self._engine.store.events(kind="signed_in", before=before, limit=limit + 1)
        sign_ins, more = found[:limit], len(found) > limit
        # Together they take longer than one step of a request may, and still end within its time.
        shown = await patience.apart(self._shown(sign_ins, current=principal.session_id))
        return answer(
            bodies.AdminSessionsOut(sessions=shown, next=str(sign_ins[-1].id) if more else None)
        )

    async def admin_session(self, request: Request) -> Response:
        """`GET /admin/sessions/{id}`."""
        principal = await self._administrators.admit(request)
        Asked(request).check()
        session_id = request.path_params["id"]
        session = None
        if is_session_id(session_id):
            session = await self._engine.store.find_session(session_id)
        if session is None:
            raise NotFound(NO_SESSION)
        account = await self._engine.store.find_user("id", session.user_id)
        email = account.user.email if account else None
        shown = bodies.admin_session_out(session, email=email, current=principal.session_id)
        return answer(bodies.AdminSessionAnswer(session=shown))

    async def admin_events(self, request: Request) -> Response:
        """`GET /admin/events`."""
        await self._administrators.admit(request)
        asked = Asked(request, "user_id", "kind", "since", "before", "limit")
        user_id, kind, before = asked.user_id(), asked.kind(), asked.before()
        since, limit = asked.instant("since"), asked.limit()
        asked.check()
        found = await self._engine.store.events(
            user_id=user_id, kind=kind, since=since or 0.0, before=before, limit=limit + 1
        )
        shown, more = found[:limit], len(found) > limit
        return answer(
            bodies.EventsOut(
                events=[bodies.event_out(each) for each in shown],
                next=str(shown[-1].id) if more else None,
            )
        )

    async def admin_activity(self, request: Request) -> Response:
        """`GET /admin/activity`: sign-ins, refusals and reuse over time."""
        await self._administrators.admit(request)
        since, until, step = self._span(Asked(request, "since", "until", "step"))
        counts = await self._engine.store.count_events(
            kinds=KINDS, since=since, until=until, step=step
        )
        steps = -(-(until - since) // step)
        return answer(
            bodies.ActivityOut(
                since=utc(since),
                until=utc(until),
                step=step,
                complete=counts.since <= since,
                counted_since=utc(ceil(counts.since)),  # it must not say too much
                series=bodies.SeriesOut(**{kind: _series(counts, kind, steps) for kind in KINDS}),
                refused=_refused(counts),
            )
        )

    def _span(self, asked: Asked) -> tuple[int, int, int]:
        """From when to when, and the step, in whole seconds.

        Raises:
            InvalidInput: with what a parameter wants.
        """
        given_since, given_until, step = (
            asked.instant("since"),
            asked.instant("until"),
            asked.step(STEP),
        )
        # Up to the end of this second: what happened just now is to be seen.
        until = int(self._engine.clock()) + 1 if given_until is None else int(given_until)
        since = max(0, until - DAY) if given_since is None else int(given_since)
        if since >= until:
            asked.wrong("since", "an instant before `until`")
        elif until - since > MOST_STEPS * step:
            asked.wrong("step", f"more seconds: at most {MOST_STEPS} steps from `since` to `until`")
        asked.check()
        return since, until, step

    async def _shown(self, sign_ins: list[Event], *, current: str) -> list[bodies.AdminSessionOut]:
        """The session of each sign-in, with the address of its user."""
        store = self._engine.store
        sessions: dict[str, Session | None] = await _looked_up(
            (each.session_id for each in sign_ins), store.find_session
        )
        users: dict[str, Account | None] = await _looked_up(
            (each.user_id for each in sign_ins), lambda user_id: store.find_user("id", user_id)
        )
        emails = {user_id: each.user.email for user_id, each in users.items() if each}
        return [
            bodies.admin_session_out(found, email=emails.get(found.user_id), current=current)
            if (found := sessions.get(each.session_id or ""))
            else bodies.cleaned_up_out(each, email=emails.get(each.user_id or ""), current=current)
            for each in sign_ins
        ]


async def _looked_up(
    ids: Iterable[str | None], find: Callable[[str], Awaitable[Found]]
) -> dict[str, Found]:
    """What there is for each id, looked up once each and a few at a time."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(wanted: str) -> Found:
        async with places:
            return await find(wanted)

    wanted = list(dict.fromkeys(each for each in ids if each))
    return dict(zip(wanted, await asyncio.gather(*map(one, wanted)), strict=True))


def _series(counts: Counts, kind: bodies.Series, steps: int) -> list[int]:
    numbers = [0] * steps
    for each in counts.counts:
        if each.kind == kind:
            numbers[each.step] += each.events
    return numbers


def _refused(counts: Counts) -> dict[str, int]:
    """How many sign-ins failed, by the reason."""
    refused: Counter[str] = Counter()
    for each in counts.counts:
        if each.kind == "sign_in_failed":
            refused[each.reason or "unknown"] += each.events
    return dict(sorted(refused.items()))
