"""The keys that sign access tokens: published, waited for, signing, retired.

A new key stands in the JWKS for `jwks_max_age` before it signs, so that no verifier that caches
the set meets a token whose key it can't know; the old one stays until the last token that it
signed is dead. All of that follows from the instants in a key's row, so every process that has
read the rows agrees on it. A withdrawal takes effect at once, at the price of every token that
the key signed.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import msgspec

from admit.errors import NotFound, SettingsError, Unavailable
from admit.events import event
from admit.stores.base import Revocation, SigningKey, Store
from admit.tokens.vault import Vault

if TYPE_CHECKING:
    from admit.revocation import Revoked
    from admit.settings import Settings
    from admit.tokens.vault import LoadedKey

logger = logging.getLogger("admit.keys")

TRIES = 5
KEEP_CHANGING = "Other processes keep changing the keys: try again."


class Keyring:
    """The keys of this issuer, as this process knows them.

    Arguments:
        settings: algorithm, lifetimes.
        store: where the keys live.
        listed: the secrets, the newest first.
        revoked: told of every withdrawal at once.
    """

    def __init__(
        self, settings: Settings, store: Store, listed: tuple[str, ...], *, revoked: Revoked
    ) -> None:
        self._settings = settings
        self._store = store
        self._revoked = revoked
        self._vault = Vault(listed)
        self._rows: list[SigningKey] | None = None
        self._begun = self._applied = 0
        self.state: tuple[LoadedKey, ...] = ()
        """Every key that is not dead, the oldest first; another object whenever a row changed."""

    def unlock(self, listed: tuple[str, ...]) -> None:
        """Go by these secrets from now on, the newest first."""
        self._vault.unlock(listed)

    async def start(self, now: float) -> None:
        """Load the keys; make the first one, or the first of another algorithm.

        The algorithm is looked at here only: while a changed setting rolls out, processes with
        the old and the new one must not rotate each other's keys away in turn.

        Raises:
            SettingsError: no listed secret opens a key.
            Unavailable: the store is out, or others keep changing the keys.
        """
        await self.load(now)
        for _ in range(TRIES):
            newest = self._newest()
            if newest and newest.algorithm == self._settings.algorithm:
                break
            await self.rotate(now)
        if self._newest() is None:
            raise Unavailable(KEEP_CHANGING)
        await self._rewrap(now)

    async def load(self, now: float) -> None:
        """Know the keys as they stand in the store; nothing is made or rotated.

        Raises:
            SettingsError: no listed secret opens a key that is not dead. The others are known all
                the same: what is withdrawn must not go on because something else can't be read.
        """
        self._begun += 1
        turn = self._begun
        rows = await self._store.keys()
        if turn < self._applied or rows == self._rows:
            return  # an older look that was slower must not bring back what a newer one dropped
        # A key that is loaded already is not opened again: another process may have put it under
        # a newer secret, which this one is only told of at its next start.
        known = {key.kid: key for key in self.state}
        loaded: list[LoadedKey] = []
        unopened: list[str] = []
        for row in rows:
            if _alive(row, now):  # a dead one is never used, so a lost secret is no matter
                held = known.get(row.kid)
                key = msgspec.structs.replace(held, row=row) if held else self._vault.open(row)
                if key is None:
                    unopened.append(row.kid)
                else:
                    loaded.append(key)
        self._applied, self._rows, self.state = turn, rows, tuple(loaded)
        if unopened:
            raise SettingsError(
                "secret",
                f"ADMIT_SECRET (secret) does not open the signing key {unopened[0]}: list the"
                " former secret after the new one (new,old), or run `admit keys withdraw` on that"
                " key.",
            )

    async def look(self, now: float) -> None:
        """Take in what other processes did, and rotate where the schedule says so."""
        await self._reload(now)
        newest = self._newest()
        # None is left where one was withdrawn by somebody who has another secret.
        if newest is None or newest.row.signs_from + self._settings.key_ttl <= now:
            await self.rotate(now)

    def signing(self, now: float) -> LoadedKey:
        """The key that signs at `now`; the earliest, where the clock is behind all of them.

        Raises:
            Unavailable: there is none.
        """
        living = [key for key in self.state if _alive(key.row, now)]
        for key in reversed(living):
            if key.row.signs_from <= now:
                return key
        if living:
            return living[0]
        raise Unavailable("No key can sign right now.")

    def verifying(self, kid: str, now: float) -> LoadedKey | None:
        """The key of this name, where tokens that it signed are accepted at `now`."""
        for key in self.state:
            if key.row.kid == kid and _alive(key.row, now):
                return key
        return None

    def jwks(self, now: float) -> dict[str, list[dict[str, Any]]]:
        """The public keys (RFC 7517 section 5). A symmetric key is never among them."""
        rows = [key.row for key in self.state if _alive(key.row, now)]
        return {"keys": [json.loads(row.public) for row in rows if row.public]}

    async def rotate(self, now: float) -> str | None:
        """Publish a new key, to sign once every cache of the JWKS can know it.

        Returns its kid, or None where another process rotated at the same time.
        """
        newest = self._newest()
        # With no key before it there is nobody to wait for.
        signs_from = now if newest is None else now + self._settings.jwks_max_age
        made = await self._vault.make(self._settings.algorithm, now=now, signs_from=signs_from)
        retiring = [
            msgspec.structs.replace(key.row, retires_at=self._settings.dead_after(signs_from))
            for key in self.state
            if key.row.retires_at is None
        ]
        saved = await self._store.save_keys(
            [*retiring, made],
            seen=self._rows or [],
            event=event("key_published", now=now, kid=made.kid, algorithm=made.algorithm),
        )
        await self._reload(now)
        return made.kid if saved else None

    async def withdraw(self, kid: str, now: float) -> str | None:
        """Stop a key at once: what it signed is refused from now on.

        Returns the kid of the key that was made to sign in its place, if one had to be.

        Raises:
            NotFound: no key has this kid.
        """
        for _ in range(TRIES):
            rows = await self._store.keys()
            row = next((each for each in rows if each.kid == kid), None)
            if row is None:
                raise NotFound(f"There is no key {kid!r}: `admit keys list` shows those there are.")
            until = self._settings.dead_after(now)
            withdrawn = msgspec.structs.replace(row, withdrawn_at=now, retires_at=until)
            successor, changed = await self._without(row, rows, now)
            saved = await self._store.save_keys(
                [withdrawn, *changed],
                seen=rows,
                event=event("key_withdrawn", now=now, kid=kid),
                revocation=Revocation(
                    kind="key", subject=kid, reason="revoked", at=now, until=until
                ),
            )
            if saved:
                await self._reload(now)
                await self._revoked.changed(now)
                return successor
        raise Unavailable(KEEP_CHANGING)

    async def _without(
        self, gone: SigningKey, rows: list[SigningKey], now: float
    ) -> tuple[str | None, list[SigningKey]]:
        """Who signs at once in its place, if it signed; and the rows that change once it is off.

        Each key has to verify until the last token that it signs is dead, so when the one after
        it goes, it retires later, and the last of all not yet.
        """
        alive = [row for row in rows if _alive(row, now)]
        signer = next((row for row in reversed(alive) if row.signs_from <= now), None)
        chain = [row for row in alive if row.signs_from > now and row.kid != gone.kid]
        replaced = signer is None or signer.kid == gone.kid
        if not replaced and signer is not None:
            chain.insert(0, signer)
        elif chain:
            chain[0] = msgspec.structs.replace(chain[0], signs_from=now)
        elif self._vault.open(gone):
            made = await self._vault.make(self._settings.algorithm, now=now, signs_from=now)
            chain = [made]
        else:  # whoever has the secret makes the next one: what we made, they could not open
            return None, []
        ends = [self._settings.dead_after(after.signs_from) for after in chain[1:]]
        chain = [
            msgspec.structs.replace(row, retires_at=end)
            for row, end in zip(chain, [*ends, None], strict=True)
        ]
        return (chain[0].kid if replaced else None), [row for row in chain if row not in rows]

    def _newest(self) -> LoadedKey | None:
        return self.state[-1] if self.state else None

    async def _reload(self, now: float) -> None:
        """Load the keys; where one can't be opened, those that are loaded go on."""
        try:
            await self.load(now)
        except SettingsError as error:
            logger.error("%s", error)  # noqa: TRY400  the sentence says it all

    async def _rewrap(self, now: float) -> None:
        """Put keys that an older secret opened under the newest, so that the old one can go."""
        for _ in range(TRIES):
            found = (self._vault.rewrapped(key.row) for key in self.state)
            changed = [row for row in found if row is not None]
            if not changed:
                return
            await self._store.save_keys(changed, seen=self._rows or [])
            await self.load(now)
        raise Unavailable(KEEP_CHANGING)


def _alive(row: SigningKey, now: float) -> bool:
    return row.withdrawn_at is None and (row.retires_at is None or now < row.retires_at)
