"""The HTTP contract of the admin API: where it is, and whom it lets in.

Who administers is said by whoever runs the service and not over HTTP, so what it does for them is
shown by tests of our own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from admit.testing.http_caller import Mixin, refused

if TYPE_CHECKING:
    from admit.testing.http_caller import Serve

USER = f"/admin/users/{'0' * 32}"
ROUTES = (
    ("GET", "/admin/users?limit=1"),
    ("GET", USER),
    ("GET", f"{USER}/sessions"),
    ("POST", f"{USER}/disable"),
    ("POST", f"{USER}/enable"),
    ("POST", f"{USER}/roles"),
    ("DELETE", f"{USER}/sessions"),
    ("GET", "/admin/sessions"),
    ("GET", f"/admin/sessions/{'x' * 22}"),
    ("DELETE", f"/admin/sessions/{'x' * 22}"),
    ("GET", "/admin/events?kind=signed_in"),
    ("GET", "/admin/activity?step=60"),
)
"""Every route of the admin API."""


class Administering(Mixin):
    """The admin API over HTTP."""

    async def test_where_a_role_administers_only_who_holds_it_gets_in(self, serve: Serve) -> None:
        """401 without a token, 403 without the role."""
        async with serve(admin_role="admin") as service:
            await service.register()
            token = (await service.sign_in())["access_token"]
            for method, path in ROUTES:
                refused(await service.send(method, path), 401, "unauthenticated")
                refused(await service.send(method, path, bearer=token), 403, "forbidden")

    async def test_where_none_does_there_is_no_admin_api(self, serve: Serve) -> None:
        """404, whoever asks."""
        async with serve() as service:
            for method, path in ROUTES:
                refused(await service.send(method, path), 404, "not_found")
