"""What a process knows to be revoked: complete at every look, and never growing."""

import asyncio
from math import inf

import msgspec
import pytest

from admit.errors import InvalidToken, Unavailable
from admit.revocation import PRUNE_SECONDS, Cursor, Revoked, ending
from admit.stores.base import Feed
from admit.testing import samples

pytestmark = pytest.mark.anyio


def why(engine, token):
    """Why this token is refused; None where it is accepted."""
    try:
        engine.verify(token)
    except InvalidToken as refused:
        return refused.reason
    return None


async def signed_in(engine):
    account = await engine.store.find_user("id", "id-ada")
    return await engine.sessions.open(account, now=engine.clock())


async def test_what_this_process_ends_it_refuses_at_once(engine, ada, clock):
    one, two, three = [await signed_in(engine) for _ in range(3)]
    await engine.sessions.sign_out(one.refresh_token, now=clock())
    assert [why(engine, each.access_token) for each in (one, two, three)] == [
        "signed_out",
        None,
        None,
    ]
    assert await engine.sessions.end_own("id-ada", two.session_id, now=clock())
    assert why(engine, two.access_token) == "signed_out"
    assert not await engine.sessions.end_own("id-ada", two.session_id, now=clock())
    assert not await engine.sessions.end_own("id-bob", three.session_id, now=clock())
    assert await engine.sessions.end_all("id-ada", now=clock()) == 1
    assert why(engine, three.access_token) == "signed_out"


async def test_the_session_that_a_sign_in_replaces_is_refused_at_once(engine, ada, clock):
    held = await signed_in(engine)
    await engine.sessions.open(ada, now=clock(), replaces=held.refresh_token)
    assert why(engine, held.access_token) == "signed_out"


async def test_a_damaged_cookie_replaces_nothing(engine, ada, clock):
    held = await signed_in(engine)
    await engine.sessions.open(ada, now=clock(), replaces=held.refresh_token[:-5] + "AAAAA")
    assert why(engine, held.access_token) is None


async def test_a_reuse_is_refused_at_once_and_says_so(engine, ada, clock):
    first, other = await signed_in(engine), await signed_in(engine)
    second = await engine.sessions.refresh(first.refresh_token, now=clock())
    clock.passes(11)
    with pytest.raises(Exception, match="stolen"):
        await engine.sessions.refresh(first.refresh_token, now=clock())
    assert why(engine, second.access_token) == "reuse_detected"
    assert why(engine, other.access_token) is None


async def test_another_process_sees_it_at_its_next_look(engine, process, ada, clock):
    async with process() as other:
        tokens = await signed_in(engine)
        await engine.sessions.sign_out(tokens.refresh_token, now=clock())
        await other.revoked.look(clock())
        assert why(other, tokens.access_token) == "signed_out"


async def test_a_process_that_just_started_knows_everything_before_it_serves(
    engine, process, ada, clock
):
    tokens = await signed_in(engine)
    await engine.sessions.sign_out(tokens.refresh_token, now=clock())
    async with process() as fresh:
        assert why(fresh, tokens.access_token) == "signed_out"


async def test_a_lost_role_is_refused_until_the_next_refresh(engine, process, ada, clock):
    async with process() as other:
        tokens = await signed_in(engine)
        await other.accounts.set_roles("id-ada", add=(), remove=("admin",), now=clock())
        for each in (engine, other):
            await each.revoked.look(clock())
            assert why(each, tokens.access_token) == "revoked"
        # In the very same second: the new token carries the new roles, and is accepted.
        fresh = await engine.sessions.refresh(tokens.refresh_token, now=clock())
        assert fresh.user.roles == ("writer",)
        for each in (engine, other):
            assert each.verify(fresh.access_token).roles == ("writer",)


async def test_a_gained_role_revokes_nothing(engine, ada, clock):
    tokens = await signed_in(engine)
    await engine.accounts.set_roles("id-ada", add=("more",), remove=(), now=clock())
    await engine.revoked.look(clock())
    assert why(engine, tokens.access_token) is None


async def test_a_disabled_account_is_refused_and_enabled_it_signs_in_again(engine, ada, clock):
    tokens = await signed_in(engine)
    assert await engine.accounts.set_enabled("id-ada", enabled=False, now=clock())
    await engine.revoked.look(clock())
    assert why(engine, tokens.access_token) == "revoked"
    assert await engine.accounts.set_enabled("id-ada", enabled=True, now=clock())
    assert why(engine, (await signed_in(engine)).access_token) is None
    assert why(engine, tokens.access_token) == "revoked"


async def test_looks_that_overlap_take_in_the_same(engine, process, ada, clock):
    async with process() as other:
        tokens = [await signed_in(engine) for _ in range(10)]
        for each in tokens:
            await engine.sessions.sign_out(each.refresh_token, now=clock())
        await asyncio.gather(*(other.revoked.look(clock()) for _ in range(10)))
        assert {why(other, each.access_token) for each in tokens} == {"signed_out"}


class Reordered:
    """A store whose first look comes back last."""

    def __init__(self, store):
        self._store = store
        self.begun = asyncio.Event()
        self.first = asyncio.Event()
        self._looks = 0

    async def revocations(self, *, after, now):
        entries = await self._store.revocations(after=after, now=now)
        self._looks += 1
        if self._looks == 1:
            self.begun.set()
            await self.first.wait()
        return entries


async def test_a_look_that_comes_back_late_undoes_nothing(engine, ada, clock):
    """It holds the older entries only: what a later look learned stays."""
    slow = Reordered(engine.store)
    revoked = Revoked(slow, max_age=10.0)  # type: ignore[arg-type]
    tokens = await signed_in(engine)
    await engine.accounts.set_roles("id-ada", add=(), remove=("admin",), now=clock())
    # Of one event loop only one looks at a time, but an engine may serve two.
    late = asyncio.create_task(revoked._read(clock()))
    await slow.begun.wait()
    fresh = await engine.sessions.refresh(tokens.refresh_token, now=clock())
    await engine.accounts.set_roles("id-ada", add=(), remove=("writer",), now=clock())
    await revoked.look(clock())
    principal = engine.access._check(fresh.access_token, clock())
    assert revoked.reason(principal) == "revoked"
    slow.first.set()
    await late
    assert revoked.reason(principal) == "revoked"


async def test_what_matters_no_more_is_forgotten(engine, ada, clock):
    """The last token that it concerned is dead, by anybody's clock."""
    tokens = await signed_in(engine)
    await engine.sessions.sign_out(tokens.refresh_token, now=clock())
    until = engine.settings.dead_after(clock()) - clock()
    clock.passes(until - 1)
    await engine.revoked.look(clock())
    assert len(engine.revoked._sessions) == 1
    assert why(engine, tokens.access_token) == "expired"
    clock.passes(PRUNE_SECONDS + 1)
    await engine.revoked.look(clock())
    assert engine.revoked._sessions == {}


async def test_a_revocation_outlives_every_token_that_it_concerns(engine, ada, clock):
    """All along the token is refused, first for its session, then for its age."""
    tokens = await signed_in(engine)
    await engine.sessions.sign_out(tokens.refresh_token, now=clock())
    for _ in range(32):
        await engine.revoked.look(clock())
        assert why(engine, tokens.access_token) in {"signed_out", "expired"}
        clock.passes(30)


async def test_a_withdrawn_key_is_no_session(engine, ada, clock):
    tokens = await signed_in(engine)
    assert await engine.store.save_user(
        samples.account(), revocation=samples.revocation(tokens.session_id, kind="key")
    )
    await engine.revoked.look(clock())
    assert why(engine, tokens.access_token) is None


async def test_knowledge_is_as_old_as_the_look_that_brought_it(engine, clock):
    """Counted from when the look began: what was committed while it ran, it may have missed."""
    revoked = Revoked(slow := Reordered(engine.store), max_age=10.0)  # type: ignore[arg-type]
    assert revoked.age(clock()) == inf
    with pytest.raises(Unavailable):
        revoked.check(clock())
    look = asyncio.create_task(revoked.look(clock()))
    await asyncio.sleep(0)
    clock.passes(7)
    slow.first.set()
    await look
    assert revoked.age(clock()) == 7
    revoked.check(clock())
    clock.passes(3.5)
    with pytest.raises(Unavailable, match="10 s ago"):
        revoked.check(clock())


async def test_a_look_that_fails_makes_nothing_younger(engine, clock):
    clock.passes(9)
    await engine.store.close()
    with pytest.raises(Unavailable):
        await engine.revoked.look(clock())
    assert engine.revoked.age(clock()) == 9


async def test_a_clock_that_went_back_is_told_until_the_next_look(engine, clock):
    clock.passes(-11)
    with pytest.raises(Unavailable, match="went back by 11 s"):
        engine.revoked.check(clock())
    await engine.revoked.look(clock())
    engine.revoked.check(clock())


class Counted:
    """A store that counts its looks, holds them up, and fails when it is told to."""

    def __init__(self, store):
        self._store = store
        self.looks = []
        self.at_once = 0
        self.error = None
        self.free = asyncio.Event()
        self.free.set()

    async def revocations(self, *, after, now):
        self.looks.append(after)
        self.at_once += 1
        try:
            assert self.at_once == 1, "two look at once"
            await self.free.wait()
            if self.error:
                raise self.error
            return await self._store.revocations(after=after, now=now)
        finally:
            self.at_once -= 1


async def test_all_who_look_meanwhile_share_the_next_look(engine, clock):
    revoked = Revoked(counted := Counted(engine.store), max_age=10.0)  # type: ignore[arg-type]
    counted.free.clear()
    looks = [asyncio.create_task(revoked.look(clock())) for _ in range(64)]
    await asyncio.sleep(0)
    await samples.add(engine.store, "ada")  # after the first look has begun
    entry = samples.revocation("a session", kind="session")
    assert await engine.store.save_user(samples.account(), revocation=entry)
    counted.free.set()
    await asyncio.gather(*looks)
    assert len(counted.looks) == 2
    assert revoked._sessions.keys() == {"a session"}


async def test_a_look_is_as_late_as_the_latest_who_shares_it(engine, clock):
    """Or what it brings would look old to whoever asked last."""
    revoked = Revoked(counted := Counted(engine.store), max_age=10.0)  # type: ignore[arg-type]
    counted.free.clear()
    looks = []
    for passes in (0, 0, 920):
        clock.passes(passes)
        looks.append(asyncio.create_task(revoked.look(clock())))
        await asyncio.sleep(0)
    counted.free.set()
    await asyncio.gather(*looks)
    assert len(counted.looks) == 2
    assert revoked.age(clock()) == 0


async def test_a_look_that_fails_fails_for_all_who_share_it(engine, clock):
    revoked = Revoked(counted := Counted(engine.store), max_age=10.0)  # type: ignore[arg-type]
    counted.free.clear()
    counted.error = Unavailable("The store is out.")
    looks = [asyncio.create_task(revoked.look(clock())) for _ in range(8)]
    await asyncio.sleep(0)
    counted.free.set()
    outcomes = await asyncio.gather(*looks, return_exceptions=True)
    assert {type(each) for each in outcomes} == {Unavailable}
    assert len(counted.looks) == 2
    counted.error = None
    await revoked.look(clock())


async def test_a_look_that_is_given_up_is_made_by_the_next(engine, clock):
    revoked = Revoked(counted := Counted(engine.store), max_age=10.0)  # type: ignore[arg-type]
    counted.free.clear()
    looks = [asyncio.create_task(revoked.look(clock())) for _ in range(3)]
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        for given_up in (1, 2):  # the second is one that the third would have shared
            looks[given_up - 1].cancel()
            while len(counted.looks) == given_up:  # noqa: ASYNC110  the next one begins
                await asyncio.sleep(0)
        counted.free.set()
        await looks[2]
    assert revoked.age(clock()) == 0


async def test_a_request_that_began_before_the_last_look_reads_nothing_anew(engine, ada, clock):
    """Its instant is older, and no clock was set back."""
    revoked = Revoked(counted := Counted(engine.store), max_age=10.0)  # type: ignore[arg-type]
    for _ in range(5):
        await engine.sessions.end(
            ending("revoked", engine.settings, now=clock(), user_id="id-ada"), now=clock()
        )
        await signed_in(engine)
    await revoked.look(clock())
    began = clock()
    clock.passes(3)
    await revoked.look(clock())
    await revoked.changed(began)
    assert counted.looks[0] == 0
    assert min(counted.looks[1:]) > 0
    assert revoked.age(clock()) == 0


class Rewound:
    """A store that was put back to an older copy: it has these revocations and no others."""

    def __init__(self):
        self.entries = []
        self.head = 0

    def revoke(self, subject, kind="session", **more):
        self.head += 1
        entry = samples.revocation(subject, kind=kind, **more)
        self.entries.append(msgspec.structs.replace(entry, seq=self.head))

    def back_to(self, head):
        self.head = head
        self.entries = [each for each in self.entries if each.seq <= head]

    async def revocations(self, *, after, now):
        begin = after if after <= self.head else 0
        found = [each for each in self.entries if each.seq > begin and each.until > now]
        return Feed(entries=found, head=self.head)


@pytest.mark.parametrize("since", [0, 1, 2, 5], ids="then {} more".format)
async def test_a_store_that_was_put_back_is_read_from_its_beginning(clock, since):
    """Also where it has given the same numbers again before anybody looked."""
    store = Rewound()
    revoked = Revoked(store, max_age=10.0)  # type: ignore[arg-type]
    until = clock() + 900
    for number in range(5):
        store.revoke(f"before {number}", until=until)
    store.revoke("ada", kind="user", version=9, until=until)
    await revoked.look(clock())
    seen = revoked.page(Cursor(), clock())
    store.back_to(4)
    for number in range(since):
        store.revoke(f"after {number}", until=until)
    await revoked.look(clock())
    known = {f"before {number}" for number in range(5)} | {f"after {n}" for n in range(since)}
    assert revoked._sessions.keys() == known
    assert not revoked._users, "the account counts its versions anew"
    # And who follows the feed with a cursor from before is given everything.
    page = revoked.page(seen.cursor, clock())
    assert [each.subject for each in page.entries] == [each.subject for each in store.entries]


class Told:
    """A push that does as it is told."""

    name = "a push of the tests"
    kind = "tests"
    connected = True

    def __init__(self):
        self.told = 0
        self.error = None
        self.free = asyncio.Event()
        self.free.set()

    async def tell(self):
        self.told += 1
        await self.free.wait()
        if self.error:
            raise self.error

    async def listen(self, heard):
        await asyncio.Event().wait()


async def test_the_others_are_told_and_nobody_waits_for_it(engine, clock):
    push = Told()
    push.free.clear()
    revoked = Revoked(engine.store, max_age=10.0, push=push)
    for _ in range(50):
        await revoked.changed(clock())
    assert push.told == 1
    push.free.set()
    await revoked.told()
    assert push.told == 2, "what came meanwhile is told together"


async def test_what_cannot_be_told_harms_nothing(engine, clock, caplog):
    push = Told()
    push.error = OSError("cut off")
    revoked = Revoked(engine.store, max_age=10.0, push=push)
    for times in (1, 2):
        await revoked.changed(clock())
        await revoked.told()
        assert push.told == times
    assert "could not be told" in caplog.text


async def test_the_others_are_told_though_the_store_is_gone(engine, clock):
    """It was committed; that this process can't read it back is its own affair."""
    push = Told()
    revoked = Revoked(engine.store, max_age=10.0, push=push)
    await engine.store.close()
    await revoked.changed(clock())
    assert revoked.behind
    await revoked.told()
    assert push.told == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda engine, tokens, now: engine.sessions.sign_out(tokens.refresh_token, now=now),
        lambda engine, tokens, now: engine.sessions.end_all("id-ada", now=now),
        lambda engine, tokens, now: engine.accounts.set_enabled("id-ada", enabled=False, now=now),
        lambda engine, tokens, now: engine.accounts.set_roles(
            "id-ada", add=(), remove=("admin",), now=now
        ),
        lambda engine, tokens, now: engine.accounts.reset_password(
            "id-ada", "seven pale lanterns drift", now=now
        ),
        lambda engine, tokens, now: engine.keys.withdraw(engine.keys.state[-1].kid, now),
    ],
    ids=["sign out", "everywhere", "disable", "roles", "password", "key"],
)
async def test_whatever_revokes_is_told(process, clock, change):
    engine = process()
    push = Told()
    engine.revoked._teller._push = push
    async with engine:
        await samples.add(engine.store, "ada")
        tokens = await signed_in(engine)
        assert push.told == 0
        await change(engine, tokens, clock())
        await engine.revoked.told()
        assert push.told == 1
