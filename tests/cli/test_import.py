"""`admit import`: accounts come in whole, or their line says why not."""

import errno
import json
import os
import signal
import sqlite3
import stat
import subprocess
import time
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from admit.cli.moving import landing, lines
from admit.cli.moving.report import reporting
from admit.errors import InvalidCredentials, Unavailable
from admit.passwords import forms

from .conftest import ADA, COMMAND, PASSWORD, no_settings, soon

HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
NAMES = "email,username,hash,roles,created,email_verified,disabled"


@pytest.fixture
def written(place):
    """Writes accounts as JSON lines; each has a hash unless it says otherwise."""

    def write(*accounts, name="users.jsonl"):
        texts = [
            each if isinstance(each, str) else json.dumps({"hash": HASH} | each)
            for each in accounts
        ]
        (place / name).write_text("\n".join(texts) + "\n", encoding="utf-8")
        return name

    return write


@pytest.fixture
def account(engine):
    """Finds the account of this login."""

    def find(login):
        return engine(lambda auth: auth.accounts.find(login))

    return find


def check(login, password=PASSWORD):
    return lambda auth: auth.accounts.check(login=login, password=password, now=auth.clock())


def refusals(result):
    """The remarks about lines, as they are shown."""
    return [line for line in result.stderr.splitlines() if line.startswith("Line ")]


def test_an_account_comes_in_with_everything_and_signs_in(run, engine, written, account):
    whole = {
        "id": ID,
        "email": "Ada@Bücher.example",
        "username": "Ada_L",
        "hash": HASH,
        "roles": ["writer", "admin", "writer"],
        "created": "2020-02-29T12:00:00.250+01:00",
        "email_verified": True,
        "disabled": False,
    }

    said = run("import", written(whole)).stdout

    assert said == "1 account is added to SQLite at admit-data/admit.db.\n"
    made = account("ADA@bücher.example")
    assert made.user.id == ID.replace("-", "")
    assert (made.user.email, made.user.username) == ("Ada@bücher.example", "Ada_L")
    assert made.user.roles == ("admin", "writer")
    assert made.user.created_at == 1_582_974_000.25
    assert made.user.email_verified
    assert (made.version, made.password_version, made.disabled_at) == (0, 0, None)
    assert engine(check("ada_l")).user.id == made.user.id
    assert account("ada_l").password_hash.startswith("$argon2id$")


def test_an_address_and_a_hash_are_enough(run, written, account):
    before = time.time()
    run("import", written({"email": ADA}))

    made = account(ADA)
    assert (made.user.username, made.user.roles, made.user.email_verified) == (None, (), False)
    assert before <= made.user.created_at <= time.time()
    assert len(made.user.id) == 32


def test_each_account_has_its_event(run, answer, written):
    run("import", written({"email": ADA}, {"email": "bob@example.com"}))

    events = answer("events", "--kind", "user_registered")["events"]
    assert [each["reason"] for each in events] == ["import", "import"]
    assert all(each["user_id"] for each in events)


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"email": "nobody"}, "email", "an e-mail address"),
    ({"email": 7}, "email", "text in UTF-8"),
    ({"email": ""}, "email", "an e-mail address"),
    ({"username": "a b"}, "username", "3 to 64 of letters"),
    ({"username": "x@y.example"}, "username", "3 to 64 of letters"),
    ({"hash": None}, "hash", "the hash of a password"),
    ({"hash": ""}, "hash", "the hash of a password"),
    ({"hash": "!unusable"}, "hash", "the hash of a password"),
    ({"hash": "hunter2"}, "hash", "bcrypt, argon2, scrypt or PBKDF2"),
    ({"hash": "$2b$31$" + "a" * 53}, "hash", "a cost of 4 to 15"),
    ({"hash": "$scrypt$ln=30,r=8,p=1$c2FsdA$c2FsdHNhbHRzYWx0c2FsdA"}, "hash", "256 MiB"),
    ({"roles": ["two words"]}, "roles", "1 to 64 of letters"),
    ({"roles": [7]}, "roles", "a list of roles"),
    ({"roles": [f"role{each:060}" for each in range(20)]}, "roles", "1024 characters"),
    ({"created": "yesterday"}, "created", "seconds since 1970"),
    ({"created": "2020-01-01T00:00:00"}, "created", "seconds since 1970"),
    ({"created": True}, "created", "seconds since 1970"),
    ({"created": 1_582_974_000_250}, "created", "not milliseconds"),
    ({"created": -1}, "created", "from 1970"),
    ({"created": 10**300}, "created", "from 1970"),
    ({"id": "7"}, "id", "a UUID"),
    ({"email_verified": "maybe"}, "email_verified", "true or false"),
    ({"disabled": "maybe"}, "disabled", "seconds since 1970"),
    ({"password": "hunter2"}, "the line", "no field 'password'"),
]
"""Fields of one account, which of them is wrong, and what it wants instead."""


def test_a_wrong_field_is_refused_by_name_and_not_repeated(run, written):
    accounts = [{"email": f"u{number}@example.com"} | each[0] for number, each in enumerate(WRONG)]
    file = written(*accounts, {"email": ADA})

    result = run("import", file, "--report", "why.jsonl", code=1)

    assert result.stdout == (
        f"1 account is added to SQLite at admit-data/admit.db; {len(WRONG)} refused.\n"
    )
    assert stat.S_IMODE(Path("why.jsonl").stat().st_mode) == 0o600
    refused = [json.loads(line) for line in Path("why.jsonl").read_text().splitlines()]
    assert [each["line"] for each in refused] == list(range(1, len(WRONG) + 1))
    for (fields, field, wants), said in zip(WRONG, refused, strict=True):
        assert list(said["refused"]) == [field]
        assert wants in said["refused"][field]
        for value in fields.values():
            assert len(str(value)) < 5 or str(value) not in json.dumps(said)


def test_every_field_that_is_wrong_is_named_at_once(run, written):
    result = run(
        "import", written({"email": "x", "roles": 7, "hash": "x", "nope": 1, "id": 7}), code=1
    )

    (said,) = refusals(result)
    for field in ("email wants", "roles wants", "hash wants", "the line wants", "id wants"):
        assert field in said


def test_lines_that_are_none_are_refused_and_the_others_come_in(run, place, account):
    ada = json.dumps({"email": ADA, "hash": HASH}).encode()
    deep = b"[" * 50_000
    (place / "users.jsonl").write_bytes(
        b"\xef\xbb\xbf"
        + b"\n".join([ada, b"", b"{", b"7", b'"\xff"', b"x" * 200_000, deep, b"null", b"  "])
        + b"\n"
        + ada.replace(b"ada", b"bob")
    )

    result = run("import", "users.jsonl", code=1)

    assert [each.split(":")[0] for each in refusals(result)] == [
        f"Line {number}" for number in (3, 4, 5, 6, 7, 8)
    ]
    assert account(ADA)
    assert account("bob@example.com")


def test_the_first_refused_lines_are_shown_and_the_others_counted(run, written):
    result = run("import", written(*["{}"] * 25), code=1)

    assert len(refusals(result)) == 10
    assert "15 more: --report FILE has them all." in result.stderr


def test_comma_separated_values(run, place, account):
    (place / "users.csv").write_text(
        f"{NAMES}\r\n"
        f'"ada@example.com",ada,{HASH},"admin, cook",1600000000.5,t,\r\n'
        f"bob@example.com,,{HASH},,2020-01-01 00:00:00+00,false,true\r\n",
        encoding="utf-8-sig",
        newline="",
    )

    run("import", "users.csv")

    ada, bob = account(ADA), account("bob@example.com")
    assert ada.user.roles == ("admin", "cook")
    assert (ada.user.created_at, ada.user.email_verified, ada.disabled_at) == (
        1.6e9 + 0.5,
        True,
        None,
    )
    assert (bob.user.username, bob.user.created_at) == (None, 1_577_836_800.0)
    assert bob.disabled_at


def test_a_row_of_another_length_or_of_bytes_that_are_no_text_is_refused(run, place):
    (place / "users.csv").write_bytes(
        b"email,hash\n"
        + f"ada@example.com,{HASH},more\n".encode()
        + b"b\xff@example.com,x\n"
        + b'"unclosed'
        + b"x" * 200_000
    )

    result = run("import", "users.csv", code=1)

    first, second, third = refusals(result)
    assert first == "Line 2: the line wants 2 values, and has 3."
    assert "email wants text in UTF-8" in second
    assert third == "Line 4: the line wants at most 65,536 bytes."


@pytest.mark.parametrize(
    "names",
    ["", "username,hash", "email,password", "email,email,hash", f"ada@example.com,{HASH}"],
    ids=["none", "no address", "no hash", "one twice", "a line of values"],
)
def test_without_names_for_the_columns_nothing_is_read(run, place, names):
    (place / "users.csv").write_text(f"{names}\nada@example.com,{HASH}\n")

    said = run("import", "users.csv", code=1).stderr

    assert "there may be" in said or "has to name the columns" in said
    assert HASH not in said


def test_standard_input_needs_its_format(run, account):
    line = json.dumps({"email": ADA, "hash": HASH})

    run("import", "-", stdin=line, code=2)
    run("import", "-", "--format", "json", stdin=line)

    assert account(ADA)


def test_a_file_whose_name_says_nothing_needs_its_format(run, written, place):
    assert "--format" in run("import", written({"email": ADA}, name="users.txt"), code=2).stderr
    assert not (place / "admit-data").exists()


def test_a_file_that_is_not_there_is_one_sentence(run, place):
    assert run("import", "users.csv", code=1).stderr == (
        "Error: No such file or directory: users.csv.\n"
    )
    assert not (place / "admit-data").exists()


def test_the_report_never_overwrites_the_file_that_is_read(run, written, place):
    file = written({"email": ADA})
    before = (place / file).read_bytes()

    run("import", file, "--report", file, code=2)

    assert (place / file).read_bytes() == before


def test_run_again_it_passes_over_what_is_there(run, written, answer, engine):
    """By the date or the id, even where a sign-in has replaced the hash since."""
    file = written(
        {"email": ADA, "created": 1_600_000_000},
        {"email": "bob@example.com", "id": ID},
        {"email": "carl@example.com"},
    )
    run("import", file)
    engine(check(ADA))
    engine(check("bob@example.com"))

    again = answer("import", file)

    assert again == {"added": 0, "there": 3, "refused": 0, "dry_run": False}
    assert len(answer("events", "--kind", "user_registered")["events"]) == 3


def test_another_account_at_a_taken_address_name_or_id_is_refused(run, ada, written, account):
    before = account(ADA)
    file = written(
        {"email": "ADA@example.com"},
        {"email": "bob@example.com", "username": "ADA"},
        {"email": "carl@example.com", "id": ada["id"]},
        {"email": "dora@example.com", "username": "dora"},
        {"email": "Dora@example.com", "hash": HASH.replace("$2b$04$", "$2a$04$")},
    )

    for more in (("--dry-run",), ()):
        result = run("import", file, *more, code=1)
        assert [each.split(" wants")[0] for each in refusals(result)] == [
            "Line 1: email",
            "Line 2: username",
            "Line 3: id",
            "Line 5: email",
        ]
    assert account(ADA) == before
    assert account("bob@example.com") is None


def test_a_dry_run_says_the_same_and_writes_nothing(answer, place, ada, written, account):
    file = written({"email": ADA}, {"email": "bob@example.com"}, {"email": "x"})
    before = (place / "admit-data" / "admit.db").read_bytes()

    tried = answer("import", file, "--dry-run", code=1)

    assert tried == {"added": 1, "there": 0, "refused": 2, "dry_run": True}
    assert (place / "admit-data" / "admit.db").read_bytes() == before
    assert account("bob@example.com") is None
    assert answer("import", file, code=1) == tried | {"dry_run": False}


def test_a_dry_run_makes_no_database(run, place, written):
    said = run("import", written({"email": ADA}), "--dry-run").stdout

    assert said == "1 account would be added to a new database.\n"
    assert not (place / "admit-data").exists()


def test_accounts_without_a_hash_come_in_where_that_is_asked_for(run, engine, written, account):
    """Nobody signs in to them until they are given a password."""
    file = written(
        {"email": ADA, "hash": None}, {"email": "bob@example.com", "hash": "!Django's unusable one"}
    )

    run("import", file, "--allow-no-hash")

    for password in ("!", "", PASSWORD):
        with pytest.raises(InvalidCredentials):
            engine(check(ADA, password))
    assert account("bob@example.com").password_hash == "!"
    run("user", "password", ADA, stdin=PASSWORD)
    assert engine(check(ADA))


SIGNER_KEY = (
    "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
)
CONFIG = f"""hash_config {{
  algorithm: SCRYPT,
  base64_signer_key: {SIGNER_KEY},
  base64_salt_separator: Bw==,
  rounds: 8,
  mem_cost: 14,
}}
"""
THEIRS = {
    "localId": "kYi4EvWQlQTKSfnJ3dRSP6IH3ed2",
    "email": "user1@example.com",
    "emailVerified": True,
    "passwordHash": (
        "lSrfV15cpx95_sZS2W9c9Kp6i_LVgQNDNC_qzrCnh1SAyZvqmZqAjTdn3aoItz-VHjoZilo78198JAdRuid5lQ=="
    ),
    "salt": "42xEC-ixf3L2lw==",
    "createdAt": "1600000000250",
    "disabled": False,
    "providerUserInfo": [{"providerId": "password"}],
}


def exported(place, *accounts):
    """What `firebase auth:export` writes."""
    texts = ",\n".join(json.dumps(each, indent=2) for each in accounts)
    (place / "users.json").write_text('{"users": [\n' + texts + "\n]}\n")
    (place / "hash_config").write_text(CONFIG)
    return "import", "users.json", "--firebase", "hash_config"


def test_firebase_s_users_sign_in_with_their_passwords(run, place, engine, account):
    more = [{**THEIRS, "email": f"user{number}@example.com"} for number in range(2, 300)]

    run(*exported(place, THEIRS, *more))

    made = account("user1@example.com")
    assert made.user.created_at == 1_600_000_000.25
    assert made.user.email_verified
    assert made.password_hash.startswith("$firebase-scrypt$ln=14,r=8$")
    assert engine(check("user1@example.com", "user1password"))
    assert engine(check("user299@example.com", "user1password"))
    assert account("user1@example.com").password_hash.startswith("$argon2id$")
    with pytest.raises(InvalidCredentials):
        engine(check("user2@example.com", "user2password"))


def test_firebase_s_users_without_a_password_or_address_are_told(run, place):
    google = {key: value for key, value in THEIRS.items() if key not in {"passwordHash", "salt"}}
    phone = {"localId": "x", "phoneNumber": "+4912345"}

    result = run(*exported(place, google, phone), code=1)

    google, phone = refusals(result)
    assert "hash wants" in google
    assert "email wants" in phone
    again = run(*exported(place, THEIRS, 7), code=1)
    assert "an object" in refusals(again)[0]


def test_a_firebase_config_that_lacks_something_says_what(run, place):
    command = exported(place, THEIRS)
    (place / "hash_config").write_text(CONFIG.replace("rounds: 8,", ""))

    assert "lacks rounds" in run(*command, code=1).stderr
    assert not (place / "admit-data").exists()


@pytest.mark.parametrize("text", ["", "[]", '{"accounts": []}', '{"users": [{"email": '])
def test_a_firebase_export_that_is_none_or_is_cut_off_is_told(run, place, text):
    command = exported(place, THEIRS)
    (place / "users.json").write_text(text)

    said = run(*command, code=1).stderr

    assert "no export of Firebase" in said or "damaged after account 0" in said


def test_a_file_is_read_a_line_at_a_time(tmp_path):
    """What was read is not kept, so its length is of no matter."""

    class Endless(BytesIO):
        def __init__(self):
            super().__init__()
            self.count = 0

        def readline(self, size=-1):
            self.count += 1
            return b"{}\n"

    endless = Endless()
    reading = lines.json_lines(endless)
    for number in range(1, 50):
        assert next(reading).number == number
    assert endless.count == 49


def test_steps_are_many_and_bounded(run, written, place, monkeypatch):
    from admit.cli.moving import landing

    sizes = []
    real = landing.InStore.add

    async def counted(self, arrivals):
        sizes.append(len(arrivals))
        return await real(self, arrivals)

    monkeypatch.setattr(landing.InStore, "add", counted)
    file = written(*({"email": f"u{number}@example.com"} for number in range(2_500)))

    run("import", file)

    assert sizes == [1_000, 1_000, 500]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_one_that_is_interrupted_is_run_again(run, answer, place, how):
    """What was done stays, what was not is done then, and nothing is there twice.

    The pipe that it reads stays open, so it can't be over before it is interrupted.
    """
    process = subprocess.Popen(
        [*COMMAND, "import", "-", "--format", "json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=no_settings(),
    )
    sent: list[str] = []

    def send(more):
        numbers = range(len(sent), len(sent) + more)
        accounts = ({"email": f"u{each}@example.com", "hash": HASH} for each in numbers)
        sent.extend(f"{json.dumps(each)}\n" for each in accounts)
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended
            process.stdin.write("".join(sent[-more:]))
            process.stdin.flush()

    def ended():
        send(100)  # it may end when it has read another thousand, and no sooner
        return process.poll() is not None

    send(1_500)
    soon(lambda: count(place))
    process.send_signal(how)
    soon(ended)
    said, remarks = process.communicate()
    done, total = count(place), len(sent)
    assert done % 1_000 == 0
    assert 1_000 <= done < total
    if how == signal.SIGINT:
        assert process.returncode == 1
        assert said == ""
        assert remarks.startswith("Stopped: up to line ")
        assert "Run it again to go on" in remarks
        assert "Traceback" not in remarks

    (place / "users.jsonl").write_text("".join(sent))
    again = answer("import", "users.jsonl")

    assert again == {"added": total - done, "there": done, "refused": 0, "dry_run": False}
    assert count(place) == total


def count(place):
    """How many accounts there are; none while there is no table for them."""
    path = place / "admit-data" / "admit.db"
    if not path.exists():
        return 0
    db = sqlite3.connect(path, timeout=10)
    try:
        return db.execute("SELECT count(*) FROM users").fetchone()[0]
    except sqlite3.OperationalError:
        return 0
    finally:
        db.close()


def test_a_terminal_sees_how_far_it_is(written, place):
    """On a pseudo-terminal; a pipe sees nothing of it."""
    import pty

    file = written(*({"email": f"u{number}@example.com"} for number in range(50)))
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [*COMMAND, "import", file],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        check=True,
        env=no_settings() | {"TERM": "xterm"},
    )
    os.close(theirs)
    shown = os.read(ours, 65_536).decode()
    os.close(ours)

    assert done.returncode == 0
    assert "Reading" in shown
    assert "100%" in shown


def test_an_import_reaches_a_server_that_runs(run, serving, written):
    server = serving()
    run("import", written({"email": ADA}))

    assert server.login()["user"]["email"] == ADA


def test_the_longest_form_of_a_hash_has_room(run, written, account):
    """A Firebase project's key stands in each of its hashes."""
    project = forms.firebase(rounds=8, mem_cost=14, signer_key=SIGNER_KEY, separator="Bw==")
    hashed = forms.of_firebase(project, salt="42xEC+ixf3L2lw==", result=SIGNER_KEY)
    run("import", written({"email": ADA, "hash": hashed}))

    assert account(ADA).password_hash == hashed


def test_a_quote_that_is_not_closed_costs_its_own_line_alone(run, place):
    rows = [f"user{number}@example.com,{HASH}" for number in range(300)]
    rows.insert(5, f'bad@example.com,"{HASH}')
    (place / "users.csv").write_text("\n".join(["email,hash", *rows]), encoding="utf-8")

    done = run("import", "users.csv", code=1)

    assert "300 accounts are added" in done.stdout
    assert refusals(done)[0].startswith("Line 7: ")
    assert "comma-separated values" in refusals(done)[0]
    assert len(refusals(done)) == 1


@pytest.mark.parametrize("created", ["9" * 400, int("9" * 400), -(10**30), "1e400"])
def test_an_instant_that_never_comes_is_refused_on_its_line(run, written, created):
    good = {"email": "bob@example.com"}

    done = run("import", written({"email": ADA, "created": created}, good), code=1)

    assert "1 account is added" in done.stdout
    assert len(refusals(done)) == 1
    assert "created" in refusals(done)[0]


@pytest.mark.parametrize("price", ["ln=1,r=1048576,p=2", "ln=1,r=1,p=2097152"])
def test_a_hash_that_keeps_much_beside_its_blocks_is_refused(run, written, price):
    hashed = f"$scrypt${price}$c2FsdA$c2FsdHNhbHRzYWx0c2FsdA"

    (said,) = refusals(run("import", written({"email": ADA, "hash": hashed}), code=1))

    assert "r·p at most 16,384" in said


def test_a_nul_costs_its_own_line_alone(run, written):
    """PostgreSQL keeps none, and would refuse the step with all its lines."""
    hashed = f"pbkdf2_sha256$7$sa\0lt${'a' * 43}="

    done = run(
        "import", written({"email": ADA, "hash": hashed}, {"email": "bob@example.com"}), code=1
    )

    assert "1 account is added" in done.stdout
    assert refusals(done) == ["Line 1: hash wants text in UTF-8, without NUL."]


def test_zero_and_one_are_switches_in_json_as_in_csv(run, written, place, account):
    """One second after 1970 began, nobody was disabled."""
    before = time.time()
    (place / "users.csv").write_text(
        f"email,hash,disabled\na@example.com,{HASH},1\nb@example.com,{HASH},0\n"
    )

    run("import", "users.csv")
    run("import", written({"email": "c@example.com", "disabled": 1}))
    run("import", written({"email": "d@example.com", "disabled": 0}))

    for on, off in ("ab", "cd"):
        assert account(f"{on}@example.com").disabled_at >= before
        assert account(f"{off}@example.com").disabled_at is None


def test_an_array_of_objects_has_to_be_taken_apart(run, place):
    """What most systems call a JSON file; here each account is a line."""
    line = json.dumps({"email": ADA, "hash": HASH})
    how = "an array has to be taken apart: `jq -c '.[]'`"

    for text in (f"[{line}]", f"[\n{line},\n{line}\n]", f"[{line}{' ' * 70_000}]"):
        (place / "users.json").write_text(text)
        assert how in refusals(run("import", "users.json", "--dry-run", code=1))[0]
    (place / "users.json").write_text(json.dumps({"email": ADA, "hash": HASH}, indent=1))
    for said in refusals(run("import", "users.json", "--dry-run", code=1)):
        assert said.endswith("the line wants one JSON object in UTF-8, whole on this line.")


def test_columns_that_something_else_parts_are_told(run, place):
    names, row = NAMES.replace(",", ";"), f"{ADA};;{HASH};;;;"
    for encoding in ("utf-8", "utf-16"):
        (place / "users.csv").write_text(f"{names}\n{row}\n", encoding=encoding)
        said = run("import", "users.csv", code=1).stderr
        assert "separated by commas, in UTF-8" in said


def test_a_name_that_stands_twice_is_refused(run, place):
    """Who takes the last one gives other roles than who takes the first."""
    one = f'"email": "{ADA}", "hash": "{HASH}", "roles": []'
    (place / "users.jsonl").write_text("{" + one + ', "roles": ["admin"]}')

    result = run("import", "users.jsonl", code=1)

    assert refusals(result) == ["Line 1: the line wants each name once."]


@pytest.mark.parametrize("roles", ["read only admin", "admin", ""])
def test_roles_in_json_are_a_list(run, written, roles):
    """Only in CSV are they parted by spaces."""
    result = run("import", written({"email": ADA, "roles": roles}), code=1)

    assert refusals(result) == ['Line 1: roles wants a list of roles, such as ["editor"].']


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_only_python_takes_for_json_is_refused(run, place, number):
    line = json.dumps({"email": ADA, "hash": HASH})[:-1]
    (place / "users.jsonl").write_text(f'{line}, "created": {number}}}')

    assert "one JSON object" in refusals(run("import", "users.jsonl", code=1))[0]


def test_nothing_is_made_for_a_file_that_is_none(run, place):
    """Neither a database nor a secret, nor an empty report."""
    command = exported(place, THEIRS)
    (place / "users.json").write_text("[]")
    (place / "users.csv").write_text(f"email;hash\nada@example.com;{HASH}\n")

    for each in (command, ("import", "users.csv")):
        run(*each, "--report", "why.jsonl", code=1)

    assert sorted(each.name for each in place.iterdir()) == [
        "hash_config",
        "users.csv",
        "users.json",
    ]


@pytest.fixture
def second_step(monkeypatch):
    """Has `happen` happen when the second step begins."""

    def instead(where, happen):
        steps = []
        real = where.add

        async def add(self, arrivals):
            steps.append(arrivals)
            if len(steps) == 2:
                happen()
            return await real(self, arrivals)

        monkeypatch.setattr(where, "add", add)

    return instead


def many(written):
    return written(*({"email": f"u{number}@example.com"} for number in range(1_500)))


def test_where_the_store_goes_away_it_is_said_how_far_it_came(
    run, answer, written, place, second_step
):
    def gone():
        raise Unavailable("The store cannot be reached.") from OSError("it went")

    second_step(landing.InStore, gone)
    file = many(written)

    result = run("import", file, code=1)

    assert result.stderr == (
        "Error: The store cannot be reached (it went).\n"
        "Stopped: up to line 1,000 everything is done. Run it again to go on; what is there already"
        " is passed over.\n"
    )
    assert count(place) == 1_000
    assert answer("import", file)["added"] == 500


def test_a_dry_run_that_is_stopped_says_that_nothing_is_written(run, written, second_step):
    second_step(landing.Rehearsal, lambda: signal.raise_signal(signal.SIGINT))

    result = run("import", many(written), "--dry-run", code=1)

    assert result.stderr == (
        "Stopped: up to line 1,000 everything is checked, and nothing written.\n"
    )


def test_a_report_replaces_no_file_unasked(run, written, place):
    file = written({"email": "x"})
    (place / "why.jsonl").write_text("the only good one")

    said = run("import", file, "--report", "why.jsonl", code=1).stderr

    assert "why.jsonl is there already" in said
    assert (place / "why.jsonl").read_text() == "the only good one"
    assert not (place / "admit-data").exists()
    run("import", file, "--report", "why.jsonl", "--force", code=1)
    assert json.loads((place / "why.jsonl").read_text())["line"] == 1


def test_a_report_without_room_is_named(tmp_path):
    full = OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="why") as raised, reporting(tmp_path / "why.jsonl"):
        raise full
    assert raised.value.filename == str(tmp_path / "why.jsonl")


def test_one_with_a_report_is_run_again_as_well(run, written, second_step):
    """An empty report is in nobody's way, and one that isn't is spoken of."""

    def gone():
        raise Unavailable("The store cannot be reached.")

    second_step(landing.InStore, gone)
    good = [{"email": f"u{number}@example.com"} for number in range(1_500)]
    command = ("import", written({"email": "x"}, *good), "--report", "why.jsonl")
    Path("why.jsonl").touch()

    assert "to go on (--force replaces the report);" in run(*command, code=1).stderr
    assert "is there already" in run(*command, code=1).stderr
    run(*command, "--force", code=1)
    assert len(Path("why.jsonl").read_text().splitlines()) == 1
