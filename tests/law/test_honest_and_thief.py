"""Honest clients and a thief on the real engine, under every misfortune at once.

Three invariants hold at every step. No honest client is refused unless it, its user, expiry, a
thief's reuse, or an honest retry outside the law's window (which nobody can tell from theft)
ended the session. A token whose successor is younger than the leeway is refused to nobody, however
many tabs there are and in whatever order what they sent arrives. And no reuse outside the law's
window goes unnoticed: the session is ended, and the event recorded, once. `DEEP_TESTS=1` looks
twenty times as long, and elsewhere each time.
"""

import asyncio
import copy
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from admit.engine import Engine
from admit.errors import InvalidToken, RefreshRefused
from admit.model import Tokens
from admit.revocation import ending
from admit.settings import SKEW, Settings
from admit.testing import samples
from tests.law.ledger import FRESH, REUSE, Ledger, Won, claims_of
from tests.law.tabs import Tab, restore
from tests.memory import memory

DEEP = bool(os.environ.get("DEEP_TESTS"))
START = 1_800_000_000.0
ACCESS, IDLE, ABSOLUTE = 900.0, 604_800.0, 2_592_000.0
CLIENTS = 3
LEEWAY = 10.0

client = st.integers(0, CLIENTS - 1)
process = st.integers(0, 1)
key = st.sampled_from([None, None, "a key", "another key"])
moment = st.sampled_from([0.0, 0.0, 0.5, 3.0, 9.75, 10.0, 11.0, ACCESS, -5.0, -20.0])
way = st.sampled_from([0.0, 0.25, 1.0, 3.0, 3.25])  # there and twice back: less than the leeway
tab = st.builds(Tab, begins=st.sampled_from([0.0, 0.25, 1.0, 3.0, 8.0, 12.0]), there=way, back=way)
long = st.sampled_from([ACCESS + 9, ACCESS + 10, ACCESS + 11, IDLE - 1, IDLE, ABSOLUTE - IDLE])


@dataclass
class Client:
    """One cookie jar or one app: the tokens that whoever asks next will present."""

    tokens: Tokens
    access: list[str] = field(default_factory=list)


@dataclass
class Flight:
    """A request under way: the token was taken from the jar, and may arrive much later."""

    client: Client
    tokens: Tokens
    key: str | None
    answer: Tokens | None = None


class HonestAndThief(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.now = START
        self.loop = asyncio.new_event_loop()
        self.directory = Path(tempfile.mkdtemp(prefix="admit-law-", dir=memory()))
        self.account = samples.account()
        self.ledgers: dict[str, Ledger] = {}
        self.reuses = 0
        self.saved: tuple = ()
        self.engines: list[Engine] = []
        self.clients: list[Client] = []
        self.flights: list[Flight] = []
        self.loot: list[Tokens] = []
        self.young: dict[tuple[str, int], float] = {}
        """When each token was first handed out, as long as that is less than the leeway ago."""

    def run(self, work):
        return self.loop.run_until_complete(work)

    @initialize(leeway=st.sampled_from([LEEWAY, LEEWAY, 0.0]))
    def begin(self, leeway):
        self.settings = Settings(
            data_dir=self.directory,
            secret=("a secret of the law's own tests 0123456789",),
            leeway=leeway,
            key_ttl=3_650 * 86_400.0,
            throttle=False,
        )
        self.start()
        registered = samples.event("user_registered")
        assert self.run(self.engines[0].store.add_user(self.account, event=registered)) is None
        self.clients = [Client(self.signed_in(index % 2)) for index in range(CLIENTS)]
        self.the_store_is_copied()

    def start(self):
        """Two processes on one database."""
        self.engines = [Engine(self.settings, clock=lambda: self.now) for _ in range(2)]
        for engine in self.engines:
            self.run(engine.start())

    def stop(self):
        for engine in self.engines:
            self.run(engine.close())
        self.engines = []

    def teardown(self):
        self.stop()
        self.loop.close()
        shutil.rmtree(self.directory)

    # Honest clients.

    @rule(one=client, key=key, process=process)
    def a_client_refreshes(self, one, key, process):
        """One that is refused signs in again."""
        mine = self.clients[one]
        answer = self.present(mine.tokens, key, process, "honest")
        mine.tokens = answer or self.signed_in(process)
        mine.access.append(mine.tokens.access_token)

    @rule(one=client, keys=st.tuples(key, key), wait=moment, process=process)
    def an_answer_is_lost_and_the_request_sent_again(self, one, keys, wait, process):
        """To the other process, after a while, with the same key, another one or none."""
        self.present(self.clients[one].tokens, keys[0], process, "honest")
        self.time_passes(wait)
        self.a_client_refreshes(one, keys[1], 1 - process)

    @rule(one=client, key=key, copies=st.integers(1, 2))
    def tabs_set_off(self, one, key, copies):
        """Each takes the token out of the jar; the answers come when they come."""
        mine = self.clients[one]
        self.flights += [Flight(mine, mine.tokens, key) for _ in range(copies)]

    @precondition(lambda self: self.flights)
    @rule(data=st.data(), process=process)
    def a_request_arrives(self, data, process):
        """Perhaps once more: the answer before may have been lost."""
        flight = data.draw(st.sampled_from(self.flights))
        answer = self.present(flight.tokens, flight.key, process, "honest")
        flight.answer = answer or flight.answer

    @precondition(lambda self: self.flights)
    @rule(data=st.data())
    def an_answer_is_delivered(self, data):
        """Perhaps after a newer one: a jar keeps what came last."""
        flight = data.draw(st.sampled_from(self.flights))
        self.flights.remove(flight)
        if flight.answer:
            flight.client.tokens = flight.answer
            flight.client.access.append(flight.answer.access_token)

    @precondition(lambda self: self.settings.leeway)
    @rule(one=client, tabs=st.lists(tab, min_size=2, max_size=8), key=key)
    def a_browser_restores_its_tabs(self, one, tabs, key):
        """Each refreshes with what the jar holds when it begins; whatever is late, none is refused.

        It is where it began, at the latest, when the token that it holds at the end comes back.
        """
        mine = self.clients[one]
        ledger, generation = self.ledgers.get(mine.tokens.session_id), generation_of(mine.tokens)
        if ledger is None or ledger.over(self.now + 60) or generation < ledger.generation:
            return

        def present(tokens, at):
            self.time_passes(at - self.now)
            answer = self.present(tokens, key, len(mine.access) % 2, "honest")
            assert answer is not None, "a tab was refused"
            mine.access.append(answer.access_token)
            return answer

        mine.tokens = restore(tabs, mine.tokens, present, begun=self.now)
        event("tabs restored")

    @rule(one=client, key=key)
    def six_requests_at_once(self, one, key):
        """Over both processes, whose clocks differ: where the law has a window, one successor."""
        mine = self.clients[one]
        ledger, generation = self.ledgers.get(mine.tokens.session_id), generation_of(mine.tokens)
        if ledger is None or ledger.over(self.now) or not (key or self.settings.leeway):
            return
        if {ledger.deserves(generation, key, self.now + each) for each in range(6)} != {FRESH}:
            return

        async def burst():
            requests = (
                self.engines[index % 2].sessions.refresh(
                    mine.tokens.refresh_token, now=self.now + index, idempotency_key=key
                )
                for index in range(6)
            )
            return await asyncio.gather(*requests)

        answers = self.run(burst())
        (successor,) = {each.refresh_token for each in answers}
        row = self.run(self.engines[0].store.find_session(ledger.id))
        assert row is not None
        ledger.win(Won(successor, row.rotated_at, key), generation)
        self.young[ledger.id, generation + 1] = row.rotated_at
        mine.tokens = answers[0]
        mine.access += [each.access_token for each in answers]

    # Users.

    @rule(one=client, process=process)
    def the_user_signs_in_again_in_the_same_browser(self, one, process):
        mine = self.clients[one]
        replaced = mine.tokens
        mine.tokens = self.signed_in(process, replaces=replaced.refresh_token)
        if held := self.ledgers.get(replaced.session_id):
            held.end("signed_out", self.now)

    @rule(one=client, process=process)
    def the_user_signs_out(self, one, process):
        tokens = self.clients[one].tokens
        self.run(self.engines[process].sessions.sign_out(tokens.refresh_token, now=self.now))
        if held := self.ledgers.get(tokens.session_id):
            held.end("signed_out", self.now)

    @rule(process=process)
    def the_user_signs_out_everywhere(self, process):
        user_id = self.account.user.id
        ended = self.run(self.engines[process].sessions.end_all(user_id, now=self.now))
        assert ended == sum([each.end("signed_out", self.now) for each in self.ledgers.values()])

    @rule(one=client, process=process)
    def the_user_changes_the_password(self, one, process):
        """Every session but the one it was changed in ends."""
        engine, kept = self.engines[process], self.clients[one].tokens.session_id
        because = ending(
            "password_changed",
            self.settings,
            now=self.now,
            user_id=self.account.user.id,
            keep=kept,
        )
        version = self.account.password_version + 1
        changed = msgspec.structs.replace(self.account, password_version=version)
        assert self.run(engine.store.save_user(changed, ending=because))
        self.account = msgspec.structs.replace(changed, version=changed.version + 1)
        for each in self.ledgers.values():
            if each.id != kept:
                each.end("password_changed", self.now)

    # The thief.

    @rule(one=client)
    def a_token_is_stolen(self, one):
        self.loot.append(self.clients[one].tokens)

    @precondition(lambda self: self.loot)
    @rule(data=st.data(), key=st.sampled_from([None, "a guess"]), process=process)
    def the_thief_refreshes(self, data, key, process):
        """And keeps what comes of it beside what was stolen."""
        self.steal(data.draw(st.sampled_from(self.loot)), key, process)

    def steal(self, tokens, key, process):
        answer = self.present(tokens, key, process, "thief")
        if answer:
            self.loot.append(answer)
        return answer or tokens

    @rule(one=client, rounds=st.integers(1, 3), waits=st.tuples(moment, moment))
    def owner_and_thief_go_on_in_turn(self, one, rounds, waits):
        """For as long as the law lets them, each with what it was told last."""
        stolen = self.clients[one].tokens
        for _ in range(rounds):
            self.a_client_refreshes(one, None, 0)
            self.time_passes(waits[0])
            stolen = self.steal(stolen, None, 1)
            self.time_passes(waits[1])

    # Time and the machines.

    @rule(step=moment)
    def time_passes(self, step):
        """Or is set back, but not to before there was anything."""
        self.now = max(self.now + step, START)
        self.who_is_young()

    @rule(step=long)
    def a_long_time_passes(self, step):
        self.now += step
        self.who_is_young()

    def who_is_young(self):
        """Once too old, or born further ahead than clocks may differ, is no longer young."""
        self.young = {
            token: born
            for token, born in self.young.items()
            if -SKEW < self.now - born < self.settings.leeway
        }

    @rule(one=client, early=st.sampled_from([0.0, 0.5]), process=process)
    def a_client_comes_back_at_its_deadline(self, one, early, process):
        """At exactly that instant, or just before."""
        ledger = self.ledgers.get(self.clients[one].tokens.session_id)
        if ledger and not ledger.over(self.now):
            self.now = max(self.now, ledger.expires_at - early)
            self.who_is_young()
        self.a_client_refreshes(one, None, process)

    @rule(one=client, process=process)
    def a_client_stays_for_a_month(self, one, process):
        """As long as anything may last, by coming back just in time."""
        for _ in range(5):
            self.a_client_comes_back_at_its_deadline(one, 0.5, process)

    @rule(process=process)
    def a_server_restarts(self, process):
        self.run(self.engines[process].close())
        self.engines[process] = Engine(self.settings, clock=lambda: self.now)
        self.run(self.engines[process].start())

    @rule(process=process)
    def the_purge_runs(self, process):
        self.run(self.engines[process].purge())
        for each in self.ledgers.values():
            each.purged |= each.ends_at <= self.now

    @rule()
    def the_store_is_copied(self):
        copied = self.directory / "copy"
        copied.unlink(missing_ok=True)
        with (
            closing(sqlite3.connect(self.directory / "admit.db")) as source,
            closing(sqlite3.connect(copied)) as target,
        ):
            source.backup(target)
        self.saved = copy.deepcopy((self.ledgers, self.account, self.reuses))

    @rule()
    def the_store_loses_its_latest_writes(self):
        """A failover: what the clients hold may be ahead of every row."""
        self.stop()
        for name in ("admit.db", "admit.db-wal", "admit.db-shm"):
            (self.directory / name).unlink(missing_ok=True)
        shutil.copy(self.directory / "copy", self.directory / "admit.db")
        self.ledgers, self.account, self.reuses = copy.deepcopy(self.saved)
        self.young.clear()
        self.start()

    @rule(one=client, lost=st.integers(1, 3), process=process)
    def a_failover_loses_what_a_client_was_just_told(self, one, lost, process):
        """The client is some generations ahead of the row, and goes on."""
        self.the_store_is_copied()
        for _ in range(lost):
            self.a_client_refreshes(one, None, process)
        self.the_store_loses_its_latest_writes()
        self.a_client_refreshes(one, None, process)

    # The law, from the outside.

    def signed_in(self, process, replaces=None):
        tokens = self.run(
            self.engines[process].sessions.open(self.account, now=self.now, replaces=replaces)
        )
        self.ledgers[tokens.session_id] = Ledger(
            id=tokens.session_id,
            opened_at=self.now,
            idle=IDLE,
            absolute=ABSOLUTE,
            leeway=self.settings.leeway,
        )
        return tokens

    def present(self, tokens, key, process, who):
        """Present a token, and hold the answer against what the law promises."""
        ledger = self.ledgers.get(tokens.session_id)
        answer, reason = None, None
        refresh = self.engines[process].sessions.refresh(
            tokens.refresh_token, now=self.now, idempotency_key=key
        )
        try:
            answer = self.run(refresh)
        except RefreshRefused as refused:
            reason = refused.reason
        over = ledger.over(self.now) if ledger else "unknown"
        if ledger is None or over:
            # A session that the store lost, or has cleaned up, can't say why it is over.
            lost = ledger is None or ledger.purged
            assert reason in ({"unknown", "expired"} if lost else {over})
            event(f"{who}: over")
            return None
        generation = generation_of(tokens)
        if generation > ledger.generation:
            # It heals forward, past all that was handed out since the store lost its writes.
            self.young = {each: at for each, at in self.young.items() if each[0] != ledger.id}
        verdict = ledger.deserves(generation, key, self.now)
        if self.settings.leeway and (ledger.id, generation + 1) in self.young:
            assert verdict != REUSE, "the ledger would refuse a token with a young successor"
            assert answer is not None, f"refused for {reason}, with a successor that is young"
        event(f"{who}: {verdict}" + (", ahead" if generation > ledger.generation else ""))
        if verdict == REUSE:
            assert reason == "reuse_detected", f"{who}'s reuse went unnoticed"
            ledger.end(reason, self.now)
            self.reuses += 1
        elif verdict == FRESH:
            assert answer is not None, f"{who} was refused for no cause: {reason}"
            ledger.win(Won(answer.refresh_token, self.now, key), generation)
            self.young[ledger.id, generation + 1] = self.now
        else:
            assert answer is not None, f"{who}'s retry was refused for no cause: {reason}"
            assert ledger.last is not None
            assert answer.refresh_token == ledger.last.successor, "the chain forks"
        return answer

    @invariant()
    def every_session_is_as_its_ledger_says(self):
        for each in self.ledgers.values() if self.engines else ():
            row = self.run(self.engines[0].store.find_session(each.id))
            if row is None:
                assert each.purged
                continue
            stands = (row.ended_because, row.generation, row.expires_at)
            assert stands == (each.reason, each.generation, each.expires_at)

    @invariant()
    def every_reuse_was_recorded_once(self):
        if self.engines:
            found = self.engines[1].store.events(kind="reuse_detected", limit=1_000)
            recorded = [each.session_id for each in self.run(found)]
            assert len(recorded) == len(set(recorded)) == self.reuses

    @rule(one=client, process=process)
    def a_client_visits(self, one, process):
        """Access tokens follow their sessions, wherever they ended, once this process looked."""
        engine = self.engines[process]
        self.run(engine.revoked.look(self.now))
        for token in self.clients[one].access:
            claims = claims_of(token)
            ledger = self.ledgers.get(claims["sid"])
            timely = claims["iat"] - SKEW <= self.now < claims["exp"] + SKEW
            living = ledger is None or ledger.reason is None
            try:
                engine.verify(token)
            except InvalidToken:
                assert not (timely and living)
            else:
                assert timely
                assert living
                event("visit")


def generation_of(tokens):
    return claims_of(tokens.refresh_token)["n"]


HonestAndThief.TestCase.settings = settings(
    max_examples=1_500 if DEEP else 75,
    stateful_step_count=60 if DEEP else 40,
    derandomize=not DEEP,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
# Thousands of steps go over the same few lines.
TestHonestAndThief = pytest.mark.no_cover(HonestAndThief.TestCase)
