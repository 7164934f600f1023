"""The front door: few names, which load nothing until they are asked for."""

import json
import os
import subprocess
import sys

import pytest

import admit

LOADED = """
import json, sys
before = set(sys.modules)
{code}
print(json.dumps(sorted({{each.partition(".")[0] for each in set(sys.modules) - before}})))
"""
HEAVY = {
    "starlette",
    "uvicorn",
    "fastapi",
    "flask",
    "django",
    "litestar",
    "typer",
    "psycopg",
    "redis",
    "botocore",
    "mangum",
    "jinja2",
    "sqlite3",
    "httpx",
}


def loaded(code):
    """The top-level modules that this code loads, in a process of its own."""
    # Measuring coverage loads sqlite3 by itself.
    environment = {key: os.environ[key] for key in os.environ if not key.startswith("COVERAGE")}
    command = [sys.executable, "-c", LOADED.format(code=code)]
    done = subprocess.run(command, capture_output=True, check=True, env=environment)
    return set(json.loads(done.stdout))


def test_the_public_names_are_few_and_real():
    assert sorted(admit.__all__) == [
        "Admit",
        "AdmitError",
        "Hooks",
        "InvalidToken",
        "Principal",
        "Refusal",
        "Session",
        "Settings",
        "SettingsError",
        "Tokens",
        "Unavailable",
        "User",
        "Verifier",
        "__version__",
    ]
    assert len(admit.__all__) <= 15
    for name in admit.__all__:
        assert getattr(admit, name) is not None
        assert getattr(admit, name) is getattr(admit, name)


def test_everything_else_is_refused_by_name():
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        admit.Nothing  # noqa: B018  the access is the test
    with pytest.raises(ImportError):
        from admit import Nothing  # noqa: F401


def test_importing_it_loads_next_to_nothing():
    third_party = loaded("import admit") & (HEAVY | {"joserfc", "msgspec", "anyio", "limits"})
    assert third_party == set()


def test_the_whole_front_door_loads_no_framework_and_no_driver():
    assert loaded("from admit import *") & HEAVY == set()


def test_an_engine_loads_the_driver_of_its_store_only(tmp_path):
    code = f"from admit import Admit, Settings; Admit(Settings(data_dir={str(tmp_path)!r}))"
    assert loaded(code) & HEAVY == {"sqlite3"}


def test_the_version_is_that_of_the_package():
    from importlib.metadata import version

    assert admit.__version__ == version("admit")
