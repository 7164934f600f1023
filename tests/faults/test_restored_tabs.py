"""A browser restores all its tabs on a slow line: what they send and are sent overtakes itself."""

import asyncio
import random

import pytest

from .clients import COOKIE
from .cluster import SERVE, Place, serving
from .conftest import LONG
from .wire import ask

pytestmark = pytest.mark.anyio
BROWSERS = 50 if LONG else 15
"""With all of them a noisy machine may take longer than the leeway to answer."""
TABS = 20
OPENING_SECONDS = 1.0
DELAY_SECONDS = 0.1
"""The mean of each way; a few of a thousand take eight times as long."""
LEEWAY_SECONDS = 5.0


class Browser:
    """Nothing but a cookie: each tab sends what it holds when it opens; what comes last stays."""

    def __init__(self, tokens, ports, dice):
        self.cookie = tokens.refresh_token
        self.refused = 0
        self._ports = ports
        self._dice = dice

    async def open_tab(self, within):
        await asyncio.sleep(self._dice.uniform(0, within))
        held = self.cookie
        await asyncio.sleep(self._dice.expovariate(1 / DELAY_SECONDS))
        answer = await self.refresh(held)
        await asyncio.sleep(self._dice.expovariate(1 / DELAY_SECONDS))
        self.cookie = answer.cookie(COOKIE) or self.cookie

    async def refresh(self, held):
        headers = {"Cookie": f"{COOKIE}={held}"}
        answer = await ask(self._dice.choice(self._ports), "POST", "/auth/refresh", headers)
        self.refused += answer.status != 200
        return answer


async def opening_seconds(browser):
    """How long all the tabs take to open: longer where the machine takes longer to serve them."""
    if LONG:
        return OPENING_SECONDS
    took = sorted([(await browser.refresh(browser.cookie)).seconds for _ in range(9)])
    return max(OPENING_SECONDS, BROWSERS * TABS * took[4])


async def test_no_browser_is_signed_out(tmp_path, dice, figures):
    """Neither at once, nor by the first refresh after a pause, with whatever stayed in the jar."""
    here = Place(tmp_path, leeway=LEEWAY_SECONDS)
    first, *opened = await here.sessions(*(f"user{number}" for number in range(BROWSERS + 1)))
    with serving(here, SERVE, SERVE) as servers:
        ports = [each.port for each in servers]
        browsers = [Browser(each, ports, random.Random(dice.getrandbits(64))) for each in opened]
        within = await opening_seconds(Browser(first, ports, dice))
        for pause in (0, LEEWAY_SECONDS + 0.1):
            await asyncio.sleep(pause)
            tabs = (each.open_tab(within) for each in browsers for _ in range(TABS))
            await asyncio.gather(*tabs)
    figures.count("browsers", BROWSERS)
    figures.count("tabs in each", TABS)
    figures.count("browsers signed out", sum(each.refused > 0 for each in browsers))
    assert [each.refused for each in browsers] == [0] * BROWSERS
    assert await here.thefts() == []
