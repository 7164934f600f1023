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

    async def test_many_accounts_are_added_in_one_step(self, store: Store) -> None:
        """Each exactly as handed in, with an event of its own; none at all is none added."""
        accounts = [samples.account(name) for name in ("ada", "bob", "carl")]
        imported = samples.event("user_registered", reason="import")
        assert await store.add_users(accounts, event=imported) == [None] * 3
        for account in accounts:
            assert await store.find_user("id", account.user.id) == account
        events = await store.events(kind="user_registered")
        assert sorted(each.user_id or "" for each in events) == ["id-ada", "id-bob", "id-carl"]
        assert {each.reason for each in events} == {"import"}
        assert await store.add_users([], event=imported) == []
        assert len(await store.events()) == 3

    async def test_one_that_is_taken_keeps_no_other_back(self, store: Store) -> None:
        """Of two with one key the first is added; what is refused leaves no event."""
        await samples.add(store, "ada")
        accounts = [
            samples.account("bob"),
            samples.account("ann", email_key="ada@example.com"),
            samples.account("eve", username_key="ada"),
            samples.account("ben", email_key="bob@example.com"),
            samples.account("dan", username_key="bob"),
            samples.account("carl"),
        ]
        answers = await store.add_users(accounts, event=samples.event("user_registered"))
        assert answers == [None, "email", "username", "email", "username", None]
        for name, there in {
            "bob": True,
            "ann": False,
            "eve": False,
            "ben": False,
            "dan": False,
        }.items():
            assert (await store.find_user("id", f"id-{name}") is not None) == there
        assert len(await store.events(kind="user_registered")) == 3

    async def test_an_id_that_is_taken_is_no_account_added(self, store: Store) -> None:
        """Neither one of the store's nor one of the same step; the first account stays."""
        await samples.add(store, "ada")
        for name in ("ada", "bob"):
            user = msgspec.structs.replace(samples.account(name).user, username=None)
            twins = [
                samples.account(f"{name}{index}", user=user, username_key=None) for index in (1, 2)
            ]
            answers = await store.add_users(twins, event=samples.event("user_registered"))
            assert [each is None for each in answers] == [name == "bob", False]
        kept = await store.find_user("id", "id-ada")
        assert kept == samples.account()
        assert await store.find_user("email", "bob2@example.com") is None
        assert len(await store.events(kind="user_registered")) == 2

    async def test_of_steps_with_the_same_accounts_each_is_added_once(
        self, store: Store, other: Store
    ) -> None:
        """In whichever order each step has them, in either process."""
        accounts = [samples.account(f"n{index:02}") for index in range(CALLERS)]
        steps = (accounts, accounts[::-1]) * 3
        answers = await asyncio.gather(
            *(
                (store, other)[index % 2].add_users(step, event=samples.event("user_registered"))
                for index, step in enumerate(steps)
            )
        )
        assert sum(each is None for answer in answers for each in answer) == CALLERS
        events = await store.events(kind="user_registered", limit=1_000)
        assert sorted(each.user_id or "" for each in events) == [each.user.id for each in accounts]

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
