"""Several processes on one file: real ones, which share nothing but the disk."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from admit.testing import samples
from admit.testing.store_rotation import rotate, won

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patient_sqlite")]

START = """
import asyncio, sys
from admit.stores import patience
from admit.stores.sqlite import SQLiteStore
from admit.testing import samples

patience.SECONDS = 60  # however busy this machine is

async def main():
    store = SQLiteStore("sqlite:///" + sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    await store.start()
    await store.record(samples.event(reason=sys.argv[2]))
    await store.close()

asyncio.run(main())
"""

PUSH = """
import asyncio, json, sys
from admit.stores import patience
from admit.stores.sqlite import SQLiteStore
from admit.testing.store_rotation import rotate, won

patience.SECONDS = 60

async def main():
    store = SQLiteStore("sqlite:///" + sys.argv[1])
    await store.start()
    print("ready", flush=True)
    sys.stdin.readline()
    won, generation = [], 0
    while generation < int(sys.argv[2]):
        rotation = await rotate(store, generation=generation)
        generation = rotation.session.generation
        if rotation.won:
            won.append(generation)
    await store.close()
    print(json.dumps(won))

asyncio.run(main())
"""

FOLLOW = """
import asyncio, sys
from admit.stores.sqlite import SQLiteStore
from admit.testing.store_rotation import rotate, won

async def main():
    store = SQLiteStore("sqlite:///" + sys.argv[1])
    await store.start()
    for generation in range(1_000_000):
        await rotate(store, generation=generation)
        print(generation + 1, flush=True)

asyncio.run(main())
"""


def process(script, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(samples.__file__).parents[2])},
    )


def go(processes):
    """Let them all start at once, and return what each printed once all are over."""
    for each in processes:
        assert each.stdout.readline() == "ready\n"
    for each in processes:
        each.stdin.write("go\n")
        each.stdin.flush()
    printed = [each.communicate() for each in processes]
    ended = [(each.returncode, err) for each, (_, err) in zip(processes, printed, strict=True)]
    assert ended == [(0, "")] * len(processes)
    return [out for out, _ in printed]


async def test_ten_processes_that_start_at_once_migrate_once(tmp_path, opened):
    """On a file that isn't there yet; each writes its line afterwards."""
    path = tmp_path / "admit.db"
    await asyncio.to_thread(go, [process(START, path, index) for index in range(10)])
    async with opened(path) as store:
        assert sorted(each.reason for each in await store.events()) == list("0123456789")


async def test_two_processes_rotate_one_session_and_win_each_generation_once(store):
    await samples.opened(store)
    most = 200
    others = [process(PUSH, store.path, most) for _ in range(2)]
    waiting = asyncio.create_task(asyncio.to_thread(go, others))
    own, generation = [], 0
    while generation < most:
        rotation = await rotate(store, generation=generation)
        assert rotation is not None
        generation = rotation.session.generation
        if rotation.won:
            own.append(generation)
        await asyncio.sleep(0)
    theirs = [json.loads(each) for each in await waiting]
    assert sorted(own + theirs[0] + theirs[1]) == list(range(1, most + 1))


async def test_a_process_that_is_killed_loses_nothing_that_it_confirmed(store):
    """`kill -9` at any moment: the row stands where the last confirmed rotation left it."""
    await samples.opened(store)
    child = process(FOLLOW, store.path)

    def confirmed_when_killed():
        for line in child.stdout:
            if int(line) == 50:
                child.kill()
        # What was printed before the kill is still in the pipe, and was read above.
        child.communicate()
        return int(line)

    confirmed = await asyncio.to_thread(confirmed_when_killed)
    assert confirmed >= 50
    row = await samples.found(store, "session-one")
    assert row.generation in {confirmed, confirmed + 1}
    await won(store, generation=row.generation)
