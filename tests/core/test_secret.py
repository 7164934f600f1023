"""The secret that nobody has to think of: made once, by one process, readable by its owner."""

import os
import stat
import subprocess
import sys

import pytest

from admit.errors import SettingsError
from admit.settings import Settings
from admit.tokens.secret import derived_keys, obtain

MADE = """
import sys
from admit.settings import Settings
from admit.tokens.secret import obtain
print("ready", flush=True)
sys.stdin.readline()
print(*obtain(Settings.load(environ={}, dotenv=None, data_dir=sys.argv[1])))
"""


def settings(directory, **given):
    return Settings.load(environ={}, dotenv=None, data_dir=directory, **given)


def test_a_secret_is_made_once_and_kept(tmp_path):
    directory = tmp_path / "new" / "data"
    made = obtain(settings(directory))
    assert len(made) == 1
    assert len(made[0].encode()) >= 32
    assert obtain(settings(directory)) == made
    assert obtain(settings(tmp_path / "other")) != made
    assert sorted(each.name for each in directory.iterdir()) == [".gitignore", "secret"]


def test_only_the_owner_may_read_it(tmp_path):
    before = os.umask(0)
    try:
        obtain(settings(tmp_path / "data"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "data" / "secret").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_one_that_is_set_needs_no_file(tmp_path):
    given = "a secret of somebody's own 0123456789"
    assert obtain(settings(tmp_path / "data", secret=given)) == (given,)
    assert not (tmp_path / "data").exists()


def test_ten_processes_that_start_at_once_share_one(tmp_path):
    children = [
        subprocess.Popen(
            [sys.executable, "-c", MADE, str(tmp_path / "data")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(10)
    ]
    for each in children:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in children:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    printed = {each.communicate()[0] for each in children}
    assert len(printed) == 1
    assert len(printed.pop()) > 32
    assert sorted(each.name for each in (tmp_path / "data").iterdir()) == [".gitignore", "secret"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"short", "at least 32 bytes"),
        (b"a" * 64, "repeats itself"),
        (b"\xff\xfe" * 20, "can't be made or read"),
        (b"", "must hold"),
        (b" \n", "must hold"),
    ],
)
def test_a_file_that_holds_no_secret_stops_the_start(tmp_path, content, told):
    """With a sentence that names it; it is never overwritten."""
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises(SettingsError) as raised:
        obtain(settings(tmp_path))
    assert raised.value.setting == "secret"
    assert told in str(raised.value)
    assert str(path) in str(raised.value)
    assert path.read_bytes() == content


def test_a_directory_that_cannot_be_made_stops_the_start(tmp_path):
    (tmp_path / "file").touch()
    for directory in (tmp_path / "file", tmp_path / "file" / "data"):
        with pytest.raises(SettingsError, match="ADMIT_SECRET"):
            obtain(settings(directory))


def test_a_secret_that_cannot_be_read_stops_the_start(tmp_path):
    (tmp_path / "secret").mkdir()
    with pytest.raises(SettingsError, match="can't be made or read"):
        obtain(settings(tmp_path))


def test_the_data_directory_is_never_committed_by_accident(tmp_path):
    obtain(settings(tmp_path / "data"))
    assert (tmp_path / "data" / ".gitignore").read_text() == "*\n"


def test_a_gitignore_that_is_there_is_left_alone(tmp_path):
    """`data_dir` may be the checkout itself."""
    (tmp_path / ".gitignore").write_text("mine\n")
    obtain(settings(tmp_path))
    assert (tmp_path / ".gitignore").read_text() == "mine\n"


def test_each_use_has_a_key_of_its_own():
    one, two = "one secret 0123456789 abcdefghijk", "two secret 0123456789 abcdefghijk"

    def keys(purpose):
        return derived_keys((one, two), purpose)

    assert keys("a use") == keys("a use")
    assert len({*keys("a use"), *keys("another")}) == 4
    assert {len(key) for key in keys("a use")} == {32}
