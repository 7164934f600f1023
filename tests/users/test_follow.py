"""The steps of a shadow, one by one."""

import msgspec
import pytest

from admit.testing import samples
from admit.testing.samples import NOW
from admit.users import AppUser
from admit.users.follow import roles_of, step
from admit.users.shadow import NOTES, Note, Standing, fingerprint, is_shadow, shadow_of
from tests.cheap import cheap

USER = AppUser(id="7", email="ada@example.com", password_hash="$2b$one", roles=("a", "b"))


@pytest.fixture
def settings(tmp_path):
    return cheap(data_dir=tmp_path)


def steps(account, user, settings):
    """Every step until the shadow is as the user is, and that shadow."""
    taken = []
    while one := step(account, user, settings, now=NOW):
        taken.append(one)
        account = msgspec.structs.replace(one.account, version=account.version + 1)
    return taken, account


def test_a_shadow_that_is_as_its_user_is_takes_no_step(settings):
    made = shadow_of(USER, roles=roles_of(USER), now=NOW)
    assert is_shadow(made)
    assert USER.password_hash not in made.password_hash
    assert steps(made, USER, settings) == ([], made)


def test_a_shadow_is_found_by_its_address_however_the_app_spells_that():
    """Letters with an accent are one character or two; a search asks for the first."""
    spelt = msgspec.structs.replace(USER, email="Jose\u0301@example.com")
    made = shadow_of(spelt, roles=(), now=NOW)

    assert made.email_key == "jos\u00e9@example.com#7"
    assert made.user.email == spelt.email


def test_what_takes_rights_away_comes_first_and_what_gives_them_back_last(settings):
    made = shadow_of(USER, roles=roles_of(USER), now=NOW)
    changed = AppUser(id="7", email="eve@example.com", password_hash="$2b$two", active=False)
    taken, account = steps(made, changed, settings)
    assert [each.event and each.event.kind for each in taken] == [
        "user_disabled",
        "password_changed",
        "roles_changed",
        None,
    ]
    assert [each.ending and each.ending.because for each in taken[:2]] == [
        "revoked",
        "password_changed",
    ]
    assert taken[2].revocation is not None
    assert taken[2].revocation.version == taken[2].account.version + 1
    back, _ = steps(account, msgspec.structs.replace(USER, password_hash="$2b$two"), settings)
    assert [each.event and each.event.kind for each in back][-1] == "user_enabled"


@pytest.mark.parametrize("same", [True, False])
def test_an_account_of_admits_own_may_move_to_the_app_with_its_hash(settings, same):
    """Under its id: then nobody is signed out by the move."""
    own = samples.account()
    user = AppUser(
        id=own.user.id,
        email=own.user.email,
        roles=own.user.roles,
        password_hash=own.password_hash if same else "$2b$another",
    )
    taken, account = steps(own, user, settings)
    assert is_shadow(account)
    assert (account.email_key, account.username_key) == ("ada@example.com#id-ada", None)
    assert [bool(each.ending) for each in taken].count(True) == (0 if same else 1)


def test_announcements_are_few_and_the_newest_stay():
    standing = Standing(fingerprint("now"))
    for index in range(NOTES + 1):
        standing = standing.noted(Note(str(index), changed=False))
    assert standing.note("0") is None
    assert standing.note("1") is not None
    assert len(standing.notes) == NOTES


def test_roles_that_a_token_cannot_carry_are_left_out():
    many = tuple(f"{'r' * 60}{index:02}" for index in range(30))
    kept = roles_of(msgspec.structs.replace(USER, roles=("no role", *many)))
    assert kept == many[: len(kept)]
    assert len(" ".join(kept)) <= 1_024 < len(" ".join(many[: len(kept) + 1]))
