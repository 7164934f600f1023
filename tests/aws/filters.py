"""What CloudWatch's filter patterns for JSON mean, as far as the template uses them.

`{ ($.name = "text*") && … }`: equal strings, `*` for any run of characters. Anything else is an
error here, for a guess could match what CloudWatch does not.
"""

import json
import re

TERM = re.compile(r'\(\s*\$\.(?P<name>\w+)\s*=\s*"(?P<text>[^"]*)"\s*\)')


def matches(pattern, line):
    """Whether this line of a log is counted."""
    try:
        event = json.loads(line)
    except ValueError:
        return False  # a JSON pattern sees no other line
    return all(_equal(text, event.get(name)) for name, text in _terms(pattern))


def _terms(pattern):
    inner = re.fullmatch(r"\{\s*(.*?)\s*\}", pattern)
    assert inner, f"no pattern for JSON: {pattern}"
    terms = [TERM.fullmatch(each.strip()) for each in inner[1].split("&&")]
    assert all(terms), f"more than this knows: {pattern}"
    return [(each["name"], each["text"]) for each in terms if each]


def _equal(text, value):
    wanted = ".*".join(re.escape(part) for part in text.split("*"))
    return isinstance(value, str) and re.fullmatch(wanted, value, re.DOTALL) is not None
