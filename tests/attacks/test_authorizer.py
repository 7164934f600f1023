"""Every forged access token again, before an authorizer on Lambda: it agrees with its issuer.

The attacks are those of the other files. Here each answer to `GET /me` is compared with what the
authorizer makes of the same token, which has the public keys and the revocation feed of a server
that is another process on the same data.
"""

from contextlib import asynccontextmanager

import httpx
import pytest

from admit import Admit
from admit.aws.authorizing import Authorizer, Unauthorized
from admit.testing.http_contract import Clock, Service
from tests.aws import guarded
from tests.aws.guarded import guard, http_event, token_event
from tests.cheap import cheap
from tests.verifier.scripted import AUDIENCE, KEY

from .forging import encoded, opened, signed, signing_key
from .test_alg_none import test_an_unsigned_token_is_refused  # noqa: F401
from .test_algorithm_confusion import (  # noqa: F401
    test_a_key_of_the_attackers_own_is_refused,
    test_another_algorithm_of_the_same_key_is_refused,
    test_the_public_key_is_no_hmac_secret,
    test_the_signing_key_of_another_algorithm_stays_with_its_own,
)
from .test_key_in_the_header import (  # noqa: F401
    signed_by_hand,
    test_an_address_in_the_header_is_never_fetched,
    test_an_embedded_key_is_refused,
    test_even_we_may_not_sign_such_a_header,
)
from .test_kid import test_another_kid_is_refused, test_no_kid_is_refused  # noqa: F401
from .test_tampered_access_token import (  # noqa: F401
    test_a_changed_character_anywhere_is_refused,
    test_another_shape_is_refused,
    test_claims_that_are_swapped_are_refused,
)
from .test_wrong_claims import (  # noqa: F401
    test_a_missing_claim_is_refused,
    test_a_user_or_session_that_does_not_exist_is_refused,
    test_a_wrong_claim_is_refused,
    test_another_type_is_refused,
    test_claims_that_are_no_object_are_refused,
    test_no_type_is_refused,
    test_our_audience_among_others_is_ours,
    test_the_skew_is_ten_seconds_and_not_eleven,
)

pytestmark = pytest.mark.anyio
UNKNOWN = {"nobody", "nothing", "", "\0"}
"""Whom only the store knows not to exist: nobody else can sign for them."""


class Guarded(Service):
    """A service, and an authorizer that is asked whatever the service is asked."""

    authorizer: Authorizer
    asked = 0

    async def send(self, method, path, **given):
        answer = await super().send(method, path, **given)
        if (method, path) == ("GET", "/me") and isinstance(given.get("bearer"), str):
            self.compare(given["bearer"], answer)
        return answer

    def compare(self, token, answer):
        self.asked += 1
        said = self.authorizer(http_event(token))
        context = said["context"]
        if said["isAuthorized"] and answer.status_code == 401:
            assert {context["user_id"], context["session_id"]} & UNKNOWN, token
            return
        assert said["isAuthorized"] is (answer.status_code == 200), token
        if said["isAuthorized"]:
            assert context["user_id"] == answer.json()["user"]["id"]
        else:
            assert context["reason"] == answer.json().get("reason", ""), token
            with pytest.raises(Unauthorized):
                self.authorizer(token_event(f"Bearer {token}"))


@pytest.fixture
def serve(tmp_path, live):
    """Starts a service with such an authorizer, for the length of a block."""

    @asynccontextmanager
    async def start(**settings):
        clock = Clock()
        own = {"verifier_keys": (KEY,), **settings}
        auth = Admit(cheap(data_dir=tmp_path, **own), clock=clock)
        transport = httpx.ASGITransport(auth.app)
        async with auth, httpx.AsyncClient(transport=transport, base_url=AUDIENCE) as client:
            with (
                live(clock=clock, **own) as server,
                guard(f"{server.url}/auth", guarded.Live(clock).clocks) as authorizer,
            ):
                service = Guarded(client, auth, clock)
                service.authorizer = authorizer
                services.append(service)
                yield service

    services: list[Guarded] = []
    yield start
    assert sum(each.asked for each in services), "the authorizer was asked nothing"


async def test_a_refresh_token_opens_no_door(service):
    await service.register()
    tokens = await service.sign_in()
    answer = await service.send("GET", "/me", bearer=tokens["refresh_token"])
    assert answer.status_code == 401


async def test_a_header_that_is_nested_without_end_is_refused(service):
    """Deeper than any reader goes: 401, and not an error of ours."""
    await service.register()
    token = (await service.sign_in())["access_token"]
    for deep in (100, 1_000, 2_900):
        head = b'{"alg":' + b"[" * deep + b"]" * deep + b"}"
        forged = ".".join([encoded(head), *token.split(".")[1:]])
        assert (await service.send("GET", "/me", bearer=forged)).status_code == 401
    assert await service.me(token) == 200


async def test_a_genuine_token_over_eight_kilobytes_is_refused(service):
    """Really signed: the size alone says no, before anything is read."""
    await service.register()
    header, claims = opened((await service.sign_in())["access_token"])
    key = signing_key(service.auth)
    fits = signed(header, claims | {"more": "x" * 4_000}, key)
    large = signed(header, claims | {"more": "x" * 8_000}, key)
    assert len(fits) < 8 * 1024 < len(large)
    assert await service.me(fits) == 200
    assert await service.me(large) == 401


async def test_a_good_signature_under_another_algorithms_name_is_refused(service):
    """Really signed by our key, and its header lies: the name alone says no."""
    await service.register()
    header, claims = opened((await service.sign_in())["access_token"])
    key = signing_key(service.auth)
    assert await service.me(signed_by_hand(header, claims, key)) == 200
    for alg in ("ES384", "HS256", "none", "es256", ""):
        assert await service.me(signed_by_hand({**header, "alg": alg}, claims, key)) == 401


async def test_a_token_of_another_spelling_of_base64_is_refused(service):
    """One text for each token: bits that are left over are part of it."""
    await service.register()
    token = (await service.sign_in())["access_token"]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = letters.index(token[-1])
    for other in {last ^ 1, last ^ 2, last ^ 3}:
        assert await service.me(token[:-1] + letters[other]) == 401
    assert await service.me(token + "=") == 401
    assert await service.me(token) == 200
