"""Thieves: each copies a token out of a browser's jar, and uses it now or later."""

import asyncio
import time

from tests.faults.clients import COOKIE
from tests.faults.wire import LostError, ask
from tests.law.ledger import claims_of


class Thief:
    """Somebody who has read one token out of a jar.

    Arguments:
        victim: the client that it was read from.
        patient: waits until the owner has used the stolen token's successor; else goes at once.
    """

    def __init__(self, victim, *, ports, dice, figures, patient):
        self.victim = victim
        self.token = victim.jar.token
        self.access_token = None
        self.refused = None
        self.owner_was_ahead = False
        self._ports = ports
        self._dice = dice
        self._figures = figures
        self._patient = patient

    async def live(self, until):
        """Use it, and go on with what comes back, until refused or the end."""
        if self._patient:
            while not self.victim.jar.generation > self.generation + 1:
                if time.monotonic() >= until or not self.victim.going:
                    return
                await asyncio.sleep(0.05)
            self.owner_was_ahead = True
        while self.refused is None and time.monotonic() < until:
            await self.use()
            await asyncio.sleep(self._dice.uniform(0, 1))

    @property
    def generation(self):
        return claims_of(self.token)["n"]

    async def use(self):
        """Present it once; try again where no answer came, or 503."""
        while self.refused is None:
            headers = {"Cookie": f"{COOKIE}={self.token}", "User-Agent": "thief/1.0"}
            port = self._dice.choice(self._ports)
            try:
                answer = await ask(port, "POST", "/auth/refresh", headers)
            except LostError:
                await asyncio.sleep(0.1)
                continue
            if answer.status == 200:
                self._figures.count("uses by thieves that passed")
                if came := answer.cookie(COOKIE):  # else it rests
                    self.victim.compare(self.token, came)
                    self.token = came
                self.access_token = answer.json()["access_token"]
                return
            if answer.status == 503:
                await asyncio.sleep(0.1)
                continue
            self.refused = answer.json().get("reason") or answer.json()["code"]


async def settle(thief):
    """Bring it to an end: the owner moves on, then the thief comes; one of them is caught."""
    owner = thief.victim
    owner.stranded = False
    owner.jar.unsure_since.clear()  # it has nothing to lose any more
    while owner.going and owner.jar.generation < thief.generation + 2:
        await owner.refresh(storm=False)
        await asyncio.sleep(0.1)  # its token rests
    if thief.refused is None:
        await thief.use()
    if owner.going:
        await owner.refresh(storm=False)
