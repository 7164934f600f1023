"""How addresses and usernames are written, and when two of them are the same."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admit import logins


@pytest.mark.parametrize(
    "text",
    ["ada@example.com", "ADA@EXAMPLE.COM", "Ada@Example.com", "ada@EXAMPLE.com", "aDa@example.COM"],
)
def test_addresses_are_the_same_whatever_their_case(text):
    assert logins.login_key(text) == "ada@example.com"
    assert logins.email_key(logins.address(text) or "") == "ada@example.com"


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("ada@bücher.example", "ADA@xn--bcher-kva.example"),
        ("ada@bücher.example", "ada@BU\u0308CHER.example"),
        ("caf\u00e9@example.com", "cafe\u0301@example.com"),
        ("CAF\u00c9@example.com", "cafe\u0301@EXAMPLE.com"),
        ("straße@example.com", "STRASSE@example.com"),
    ],
)
def test_two_spellings_of_one_address_are_one(one, two):
    """IDN and its ASCII form, composed and decomposed letters (NFC), any case."""
    assert logins.address(one)
    assert logins.login_key(one) == logins.login_key(two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("ada@example.com", "ada.lovelace@example.com"),
        ("a.da@example.com", "ada@example.com"),
        ("ada+tag@example.com", "ada@example.com"),
        ("ada@example.com", "\u0430da@example.com"),
        ("ada@example.com", "ada@example.org"),
    ],
)
def test_what_looks_alike_is_not_the_same(one, two):
    """No provider's rules about dots and tags, no look-alike letters."""
    assert logins.login_key(one) != logins.login_key(two)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "ada",
        "ada@",
        "@example.com",
        "a@b@c.example",
        "a b@example.com",
        "ada@example",
        "ada@-example.com",
        "ada@exam_ple.com",
        "ada@[127.0.0.1]",
        "ada\0@example.com",
        "ada@example.com\n",
        "\u202eada@example.com",
        "Ada <ada@example.com>",
        '"a b"@example.com',
        f"ada@{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 63}.example",
    ],
)
def test_what_is_no_address_is_none(text):
    assert logins.address(text) is None


@pytest.mark.parametrize("text", ["ada", "Ada_L", "a.b-c", "x" * 64, "123", "___"])
def test_a_username_is_letters_digits_and_a_few_signs(text):
    assert logins.is_username(text)
    assert logins.username_key(text) == text.lower()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ab",
        "x" * 65,
        "a b c",
        "ada@x",
        "adä",
        "ada\n",
        "\u0430da",
        "\u0661\u0662\u0663",
        "a/b",
        "ada\0",
    ],
)
def test_anything_else_is_no_username(text):
    assert not logins.is_username(text)


@given(st.text(max_size=40))
def test_an_address_key_is_in_nfc_whatever_was_typed(text):
    """Folding the case may take a composed letter apart: it is put together again."""
    key = logins.email_key(text)
    assert unicodedata.is_normalized("NFC", key)
    assert logins.email_key(unicodedata.normalize("NFD", text)) == key
    assert logins.email_key("\u01f0@x") == "\u01f0@x"


@given(st.text(max_size=40))
def test_a_key_is_its_own_key(text):
    """Signing in with what the store holds finds it again."""
    for key in (logins.email_key(text), logins.username_key(text)):
        assert logins.email_key(key) == logins.email_key(logins.email_key(key))


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading_of_a_login(text):
    for login in (text, f"{text}@example.com", f"ada@{text}"):
        assert isinstance(logins.login_key(login), str)
        logins.address(login)
        logins.is_username(login)
