"""A former system's token under the session law: taken once, whoever comes, however often."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from admit import Admit
from admit.errors import RefreshRefused
from admit.model import Origin
from admit.testing import samples
from admit.testing.http_caller import refused
from tests.cheap import cheap
from tests.moving import former
from tests.moving.conftest import SETTINGS, reader

pytestmark = pytest.mark.anyio
DAY = 86_400.0
OLD, NEW = SETTINGS["secret"][0], "another secret of Admit, newer, 0123456789 abcdef"


@pytest.fixture
async def service(service_for):
    async with service_for(reader("SimpleJWT")) as service:
        yield service


@pytest.fixture
def token(service, token_of):
    """The simplejwt token that Ada's browser holds; it lives for 90 days."""
    return token_of("SimpleJWT", lifetime=90 * DAY)


async def moved(service, token, **given):
    answer = await service.refresh(token, **given)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def sessions(service):
    return await service.auth.sessions.list(former.USER_ID.hex, now=service.clock())


async def test_two_tabs_at_once_share_one_session(service, token):
    answers = await asyncio.gather(*(moved(service, token) for _ in range(20)))
    assert len({each["refresh_token"] for each in answers}) == 1
    assert len(await sessions(service)) == 1
    assert len(await service.auth.store.events(kind="signed_in")) == 1
    service.clock.advance(11)
    assert (await moved(service, answers[0]["refresh_token"]))["refresh_token"]


async def test_a_lost_answer_is_given_again_within_the_leeway(service, token):
    lost = await moved(service, token)
    service.clock.advance(9)
    assert (await moved(service, token))["refresh_token"] == lost["refresh_token"]


async def test_a_lost_answer_is_given_again_to_the_same_key_however_late(service, token):
    lost = await moved(service, token, key="this refresh")
    service.clock.advance(6 * DAY)
    again = await moved(service, token, key="this refresh")
    assert again["refresh_token"] == lost["refresh_token"]


async def test_a_lost_answer_outlives_the_window_and_the_token(service_for, token_of, clock):
    """Whoever was moved in time goes by the session's own deadline from then on."""
    async with service_for(reader("SimpleJWT", until="2100-01-31")) as service:
        token = token_of("SimpleJWT", lifetime=3_600)
        lost = await moved(service, token, key="this refresh")
        clock.advance(2 * 3_600)
        again = await moved(service, token, key="this refresh")
        assert again["refresh_token"] == lost["refresh_token"]


async def test_a_late_tab_finds_the_session_where_another_tab_left_it(service, token):
    """The first token of a moved session rests: nobody can move on before the late tab is in."""
    first = await moved(service, token)
    again = await moved(service, first["refresh_token"])
    assert again["refresh_token"] == first["refresh_token"]
    assert (await moved(service, token))["refresh_token"] == first["refresh_token"]


async def test_a_thief_with_the_old_token_is_caught(service, token):
    mine = await moved(service, token)
    service.clock.advance(11)
    answer = await service.refresh(token)
    refused(answer, 401, "refresh_refused", reason="reuse_detected")
    answer = await service.refresh(mine["refresh_token"])
    refused(answer, 401, "refresh_refused", reason="reuse_detected")
    assert await service.me(mine["access_token"]) == 401
    assert len(await service.auth.store.events(kind="reuse_detected")) == 1


async def test_a_thief_who_was_quicker_is_caught_when_the_owner_comes(service, token):
    stolen = await moved(service, token, key="the thief's")
    service.clock.advance(11)
    await moved(service, stolen["refresh_token"])
    answer = await service.refresh(token, key="the owner's")
    refused(answer, 401, "refresh_refused", reason="reuse_detected")
    assert await sessions(service) == []


async def test_another_token_of_the_same_user_is_another_session(service, token, token_of):
    await moved(service, token)
    await moved(service, token_of("SimpleJWT"))
    assert len(await sessions(service)) == 2


async def test_without_leeway_it_is_taken_once_to_the_letter(service_for, token_of):
    async with service_for(reader("SimpleJWT"), leeway=0) as service:
        token = token_of("SimpleJWT")
        await moved(service, token)
        answer = await service.refresh(token)
        refused(answer, 401, "refresh_refused", reason="reuse_detected")


async def processes(tmp_path, clock, stack, *lists):
    """Processes on one database, each with its own list of secrets."""
    for secrets in lists:
        settings = cheap(**{**SETTINGS, "secret": secrets, "data_dir": tmp_path})
        yield await stack.enter_async_context(
            Admit(settings, clock=clock, moving=[reader("SimpleJWT")])
        )


async def test_while_the_secret_is_replaced_one_token_is_one_session(
    tmp_path, clock, ada, token_of
):
    """Whatever lists the processes have at that moment, they come to the same session."""
    async with AsyncExitStack() as stack:
        lists = [(OLD,), (OLD, NEW), (NEW, OLD)]
        running = [each async for each in processes(tmp_path, clock, stack, *lists)]
        event = samples.event("user_registered")
        assert await running[0].store.add_user(ada, event=event) is None
        token = token_of("SimpleJWT")
        answers = await asyncio.gather(
            *(each.sessions.refresh(token, now=clock()) for each in running * 4)
        )
        assert len({each.session_id for each in answers}) == 1
        assert len(await running[0].sessions.list(ada.user.id, now=clock())) == 1
        clock.advance(11)
        for each in answers[1:3]:  # written by either secret, it is the same session's
            assert await running[2].sessions.refresh(each.refresh_token, now=clock())


async def test_a_token_cannot_be_taken_again_once_its_session_is_cleaned_up(service, token):
    """The row is there for as long as the token could come back."""
    await moved(service, token)
    for _ in range(90):
        service.clock.advance(DAY)
        await service.auth.purge()
        answer = await service.refresh(token)
        assert answer.status_code == 401
        assert len(await service.auth.store.events(kind="signed_in")) == 1


async def test_a_session_lasts_no_longer_than_the_token_would_have(service, token_of):
    await moved(service, token_of("SimpleJWT", lifetime=40 * DAY))
    (session,) = await sessions(service)
    assert 40 * DAY - 60 < session.ends_at - session.opened_at <= 40 * DAY + 60


async def test_a_session_lasts_as_any_other_where_the_token_was_about_to_end(service, token_of):
    await moved(service, token_of("SimpleJWT", lifetime=3_600))
    (session,) = await sessions(service)
    assert session.ends_at - session.opened_at == 30 * DAY


async def test_past_the_window_no_token_is_taken(service_for, token_of, clock, caplog):
    given = reader("SimpleJWT", until=datetime.fromtimestamp(clock() + DAY, UTC))
    async with service_for(given) as service:
        taken, late = (token_of("SimpleJWT", lifetime=10 * DAY) for _ in range(2))
        clock.now = given.last_instant - 1
        lost = await moved(service, taken)
        clock.advance(1)
        answer = await service.refresh(late)
        refused(answer, 401, "refresh_refused", reason="expired")
        assert "not taken any more" in answer.json()["detail"]
        # Whoever was moved in time, and lost the answer, is not signed out.
        assert (await moved(service, taken))["refresh_token"] == lost["refresh_token"]
    async with service_for(given):
        assert "the time of SimpleJWT(until=…) is over" in caplog.text


async def test_an_expired_token_is_refused_and_says_so(service, token_of, clock):
    token = token_of("SimpleJWT", lifetime=3_600)
    clock.advance(3_601)
    answer = await service.refresh(token)
    refused(answer, 401, "refresh_refused", reason="expired")


async def test_a_user_who_is_not_here_is_refused(service, token_of):
    for user_id in ("7", "no id at all", "x" * 3_000, "\x00", ""):
        token = token_of("SimpleJWT", user_id=user_id)
        refused(await service.refresh(token), 401, "refresh_refused", reason="unknown")


async def test_a_disabled_user_is_refused_and_stays_so(service, token, clock):
    """An account that is enabled again has no session left, a former system's neither."""
    await service.auth.accounts.set_enabled(former.USER_ID.hex, enabled=False, now=clock())
    refused(await service.refresh(token), 401, "refresh_refused", reason="revoked")
    await service.auth.accounts.set_enabled(former.USER_ID.hex, enabled=True, now=clock())
    refused(await service.refresh(token), 401, "refresh_refused", reason="revoked")


async def test_a_changed_password_ends_the_former_systems_tokens_too(service, token, clock):
    new = "another pale lantern"
    await service.auth.accounts.reset_password(former.USER_ID.hex, new, now=clock())
    refused(await service.refresh(token), 401, "refresh_refused", reason="password_changed")


async def test_a_token_from_after_the_change_is_taken(service, token_of, clock):
    """The two systems run side by side: who signed in there meanwhile is not signed out."""
    new = "another pale lantern"
    changed = clock() - 3_600
    await service.auth.accounts.reset_password(former.USER_ID.hex, new, now=changed)
    assert await moved(service, token_of("SimpleJWT"))


async def test_a_token_that_does_not_say_when_it_was_made_is_as_old_as_can_be(
    service_for, token_of, clock
):
    async with service_for(reader("FastAPIUsers")) as service:
        new = "another pale lantern"
        await service.auth.accounts.reset_password(former.USER_ID.hex, new, now=clock() - DAY)
        answer = await service.refresh(token_of("FastAPIUsers"))
        refused(answer, 401, "refresh_refused", reason="password_changed")


async def test_signing_out_everywhere_ends_the_former_systems_tokens_too(service, token, token_of):
    stolen = token_of("SimpleJWT")
    mine = await moved(service, token)
    answer = await service.send("POST", "/logout/all", bearer=mine["access_token"])
    assert answer.status_code == 204
    refused(await service.refresh(stolen), 401, "refresh_refused", reason="signed_out")


async def test_signing_out_of_one_session_ends_no_other_token(service, token, token_of):
    other = token_of("SimpleJWT")
    mine = await moved(service, token)
    body = {"refresh_token": mine["refresh_token"]}
    assert (await service.send("POST", "/logout", json=body)).status_code == 204
    refused(await service.refresh(token), 401, "refresh_refused", reason="signed_out")
    assert await moved(service, other)


async def test_signing_out_with_the_former_token_ends_it_for_good(service, token):
    body = {"refresh_token": token}
    for _ in range(2):
        assert (await service.send("POST", "/logout", json=body)).status_code == 204
        refused(await service.refresh(token), 401, "refresh_refused", reason="signed_out")


async def test_signing_out_with_it_ends_the_session_that_it_became(service, token):
    mine = await moved(service, token)
    assert (await service.send("POST", "/logout", json={"refresh_token": token})).status_code == 204
    assert await sessions(service) == []
    assert await service.me(mine["access_token"]) == 401


async def test_what_the_former_system_signed_out_is_refused(service_for, token_of):
    gone = set()
    given = reader("SimpleJWT", blacklisted=lambda token: token.jti in gone)
    async with service_for(given) as service:
        token, blacklisted = token_of("SimpleJWT"), token_of("SimpleJWT")
        from tests.attacks.forging import opened

        gone.add(opened(blacklisted)[1]["jti"])
        refused(await service.refresh(blacklisted), 401, "refresh_refused", reason="revoked")
        assert await moved(service, token)


async def test_a_race_with_a_changed_password_opens_nothing(service, token, clock):
    """The account is changed between the look at it and the opening of the session."""
    store, accounts = service.auth.store, service.auth.accounts
    opening = store.open_session

    async def after_a_change(session, **given):
        store.open_session = opening
        await accounts.reset_password(session.user_id, "another pale lantern", now=clock())
        return await opening(session, **given)

    store.open_session = after_a_change
    refused(await service.refresh(token), 401, "refresh_refused", reason="unknown")
    assert await sessions(service) == []


async def test_where_it_came_from_is_kept(service, token, clock):
    origin = Origin(ip="192.0.2.7", user_agent="Browser/2")
    await service.auth.sessions.refresh(token, now=clock(), origin=origin)
    (session,) = await sessions(service)
    assert (session.ip, session.user_agent) == ("192.0.2.7", "Browser/2")


async def test_it_is_counted_as_moved(service_for, token_of):
    async with service_for(reader("SimpleJWT"), metrics_keys=(OLD,)) as service:
        await moved(service, token_of("SimpleJWT"))
        exposed = service.auth.metrics.exposition("")[0].decode()
        assert 'admit_refreshes_total{verdict="moved"} 1.0' in exposed


async def test_after_a_lost_row_the_law_is_the_stores(service, token, clock):
    """What ended a session stays its reason, whoever asks."""
    mine = await moved(service, token)
    account_id = former.USER_ID.hex
    session_id = service.auth.verify(mine["access_token"]).session_id
    await service.auth.sessions.end_own(account_id, session_id, now=clock())
    with pytest.raises(RefreshRefused) as raised:
        await service.auth.sessions.refresh(token, now=clock())
    assert raised.value.reason == "signed_out"
