"""What a fork waits for: threads that have ended, and no others."""

import _thread
import threading
import time
from pathlib import Path

import pytest

from admit import forks

LONG = 60.0
"""Seconds that it would wait for what never ends."""

pytestmark = pytest.mark.skipif(
    not Path(forks.TASKS).exists(), reason="the system tells of no threads"
)


@pytest.fixture
def threads_of_c():
    """Python does not know them; each ends soon, and begins the next before."""
    over, all_over = threading.Event(), threading.Event()

    def one():
        if over.is_set():
            all_over.set()
            return
        time.sleep(0.01)
        _thread.start_new_thread(one, ())
        time.sleep(0.01)

    def begin():
        _thread.start_new_thread(one, ())

    yield begin
    over.set()
    assert all_over.wait(LONG)


def test_threads_of_others_that_come_and_go_are_not_waited_for(threads_of_c, monkeypatch):
    """As those in which argon2 hashes the passwords of an app; there is always another one."""
    monkeypatch.setattr(forks, "GONE_SECONDS", LONG)
    begun = time.monotonic()
    with forks.all_gone():
        threads_of_c()
    assert time.monotonic() - begun < LONG


def test_a_child_of_a_signal_handler_goes_on_where_its_parent_was():
    """The handler forks while the thread that it interrupts tells that it is done."""
    calm = forks.Calm()

    class Interrupted(set):
        def discard(self, each):
            super().discard(each)
            calm.forked()

    calm._at_work = Interrupted()
    with calm.at_work():
        pass
    assert calm._at_work == set()


def test_a_thread_that_is_never_gone_is_not_waited_for(monkeypatch):
    """One that a library has, and that Python does not know."""
    monkeypatch.setattr(forks, "GONE_SECONDS", 0.05)
    over = threading.Event()

    def waits():
        with forks.all_gone():
            _thread.start_new_thread(over.wait, ())

    waiting = threading.Thread(target=waits, daemon=True)
    waiting.start()
    waiting.join(60)
    ended = not waiting.is_alive()
    over.set()
    assert ended
