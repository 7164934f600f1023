"""The pages speak of what there is: links, rooms, kinds, reasons, commands, limits."""

import re
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
import typer

from admit import __version__
from admit.cli.app import app
from admit.counters import MOST
from admit.errors import RefreshReason
from admit.events import Kind
from admit.http import app as http_app
from admit.http import feed, parsing
from admit.http.admin import queries, trail
from admit.passwords import policy
from admit.revocation import PAGE
from admit.settings import SKEW
from admit.stores import patience
from admit.stores.dynamodb import trail as dynamodb_trail
from admit.stores.sqlite import commits
from admit.tokens import checker, refresh
from admit.verifier import following, issuer, keys, rests, service, terms
from admit.web import files

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(page for part in ("docs", "deploy", "examples") for page in (ROOT / part).rglob("*.md")),
    ]
)
DECISIONS = sorted((ROOT / "docs" / "decisions").iterdir())


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as Git hosts make them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    kept = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in kept}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_command_installs_admit_by_its_name(path: Path) -> None:
    """It is not released: by that name comes nothing, or what somebody else has put there."""
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert not re.search(r"pip install [^\n]*\badmit\b", "".join(blocks))


def rooms() -> set[str]:
    """The modules of the package, and the stores by their own names."""
    package = ROOT / "src" / "admit"
    found = {
        path.stem
        for path in package.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    stores = {
        f"stores.{path.stem}"
        for path in (package / "stores").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    return (found | stores) - {"__init__", "stores", "stores.__init__"}


def test_every_room_is_told_and_drawn() -> None:
    table = re.findall(r"^\| (`.+`) \|", page("architecture.md"), re.MULTILINE)
    told = {name for cell in table for name in re.findall(r"`([\w.]+)`", cell)}
    drawn = set(re.findall(r'class="name"[^>]*>([\w.]+)<', page("architecture.svg")))

    assert told == rooms()
    assert drawn == rooms()


def test_every_kind_of_event_is_told() -> None:
    trail = page("operations.md").partition("## The audit trail")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`.+?`) \|", trail, re.MULTILINE)

    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == set(get_args(Kind))


@pytest.mark.parametrize("reason", get_args(RefreshReason))
def test_every_reason_is_told(reason: str) -> None:
    assert f"`{reason}`" in page("session-law.md")


def commands() -> dict[str, set[str]]:
    """Every command with its options, as the program itself knows them."""
    found = {}
    root = typer.main.get_command(app)
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        for inner, leaf in getattr(command, "commands", {"": command}).items():
            options = {option for each in leaf.params for option in each.opts}
            found[f"{name} {inner}".strip()] = {each for each in options if each.startswith("--")}
    return found


def test_the_page_of_commands_has_every_command_and_option() -> None:
    rows = re.findall(r"^\| `admit ([^`]+)` \| (.+) \|$", page("commands.md"), re.MULTILINE)
    everywhere = {"--json", "--help"}

    told = {
        re.sub(r" [A-Z]+", "", command): set(re.findall(r"`(--[\w-]+)", about)) | everywhere
        for command, about in rows
    }

    known = {name: options | everywhere for name, options in commands().items()}
    assert told == known


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_page_speaks_of_a_command_that_is_not_there(path: Path) -> None:
    known = {tuple(name.split()) for name in commands()}
    groups = {name[:1] for name in known}
    for said in re.findall(r"`admit ([a-z][^`]*)`", path.read_text(encoding="utf-8")):
        words = tuple(said.split())
        assert words[:2] in known or words[:1] in known or (words[:1] in groups and len(words) == 1)
        name = " ".join(words[:2] if words[:2] in known else words[:1])
        options = {word for word in words if word.startswith("--")} - {"--json", "--help"}
        assert options <= commands().get(name, set()), said


LIMITS = {
    "request body": f"{parsing.LARGEST // 1024} KiB",
    "request headers, together": f"{http_app.LARGEST_HEADERS // 1024} KiB",
    "access token": f"{checker.LONGEST // 1024} KiB",
    "refresh token": f"{refresh.LONGEST} characters",
    "writes in one commit": f"{commits.AT_ONCE}",
    "wait for the store, all steps of a request together": f"{patience.SECONDS:g} s",
    "access tokens remembered as verified": f"{checker.REMEMBERED:,}",
    "counters of attempts": f"{MOST:,}",
    "entries in one answer of the revocation feed": f"{PAGE:,}",
    "verifiers that wait for news": f"{feed.MOST_WAITING:,} in each process, {feed.LONGEST_WAIT} s",
    "entries in one page of a list of the admin API": (
        f"{queries.LIMIT}, or `limit` up to {queries.LARGEST_LIMIT}"
    ),
    "what one chart is counted in": (
        f"{trail.MOST_STEPS} steps; on DynamoDB {dynamodb_trail.COUNTED:,} events"
    ),
    "theme of the pages": f"{files.LARGEST_THEME // 1024} KiB",
    "logo of the pages": f"{files.LARGEST_LOGO // 1024} KiB",
    "clock skew between machines": f"{SKEW:g} s",
}


OF_THE_VERIFIER = {
    "least `max_age`": f"{terms.SHORTEST_MAX_AGE:g} s",
    "one wait for news": f"{following.LONGEST_WAIT} s",
    "an unknown key is looked for": f"every {keys.UNKNOWN_SECONDS:g} s",
    "keys while the issuer does not give them": f"{keys.LAST_SECONDS / 3600:g} h",
    "a good answer with keys, at most": f"{keys.LONGEST_SECONDS / 60:g} min",
    "an answer of the issuer": f"{issuer.LARGEST // 1024:,} KiB",
    "an answer that is not waited for": f"{issuer.SECONDS:g} s",
    "the first answers, or those to an unknown key": f"{service.FIRST_SECONDS:g} s",
    "pause while the issuer is away": f"{following.REST_SECONDS:g} s",
    "the same where it says `Retry-After`, at most": f"{rests.LONGEST_SECONDS:g} s",
    "the same where it does not know the `verifier_key` (401)": f"{rests.REFUSED_SECONDS:g} s",
    "tokens remembered as verified": f"{checker.REMEMBERED:,}",
}


@pytest.mark.parametrize("what", OF_THE_VERIFIER)
def test_a_limit_of_the_verifier_is_told_as_it_is(what: str) -> None:
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", page("verifier.md"), re.MULTILINE)

    assert dict(rows)[what] == OF_THE_VERIFIER[what]


@pytest.mark.parametrize("what", LIMITS)
def test_a_limit_is_told_as_it_is(what: str) -> None:
    (told,) = re.findall(rf"^\| {what} \| ([^|]+) \|", page("architecture.md"), re.MULTILINE)

    assert told.startswith(LIMITS[what])


def test_the_common_passwords_are_as_many_as_is_said() -> None:
    there = policy.common_passwords().split()

    assert f"{len(there):,} common ones" in page("security.md")


def test_decisions_are_numbered_without_a_gap_and_named_by_their_titles() -> None:
    numbers = [int(path.name[:4]) for path in DECISIONS]

    assert all(after == before + 1 for before, after in pairwise(numbers))
    for path in DECISIONS:
        assert re.fullmatch(r"\d{4}(-[a-z0-9]+)+\.md", path.name)
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {path.name[:4]}: ")
        for part in ("What.", "Why.", "Weighed.", "Measured"):
            assert f"**{part}" in text, path.name


def test_the_changelog_has_this_version() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert f"\n## [{__version__}] - " in changes
