"""Honest clients, as the session law wants them: browsers with three tabs that share one jar.

The jar is as simple as a browser's: it keeps what came last, whatever it was an answer to. All
that makes them well-made (docs/session-law.md): where no answer came they try again within the
leeway, or at any time with the key of the first try.

Everything that can go wrong on the way goes wrong at random: the connection is cut after the
request was sent, the answer is read and thrown away, or comes late.
"""

import asyncio
import random
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.faults.figures import show
from tests.faults.wire import LostError, ask
from tests.law.ledger import claims_of

COOKIE = "admit-refresh"
TABS = 3
MARGIN = 0.5
"""The part of the leeway, at its end, in which a client without a key begins no other try: what it
sends has to reach a server that is overloaded in time, or is no retry to the law."""

SPARE = 10
"""Who waited long for an answer pauses so many times as long: a slow machine that is asked as often
as a quick one answers later than the leeway, and that is no fault of what it serves."""


@dataclass(frozen=True, kw_only=True)
class Weather:
    """What happens on the way, and how often; chances from 0 to 1, spans in seconds.

    `idle` is the chance of a pause longer than the leeway in which nobody refreshes.
    """

    cut: float = 0.06
    thrown_away: float = 0.08
    late: float = 0.15
    latest: float = 1.0
    asleep: float = 0.4
    idle: float = 0.08
    pause: float = 0.8
    leeway: float = 10.0


@dataclass
class Jar:
    """The cookies of one browser, and what it must remember of what it sent.

    `unsure_since` is when the token was sent first of which no answer has said anything yet; `late`
    are requests under way that hold by their key alone, because the leeway is over.
    """

    token: str
    access_token: str
    under_way: int = 0
    late: int = 0
    unanswered: int = 0
    unsure_since: dict[str, float] = field(default_factory=dict)
    successors: dict[str, str] = field(default_factory=dict)
    asleep_until: float = 0.0
    held: bool = False

    @property
    def generation(self):
        return claims_of(self.token)["n"]

    def usable(self, now):
        return not self.held and now >= self.asleep_until


def browsers(opened, *, ports, dice, figures, weather, keyless=0):
    """One for each of these sessions; every `keyless`th sends no keys, or none where it is 0."""
    return [
        Client(
            tokens,
            ports=ports,
            dice=random.Random(dice.getrandbits(64)),
            figures=figures,
            weather=weather,
            keyed=not keyless or number % keyless > 0,
        )
        for number, tokens in enumerate(opened)
    ]


@asynccontextmanager
async def under_load(clients):
    """All of them refresh for the length of a block, and end what they have begun."""
    load = asyncio.gather(*(each.live() for each in clients))
    try:
        yield
    finally:
        for each in clients:
            each.leaving = True
        await load


async def nothing_acknowledged_is_lost(place, clients):
    """While nobody sends anything, each row stands where the last answer said, or further on.

    A client that went on would hide a loss: the law heals forward.
    """
    rows = await place.rows([each.session_id for each in clients])
    behind = [c for row, c in zip(rows, clients, strict=True) if row.generation < c.jar.generation]
    assert [each.diary for each in behind] == []


@asynccontextmanager
async def at_rest(clients):
    """Nobody sends anything for the length of a block."""
    for each in clients:
        each.jar.held = True
    while any(each.jar.under_way for each in clients):  # noqa: ASYNC110  answers come by themselves
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        for each in clients:
            each.jar.held = False


async def nobody_is_signed_out(place, clients, figures):
    """Each is served once more, and no theft was seen."""
    await asyncio.gather(*(each.refresh(storm=False) for each in clients))
    thefts = await place.thefts()
    for each in clients:
        if each.signed_out or each.stranded or each.session_id in thefts:
            show(f"signed out, though honest: {each.session_id}", each.diary)
    assert [each.signed_out for each in clients] == [None] * len(clients)
    assert not any(each.stranded for each in clients)
    assert thefts == []
    assert figures.wrong == []


class Client:
    """One browser.

    Arguments:
        tokens: of the session that it was signed in with.
        ports: where the servers listen; each request goes to a random one.
        dice: a `random.Random` of its own.
        keyed: whether it sends an Idempotency-Key with each exchange.
    """

    def __init__(self, tokens, *, ports, dice, figures, weather, keyed):
        self.session_id = tokens.session_id
        self.jar = Jar(tokens.refresh_token, tokens.access_token)
        self.figures = figures
        self.weather = weather
        self.signed_out = None
        self.stranded = False
        self.leaving = False
        self.diary = []
        """What it sent and what came of it, for whoever has to find out why a run went wrong."""
        self._ports = ports
        self._dice = dice
        self._keyed = keyed
        self._key = f"{dice.getrandbits(64):x}"
        self._waited = 0.0

    async def live(self):
        """Refresh in one, two or all three tabs at once, at any moment, until told to leave."""
        tabs = [None] * TABS
        async with asyncio.TaskGroup() as group:
            while self.going and not self.leaving:
                pause = max(self.weather.pause, SPARE * self._waited)
                await asyncio.sleep(self._dice.expovariate(1 / pause))
                self._perhaps_idle()
                for number in self._dice.sample(range(TABS), self._dice.choice([1, 1, 2, 3])):
                    if tabs[number] is None or tabs[number].done():
                        tabs[number] = group.create_task(self.refresh())

    @property
    def going(self):
        return self.signed_out is None and not self.stranded

    async def refresh(self, *, storm=True):
        """Try until an answer arrives in the jar, or it is over; return the answer, if any."""
        attempt = 0
        while self.going:
            await self._turn()
            if self._too_late():
                self.figures.count("stranded without a key past the leeway")
                self.stranded = True
                return None
            self.figures.count("refreshes" if not attempt else "retries")
            attempt += 1
            answer = await self._present(storm=storm)
            if answer is not None:
                return answer
            await asyncio.sleep(self._dice.uniform(0.02, 0.3))
        return None

    async def _turn(self):
        while not self._may_send():  # noqa: ASYNC110  spans end, nobody tells
            await asyncio.sleep(0.02)

    def _may_send(self):
        """Not a successor while its parent is under way late: that holds until somebody does."""
        token_waits = self.jar.late and not self._late(self.jar.token)
        return self.jar.usable(time.monotonic()) and not token_waits

    def _late(self, token):
        """Whether the leeway is over, or nearly, since it was sent first."""
        now = time.monotonic()
        return now - self.jar.unsure_since.get(token, now) > self.weather.leeway * (1 - MARGIN)

    def _too_late(self):
        """Whether the law has nothing for this client any more: no key, and the leeway over."""
        self.jar.unsure_since.setdefault(self.jar.token, time.monotonic())
        return not self._keyed and self._late(self.jar.token)

    async def _present(self, *, storm):
        """One request; the answer where one came into the jar, None where to try again."""
        token = self.jar.token
        fate = self._fate() if storm else None
        cut = self._dice.uniform(0, 0.03) if fate == "connections cut" else None
        request = self._request(token)
        sent = self._note(f"{claims_of(token)['n']} to {request[0]}, {fate}")
        late = self._late(token)
        self.jar.under_way += 1
        self.jar.late += late
        try:
            answer = await self._ask(request, cut)
            self._note(f"{answer.status} for what was sent at {sent:.3f}")
            return await self._receive(token, answer, fate)
        except LostError:
            self._note(f"nothing for what was sent at {sent:.3f}")
            self._lose(cut is not None)
            return None
        finally:
            self.jar.under_way -= 1
            self.jar.late -= late

    async def _ask(self, request, cut):
        self.jar.unanswered += 1
        try:
            return await ask(*request, cut=cut)
        finally:
            self.jar.unanswered -= 1

    def _note(self, what):
        now = time.time()
        self.diary.append(f"{now:.3f} {what}")
        return now

    def _fate(self):
        """What happens to one exchange on its way; None where nothing does."""
        weather = self.weather
        chances = {
            "connections cut": weather.cut,
            "answers thrown away": weather.thrown_away,
            "answers delayed": weather.late,
        }
        calm = 1 - sum(chances.values())
        [fate] = self._dice.choices([*chances, None], [*chances.values(), calm])
        if fate:
            self.figures.count(fate)
        return fate

    def _request(self, token):
        headers = {"Cookie": f"{COOKIE}={token}"}
        if self._keyed:
            headers["Idempotency-Key"] = f"{self._key}.{claims_of(token)['n']}"
        return self._dice.choice(self._ports), "POST", "/auth/refresh", headers

    def _lose(self, cut):
        if not cut:
            self.figures.count("connections refused or broken")
        else:
            self._perhaps_sleep()

    async def _receive(self, token, answer, fate):
        if answer.status == 503:
            self._unavailable(answer)
            return None
        self._waited = answer.seconds
        self.figures.took("answers", answer.seconds)
        if answer.status != 200:
            self._refused(answer)
            return answer
        came = answer.cookie(COOKIE)
        if came is None:
            self._rests(token, answer)
        else:
            self.compare(token, came)
        if fate == "answers thrown away":
            self._perhaps_sleep()
            return None
        if fate == "answers delayed":
            await asyncio.sleep(self._dice.uniform(0, self.weather.latest))
        self._keep(answer)
        return answer

    def _unavailable(self, answer):
        self.figures.took("answers of 503", answer.seconds)
        if not (answer.header("retry-after") or "").isdigit():
            self.figures.wrong.append(f"503 without Retry-After: {answer}")

    def _refused(self, answer):
        self.signed_out = answer.json().get("reason") or answer.json()["code"]
        self.figures.count(f"refused: {self.signed_out}")

    def compare(self, token, came):
        """Every exchange of one token yields one successor, or the chain has forked."""
        if self.jar.successors.setdefault(token, came) != came:
            self.figures.wrong.append(f"two successors in session {self.session_id}")

    def _rests(self, token, answer):
        """When this was answered, nothing had been exchanged for the token."""
        self.figures.count("tokens that rest")
        self.jar.unsure_since.pop(token, None)
        if self.jar.unanswered:
            self.jar.unsure_since[token] = time.monotonic() - answer.seconds

    def _keep(self, answer):
        """As a browser does: what came last stays."""
        self.figures.count("answers kept")
        self.jar.access_token = answer.json()["access_token"]
        if came := answer.cookie(COOKIE):
            self._note(f"{claims_of(came)['n']} into the jar")
            self.jar.token = came

    def _perhaps_idle(self):
        """Nobody looks at any tab for longer than the leeway: the most ordinary thing."""
        quiet = not self.jar.under_way and self.jar.token not in self.jar.unsure_since
        if quiet and self._dice.random() < self.weather.idle:
            self.figures.count("idle past the leeway")
            self._sleep()

    def _perhaps_sleep(self):
        """A device may sleep past the leeway before it tries again, if it has a key."""
        if self._keyed and self._dice.random() < self.weather.asleep:
            self.figures.count("slept past the leeway before a retry")
            self._sleep()

    def _sleep(self):
        nap = self.weather.leeway + self._dice.uniform(0, 0.5)
        self.jar.asleep_until = time.monotonic() + nap
