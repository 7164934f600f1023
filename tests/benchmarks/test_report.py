"""What raw results say they were measured on is true of the files that were there."""

import subprocess
from argparse import ArgumentTypeError

import pytest

from benchmarks import report

AUTHOR = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")


@pytest.fixture
def clone(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.delenv("GIT_DIR", raising=False)
    (tmp_path / "docs" / "scoreboard").mkdir(parents=True)
    (tmp_path / "code.py").write_text("1")
    (tmp_path / "docs" / "scoreboard" / "bench.json").write_text("{}")

    def git(*arguments):
        subprocess.run(["git", *AUTHOR, *arguments], cwd=tmp_path, check=True, capture_output=True)

    def commit():
        git("init")
        git("add", "-A")
        git("commit", "-m", "All of it")
        return tmp_path

    return commit


def test_outside_of_a_clone_the_commit_is_unknown(clone):
    assert report.commit() == "unknown"


def test_the_commit_is_told_as_it_is(clone):
    clone()
    assert len(report.commit()) == 7


def test_what_was_changed_since_is_marked(clone):
    home = clone()
    (home / "code.py").write_text("2")
    assert report.commit().endswith("+")


def test_results_that_are_written_meanwhile_change_nothing(clone):
    home = clone()
    (home / "docs" / "scoreboard" / "bench.json").write_text("[]")
    (home / "docs" / "scoreboard.md").write_text("# New")
    assert not report.commit().endswith("+")


def test_results_that_could_not_be_written_are_not_measured_first(tmp_path):
    assert report.target(str(tmp_path / "bench.json")) == tmp_path / "bench.json"
    with pytest.raises(ArgumentTypeError, match="is a directory: name a file"):
        report.target(str(tmp_path))
    with pytest.raises(ArgumentTypeError, match="is not there: make it first"):
        report.target(str(tmp_path / "missing" / "bench.json"))
