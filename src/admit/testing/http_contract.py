"""The HTTP contract as a suite that any adapter can run, whatever carries the requests.

    from admit.testing.http_contract import Clock, HTTPContract, Service

    pytestmark = pytest.mark.anyio

    class TestMyAdapter(HTTPContract):
        @pytest.fixture
        def serve(self, tmp_path):
            @asynccontextmanager
            async def start(**settings):
                clock = Clock()
                auth = Admit(clock=clock, data_dir=tmp_path, **settings)
                async with auth, my_client(auth) as client:
                    yield Service(client, auth, clock)

            return start

The suite speaks HTTP and moves the clock, and nothing else. It starts one service a test, with
the settings that the test is about; `serve` adds its own, such as a base URL. It needs pytest,
which collects it, and httpx or a client that looks like it, and imports neither.
"""

from __future__ import annotations

from admit.testing.http_accounts import Accounts
from admit.testing.http_admin import Administering
from admit.testing.http_caller import Clock, Serve, Service
from admit.testing.http_cookies import Cookies
from admit.testing.http_cross_site import CrossSite
from admit.testing.http_refusals import Refusals
from admit.testing.http_revocations import Revocations
from admit.testing.http_sessions import Sessions

__all__ = ["Clock", "HTTPContract", "Serve", "Service"]


class HTTPContract(Accounts, Sessions, Cookies, CrossSite, Refusals, Revocations, Administering):
    """Every route, delivery, cookie and refusal of the contract; subclass it as shown above."""
