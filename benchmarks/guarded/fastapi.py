"""FastAPI, beside its own tutorial on security: PyJWT in a dependency, without the database."""

from __future__ import annotations

from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException, Request, status
from fastapi.security import OAuth2PasswordBearer

from admit import Admit, Principal
from admit.frameworks.fastapi import Guard, mount
from benchmarks.guarded import ALGORITHM, BARE, HELLO, IDLE, KEY, OURS, TOKENS, USUAL
from benchmarks.guarded.serving import by_path
from benchmarks.guarded.tokens import made

apps = {path: FastAPI() for path in (BARE, IDLE, OURS, USUAL, TOKENS)}
auth = Admit()
mount(apps[OURS], auth)
guard = Guard(auth)
oauth2_scheme = OAuth2PasswordBearer(tokenUrl="token")


async def get_current_user(token: Annotated[str, Depends(oauth2_scheme)]) -> str:
    refused = HTTPException(
        status_code=status.HTTP_401_UNAUTHORIZED,
        detail="Could not validate credentials",
        headers={"WWW-Authenticate": "Bearer"},
    )
    try:
        username: str | None = jwt.decode(token, KEY, algorithms=[ALGORITHM]).get("sub")
    except jwt.InvalidTokenError:
        raise refused from None
    if username is None:
        raise refused
    return username


async def nothing(_: Request) -> str:
    return "nobody"


@apps[BARE].get(BARE)
async def bare() -> dict[str, str]:
    return HELLO


@apps[IDLE].get(IDLE)
async def idle(user: Annotated[str, Depends(nothing)]) -> dict[str, str]:
    assert user
    return HELLO


@apps[OURS].get(OURS)
async def ours(me: Annotated[Principal, Depends(guard.user)]) -> dict[str, str]:
    assert me.user_id
    return HELLO


@apps[USUAL].get(USUAL)
async def usual(user: Annotated[str, Depends(get_current_user)]) -> dict[str, str]:
    assert user
    return HELLO


@apps[TOKENS].get(TOKENS)
async def tokens() -> list[str]:
    return made()


app = by_path(apps, alive=apps[OURS])
