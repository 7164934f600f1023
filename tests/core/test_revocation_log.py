"""The feed's memory: every entry that matters once and in order, whatever comes and goes."""

import random

import msgspec
import pytest

from admit.revocation.log import PAGE, Cursor, Log
from admit.testing import samples

NOW = samples.NOW


def entry(seq, *, until=NOW + 900, at=NOW, kind="session"):
    made = samples.revocation(f"subject {seq}", kind=kind, at=at, until=until)
    return msgspec.structs.replace(made, seq=seq)


def filled(count):
    log = Log()
    log.add([entry(seq) for seq in range(1, count + 1)], count)
    return log


def numbers(page):
    return [each.seq for each in page.entries]


def read_on(log, now=NOW, cursor=None):
    """Everything, page by page, as a verifier reads it."""
    cursor, seen = cursor or Cursor(), []
    while True:
        page = log.page(cursor, now)
        seen += numbers(page)
        assert page.cursor != cursor or not page.more, "it would never come to an end"
        cursor = page.cursor
        if not page.more:
            return seen, cursor


def test_entries_are_in_the_order_of_their_numbers_however_they_come():
    log, every = Log(), [entry(seq) for seq in range(1, 101)]
    shuffled = random.Random(1).sample(every, len(every))
    for begin in range(0, 100, 10):
        assert log.add(shuffled[begin : begin + 10], 100)
        assert not log.add(shuffled[: begin + 10], 100), "nothing of it is new"
    assert numbers(log.page(Cursor(), NOW)) == list(range(1, 101))


@pytest.mark.parametrize("count", [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 2 * PAGE + 1])
def test_pages_are_bounded_and_miss_nothing(count):
    log = filled(count)
    first = log.page(Cursor(), NOW)
    assert len(first.entries) == min(count, PAGE)
    assert first.more == (count > PAGE)
    seen, cursor = read_on(log)
    assert seen == list(range(1, count + 1))
    assert read_on(log, cursor=cursor) == ([], cursor)


def test_paging_goes_on_while_entries_come_and_expire():
    """What came before the first page and still matters is seen, and nothing twice."""
    log = Log()
    log.add([entry(seq, until=NOW + (5 if seq % 3 else 900)) for seq in range(1, 3001)], 3000)
    first = log.page(Cursor(), NOW)
    log.add([entry(seq) for seq in range(3001, 3501)], 3500)
    now = NOW + 10
    log.forget(now)  # the very entry that the cursor names, too
    rest, _ = read_on(log, now, first.cursor)
    lasting = [seq for seq in range(1001, 3001) if seq % 3 == 0]
    assert rest == lasting + list(range(3001, 3501))


def test_what_matters_no_more_is_not_given_out():
    log = Log()
    log.add([entry(1, until=NOW + 1), entry(2)], 2)
    assert numbers(log.page(Cursor(), NOW + 1)) == [2]


def test_a_cursor_from_ahead_gets_everything():
    """The store has lost what it had seen."""
    log = filled(3)
    for cursor in (Cursor(4), Cursor(10**19 - 1, "ffffffff")):
        assert log.is_ahead(cursor)
        assert numbers(log.page(cursor, NOW)) == [1, 2, 3]


def test_a_cursor_in_whose_place_another_entry_stands_gets_everything():
    """Numbers were given again after the store was put back to an older copy."""
    before, after = filled(3), filled(2)
    after.add([entry(3, at=NOW + 60), entry(4)], 4)
    cursor = before.page(Cursor(), NOW).cursor
    assert numbers(after.page(cursor, NOW)) == [1, 2, 3, 4]


def test_a_cursor_of_another_process_goes_on_where_it_left():
    here, there = filled(5), filled(3)
    cursor = there.page(Cursor(), NOW).cursor
    assert numbers(here.page(cursor, NOW)) == [4, 5]


def test_a_cursor_whose_entry_is_gone_goes_on_behind_it():
    log = filled(5)
    cursor = Cursor(3, "0123abcd")
    log._entries = [each for each in log._entries if each.seq > 3]
    assert numbers(log.page(cursor, NOW)) == [4, 5]


def test_a_cursor_from_after_its_entrys_death_goes_on_behind_it():
    """One process has dropped what is dead, and another one not yet."""
    here, there = Log(), Log()
    dead, alive = [entry(1, until=NOW + 1), entry(2, until=NOW + 1)], [entry(3)]
    here.add(dead, 2)
    there.add([], 2)
    cursor = there.page(Cursor(), NOW + 1).cursor
    here.add(alive, 3)
    assert numbers(here.page(cursor, NOW + 1)) == [3]


def test_a_cursor_from_after_its_entrys_death_notices_a_store_that_was_put_back():
    """Numbers were given again, and have passed it before anybody looked."""
    before, after = Log(), Log()
    before.add([entry(3, until=NOW)], 3)
    before.forget(NOW)
    cursor = before.page(Cursor(), NOW).cursor
    after.add([entry(seq, at=NOW + 60) for seq in range(1, 6)], 5)
    assert numbers(after.page(cursor, NOW)) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("cursor", [Cursor(), Cursor(7, "0123abcd"), Cursor(10**19 - 1)])
def test_a_cursor_reads_what_it_writes(cursor):
    assert Cursor.read(str(cursor)) == cursor


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "-1.00000000",
        "+1.00000000",
        "1.0000000",
        "1.000000000",
        "1.0000000G",
        "1.ABCDEF00",
        " 1.00000000",
        "1.00000000\n",
        "1_0.00000000",
        "\u0661.00000000",
        "1.\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661",
        "1" * 20 + ".00000000",
        "9" * 100_000,
        "1e3.00000000",
        "0x1.00000000",
    ],
)
def test_what_is_no_cursor_is_none(text):
    assert Cursor.read(text) is None
