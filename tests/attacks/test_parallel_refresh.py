"""200 refreshes of one token at once, over real HTTP."""

import asyncio

import httpx
import pytest

from admit.testing.http_caller import EMAIL, PASSWORD

pytestmark = pytest.mark.anyio


async def test_200_refreshes_of_one_token_at_once_get_one_successor(live):
    """200 answers 200, one and the same successor, and the session lives on."""
    limits = httpx.Limits(max_connections=200)
    with live() as server:
        async with httpx.AsyncClient(base_url=server.url, limits=limits, timeout=60) as client:
            body = {"email": EMAIL, "password": PASSWORD}
            assert (await client.post("/auth/register", json=body)).status_code == 201
            login = {"login": EMAIL, "password": PASSWORD, "delivery": "body"}
            tokens = (await client.post("/auth/login", json=login)).json()
            body = {"refresh_token": tokens["refresh_token"]}
            answers = await asyncio.gather(
                *(client.post("/auth/refresh", json=body) for _ in range(200))
            )
            assert [answer.status_code for answer in answers] == [200] * 200
            successors = {answer.json()["refresh_token"] for answer in answers}
            assert len(successors) == 1
            assert len({answer.json()["access_token"] for answer in answers}) == 200
            body = {"refresh_token": successors.pop()}
            assert (await client.post("/auth/refresh", json=body)).status_code == 200
            sessions = await client.get(
                "/auth/sessions",
                headers={"Authorization": f"Bearer {answers[0].json()['access_token']}"},
            )
            assert len(sessions.json()["sessions"]) == 1
