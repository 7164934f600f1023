"""An API without accounts: it checks the issuer's tokens, and hears of what is revoked."""

import os
from typing import Annotated

from fastapi import Depends, FastAPI

from admit import Principal, Verifier
from admit.frameworks import fastapi

issuer = Verifier(
    issuer=os.environ.get("ISSUER", "http://localhost:8000/auth"),
    audience="orders",
    verifier_key=os.environ["VERIFIER_KEY"],
)
guard = fastapi.Guard(issuer)
app = FastAPI()
fastapi.mount(app, issuer)


@app.get("/orders")
def orders(caller: Annotated[Principal, Depends(guard.user)]) -> dict[str, str]:
    """For whoever is signed in at the issuer."""
    return {"orders_of": caller.user_id}


@app.get("/stock")
def stock(caller: Annotated[Principal, Depends(guard.role("keeper"))]) -> dict[str, str]:
    """For those who have the role there."""
    return {"kept_by": caller.user_id}
