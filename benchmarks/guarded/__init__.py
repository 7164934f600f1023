"""For each framework an app that is bare, one that Admit guards, and one guarded in the usual way.

All have one route, and answer the same. They are apart, so that whatever Admit does to a whole app
counts as its guard's; they share a process, so that they are loaded under the same conditions.
`app` in each module is all of one framework, told apart by their paths.
"""

from __future__ import annotations

BARE, IDLE, OURS, USUAL, TOKENS = "/bare", "/idle", "/ours", "/usual", "/tokens"
BARE_REST, OURS_REST, ASKING = "/bare-rest", "/ours-rest", "/asking"
"""Of Django alone: all three in Django REST framework."""
HELLO = {"hello": "world"}
KEY = "the key of the usual tokens, as long as HS256 wants it"
ALGORITHM = "HS256"
MINUTES = 15
"""How long the usual tokens live."""
USERS = tuple(f"user{number}" for number in range(64))
"""Who holds the usual tokens, one each."""
