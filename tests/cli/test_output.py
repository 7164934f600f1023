"""Tables, colours and instants; and what a terminal shows."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from codecs import getincrementaldecoder

import pytest

from admit.cli.output import instant, printable, rfc3339, span, width

from .conftest import ADA, COMMAND, PASSWORD, no_settings

pytestmark = pytest.mark.usefixtures("measured_processes")

NEW = "nine slow harbours wake"
CONTROLLED = (
    "import os, sys; os.close(os.open(os.ttyname(0), os.O_RDWR));"
    " os.execv(sys.argv[1], sys.argv[1:])"
)
"""The first terminal that a session opens is its own: Ctrl-C comes from there."""
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Terminal:
    """The command on a terminal of its own, so many columns wide."""

    def __init__(self, *args, columns=80, **environment):
        self.main, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", CONTROLLED, *COMMAND, *args],
            stdin=other,
            stdout=other,
            stderr=other,
            env=no_settings() | {"TERM": "xterm"} | environment,
            start_new_session=True,
        )
        os.close(other)
        self.seen = ""
        self._decoded = getincrementaldecoder("utf-8")().decode  # a letter may come in two pieces

    def read(self, until):
        """What it shows, up to `until`, or to the end where that is None."""
        while until is None or until not in self.seen:
            try:
                self.seen += self._decoded(os.read(self.main, 4096))
            except OSError:  # Linux says so at the end
                break
        return self.seen

    def type(self, text):
        os.write(self.main, text.encode())

    def end(self):
        self.read(None)
        os.close(self.main)
        return self.process.wait(timeout=60), self.seen.replace("\r\n", "\n")


def on_terminal(*args, **options):
    return Terminal(*args, **options).end()


@pytest.fixture
def answering():
    """Runs a command on a terminal and answers its prompts."""

    def call(*args, answers):
        terminal = Terminal(*args)
        for prompt, typed in answers:
            terminal.read(prompt)
            terminal.seen = terminal.seen.partition(prompt)[2]
            terminal.type(typed)
        return terminal.end()

    return call


def test_a_password_is_typed_twice_and_does_not_show(answering, run):
    status, seen = answering(
        *("user", "add", ADA),
        answers=[("New password: ", PASSWORD + "\n"), ("Once more: ", PASSWORD + "\n")],
    )

    assert status == 0
    assert f"{ADA} is added" in seen
    assert PASSWORD not in seen
    assert ADA in run("user", "list").stdout


def test_two_different_passwords_are_asked_for_again(answering):
    status, seen = answering(
        *("user", "add", ADA),
        answers=[
            ("New password: ", PASSWORD + "\n"),
            ("Once more: ", PASSWORD + "x\n"),
            ("try again.", ""),
            ("New password: ", NEW + "\n"),
            ("Once more: ", NEW + "\n"),
        ],
    )

    assert (status, f"{ADA} is added" in seen) == (0, True)


def test_ctrl_c_at_a_prompt_is_quiet(answering, run):
    status, seen = answering("user", "add", ADA, answers=[("New password: ", "\x03")])

    assert status == 130
    assert seen == "\n"  # what comes next starts on a line of its own
    assert ADA not in run("user", "list").stdout


@pytest.mark.parametrize("typed", ["\n", "\x04"])
def test_nothing_typed_is_no_password(answering, typed):
    status, seen = answering("user", "add", ADA, answers=[("New password: ", typed)])

    assert (status, "No password was given." in seen) == (1, True)


def test_a_token_is_typed_without_showing(answering, ada, signed_in):
    token = signed_in().refresh_token

    status, seen = answering("token", "inspect", answers=[("not show): ", token + "\n")])

    assert status == 0
    assert "refresh token" in seen
    assert token not in seen


def test_a_terminal_shows_colours_and_cuts_the_last_column(ada, run):
    run("keys", "rotate")
    status, seen = on_terminal("events", columns=120)

    assert (status, "\x1b[1m" in seen) == (0, True)
    head, key, user = COLOUR.sub("", seen).splitlines()
    assert head.startswith("AT (UTC)")
    assert len(key) == 120
    assert key.endswith("…")
    assert "…" not in user


def test_whoever_wants_no_colour_gets_none(ada):
    _, seen = on_terminal("user", "show", ADA, NO_COLOR="1")

    assert "\x1b" not in seen


def test_the_doctor_keeps_to_the_terminal_s_width(place):
    status, seen = on_terminal("doctor", columns=70)

    assert status == 0
    assert max(map(len, COLOUR.sub("", seen).splitlines())) <= 70


def test_a_disabled_user_is_shown_in_red(ada, run):
    run("user", "disable", ADA)

    assert "\x1b[31mdisabled\x1b[0m since" in on_terminal("user", "show", ADA)[1]


def test_instants_are_utc():
    assert instant(0.0) == "1970-01-01 00:00:00"
    assert rfc3339(1_800_000_000.1239) == "2027-01-15T08:00:00.123Z"
    assert (instant(None), rfc3339(None)) == ("-", None)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0 s"), (59.9, "59 s"), (60.0, "1 min"), (7_199.0, "1 h"), (2_592_000.0, "30 d")],
)
def test_a_span_is_shown_in_its_largest_unit(seconds, text):
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("text", "columns"), [("ada", 3), ("é", 1), ("e\u0301", 1), ("日本", 4), ("", 0)]
)
def test_wide_letters_take_two_columns_and_accents_none(text, columns):
    assert width(text) == columns


def test_what_moves_a_cursor_is_not_printed():
    assert printable("a\x1b[2J\r\nb\u202e\x07é") == "a?[2J??b??é"
