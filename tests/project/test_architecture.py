"""The rules of the house can fail: each one goes red in a copy of the house that breaks it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINT = "from importlinter.cli import lint_imports_command as lint; lint()"

LAYERS = "Arrows only go down, and every module has its place"
STORES = "Only `chosen` knows which stores there are"
CORE = "The core imports no framework, no driver and no command"
AUTHORIZER = "The authorizer imports no store, no web framework, no botocore"
CLIENT = "The client knows errors, forks, model and version, and nothing of the server"


def module(house: Path, name: str) -> Path:
    """The file that holds the module, or the first file of the package."""
    package = house / "admit" / name.replace(".", "/")
    return package / "__init__.py" if package.is_dir() else package.with_suffix(".py")


def append(path: Path, line: str) -> None:
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")


def broken_rules(house: Path) -> set[str]:
    """The names of the rules that lint-imports finds broken in this house."""
    done = subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache", "--config", str(house / "pyproject.toml")],
        cwd=house,
        # Nothing of our own environment: under coverage the copy would be measured too.
        env={"PATH": os.defpath, "PYTHONPATH": str(house), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    broken = {  # after the word may stand how many imports are excepted by name
        line.partition(" BROKEN")[0]
        for line in done.stdout.splitlines()
        if re.search(r" BROKEN( \(\d+ ignored imports\))?$", line)
    }
    assert (done.returncode == 0) == (not broken), done.stdout + done.stderr
    return broken


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the house with its rules."""
    shutil.copytree(
        ROOT / "src" / "admit", tmp_path / "admit", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_house_as_it_stands_breaks_no_rule(house: Path) -> None:
    assert broken_rules(house) == set()


@pytest.mark.parametrize(
    ("importer", "line", "rule"),
    [
        ("model", "import admit.cli", LAYERS),
        ("rotation", "import admit.sessions", LAYERS),
        ("accounts", "import admit.sessions", LAYERS),
        ("engine", "import admit.http", LAYERS),
        ("parts", "import admit.upkeep", LAYERS),
        ("http", "from admit import Admit", LAYERS),
        ("stores.sqlite", "import admit.tokens", LAYERS),
        ("sessions", "import admit.stores.sqlite", STORES),
        ("cli", "import admit.stores.sqlite", STORES),
        ("engine", "import admit.stores.sqlite", STORES),
        ("sessions", "import admit.stores.postgres", STORES),
        ("cli", "import admit.stores.dynamodb", STORES),
        ("auth", "import admit.redis", STORES),
        ("rotation", "import starlette", CORE),
        ("revocation", "import redis", CORE),
        ("stores.sqlite", "import psycopg", CORE),
        ("tokens", "import botocore", CORE),
        ("passwords", "def late():\n    import typer", CORE),
        ("verifier", "import admit.stores.base", AUTHORIZER),
        ("aws.guard", "def late():\n    import botocore", AUTHORIZER),
        ("aws.authorizing", "import starlette", AUTHORIZER),
        ("tokens.checker", "import admit.tokens.keys", AUTHORIZER),
        ("errors", "import joserfc", AUTHORIZER),
        ("client.wire", "import admit.tokens.refresh", CLIENT),
        ("client", "def late():\n    import starlette", CLIENT),
        ("sessions", "import admit.client", LAYERS),
    ],
)
def test_a_forbidden_import_breaks_its_rule(
    house: Path, importer: str, line: str, rule: str
) -> None:
    append(module(house, importer), line)

    assert rule in broken_rules(house)


def test_a_module_without_a_place_breaks_the_layers(house: Path) -> None:
    (house / "admit" / "utils.py").touch()

    assert broken_rules(house) == {LAYERS}
