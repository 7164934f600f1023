"""Node, and what the peers take from npm."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = Path(__file__).parent / "node"
MISSING = "Node or its packages are missing: `make peers` installs them"
UNHELPFUL = ("NODE_OPTIONS", "NODE_PATH", "NODE_ENV")
"""Of this process's environment: they would change what is measured."""


@cache
def newest_node() -> Path | None:
    """The newest of those here: the one on the PATH, and the one that Playwright brings.

    The peers run at their best, and a Debian's own Node is years older. None where there is none.
    """
    found = {path: _version(path) for path in _candidates()}
    return max(found, key=found.__getitem__, default=None)


@cache
def older_node() -> Path | None:
    """The one on the PATH, where it is not the newest here: what many servers still run on."""
    on_path = shutil.which("node")
    return Path(on_path) if on_path and Path(on_path) != newest_node() else None


def node_version() -> str:
    """Of the newest: "26.13.1". Empty where there is none."""
    node = newest_node()
    return _written(node) if node else ""


def missing(*packages: str, least: tuple[int, ...] = (20,), older: bool = False) -> str:
    """A sentence on what is missing to run what needs these packages; empty where nothing is.

    Arguments:
        packages: their names at npm.
        least: the oldest version of Node that they run on.
        older: they shall run on the older Node.
    """
    node = older_node() if older else newest_node()
    if older and node is None and newest_node():
        return "there is one Node here, and it is the newest"
    if node and _version(node) < least:
        return f"Node {'.'.join(map(str, least))} or later is missing"
    there = node and all(_manifest(package).exists() for package in packages)
    return "" if there else MISSING


def versions(*packages: str, older: bool = False) -> dict[str, str]:
    """Of Node and of these packages, as installed; of those that are."""
    node = older_node() if older else newest_node()
    told = {"Node": _written(node)} if node else {}
    manifests = {package: _manifest(package) for package in packages}
    read = {name: path.read_bytes() for name, path in manifests.items() if path.exists()}
    return told | {name: json.loads(text)["version"] for name, text in read.items()}


def command(program: str, *arguments: str, older: bool = False) -> list[str]:
    """How one of the programs beside this file is run.

    Raises:
        RuntimeError: there is no Node.
    """
    node = older_node() if older else newest_node()
    if node is None:
        raise RuntimeError(MISSING)
    return [str(node), str(PROGRAMS / program), *arguments]


def production(**settings: str) -> dict[str, str]:
    """The environment of a Node program in production, with these settings."""
    kept = {name: value for name, value in os.environ.items() if name not in UNHELPFUL}
    return kept | {"NODE_ENV": "production"} | settings


def _manifest(package: str) -> Path:
    return PROGRAMS / "node_modules" / package / "package.json"


def _candidates() -> Iterator[Path]:
    if on_path := shutil.which("node"):
        yield Path(on_path)
    spec = find_spec("playwright")
    if spec and spec.origin:
        name = "node.exe" if sys.platform == "win32" else "node"
        brought = Path(spec.origin).parent / "driver" / name
        if brought.exists():
            yield brought


def _written(node: Path) -> str:
    return ".".join(map(str, _version(node)))


@cache
def _version(node: Path) -> tuple[int, ...]:
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, told.strip().removeprefix("v").split(".")))
