"""Orders: anybody looks, customers order, the staff sees all, and forgetting wants a new sign-in.

The first page is rendered here, for a browser's cookies; the rest takes cookies and bearer tokens.
"""

from flask import Flask, request

from admit import Admit
from admit.frameworks.flask import Guard, mount

auth = Admit(access_cookie=True)
guard = Guard(auth)
app = Flask(__name__)
mount(app, auth)

ordered: dict[str, list[str]] = {}


@app.get("/")
@guard.optional
def home() -> str:
    """A page that a server renders; where the session needs it, it was renewed on the way in."""
    if guard.principal is None:
        return "<h1>Orders</h1><p>Sign in, and order.</p>"
    return f"<h1>Orders</h1><p>You have {len(ordered.get(guard.caller.user_id, []))}.</p>"


@app.get("/orders")
@guard.user
def mine() -> list[str]:
    """What the caller has ordered."""
    return ordered.get(guard.caller.user_id, [])


@app.post("/orders")
@guard.user
def order() -> tuple[list[str], int]:
    """Order one thing more; a form of another site can't."""
    ordered.setdefault(guard.caller.user_id, []).append(str(request.json["what"]))
    return ordered[guard.caller.user_id], 201


@app.delete("/orders")
@guard.recent(minutes=5)
def forget() -> tuple[str, int]:
    """Forget them all, for who signed in within five minutes."""
    ordered.pop(guard.caller.user_id, None)
    return "", 204


@app.get("/staff/orders")
@guard.role("staff")
def everybodys() -> dict[str, list[str]]:
    """Everybody's, for the staff."""
    return ordered
