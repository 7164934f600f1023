"""What `admit doctor` says of Redis."""

import json
import subprocess
import sys

import pytest

from tests.cli.conftest import no_settings

COMMAND = (sys.executable, "-m", "admit.cli")


@pytest.fixture
def examine(tmp_path, redis_server):
    """Runs doctor where a server was started once; what it found, by the name of the check."""
    url = redis_server.url.replace("//", "//:hidden@")
    environment = no_settings() | {"ADMIT_REDIS_URL": url}

    def call(*words):
        done = subprocess.run(
            [*COMMAND, *words, "--json"],
            input="seven pale lanterns drift",
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env=environment,
        )
        assert done.stderr == ""
        assert "hidden" not in done.stdout
        return done.returncode, json.loads(done.stdout)

    assert redis_server.command("CONFIG", "SET", "requirepass", "hidden") == "+OK"
    assert call("user", "add", "ada@example.com")[0] == 0

    def found():
        code, said = call("doctor")
        return code, {each["check"]: each for each in said["checks"]}

    return found


def test_it_says_whether_redis_counts(examine, redis_server):
    code, found = examine()
    assert (code, found["redis"]["state"]) == (0, "ok")
    assert found["throttle"]["says"].endswith("counted in Redis by all processes together.")

    redis_server.stop()
    code, found = examine()
    assert (code, found["redis"]["state"]) == (1, "fail")
    assert "each process limits attempts by itself" in found["redis"]["says"]
