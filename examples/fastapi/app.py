"""Orders: anybody looks, customers order, the staff sees all, and forgetting wants a new sign-in.

The first page is rendered here, for a browser's cookies; the rest takes cookies and bearer tokens.
"""

from typing import Annotated

from fastapi import Body, Depends, FastAPI
from fastapi.responses import HTMLResponse

from admit import Admit, Principal
from admit.frameworks.fastapi import Guard, mount

auth = Admit(access_cookie=True)
guard = Guard(auth)
app = FastAPI(title="Orders")
mount(app, auth)

Visitor = Annotated[Principal | None, Depends(guard.optional)]
Customer = Annotated[Principal, Depends(guard.user)]
Recent = Annotated[Principal, Depends(guard.recent(minutes=5))]

ordered: dict[str, list[str]] = {}


@app.get("/")
async def home(visitor: Visitor) -> HTMLResponse:
    """A page that a server renders; where the session needs it, it was renewed on the way in."""
    if visitor is None:
        return HTMLResponse("<h1>Orders</h1><p>Sign in, and order.</p>")
    return HTMLResponse(f"<h1>Orders</h1><p>You have {len(ordered.get(visitor.user_id, []))}.</p>")


@app.get("/orders")
async def mine(customer: Customer) -> list[str]:
    """What the caller has ordered."""
    return ordered.get(customer.user_id, [])


@app.post("/orders", status_code=201)
async def order(customer: Customer, what: Annotated[str, Body(embed=True)]) -> list[str]:
    """Order one thing more; a form of another site can't."""
    ordered.setdefault(customer.user_id, []).append(what)
    return ordered[customer.user_id]


@app.delete("/orders", status_code=204)
async def forget(customer: Recent) -> None:
    """Forget them all, for who signed in within five minutes."""
    ordered.pop(customer.user_id, None)


@app.get("/staff/orders", dependencies=[Depends(guard.role("staff"))])
async def everybodys() -> dict[str, list[str]]:
    """Everybody's, for the staff."""
    return ordered
