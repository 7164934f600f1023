"""`GET /metrics`: who may read it, and that it counts what happens and nothing about anybody."""

import asyncio
import sys
import threading
from itertools import islice

import pytest

from admit import Admit, SettingsError
from admit.testing.http_caller import EMAIL, PASSWORD, refused

from .conftest import ANOTHER_KEY, KEY, numbers, scrape

pytestmark = pytest.mark.anyio
KEYS = f"{KEY},{ANOTHER_KEY}"


@pytest.fixture
async def service(serve):
    async with serve(metrics_keys=KEYS, admin_role="admin") as service:
        yield service


async def test_without_keys_there_is_no_such_route(serve):
    async with serve() as service:
        answer = await service.send_to_root("GET", "/metrics", bearer=KEY)
        refused(answer, 404, "not_found")
        assert not service.auth.metrics.on


async def test_only_a_key_opens_it(service):
    tokens = await signed_in(service)
    for bearer in (None, "", "x", KEY[:-1], f"{KEY} ", KEYS, tokens["access_token"], "ключ"):
        headers = [(b"Authorization", f"Bearer {bearer}".encode())] if bearer else None
        answer = await service.client.request("GET", "/metrics", headers=headers)
        if bearer == f"{KEY} ":  # a space at the end of a header is none
            assert answer.status_code == 200
        else:
            refused(answer, 401, "invalid_token" if bearer else "unauthenticated")
    for key in (KEY, ANOTHER_KEY):
        answer = await scrape(service, key)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=")


def test_keys_without_the_library_stop_the_start_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(SettingsError, match=r"pip install 'admit\[metrics\]'"):
        Admit(metrics_keys=KEY, data_dir=tmp_path)
    assert not Admit(data_dir=tmp_path).metrics.on


async def signed_in(service):
    await service.register()
    return await service.sign_in()


async def test_sign_ins_are_counted_by_outcome(service):
    tokens = await signed_in(service)
    for login, password in ((EMAIL, "wrong one"), ("nobody", "wrong one"), (EMAIL, PASSWORD)):
        await service.send("POST", "/login", json={"login": login, "password": password})
    for _ in range(6):
        await service.send("POST", "/login", json={"login": "nobody", "password": "wrong one"})
    await service.auth.accounts.set_enabled(
        tokens["user"]["id"], enabled=False, now=service.clock()
    )
    await service.send("POST", "/login", json={"login": EMAIL, "password": PASSWORD})

    seen = await numbers(service)

    assert seen("admit_registrations_total") == 1
    counted = {each: seen("admit_sign_ins_total", outcome=each) for each in seen.values("outcome")}
    assert counted == {
        "success": 2,
        "wrong_password": 1,
        "unknown_login": 5,
        "disabled": 1,
        "too_many_attempts": 2,
        "raced": 0,
        "unavailable": 0,
    }


async def test_refreshes_are_counted_by_verdict_and_reuse_once_for_each_session(service):
    first = (await signed_in(service))["refresh_token"]
    second = (await service.refresh(first)).json()["refresh_token"]
    await service.refresh(first)
    await service.refresh(second)  # it rests
    service.clock.advance(10)
    third = (await service.refresh(second)).json()["refresh_token"]
    for token in (first, first, third, "made.up.token"):
        await service.refresh(token)

    seen = await numbers(service)

    assert seen("admit_refreshes_total", verdict="won") == 2
    assert seen("admit_refreshes_total", verdict="repeat") == 2
    assert seen("admit_refreshes_total", verdict="reuse_detected") == 3
    assert seen("admit_refreshes_total", verdict="malformed") == 1
    assert seen("admit_reuse_detected_total") == 1
    assert seen("admit_refusals_total", code="refresh_refused", reason="reuse_detected") == 3


async def test_what_an_alert_waits_for_begins_at_zero(service):
    """Or its first burst after a start would be no rise."""
    await service.send_to_root("GET", "/healthz")

    series = [(name, labels) for name, labels, _ in (await numbers(service)).samples]

    for code, reason in (("csrf_failed", ""), ("refresh_refused", "reuse_detected")):
        assert ("admit_refusals_total", {"code": code, "reason": reason}) in series
    asked = {"method": "GET", "route": "/healthz"}
    assert ("admit_http_requests_total", asked | {"status": "503"}) in series


async def test_access_tokens_are_counted_good_and_refused(service):
    tokens = await signed_in(service)
    for _ in range(3):
        assert await service.me(tokens["access_token"]) == 200
    await service.send("GET", "/me", bearer="made.up.token")
    await service.send("POST", "/logout", bearer=tokens["access_token"])
    await service.me(tokens["access_token"])
    service.auth._upkeep.report()  # which the watch does twice a second

    seen = await numbers(service)

    assert seen("admit_access_tokens_verified_total") == 4
    assert seen("admit_access_tokens_refused_total", reason="invalid") == 1
    assert seen("admit_access_tokens_refused_total", reason="signed_out") == 1
    assert seen("admit_revocations_known") == 1
    assert seen("admit_feed_last_look_timestamp_seconds") == service.clock()


async def test_hashing_is_counted_and_timed(serve, monkeypatch):
    async with serve(metrics_keys=KEY, hash_queue=0, throttle="off") as service:
        passwords = service.auth.passwords
        cores, verify, go = passwords._cores, passwords._verify, threading.Event()
        monkeypatch.setattr(passwords, "_verify", lambda *given: go.wait(30) and verify(*given))
        body = {"login": "nobody", "password": "wrong one"}
        tries = [
            asyncio.create_task(service.send("POST", "/login", json=body)) for _ in range(cores + 2)
        ]
        for answer in islice(asyncio.as_completed(tries), 2):  # the others are held
            refused(await answer, 503, "unavailable")
        held = await numbers(service)
        go.set()
        await asyncio.gather(*tries)

        seen = await numbers(service)

    assert held("admit_hashes_running") == cores
    assert seen("admit_hashes_rejected_total") == 2
    assert seen("admit_hash_duration_seconds_count") == cores
    assert seen("admit_hash_duration_seconds_sum") > 0
    assert seen("admit_sign_ins_total", outcome="unavailable") == 2
    assert seen("admit_hashes_running") == seen("admit_hashes_waiting") == 0


async def test_the_store_is_timed_and_its_errors_counted_by_verb(service):
    tokens = await signed_in(service)
    await service.refresh(tokens["refresh_token"])
    await service.auth.store.close()
    await service.refresh(tokens["refresh_token"])

    seen = await numbers(service)

    assert seen("admit_store_duration_seconds_count", verb="rotate") == 2
    assert seen("admit_store_duration_seconds_bucket", verb="add_user", le="+Inf") == 1
    assert seen("admit_store_errors_total", verb="rotate") == 1
    assert seen("admit_refreshes_total", verdict="unavailable") == 1
    assert not {verb for verb in seen.values("verb") if verb.startswith("_")}


async def test_requests_are_counted_by_template_and_no_label_holds_what_was_sent(service):
    """Whatever a stranger sends, the labels are those of the code: nobody can fill the memory."""
    tokens = await signed_in(service)
    for marker in ("marker-1", "marker-2"):
        await service.send("DELETE", f"/sessions/{marker}", bearer=tokens["access_token"])
        await service.send("DELETE", f"/admin/sessions/{marker}?{marker}={marker}")
        await service.send_to_root("GET", f"/{marker}?{marker}={marker}")
        await service.send_to_root(f"X{marker.replace('-', '')}", "/auth/me")
        await service.send("POST", "/login", json={"login": marker, "password": marker * 2})
        await service.refresh(marker)

    seen = await numbers(service)

    requests = "admit_http_requests_total"
    assert seen(requests, method="DELETE", route="/auth/sessions/{id}", status="404") == 2
    administered = "/auth/admin/sessions/{id}"
    assert seen(requests, method="DELETE", route=administered, status="401") == 2
    assert seen(requests, method="GET", route="unmatched", status="404") == 2
    assert seen(requests, method="_OTHER", route="/auth/me", status="405") == 2
    assert seen("admit_http_request_duration_seconds_count", route="/auth/login") == 3
    assert "marker" not in seen.text
    for secret in (EMAIL, tokens["user"]["id"], tokens["access_token"][-20:], KEY):
        assert secret not in seen.text
    before = len(seen.samples)
    for number in range(20):
        await service.send_to_root("GET", f"/{number}")
    # The answer to the first scrape is itself counted in the second.
    fresh = [
        each for each in (await numbers(service)).samples if each[1].get("route") != "/metrics"
    ]
    assert len(fresh) <= before


async def test_a_reason_that_is_not_known_is_other():
    from admit.telemetry.prometheus import Prometheus

    counting = Prometheus()
    counting.refused("invalid_token", "ada@example.com")
    counting.signed_in("ada@example.com")
    counting.refreshed("ada@example.com")
    counting.token_refused("ada@example.com")
    text = counting.exposition("")[0].decode()
    assert "ada@" not in text
    assert text.count('"other"} 1.0') == 4


async def test_both_formats_of_the_exposition_are_spoken(service):
    answer = await scrape(service, Accept="application/openmetrics-text;version=1.0.0")
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n")


@pytest.mark.parametrize("directory", ["", "/nonexistent"])
def test_a_directory_to_count_in_that_is_none_stops_the_start(tmp_path, monkeypatch, directory):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", directory)
    with pytest.raises(SettingsError, match="which is no directory: make it, or unset"):
        Admit(metrics_keys=KEY, data_dir=tmp_path)
    assert not Admit(data_dir=tmp_path).metrics.on
