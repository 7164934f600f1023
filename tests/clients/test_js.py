"""The browser client: its units, its types, what is built of it, and what would be published."""

import gzip
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import get_args

import playwright
import pytest

from admit import __version__, errors
from tests.live import served
from tests.servers import PATIENCE, missing

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "clients" / "js"
SERVED = ROOT / "src" / "admit" / "web" / "static" / "client.js"
LEAST_NODE = 18
"""Debian 12's own. Vitest wants a later one, and gets Playwright's."""
PLAYWRIGHTS = Path(playwright.__file__).parent / "driver"
LARGEST = 4000
"""Bytes of the whole client, minified and packed: what 4 kB means."""
ITS_OWN = {"network", "unexpected"}
"""Codes of what no server says."""

pytestmark = pytest.mark.no_cover


def run(*command, **environ):
    """What the command printed; it must succeed."""
    done = subprocess.run(
        command,
        cwd=CLIENT,
        env={**os.environ, **environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=10 * PATIENCE,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def tools():
    """Where npm put the client's tools."""
    found = CLIENT / "node_modules" / ".bin"
    if not shutil.which("node") or not (found / "vitest").exists():
        missing("what the browser client is built with (clients/js, Node and npm)")
    version = subprocess.check_output(["node", "--version"], text=True)
    if int(version.lstrip("v").partition(".")[0]) < LEAST_NODE:
        missing(f"Node {LEAST_NODE} or later")
    return found


@pytest.fixture(scope="module")
def built(tools):
    """The bundle, as it is built from the sources at hand; the build checks the types as well."""
    run("node", "build.js")
    return CLIENT / "dist" / "index.js"


def test_the_units_hold_and_a_real_server_is_understood(tools, tmp_path):
    path = f"{PLAYWRIGHTS}{os.pathsep}{os.environ['PATH']}"
    with served(tmp_path, leeway=0) as live:
        run(tools / "vitest", "run", ADMIT_URL=f"{live.url}/auth", PATH=path)


def test_what_the_pages_load_is_what_is_built(built):
    assert SERVED.read_text() == built.read_text(), "run `make client`, and commit what it wrote"


def test_it_is_under_4_kb(built):
    assert len(gzip.compress(built.read_bytes(), 9)) < LARGEST


@pytest.mark.parametrize("what", ["tests", "pages"])
def test_the_types_fit(tools, what):
    """Of the tests, and of the scripts of Admit's own pages."""
    run(tools / "tsc", "--project", f"tsconfig.{what}.json")


def test_what_would_be_published_is_what_somebody_needs(built):
    (packed,) = json.loads(run("npm", "pack", "--dry-run", "--json", "--ignore-scripts"))
    names = {each["path"] for each in packed["files"]}

    assert {"LICENSE", "README.md", "package.json", "dist/index.js", "dist/index.d.ts"} <= names
    assert all(re.fullmatch(r"[A-Zp][\w.]+|dist/(index\.js|\w+\.d\.ts)", each) for each in names)
    assert packed["version"] == __version__
    assert (CLIENT / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_it_depends_on_nothing_and_its_tools_on_what_is_named():
    said = json.loads((CLIENT / "package.json").read_text())

    assert "dependencies" not in said
    assert all(re.fullmatch(r"[\d.]+", each) for each in said["devDependencies"].values())


def listed(name):
    """The texts of a constant list of errors.ts."""
    source = (CLIENT / "src" / "errors.ts").read_text()
    (body,) = re.findall(rf"(?ms)^export const {name} = \[(.+?)\] as const;", source)
    return re.findall(r'"(\w+)"', body)


def kinds(refusal=errors.Refusal):
    """Every kind of refusal that there is."""
    for each in refusal.__subclasses__():
        yield each
        yield from kinds(each)


def test_its_codes_are_the_servers_and_two_of_its_own():
    codes = {each.code for each in kinds() if each.__module__ == errors.__name__}

    assert sorted(listed("CODES")) == sorted(codes | ITS_OWN)


def test_its_reasons_are_the_servers():
    assert sorted(listed("REASONS")) == sorted(get_args(errors.RefreshReason))
