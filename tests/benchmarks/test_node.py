"""The peers' Node is the newest here, and what they miss is told."""

import json

import pytest

from benchmarks.peers import node
from tests.servers import missing


@pytest.fixture(autouse=True)
def _there():
    if node.newest_node() is None:
        missing("Node")


def test_of_several_the_newest_is_taken():
    versions = [node._version(path) for path in node._candidates()]
    assert node._version(node.newest_node()) == max(versions)
    assert tuple(map(int, node.node_version().split("."))) == max(versions)


def test_the_older_one_is_not_the_newest():
    older = node.older_node()
    told = node.missing(older=True)
    assert bool(told) == (older is None)
    if older:
        assert node._version(older) <= node._version(node.newest_node())
        assert node.command("express.js", older=True)[0] == str(older)


def test_a_package_that_is_not_there_is_missed_and_has_no_version():
    assert node.missing("no-such-package") == node.MISSING
    assert node.versions("no-such-package").keys() == {"Node"}


def test_every_package_is_pinned_to_one_version():
    pinned = json.loads((node.PROGRAMS / "package.json").read_text())["dependencies"]
    if node.missing(*pinned):
        missing("what the peers on Node run on")
    found = node.versions(*pinned)
    assert found == {"Node": node.node_version()} | pinned
