"""A Flask app with every way to guard a view."""

from flask import Blueprint, Flask, make_response, request
from flask.views import MethodView

from admit.frameworks.flask import Guard, mount

guard = Guard()
inside = Blueprint("inside", __name__, url_prefix="/inside")
inside.before_request(guard.check(role="admin"))


def who():
    principal = guard.principal
    return {"user_id": principal.user_id if principal else None}


@inside.get("/page")
def page():
    return who()


class Thing(MethodView):
    decorators = [guard.user]  # noqa: RUF012  as Flask has it

    def get(self):
        return who()


async def later():
    return who()


def leaves():
    """A page that signs out, and that caches were to keep."""
    answer = make_response("gone")
    answer.delete_cookie("admit-refresh")
    answer.headers["Cache-Control"] = "public, max-age=60"
    answer.headers["Expires"] = "Thu, 01 Jan 2032 00:00:00 GMT"
    return answer


def flask_app(auth):
    """As an application factory makes it: the guard above serves every app that it makes."""
    app = Flask("site")
    mount(app, auth, at_root=True)
    app.register_blueprint(inside)
    views = {
        "guarded": guard.user(who),
        "optional": guard.optional(who),
        "admin": guard.role("admin")(who),
        "recent": guard.recent(minutes=5)(who),
        "both": guard.needs(role="admin", within=300)(who),
        "later": guard.user(later),
        "thing": Thing.as_view("things"),
        "open": lambda: {"open": True},
        "unguarded": who,
        "leaves": leaves,
        "cookies": lambda: dict(request.cookies),
    }
    for name, view in views.items():
        methods = ["GET"] if name == "thing" else ["GET", "POST"]
        app.add_url_rule(f"/{name}", name, view, methods=methods)
    return app
