"""The honest browser of these tests asks for no more than the session law promises."""

import random
import time
from types import SimpleNamespace

import pytest

from .clients import Client, Weather
from .figures import Figures

PARENT, SUCCESSOR = "parent", "successor"


@pytest.fixture
def browser():
    tokens = SimpleNamespace(session_id="s", refresh_token=PARENT, access_token="")
    dice = random.Random(1)
    weather = Weather(leeway=10.0)
    return Client(tokens, ports=[1], dice=dice, figures=Figures(), weather=weather, keyed=True)


def test_past_the_leeway_no_successor_is_sent_while_its_parent_is_under_way(browser):
    browser.jar.unsure_since[PARENT] = time.monotonic() - 60
    browser.jar.late = 1
    assert browser._may_send()  # another tab, with the same token and key
    browser.jar.token = SUCCESSOR
    assert not browser._may_send()
    browser.jar.late = 0
    assert browser._may_send()


def test_within_the_leeway_everything_is_sent_at_once(browser):
    browser.jar.unsure_since[PARENT] = time.monotonic()
    assert not browser._late(PARENT)
    assert not browser._late(SUCCESSOR)
