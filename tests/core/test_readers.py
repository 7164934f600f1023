"""How a setting's text becomes its value, and what the sentence says where it doesn't."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from admit import readers


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90.0),
        ("15m", 900.0),
        ("12h", 43_200.0),
        ("7d", 604_800.0),
        ("1.5h", 5_400.0),
        ("30", 30.0),
        (" 5 m ", 300.0),
        (2, 2.0),
        (0.5, 0.5),
        ("0", 0.0),
        ("36500d", 36_500 * 86_400.0),
    ],
)
def test_a_span_reads_as_people_write_it(text, seconds):
    assert readers.span(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m",
        "15 minutes",
        "-1",
        "1e3",
        "1w",
        "\u0661\u0665m",
        "5m5s",
        "1,5h",
        "36501d",
        True,
        None,
        float("nan"),
        float("inf"),
        -0.5,
        ["15m"],
    ],
    ids=repr,
)
def test_what_is_no_span_is_refused(text):
    with pytest.raises(ValueError, match="a span such as 90s, 15m, 12h or 7d"):
        readers.span(text)


@pytest.mark.parametrize("value", ["0", "0.9s", 0, 0.5], ids=repr)
def test_a_positive_span_is_a_second_at_least(value):
    with pytest.raises(ValueError, match="at least one second"):
        readers.positive_span(value)
    assert readers.positive_span("1s") == 1.0


@pytest.mark.parametrize(
    "value", ["7", "17", "8.0", "", "x", "٩", True, 8.0, None, 10**12], ids=repr
)
def test_a_whole_number_stays_between_its_bounds(value):
    read = readers.whole(8, 16)
    assert [read("8"), read(" 16 "), read(9)] == [8, 16, 9]
    with pytest.raises(ValueError, match="a whole number from 8 to 16"):
        read(value)


def test_a_switch_is_on_or_off():
    assert all(readers.switch(each) for each in ("on", "TRUE", " yes ", "1", True))
    assert not any(readers.switch(each) for each in ("off", "False", "no", "0", False))
    for value in ("", "maybe", 1, 0, None):
        with pytest.raises(ValueError, match="on or off"):
            readers.switch(value)


def test_a_choice_is_read_whatever_its_case():
    read = readers.one_of("ES256", "Ed25519")
    assert read(" ed25519 ") == "Ed25519"
    for value in ("EdDSA", "", None, 256):
        with pytest.raises(ValueError, match="one of ES256, Ed25519"):
            read(value)


def test_secrets_are_listed_newest_first():
    new, old = "n3w " * 3 + "0123456789abcdefghij", "0ld " * 3 + "0123456789abcdefghij"
    assert readers.secrets(f" {new}, {old} ") == (new, old)
    assert readers.secrets((new,)) == (new,)
    assert readers.secrets(()) == ()


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("short-but-random-1234567890abcd", "at least 32 bytes"),
        ("a good one 0123456789 abcdefghij,short", "at least 32 bytes"),
        ("a" * 64, "repeats itself"),
        ("abc" * 20, "repeats itself"),
        (12345, "a secret"),
        ((b"bytes" * 10,), "a secret"),
    ],
)
def test_a_weak_secret_is_refused_and_never_repeated(value, wanted):
    with pytest.raises(ValueError, match=wanted) as raised:
        readers.secrets(value)
    assert "short" not in str(raised.value)
    assert str(value) not in str(raised.value)


def test_a_secret_is_measured_in_bytes():
    assert readers.secrets("äöüßéèêëàâáåãçñø")  # 16 characters, 32 bytes


@pytest.mark.parametrize("value", [",", " , ", ""])
def test_a_text_that_holds_no_secret_is_refused(value):
    """Or each machine would quietly make one of its own."""
    with pytest.raises(ValueError, match="secret"):
        readers.secrets(value)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://Example.COM", "https://example.com"),
        ("https://example.com/", "https://example.com"),
        ("https://example.com:443", "https://example.com"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
    ],
)
def test_an_origin_is_written_as_browsers_send_it(text, origin):
    assert readers.base_url(text) == origin
    assert readers.origins(f"{text}, https://b.example") == (origin, "https://b.example")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "example.com",
        "//example.com",
        "ftp://example.com",
        "https://",
        "https://e.com/x",
        "https://e.com?x",
        "https://e.com#x",
        "https://u:p@e.com",
        "https://e.com:99999",
        "https://[::1",
        None,
        80,
    ],
    ids=repr,
)
def test_what_is_no_origin_is_refused(text):
    with pytest.raises(ValueError, match=r"https://example\.com"):
        readers.base_url(text)
    with pytest.raises(ValueError, match=r"never \*|origins"):
        readers.origins([text])


@pytest.mark.parametrize("text", ["https://*.example.com", "https://exa mple.com", "https://a,b"])
def test_a_host_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="https://"):
        readers.origins([text])


def test_a_prefix_is_a_path_or_nothing():
    assert [readers.prefix(each) for each in ("/auth", "/auth/", "/a/b-c", "/", "")] == [
        "/auth",
        "/auth",
        "/a/b-c",
        "",
        "",
    ]
    for value in ("auth", "/a b", "//a", "/a//b", "/a?b", "/ä", None):
        with pytest.raises(ValueError, match=r"a path|text"):
            readers.prefix(value)


def test_networks_are_addresses_or_ranges():
    assert readers.networks("10.0.0.0/8, 127.0.0.1,::1") == (
        ip_network("10.0.0.0/8"),
        ip_network("127.0.0.1/32"),
        ip_network("::1/128"),
    )
    assert readers.networks("") == ()
    for value in ("10.0.0.1/8", "proxy", "10.0.0", None):
        with pytest.raises(ValueError, match="addresses or networks"):
            readers.networks(value)


def test_limits_are_in_the_librarys_notation():
    assert readers.limits(" 5/minute;30/hour ") == "5/minute;30/hour"
    for value in ("", "lots", "0/minute", "5/fortnight", None):
        with pytest.raises(ValueError, match=r"limits such as|text"):
            readers.limits(value)


def test_the_database_url_names_a_file_or_a_server():
    assert readers.database_url("sqlite:///relative.db") == "sqlite:///relative.db"
    assert readers.database_url("") == ""
    for scheme in ("postgresql", "postgres"):  # several hosts hand out the second
        url = readers.database_url(f"{scheme}://u:p%40ss@db1:5432,db2:5432/app?sslmode=require")
        assert url == "postgresql://u:p%40ss@db1:5432,db2:5432/app?sslmode=require"
    for value in (
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "mysql://u:secret@h/db",
        "postgresql://u:a secret@h/db",
        None,
    ):
        with pytest.raises(ValueError, match=r"sqlite:///relative\.db|text") as raised:
            readers.database_url(value)
        assert "secret" not in str(raised.value)


def test_the_database_url_names_a_table():
    """In a region, or at an endpoint; without TLS only on this machine."""
    for url, place in (
        ("dynamodb://admit", ("admit", None, None)),
        ("dynamodb://Admit_1.x-y?region=us-gov-west-1", ("Admit_1.x-y", "us-gov-west-1", None)),
        (
            "dynamodb://admit?region=eu-west-1&endpoint=http://127.0.0.1:8000",
            ("admit", "eu-west-1", "http://127.0.0.1:8000"),
        ),
        ("dynamodb://admit/?endpoint=http://localhost:1", ("admit", None, "http://localhost:1")),
        (
            "dynamodb://admit?endpoint=http%3A%2F%2F%5B%3A%3A1%5D%3A8000",
            ("admit", None, "http://[::1]:8000"),
        ),
        ("dynamodb://admit?endpoint=https://vpce-1.x", ("admit", None, "https://vpce-1.x")),
    ):
        assert readers.database_url(url) == url
        assert readers.table_place(url) == place
        assert readers.table_place(url).is_emulated == (place[2] or "").startswith("http:")


@pytest.mark.parametrize(
    ("url", "wants"),
    [
        ("dynamodb://", "dynamodb://TABLE"),
        ("dynamodb://ab", "3 to 255"),
        ("dynamodb://a b c", "3 to 255"),
        ("dynamodb://key:secret@admit", "dynamodb://TABLE"),
        ("dynamodb://admit/other", "dynamodb://TABLE"),
        ("dynamodb://admit#x", "dynamodb://TABLE"),
        ("dynamodb://admit?region", "region"),
        ("dynamodb://admit?region=", "a region"),
        ("dynamodb://admit?region=Europe", "a region"),
        ("dynamodb://admit?region=eu-west-1.evil.example/-1", "a region"),
        ("dynamodb://admit?table=x", "but region and endpoint"),
        ("dynamodb://admit?secret=secret", "but region and endpoint"),
        ("dynamodb://admit?region=eu-west-1&region=eu-west-2", "each once"),
        ("dynamodb://admit?endpoint=http://10.0.0.1:8000", "https://"),
        ("dynamodb://admit?endpoint=http://127.0.0.1.evil.example", "https://"),
        ("dynamodb://admit?endpoint=https://u:secret@h", "an endpoint"),
        ("dynamodb://admit?endpoint=https://h/secret", "an endpoint"),
        ("dynamodb://admit?endpoint=ftp://127.0.0.1", "an endpoint"),
    ],
)
def test_a_table_that_cannot_be_is_refused_and_not_repeated(url, wants):
    with pytest.raises(ValueError, match=wants) as raised:
        readers.database_url(url)
    assert "secret" not in str(raised.value)


def test_the_redis_url_names_a_server():
    for url in ("redis://h:6379/0", "rediss://:p@h/1", "unix:///run/redis.sock", ""):
        assert readers.redis_url(url) == url
    for value in ("h:6379", "http://u:secret@h", "redis://:secret@h:port/0", 7):
        with pytest.raises(ValueError, match=r"redis://|text") as raised:
            readers.redis_url(value)
        assert "secret" not in str(raised.value)


def test_a_path_starts_at_home_where_it_says_so():
    assert readers.path("~/x") == Path.home() / "x"
    assert readers.path(Path("x")) == Path("x")
    with pytest.raises(ValueError, match="a path"):
        readers.path(7)
