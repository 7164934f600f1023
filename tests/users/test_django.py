"""Django's users, in a process of their own: Django is set up once in a process."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INSIDE = Path(__file__).parent / "django_shop" / "inside_shop.py"
LEAST = 25
"""How many tests are there; fewer would mean that some were not found."""


def test_djangos_users():
    """What is in `inside_shop.py`; its last line says how much passed."""
    quiet = ["-q", "-p", "no:cacheprovider", "-p", "anyio", "-p", "tests.users.django_shop.shop"]
    command = [sys.executable, "-m", "pytest", *quiet, str(INSIDE)]
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # the others take seconds
    done = subprocess.run(command, env=alone, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    passed, word, *_ = done.stdout.strip().splitlines()[-1].split()
    assert word == "passed"
    assert int(passed) >= LEAST, done.stdout
