"""The scripts of the pages: their types fit, and they stay away from what the policy forbids."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.servers import missing

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "src" / "admit" / "web" / "static"
CLIENT = ROOT / "clients" / "js"
SCRIPTS = sorted(each for each in STATIC.rglob("*.js") if each.name != "client.js")
SINKS = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc"


def test_their_types_fit_strictly():
    compiler = CLIENT / "node_modules" / ".bin" / "tsc"
    if not compiler.exists():
        missing("TypeScript")
    done = subprocess.run(
        [compiler, "-p", CLIENT / "tsconfig.pages.json", "--pretty", "false"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.returncode) == ("", 0)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(STATIC)))
def test_a_script_puts_no_markup_into_the_page_and_keeps_no_token(script):
    text = script.read_text(encoding="utf-8")

    assert not re.search(SINKS, text)
    assert not re.search(r"localStorage|sessionStorage|document\.cookie|getAccessToken", text)
    assert all(re.match(r"\.\.?/", name) for name in re.findall(r'from "([^"]+)"', text))
