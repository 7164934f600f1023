"""Forks while Admit is in use, in a process of its own: `python -m tests.frameworks.forking DIR`.

It prints what each child and its parent saw. A child that hangs is ended by its alarm, and says
first, on standard error, where each of its threads stands.
"""

import asyncio
import ctypes
import faulthandler
import json
import os
import signal
import sys
import threading
import traceback
from pathlib import Path

import httpx
import pytest

from admit import Admit, SettingsError, Unavailable
from admit.frameworks.bridge import BRIDGE
from admit.testing.http_caller import EMAIL, PASSWORD
from tests.cheap import cheap
from tests.frameworks.flask_site import flask_app
from tests.frameworks.processes import open_files
from tests.frameworks.wsgi_caller import called, environ_of
from tests.unhurried import wait_long

ALARM = 60


def in_child(work):
    """What it comes to in a child, by a pipe; or how the child ended without a word."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        faulthandler.dump_traceback_later(ALARM * 0.9)
        signal.alarm(ALARM)
        try:
            seen = work()
        except BaseException:  # noqa: BLE001  the parent shows it
            seen = traceback.format_exc()
        os.write(writing, json.dumps(seen).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        seen = pipe.read()
    _, status = os.waitpid(pid, 0)
    return json.loads(seen) if seen else f"ended with {os.waitstatus_to_exitcode(status)}"


def get(app, path, access):
    sent = {"Authorization": f"Bearer {access}"}
    environ = environ_of(httpx.Request("GET", f"http://localhost{path}", headers=sent), b"")
    return called(app, environ)[0]


def prepared(data_dir):
    auth = Admit(cheap(data_dir=data_dir))

    async def sign_in():
        await auth.begin()
        now = auth.clock()
        await auth.accounts.register(email=EMAIL, password=PASSWORD, now=now)
        account = await auth.accounts.check(login=EMAIL, password=PASSWORD, now=now)
        return (await auth.sessions.open(account, now=now)).access_token

    BRIDGE.keep(auth)
    return auth, BRIDGE.call(sign_in())


def used_by_the_bridge(data_dir):
    """Everything is closed before the fork; parent and child each open their own."""
    auth, access = prepared(data_dir)
    app = flask_app(auth)
    assert get(app, "/auth/me", access) == 200

    def work():
        before = open_files(os.getpid(), "admit.db")
        return before, get(app, "/guarded", access), get(app, "/auth/me", access)

    return in_child(work), get(app, "/guarded", access), get(app, "/auth/me", access)


def while_others_ask(data_dir):
    """Threads go on asking while the process is forked again and again; none hangs."""
    auth, access = prepared(data_dir)
    app = flask_app(auth)
    stopping, statuses = threading.Event(), set()

    def ask():
        while not stopping.is_set():
            statuses.add(get(app, "/auth/me", access))
            statuses.add(get(app, "/guarded", access))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for each in threads:
        each.start()
    children = [in_child(lambda: get(app, "/auth/me", access)) for _ in range(5)]
    stopping.set()
    for each in threads:
        each.join(ALARM)
    return children, sorted(statuses), any(each.is_alive() for each in threads)


def with_a_lock_held(data_dir):
    """Another thread remembers a token at that very moment."""
    auth, access = prepared(data_dir)
    app = flask_app(auth)
    held = auth.access._remembering  # what every guard takes once for each token
    with held:
        return in_child(lambda: get(app, "/guarded", access))


def while_a_thread_ends(data_dir):
    """The loop's thread takes half a second to end after Python has joined it."""
    prepared(data_dir)
    c, key = ctypes.CDLL(None), ctypes.c_uint()
    c.pthread_key_create(ctypes.byref(key), ctypes.cast(c.usleep, ctypes.c_void_p))

    async def end_slowly():
        c.pthread_setspecific(key, ctypes.c_void_p(500_000))  # microseconds
        return threading.get_native_id()

    thread = BRIDGE.call(end_slowly())
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    there = Path(f"/proc/self/task/{thread}").exists()
    os.waitpid(pid, 0)
    return there


def used_by_another_loop(data_dir):
    """What nobody could close before the fork is not used after it, and the child says so."""
    _, access = prepared(data_dir)
    auth = Admit(cheap(data_dir=data_dir))
    loop = asyncio.new_event_loop()
    loop.run_until_complete(auth.start())
    app = flask_app(auth)

    def work():
        said = []
        for door in (lambda: auth.verify(access), lambda: asyncio.run(auth.start())):
            try:
                door()
            except (SettingsError, Unavailable) as error:
                said.append(str(error))
        asyncio.run(auth.close())
        return said, get(app, "/guarded", access), get(app, "/auth/me", access)

    seen = in_child(work)
    loop.run_until_complete(auth.close())
    loop.close()
    return seen


CASES = [
    used_by_the_bridge,
    while_others_ask,
    with_a_lock_held,
    while_a_thread_ends,
    used_by_another_loop,
]


if __name__ == "__main__":
    wait_long(pytest.MonkeyPatch())
    found = {}
    for case in CASES:
        place = Path(sys.argv[1]) / case.__name__
        place.mkdir()
        found[case.__name__] = case(place)
    sys.stdout.write(json.dumps(found))
