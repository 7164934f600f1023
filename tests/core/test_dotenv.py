"""A `.env` file that can't be read stops the start: what is skipped would be a default."""

import pytest

from admit.errors import SettingsError
from admit.settings import Settings


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'ADMIT_SECRET="unclosed\n', "Line 1 .* close its quotes"),
        (b"ADMIT_LEEWAY=5s\njust some text\n", "Line 2"),
        ("ADMIT_LEEWAY=5s\n".encode("utf-16"), "can't be read"),
    ],
)
def test_a_line_that_is_none_is_named(tmp_path, content, told):
    path = tmp_path / ".env"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=told):
        Settings.load(environ={}, dotenv=path)


def test_a_directory_is_no_file(tmp_path):
    with pytest.raises(SettingsError, match="can't be read"):
        Settings.load(environ={}, dotenv=tmp_path)


@pytest.mark.parametrize(
    "given",
    [
        {"leeway": "2m"},
        {"key_ttl": "10m"},
        {"trusted_proxies": "0.0.0.0/0"},
        {"base_url": "https://a.example", "allowed_origins": "http://b.example"},
        {"prefix": "/a/../b"},
    ],
)
def test_what_would_undo_a_promise_is_refused(given):
    with pytest.raises(SettingsError):
        Settings.load(environ={}, dotenv=None, **given)
