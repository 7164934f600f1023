"""What is revoked, as far as this process knows; looked up on every request, without I/O.

A session that ended, a user whose roles shrank and a key that was withdrawn concern access tokens
that are already out. The store keeps a list of them in the order of commits; each process reads
on from its cursor at least once a second, when another tells of news, after every ending of its
own, and before it serves. An entry goes when the last access token that it concerns is dead.
"""

from __future__ import annotations

from admit.revocation.endings import ending
from admit.revocation.log import PAGE, Cursor, Page
from admit.revocation.revoked import PRUNE_SECONDS, Revoked

__all__ = ["PAGE", "PRUNE_SECONDS", "Cursor", "Page", "Revoked", "ending"]
