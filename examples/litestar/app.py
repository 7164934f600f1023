"""Orders: anybody looks, customers order, the staff sees all, and forgetting wants a new sign-in.

The first page is rendered here, for a browser's cookies; the rest takes cookies and bearer tokens.
"""

from litestar import Litestar, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Struct

from admit import Admit, Principal
from admit.frameworks.litestar import Guard, mount

auth = Admit(access_cookie=True)
guard = Guard(auth)
ordered: dict[str, list[str]] = {}


class Order(Struct):
    """What somebody wants."""

    what: str


@get("/", guards=[guard.optional], media_type="text/html")
async def home(principal: NamedDependency[Principal | None]) -> str:
    """A page that a server renders; where the session needs it, it was renewed on the way in."""
    if principal is None:
        return "<h1>Orders</h1><p>Sign in, and order.</p>"
    return f"<h1>Orders</h1><p>You have {len(ordered.get(principal.user_id, []))}.</p>"


@get("/orders", guards=[guard.user])
async def mine(principal: NamedDependency[Principal]) -> list[str]:
    """What the caller has ordered."""
    return ordered.get(principal.user_id, [])


@post("/orders", guards=[guard.user])
async def order(principal: NamedDependency[Principal], data: JSONBody[Order]) -> list[str]:
    """Order one thing more; a form of another site can't."""
    ordered.setdefault(principal.user_id, []).append(data.what)
    return ordered[principal.user_id]


@delete("/orders", guards=[guard.recent(minutes=5)])
async def forget(principal: NamedDependency[Principal]) -> None:
    """Forget them all, for who signed in within five minutes."""
    ordered.pop(principal.user_id, None)


@get("/staff/orders", guards=[guard.role("staff")])
async def everybodys() -> dict[str, list[str]]:
    """Everybody's, for the staff."""
    return ordered


app = Litestar([home, mine, order, forget, everybodys], plugins=[guard])
mount(app, auth)
