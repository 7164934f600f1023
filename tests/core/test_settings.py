"""Settings come from arguments, the environment or a file; what can't work stops the start."""

from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from admit.errors import SettingsError
from admit.settings import SKEW, Settings, variable

WRONG = {
    "secret": "short",
    "base_url": "example.com",
    "prefix": "auth",
    "audience": 7,
    "database_url": "mysql://host/db",
    "data_dir": 7,
    "access_ttl": "15 minutes",
    "refresh_ttl": "0",
    "session_ttl": "soon",
    "leeway": "-1s",
    "algorithm": "none",
    "key_ttl": "x",
    "jwks_max_age": "x",
    "cookie_samesite": "maybe",
    "access_cookie": "perhaps",
    "allowed_origins": "*",
    "trusted_proxies": "everyone",
    "throttle": "sometimes",
    "throttle_login": "many",
    "throttle_account": "many",
    "throttle_address": "many",
    "throttle_register": "many",
    "throttle_password": "many",
    "throttle_refresh": "many",
    "password_min_length": "7",
    "argon2_memory": "1",
    "argon2_time": "0",
    "argon2_parallelism": "0",
    "hash_queue": "-1",
    "event_ttl": "x",
    "database_pool": "0",
    "redis_url": "http://host",
    "secret_source": "vault:/kept",
    "revocation_max_age": "0",
    "revocation_strict": "perhaps",
    "verifier_keys": "short",
    "admin_role": "two words",
    "metrics_keys": "short",
    "pages": "perhaps",
    "pages_name": "x" * 61,
    "pages_theme": 7,
    "pages_logo": 7,
    "pages_home": 7,
}


@pytest.mark.parametrize("field", fields(Settings), ids=lambda field: field.name)
def test_a_default_is_what_its_reader_makes_of_it(field):
    """So it need not be read at each start, and what reads it need not be loaded."""
    assert field.metadata["read"](field.default) == field.default


def load(environ=None, dotenv=None, **given):
    return Settings.load(environ=environ or {}, dotenv=dotenv, **given)


def refusal(environ=None, dotenv=None, **given):
    with pytest.raises(SettingsError) as raised:
        load(environ, dotenv, **given)
    text = str(raised.value)
    assert "\n" not in text
    assert text.endswith((".", ")"))
    return raised.value.setting, text


def test_with_nothing_set_everything_is_local():
    settings = load()
    assert settings.base_url == "http://localhost:8000"
    assert settings.issuer == "http://localhost:8000/auth"
    assert settings.audience == settings.base_url
    assert settings.database_url == f"sqlite:///{settings.data_dir / 'admit.db'}"
    assert (settings.access_ttl, settings.refresh_ttl, settings.session_ttl) == (
        900.0,
        604_800.0,
        2_592_000.0,
    )
    assert (settings.leeway, settings.algorithm, settings.secure) == (10.0, "ES256", False)


def test_settings_are_frozen():
    with pytest.raises(FrozenInstanceError):
        load().leeway = 0.0


def test_there_is_a_wrong_value_for_every_setting():
    assert set(WRONG) == {each.name for each in fields(Settings)}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_refused_by_one_sentence_that_names_the_setting(name):
    """By its variable and by its argument's name, whichever way it came."""
    ways = [{"given": {name: WRONG[name]}}]
    if isinstance(WRONG[name], str):
        ways.append({"environ": {variable(name): WRONG[name]}})
    for way in ways:
        setting, text = refusal(way.get("environ"), **way.get("given", {}))
        assert setting == name
        assert text.startswith(f"{variable(name)} ({name}) ")


def test_an_argument_wins_over_the_environment_and_that_over_the_file(tmp_path):
    file = tmp_path / ".env"
    file.write_text('ADMIT_LEEWAY=1s\nADMIT_KEY_TTL="2d"\nADMIT_PREFIX=/file\nOTHER=x\n')
    environ = {"ADMIT_LEEWAY": "2s", "ADMIT_KEY_TTL": "3d", "PATH": "/bin"}
    settings = load(environ, file, leeway=3)
    assert (settings.leeway, settings.key_ttl, settings.prefix) == (3.0, 259_200.0, "/file")


def test_the_process_environment_is_read_where_none_is_given(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("ADMIT_PREFIX=/from-file\n")
    monkeypatch.setenv("ADMIT_LEEWAY", "7s")
    settings = Settings.load()
    assert (settings.leeway, settings.prefix) == (7.0, "/from-file")


def test_the_file_is_taken_word_for_word(tmp_path):
    """A `$` in a secret is a `$`."""
    file = tmp_path / ".env"
    file.write_text("ADMIT_SECRET='0123456789 $HOME ${PATH} abcdefgh'\n")
    assert load(dotenv=file).secret == ("0123456789 $HOME ${PATH} abcdefgh",)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ADMIT_ACESS_TTL", "did you mean ADMIT_ACCESS_TTL?"),
        ("ADMIT_access_ttl", "did you mean ADMIT_ACCESS_TTL?"),
        ("ADMIT_XYZZY", "correct its name or unset it."),
        ("ADMIT_", "correct its name or unset it."),
    ],
)
def test_an_unknown_variable_is_refused(tmp_path, name, told):
    _, text = refusal({name: "1"})
    assert text.startswith(f"{name} is not a setting of Admit")
    assert told in text
    file = tmp_path / ".env"
    file.write_text(f"{name}=1\n")
    assert refusal(dotenv=file)[1] == text


def test_an_unknown_argument_is_refused():
    setting, text = refusal(acess_ttl="5m")
    assert setting == "acess_ttl"
    assert "docs/settings.md" in text


@pytest.mark.parametrize("line", ["ADMIT_SECRET", "ADMIT_SECRET=", "ADMIT_SECRET='  '"])
def test_an_empty_value_is_a_slip(tmp_path, line):
    file = tmp_path / ".env"
    file.write_text(f"{line}\n")
    assert refusal(dotenv=file) == ("secret", "ADMIT_SECRET is empty: give it a value or unset it.")


def test_plain_http_is_for_this_machine_only():
    setting, text = refusal(base_url="http://example.com")
    assert setting == "base_url"
    assert "use https://" in text
    for local in ("http://localhost:3000", "http://127.0.0.1"):
        assert load(base_url=local).secure is False
    assert load(base_url="https://example.com").secure is True


@pytest.mark.parametrize(
    "spans", [{"access_ttl": "8d"}, {"refresh_ttl": "31d"}, {"session_ttl": "1d"}]
)
def test_each_lifetime_lies_within_the_next(spans):
    assert refusal(**spans)[0] == "refresh_ttl"
    assert load(access_ttl="1h", refresh_ttl="1h", session_ttl="1h")


def test_a_session_outlives_the_rest_of_its_token():
    short = {"access_ttl": "5s", "refresh_ttl": "10s"}
    assert refusal(**short)[0] == "refresh_ttl"
    assert load(**short, leeway="9s")


def test_cookies_for_another_site_need_https_and_its_name():
    assert refusal(cookie_samesite="none")[0] == "cookie_samesite"
    setting, _ = refusal(cookie_samesite="none", base_url="https://a.example")
    assert setting == "allowed_origins"
    assert load(
        cookie_samesite="none", base_url="https://a.example", allowed_origins="https://b.example"
    )


@pytest.mark.parametrize(
    ("time", "least"), [(1, 47_104), (2, 19_456), (3, 12_288), (4, 12_288), (100, 12_288)]
)
def test_argon2_is_never_below_the_equivalent_minimums(time, least):
    assert load(argon2_time=time, argon2_memory=least).argon2_memory == least
    setting, text = refusal(argon2_time=time, argon2_memory=least - 1)
    assert setting == "argon2_memory"
    assert str(least) in text


def test_a_printed_setting_shows_no_secret():
    settings = load(secret="something very secret 0123456789 abcdef")
    assert "very secret" not in repr(settings)
    assert "very secret" not in str(settings)


def test_a_token_is_dead_after_its_life_and_the_clocks_differences():
    settings = load(access_ttl="15m")
    assert settings.dead_after(1_000.0) == 1_000.0 + 900.0 + 2 * SKEW


def test_every_setting_says_what_it_is_for():
    for each in fields(Settings):
        about = each.metadata["about"]
        assert about.endswith("."), each.name
        assert callable(each.metadata["read"])


def test_a_data_directory_moves_the_database_with_it():
    settings = load(data_dir="/srv/admit")
    assert settings.database_url == "sqlite:////srv/admit/admit.db"
    assert settings.data_dir == Path("/srv/admit")
