"""The pages on moving: every Python block is Python, and what comes after the move runs."""

import ast
import re
import sys
import textwrap
import uuid
from pathlib import Path

import pytest

from admit import Admit
from tests.moving import former

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = [*sorted((DOCS / "migrating").glob("*.md")), DOCS / "hooks.md"]
SECRET = "the former system's signing key, 32 bytes or more"


def blocks(page):
    """The Python blocks of a page."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"^( *)```python\n(.*?)^\1```", text, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(code) for _, code in found]


def block_of(name, containing):
    (found,) = [code for code in blocks(DOCS / name) if containing in code and "from admit" in code]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_is_python(page):
    found = blocks(page)
    assert found
    for code in found:
        ast.parse(code)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a block as a module of its own, in a directory of its own."""
    monkeypatch.chdir(tmp_path)
    for name in ("JWT_SECRET_KEY", "SECRET", "REFRESH_TOKEN_SECRET"):
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("ADMIT_SECRET", "the secret of Admit itself 0123456789 abcdef")

    def ran(code):
        module = type(sys)(f"block_{uuid.uuid4().hex}")
        monkeypatch.setitem(sys.modules, module.__name__, module)  # annotations are looked up there
        exec(compile(code, module.__name__, "exec"), vars(module))
        return module

    return ran


def test_the_readme_shows_what_works(run):
    first = run(block_of("migrating/README.md", "auth = Admit"))
    assert isinstance(first.auth, Admit)
    second = run(block_of("migrating/README.md", "FormerToken"))
    assert second.former.by == "email"
    token = former.simplejwt(user_id="7", secret=SECRET)
    assert second.address(second.former.read(token)) == "ada@example.com"


def test_the_hooks_page_shows_what_works(run):
    module = run(block_of("hooks.md", "auth = Admit"))
    assert module.auth._parts.hooks.adds_claims


@pytest.mark.parametrize(
    ("name", "framework", "make"),
    [
        ("flask-jwt-extended", "flask", former.flask),
        ("fastapi-users", "fastapi", former.fastapi_users),
        ("express", "fastapi", former.express),
    ],
)
def test_the_app_after_the_move_takes_the_former_tokens(run, name, framework, make):
    pytest.importorskip(f"admit.frameworks.{framework}")
    module = run(block_of(f"migrating/{name}.md", "mount(app, auth)"))
    (reader,) = module.auth.moving.former
    assert reader.read(make(secret=SECRET))
    assert reader.read(make("access", secret="another secret of 32 bytes or more, 0123")) is None
