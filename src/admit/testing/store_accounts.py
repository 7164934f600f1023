"""What a store owes where accounts are added, found and changed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

import msgspec

from admit.testing import samples
from admit.testing.samples import NOW
from admit.testing.store_rotation import ROUNDS
from admit.testing.store_sessions import history

if TYPE_CHECKING:
    from admit.model import Account
    from admit.stores.base import Store

CALLERS = 20


async def add_user(store: Store, account: Account) -> Literal["email", "username"] | None:
    """Add the account, with its event."""
    event = samples.event("user_registered", user_id=account.user.id)
    return await store.add_user(account, event=event)


class AccountsContract:
    """An address and a username belong to one account, and no change of one is ever lost."""

    async def test_an_account_is_found_by_id_address_and_username(self, store: Store) -> None:
        """Exactly as added, and under its keys only."""
        user = msgspec.structs.replace(
            samples.account().user, email="Ádá@bücher.example", roles=("b:x", "a"), username="Ada_L"
        )
        account = samples.account(
            user=user, email_key="ádá@bücher.example", username_key="ada_l", password_version=12
        )
        assert await add_user(store, account) is None
        assert await store.find_user("id", user.id) == account
        assert await store.find_user("email", "ádá@bücher.example") == account
        assert await store.find_user("username", "ada_l") == account
        for by in ("id", "email", "username"):
            assert await store.find_user(by, user.email) is None

    async def test_what_is_taken_is_named_and_nothing_is_written(self, store: Store) -> None:
        """The address before the username; the refused account leaves no event."""
        await samples.add(store, "ada")
        before = await history(store)
        twin = msgspec.structs.replace(samples.account("bob").user, id="id-twin")
        same_email = samples.account("bob", user=twin, email_key="ada@example.com")
        same_name = samples.account("bob", user=twin, username_key="ada")
        both = samples.account("ada", user=twin)
        assert await add_user(store, same_email) == "email"
        assert await add_user(store, same_name) == "username"
        assert await add_user(store, both) == "email"
        assert await store.find_user("id", "id-twin") is None
        assert await history(store) == before

    async def test_any_number_of_accounts_have_no_username(self, store: Store) -> None:
        """None is not a name that could be taken."""
        for name in ("ada", "bob"):
            user = msgspec.structs.replace(samples.account(name).user, username=None)
            assert (
                await add_user(store, samples.account(name, user=user, username_key=None)) is None
            )

    async def test_of_callers_with_one_address_or_username_exactly_one_adds_it(
        self, store: Store, other: Store
    ) -> None:
        """In either process; the others hear what is taken, and one event is recorded."""
        for shared, told in (("email_key", "email"), ("username_key", "username")):
            accounts = [
                samples.account(f"{told}{index}", **{shared: "shared"}) for index in range(CALLERS)
            ]
            answers = await asyncio.gather(
                *(add_user((store, other)[i % 2], each) for i, each in enumerate(accounts))
            )
            assert sorted(answers, key=str) == [None, *[told] * (CALLERS - 1)]
            winner = accounts[answers.index(None)]
            by: Literal["email", "username"] = "email" if told == "email" else "username"
            assert await store.find_user(by, "shared") == winner
        assert len(await store.events(kind="user_registered")) == 2

    async def test_saving_moves_the_version_by_one(self, store: Store) -> None:
        """Everything else is as handed in."""
        await samples.add(store, "ada")
        user = msgspec.structs.replace(samples.account().user, roles=(), email_verified=True)
        changed = samples.account(
            user=user,
            password_hash="another",  # noqa: S106
            password_version=1,
            disabled_at=NOW,
            username_key=None,
        )
        assert await store.save_user(changed)
        expected = msgspec.structs.replace(changed, version=1)
        assert await store.find_user("id", "id-ada") == expected

    async def test_saving_an_older_version_or_nobody_writes_nothing(self, store: Store) -> None:
        """Neither the account nor what was to happen with it."""
        held = await samples.opened(store)
        assert await store.save_user(samples.account(disabled_at=NOW))
        stands = await store.find_user("id", "id-ada")
        before = await history(store)
        for account in (samples.account(), samples.account(version=2), samples.account("nobody")):
            done = await store.save_user(
                account,
                event=samples.event("user_enabled"),
                ending=samples.ending(user_id="id-ada"),
                revocation=samples.revocation(),
            )
            assert not done
        assert await store.find_user("id", "id-ada") == stands
        assert await store.find_session(held.id) == held
        assert await history(store) == before

    async def test_endings_revocation_and_event_are_part_of_the_save(self, store: Store) -> None:
        """One step: the sessions end but for the kept one, the user's tokens are revoked."""
        await samples.opened(store, "one")
        kept = await samples.opened(store, "kept")
        assert await store.save_user(
            samples.account(password_version=1),
            event=samples.event("password_changed", user_id="id-ada"),
            ending=samples.ending(user_id="id-ada", keep=kept.id, because="password_changed"),
            revocation=samples.revocation(),
        )
        assert (await samples.found(store, "session-one")).ended_because == "password_changed"
        assert await store.list_sessions("id-ada", now=NOW) == [kept]
        entries = (await store.revocations(after=0, now=NOW)).entries
        assert {(each.kind, each.subject) for each in entries} == {
            ("session", "session-one"),
            ("user", "id-ada"),
        }
        assert len(await store.events(kind="password_changed")) == 1
        assert len(await store.events(kind="session_ended")) == 1

    async def test_of_callers_with_one_version_exactly_one_saves(
        self, store: Store, other: Store
    ) -> None:
        """No change is lost, and only the winner's event is recorded."""
        await samples.add(store, "ada")
        for version in range(ROUNDS):
            answers = await asyncio.gather(
                *(
                    handle.save_user(
                        samples.account(version=version, password_hash=f"{version}-{index}"),
                        event=samples.event("password_changed", reason=f"{version}-{index}"),
                    )
                    for index, handle in enumerate((store, other) * (CALLERS // 2))
                )
            )
            assert sum(answers) == 1
            row = await store.find_user("id", "id-ada")
            assert row is not None
            assert row.version == version + 1
            assert row.password_hash == f"{version}-{answers.index(True)}"
            (line, *_) = await store.events(kind="password_changed")
            assert line.reason == row.password_hash
        assert len(await store.events(kind="password_changed")) == ROUNDS

    async def test_accounts_are_listed_by_address_a_page_at_a_time(self, store: Store) -> None:
        """Each exactly once, in the order of the e-mail keys, after the last one seen."""
        await samples.add(store, "dora", "ada", "bob", "carl", "eve")
        seen: list[str] = []
        while page := await store.list_users(search="", after=seen[-1] if seen else "", limit=2):
            seen += [each.email_key for each in page]
        assert seen == [f"{name}@example.com" for name in ("ada", "bob", "carl", "dora", "eve")]

    async def test_a_search_is_plain_text_in_either_key(self, store: Store) -> None:
        """`%`, `_` and `*` stand for themselves, and an account may have no username."""
        await samples.add(store, "a_b", "axb", "a%b")
        nameless = samples.account("ada", username_key=None)
        assert await add_user(store, nameless) is None
        by_name = samples.account("zoe", email_key="zoe@example.com", username_key="the_boss")
        assert await add_user(store, by_name) is None

        async def names(search: str) -> list[str]:
            found = await store.list_users(search=search, after="", limit=10)
            return [each.email_key.partition("@")[0] for each in found]

        assert await names("a_b") == ["a_b"]
        assert await names("a%b") == ["a%b"]
        assert await names("a*b") == []
        assert await names("boss") == ["zoe"]
        assert await names("ada@") == ["ada"]
        assert await names("nobody") == []
