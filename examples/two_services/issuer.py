"""The issuer: it has the accounts and the sessions, and nothing else."""

from __future__ import annotations

from starlette.applications import Starlette

from admit import Admit
from admit.frameworks import starlette

auth = Admit(audience="orders")  # whom its access tokens are meant for; the rest is ADMIT_…
app = Starlette()
starlette.mount(app, auth)
