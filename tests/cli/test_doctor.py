"""`admit doctor`."""

import json
import shutil
import sqlite3
import time
from pathlib import Path

import msgspec
import pytest

from admit.cli import database, files
from admit.events import event

from .conftest import PASSWORD

SECRET = "a secret of thirty-two bytes and more that nobody knows"
DAY = 86_400.0
PRODUCTION = {
    "SECRET": SECRET,
    "BASE_URL": "https://id.example.com",
    "TRUSTED_PROXIES": "10.0.0.0/8",
    "PASSWORD_MIN_LENGTH": "15",
}


@pytest.fixture
def examine(run):
    """The checks by name, after looking at both ways to print them."""

    def call(code=0):
        printed = run("doctor", "--json", code=code).stdout
        found = json.loads(printed)
        table = run("doctor", code=code).stdout
        for each in found["checks"]:
            assert f"{each['state']:6}{each['check']}" in table
            assert each["do"] is None or f"→ {each['do']}" in table
        assert found["ok"] == (code == 0)
        return {each["check"]: each for each in found["checks"]}

    return call


@pytest.fixture
def settings(monkeypatch):
    def call(**values):
        for name, value in values.items():
            monkeypatch.setenv(f"ADMIT_{name}", value)

    return call


@pytest.fixture
def started(engine):
    """A database with a key, as the first start leaves it."""

    async def nothing(_):
        return None

    engine(nothing)


def states(found):
    return {name: each["state"] for name, each in found.items()}


def test_before_the_first_start_it_makes_nothing_and_nothing_fails(examine, place):
    found = examine()

    assert not list(place.iterdir())
    assert states(found) == {
        "settings": "ok",
        "secret": "warn",
        "clock": "ok",
        "base url": "warn",
        "proxies": "ok",
        "cookies": "ok",
        "origins": "ok",
        "throttle": "ok",
        "leeway": "ok",
        "passwords": "ok",
        "algorithm": "ok",
        "verifiers": "ok",
        "store": "warn",
    }


def test_while_developing_the_secret_and_the_base_url_are_missing_for_production(examine, started):
    found = examine()

    assert [name for name, state in states(found).items() if state != "ok"] == [
        "secret",
        "base url",
    ]
    assert "ADMIT_SECRET" in found["secret"]["do"]
    assert "ADMIT_BASE_URL" in found["base url"]["do"]
    assert "NIST recommends 15" in found["passwords"]["do"]
    assert "survives a power cut" in found["store"]["says"]


def test_in_production_everything_is_in_order(examine, settings, engine):
    settings(**PRODUCTION)

    async def nothing(_):
        return None

    engine(nothing)
    found = examine()

    assert set(states(found).values()) == {"ok"}
    assert [each["do"] for each in found.values() if each["do"]] == []


def test_every_check_says_what_to_do_unless_all_is_well(examine, settings, started):
    settings(THROTTLE="off", LEEWAY="0", ALGORITHM="HS256", BASE_URL="https://id.example.com")

    for each in examine(code=1).values():
        assert each["says"]
        assert each["state"] == "ok" or each["do"]


def test_settings_that_can_t_work_are_all_there_is_to_say(examine, settings):
    settings(LEEWAY="soon")

    found = examine(code=1)

    assert states(found) == {"settings": "fail"}
    assert found["settings"]["says"].startswith("ADMIT_LEEWAY (leeway) wants a span")


@pytest.mark.parametrize(
    ("check", "state", "values"),
    [
        ("throttle", "fail", {"THROTTLE": "off"}),
        ("leeway", "warn", {"LEEWAY": "0"}),
        ("algorithm", "warn", {"ALGORITHM": "HS256"}),
        ("proxies", "warn", {"BASE_URL": "https://a.example"}),
        ("proxies", "ok", {"BASE_URL": "https://a.example", "TRUSTED_PROXIES": "10.0.0.1"}),
        ("settings", "fail", {"TRUSTED_PROXIES": "0.0.0.0/0"}),
        ("settings", "fail", {"TRUSTED_PROXIES": "10.0.0.1,::/0"}),
        ("settings", "fail", {"LEEWAY": "1h"}),
        ("settings", "fail", {"KEY_TTL": "1m"}),
        ("cookies", "ok", {"COOKIE_SAMESITE": "lax"}),
        (
            "cookies",
            "warn",
            {
                "COOKIE_SAMESITE": "none",
                "BASE_URL": "https://a.example",
                "ALLOWED_ORIGINS": "https://b.example",
            },
        ),
        ("origins", "ok", {"ALLOWED_ORIGINS": "https://b.example"}),
        ("verifiers", "ok", {"VERIFIER_KEYS": f"{'0123456789' * 4},{'9876543210' * 4}"}),
        (
            "origins",
            "ok",
            {
                "COOKIE_SAMESITE": "none",
                "BASE_URL": "https://a.example",
                "ALLOWED_ORIGINS": "https://b.example",
            },
        ),
        (
            "settings",
            "fail",
            {"BASE_URL": "https://a.example", "ALLOWED_ORIGINS": "http://b.example"},
        ),
        ("base url", "ok", {"BASE_URL": "https://a.example"}),
        ("secret", "ok", {"SECRET": SECRET}),
        ("secret", "ok", {"SECRET": f"{SECRET},{SECRET[::-1]}"}),
    ],
)
def test_a_setting_is_judged(examine, settings, check, state, values):
    settings(**values)

    assert examine(code=int(state == "fail"))[check]["state"] == state


def test_origins_under_a_strict_cookie_must_share_the_site(examine, settings):
    settings(ALLOWED_ORIGINS="https://b.example")

    assert "ADMIT_COOKIE_SAMESITE=none" in examine()["origins"]["do"]


def test_it_never_prints_the_secret(run, settings, started, place):
    kept = (place / "admit-data" / "secret").read_text().strip()
    said = run("doctor").output + run("doctor", "--json").output
    settings(SECRET=SECRET)
    said += run("doctor", code=1).output

    assert kept not in said
    assert SECRET not in said


def test_a_secret_that_others_can_read_fails(examine, started, place):
    (place / "admit-data" / "secret").chmod(0o644)

    secret = examine(code=1)["secret"]

    assert (secret["state"], secret["do"]) == ("fail", "chmod 600 admit-data/secret")


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 40])
def test_a_secret_that_is_none_fails(examine, started, place, content):
    (place / "admit-data" / "secret").write_bytes(content)

    assert examine(code=1)["secret"]["state"] == "fail"


def test_a_dotenv_that_others_can_read_fails_where_it_holds_the_secret(examine, place):
    (place / ".env").write_text(f"ADMIT_SECRET='{SECRET}'\n")
    (place / ".env").chmod(0o640)
    assert examine(code=1)["secret"]["do"] == "chmod 600 .env"

    (place / ".env").chmod(0o600)
    assert examine()["secret"]["state"] == "ok"


@pytest.mark.parametrize(("name", "right"), [("admit-data", "700"), ("admit-data/admit.db", "600")])
def test_data_that_others_reach_is_told_of(examine, started, place, name, right):
    (place / name).chmod(0o755)

    found = examine()["files"]

    assert (found["state"], found["do"]) == ("warn", f"chmod {right} {name}")


def test_keys_of_another_secret_fail(examine, settings, started):
    settings(SECRET=SECRET)

    keys = examine(code=1)["keys"]

    assert keys["state"] == "fail"
    assert "does not open the signing key" in keys["says"]
    assert "ADMIT_SECRET=new,old" in keys["do"]


def test_a_dead_key_of_a_lost_secret_is_no_matter(examine, engine):
    async def bury(auth):
        (first,) = await auth.store.keys()
        dead = msgspec.structs.replace(
            first, kid="dead", private="lost", signs_from=0.0, retires_at=auth.clock() - 1.0
        )
        assert await auth.store.save_keys([dead], seen=[first])

    engine(bury)

    assert examine()["keys"]["state"] == "ok"


def test_a_key_that_signs_too_long_is_told_of(examine, engine):
    async def nothing(_):
        return None

    engine(nothing, ago=100 * DAY)

    assert "key_ttl is 90 d" in examine()["keys"]["says"]


def test_a_key_of_another_algorithm_is_told_of_until_its_successor_waits(
    examine, settings, started, run
):
    settings(ALGORITHM="Ed25519")
    assert "ES256 signs, while Ed25519 is set" in examine()["keys"]["says"]

    run("keys", "rotate")
    assert examine()["keys"]["state"] == "ok"


def test_no_key_yet_is_told_of(examine, run):
    run("user", "add", "ada@example.com", stdin=PASSWORD)

    assert examine()["keys"]["state"] == "warn"


def test_a_clock_that_was_set_back_fails(examine, engine):
    async def nothing(_):
        return None

    engine(nothing, ago=-3600.0)
    found = examine(code=1)

    assert (found["time"]["state"], found["keys"]["state"]) == ("fail", "fail")


def test_an_event_within_the_skew_of_two_machines_is_no_future(examine, engine, started):
    engine(lambda auth: auth.store.record(event("signed_in", now=time.time() + 5.0)))

    assert examine()["time"]["state"] == "ok"


def test_a_damaged_database_fails(examine, started, place):
    path = place / "admit-data" / "admit.db"
    path.write_bytes(b"this is no database" * 1000)

    assert examine(code=1)["store"]["state"] == "fail"


def test_a_store_that_can_t_be_written_fails(examine, started, place):
    db = sqlite3.connect(place / "admit-data" / "admit.db")
    with db:
        db.execute("DROP TABLE users")
    db.close()

    store = examine(code=1)["store"]

    assert store["says"] == "The store cannot be reached (no such table: users)."


def test_a_database_of_a_newer_version_fails(examine, started, place):
    db = sqlite3.connect(place / "admit-data" / "admit.db")
    with db:
        db.execute("PRAGMA user_version = 9999")
    db.close()

    assert "newer version of Admit" in examine(code=1)["store"]["says"]


def test_a_python_with_an_old_sqlite_fails(examine, started, monkeypatch):
    monkeypatch.setattr(database, "NEEDED", (99, 0, 0))

    assert "too old" in examine(code=1)["store"]["says"]


def test_a_full_disk_fails(place, monkeypatch):
    monkeypatch.setattr(files, "LEAST_FREE", shutil.disk_usage(place).free * 2)

    assert files.disk(place / "admit.db").state == "fail"


@pytest.mark.parametrize(
    ("kind", "state"), [("ext4", "ok"), ("nfs4", "fail"), ("cifs", "fail"), ("overlay", "ok")]
)
def test_a_network_file_system_fails(place, monkeypatch, kind, state):
    mounts = place / "mounts"
    mounts.write_text(f"/dev/sda / xfs rw 0 0\nserver:/x {place} {kind} rw 0 0\n/ /other nfs 0 0\n")
    monkeypatch.setattr(files, "MOUNTS", mounts)

    found = files.disk(place / "admit.db")

    assert (found.state, kind in found.says) == (state, True)


def test_a_system_that_does_not_tell_its_mounts_is_not_judged(place, monkeypatch):
    monkeypatch.setattr(files, "MOUNTS", place / "nothing")

    assert files.disk(place / "admit.db").state == "ok"


@pytest.mark.parametrize(("year", "state"), [(1970, "fail"), (2101, "fail"), (2030, "warn")])
def test_a_clock_that_can_t_be_right_is_told_of(place, year, state):
    assert files.clock(place, (year - 1970) * 365.2425 * DAY + DAY).state == state


def test_a_disk_that_takes_its_time_is_no_clock_that_is_wrong(place, monkeypatch):
    write = files._file_time
    seconds = iter((0.0, 60.0))
    monkeypatch.setattr(files, "monotonic", lambda: next(seconds))
    monkeypatch.setattr(files, "_file_time", lambda where: write(where) + 60)

    assert files.clock(place, time.time()).state == "ok"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="a directory in which root makes no file")
def test_a_directory_that_takes_no_file_is_told_of():
    found = files.clock(Path("/proc"), time.time())

    assert (found.state, "no file can be written" in found.says) == ("warn", True)
