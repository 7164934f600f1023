"""A function of 512 MB hashes passwords with room to spare: argon2 takes 19 MiB at a time."""

import os
import subprocess
import sys

import pytest

MOST_BYTES = 192 * 1024 * 1024
HASHED = """
import asyncio

import admit.aws

admit.aws.handler
import admit.aws_secrets, admit.stores.dynamodb
import botocore.session
from admit.passwords import Passwords
from admit.settings import Settings

settings = Settings(secret=("a secret of the tests 0123456789 abcdef",))
client = botocore.session.Session().create_client("dynamodb", region_name="eu-west-1")


async def one():
    passwords = Passwords(settings)
    for _ in range(3):  # a worker thread keeps what the one before took
        hashed = await passwords.hash("seven pale lanterns drift")
        assert (await passwords.verify("seven pale lanterns drift", hashed))[0]
    passwords.close()


asyncio.run(one())
# Not getrusage, which counts what this process was before it ran this: the tests.
status = open("/proc/self/status").read()
print(status.partition("VmHWM:")[2].split()[0])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells how much it was")
def test_the_handler_with_a_table_and_a_password_being_hashed_fits_many_times_over():
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ADMIT_", "COVERAGE"))
    }
    done = subprocess.run(
        [sys.executable, "-c", HASHED], capture_output=True, text=True, env=clean, check=True
    )
    assert 20 * 1024 * 1024 < int(done.stdout) * 1024 < MOST_BYTES
