"""What `admit.Verifier` loads, and what it does not."""

import json
import os
import subprocess
import sys

CODE = """
import json, sys
before = set(sys.modules)
import admit
made = admit.Verifier(issuer="https://example.com/auth", audience="me")
gate = made.gate
print(json.dumps(sorted(set(sys.modules) - before)))
"""
NEVER_LOADED = (
    "admit.aws",
    "admit.engine",
    "admit.http",
    "admit.revocation",
    "admit.settings",
    "admit.stores",
    "anyio",
    "argon2",
    "asyncio",
    "dotenv",
    "httpx",
    "joserfc",
    "limits",
    "pwdlib",
    "sqlite3",
    "starlette",
)


def loaded(code):
    # Measuring coverage loads sqlite3 by itself.
    environment = {key: os.environ[key] for key in os.environ if not key.startswith("COVERAGE")}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, check=True, env=environment)
    return json.loads(done.stdout)


def test_the_verifier_loads_no_store_no_framework_and_no_event_loop():
    found = loaded(CODE)
    assert "admit.verifier.service" in found
    for name in NEVER_LOADED:
        assert not [each for each in found if each == name or each.startswith(f"{name}.")], name


def test_nothing_is_begun_before_it_is_used():
    """Neither a thread nor a question: a process may be forked after it was made."""
    more = "import threading; sys.exit(threading.active_count() - 1)"
    assert loaded(CODE + more)


def test_to_import_it_loads_no_network_and_no_cryptography():
    """They come when one is made, before the first request."""
    code = CODE.replace("made = ", "admit.Verifier or ").replace("gate = made.gate", "")
    found = loaded(code)
    assert "admit.verifier.service" in found
    for name in ("cryptography", "http", "ssl", "socket"):
        assert name not in found, name
    assert {"cryptography", "ssl"} <= set(loaded(CODE))
