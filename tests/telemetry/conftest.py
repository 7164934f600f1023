"""What the tests of metrics, logs and spans share."""

import re
from contextlib import ExitStack

import pytest

from tests.cli.conftest import Server

KEY = "a-key-for-the-metrics-of-thirty-two-bytes-and-more"
ANOTHER_KEY = "another-key-for-the-metrics-of-thirty-two-bytes"
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="([^"]*)"')


class Numbers:
    """What `/metrics` answered."""

    def __init__(self, text):
        self.text = text
        self.samples = [
            (name, dict(LABEL.findall(labels or "")), float(value))
            for name, labels, value in SAMPLE.findall(text)
        ]

    def __call__(self, name, **labels):
        """The sum of the samples of this name that have these labels."""
        return sum(
            value
            for each, has, value in self.samples
            if each == name and labels.items() <= has.items()
        )

    def values(self, label):
        """Every value that this label has anywhere."""
        return {labels[label] for _, labels, _ in self.samples if label in labels}


async def scrape(service, key=KEY, **headers):
    """The answer to one scrape, which is no JSON."""
    headers["Authorization"] = f"Bearer {key}"
    return await service.client.request("GET", "/metrics", headers=headers)


async def numbers(service):
    """What a service in this process counted so far."""
    answer = await scrape(service)
    assert answer.status_code == 200, answer.text
    return Numbers(answer.text)


@pytest.fixture
def server(tmp_path):
    """Starts `admit serve` on a free port; whatever still runs at the end is ended."""
    with ExitStack() as ends:

        def start(*args, **environment):
            started = Server("--port", "0", *args, environment=environment, cwd=tmp_path)
            ends.callback(stop, started)
            return started

        yield start


def stop(server):
    if server.process.poll() is None:
        server.stop()
    server.client.close()
    assert server.process.stderr is not None
    server.process.stderr.close()
