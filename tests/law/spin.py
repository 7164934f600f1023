"""What spin finds about a model of docs/model: that no order of steps fails, or one that does."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.servers import missing

MODELS = Path(__file__).resolve().parents[2] / "docs" / "model"
MEGABYTES = 500
"""What a search may take; none of them needs half of it."""
DEEPEST = 100_000
"""Steps of one run of the model; a search that would go deeper says so, and counts for nothing."""
APART = "-o3"
"""Each statement is a step of its own, so that each one that was never reached is told."""
GAVE_UP = re.compile("out of memory|MEMLIM bound|too small", re.IGNORECASE)


@dataclass
class Search:
    """What a search came to.

    `broken` is the assertion that failed, or None; `told`, what each kind of process says of what
    it presents, somewhere in the search; `story`, the lines that lead to the failure.
    """

    broken: str | None
    states: int
    told: dict[str, set[str]]
    story: list[str]


def tools():
    """Skip where spin or a C compiler is missing; fail where everything must run."""
    if not shutil.which("spin") or not run("spin", "-V").startswith("Spin Version"):
        missing("spin")  # or a program of that name which is no model checker
    if not shutil.which("gcc"):
        missing("gcc")


def search(model, directory, *, shortest=False):
    """Look at every state that a model can reach, in a directory of its own.

    Arguments:
        model: its path below docs/model.
        directory: where the searcher is built.
        shortest: look for the shortest way to a failure, which takes more memory and hardly any
            building.
    """
    path = MODELS / model
    tools()
    run("spin", "-a", APART, path, cwd=directory)
    way = ("-O0", "-DBFS") if shortest else ("-Og",)
    build = ("gcc", *way, "-w", "-DSAFETY", f"-DMEMLIM={MEGABYTES}", "-o", "pan", "pan.c")
    run(*build, cwd=directory)
    found = run("./pan", f"-m{DEEPEST}", "-w20", cwd=directory)  # its table grows by itself
    assert not GAVE_UP.search(found), found
    (errors,) = re.findall(r"errors: (\d+)", found)
    (states,) = re.findall(r"(\d+) states, stored", found)
    broken = re.findall(r"assertion violated +!\((\w+)\)", found)
    assert len(broken) == int(errors), found  # or it failed otherwise: a deadlock, an index
    assert broken or "not completed" not in found, found
    story = replay(path, directory) if broken else []
    return Search(broken[0] if broken else None, int(states), tellings(found), story)


def replay(path, directory):
    """What the processes say on the way to the failure."""
    (trail,) = directory.glob("*.trail")
    said = run("spin", "-T", "-t", "-k", trail, path, cwd=directory)
    return [line.strip() for line in said.partition("spin: ")[0].splitlines()]


def tellings(found):
    """What each kind of process was reached saying, by the list of what was not."""
    inline = (MODELS / "world.pml").read_text().partition("inline tell(")[2].partition("\n}")[0]
    known = set(re.findall(r'-> printf\("(.+?)(?: %d)?\\n"', inline))
    told = {}
    for process in re.split(r"^unreached in proctype ", found, flags=re.MULTILINE)[1:]:
        silent = set(re.findall(r"printf\('(.+?)(?: %d)?\\n'", process))
        told[process.split()[0]] = known - silent
    return told


def run(*command, cwd=None):
    """The output of a program that must not fail by itself."""
    done = subprocess.run(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
