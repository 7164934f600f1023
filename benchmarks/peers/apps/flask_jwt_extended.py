"""Flask-JWT-Extended, as its documentation refreshes and revokes: a blocklist in a database.

Its example has Flask-SQLAlchemy; this is Flask's own documentation on SQLAlchemy without it.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask import Flask, jsonify, request
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    create_refresh_token,
    get_jwt,
    get_jwt_identity,
    jwt_required,
)
from sqlalchemy import String, create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, scoped_session, sessionmaker
from werkzeug.security import check_password_hash, generate_password_hash

if TYPE_CHECKING:
    from flask import Response

HASHING = "pbkdf2:sha256:1" if os.environ.get("PEER_RACES") else "scrypt"

app = Flask(__name__)
app.config["JWT_SECRET_KEY"] = "a key of the benchmarks, and of nothing else, 0123456789 abcdef"
app.config["JWT_ACCESS_TOKEN_EXPIRES"] = timedelta(hours=1)  # none ends while it is measured
jwt = JWTManager(app)
engine = create_engine("sqlite:///app.db", connect_args={"timeout": 20})
session = scoped_session(sessionmaker(engine))


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    password: Mapped[str]


class TokenBlocklist(Base):
    __tablename__ = "token_blocklist"

    id: Mapped[int] = mapped_column(primary_key=True)
    jti: Mapped[str] = mapped_column(String(36), index=True)
    type: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime]


@event.listens_for(engine, "connect")
def prepare(connection: Any, _: object) -> None:  # noqa: ANN401  SQLAlchemy has no type for it
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


@app.teardown_appcontext
def release(_: BaseException | None) -> None:
    session.remove()


@jwt.token_in_blocklist_loader
def is_revoked(_: dict[str, Any], payload: dict[str, Any]) -> bool:
    listed = select(TokenBlocklist.id).where(TokenBlocklist.jti == payload["jti"])
    return session.scalar(listed) is not None


@app.post("/register")
def register() -> tuple[Response, int]:
    password = generate_password_hash(request.json["password"], method=HASHING)
    user = User(username=request.json["username"], password=password)
    session.add(user)
    session.commit()
    return jsonify(id=user.id), 201


@app.post("/login")
def login() -> Response | tuple[Response, int]:
    user = session.scalar(select(User).where(User.username == request.json["username"]))
    if user is None or not check_password_hash(user.password, request.json["password"]):
        return jsonify(msg="Bad username or password"), 401
    identity = str(user.id)
    return jsonify(
        access_token=create_access_token(identity=identity),
        refresh_token=create_refresh_token(identity=identity),
    )


@app.post("/refresh")
@jwt_required(refresh=True)
def refresh() -> Response:
    return jsonify(access_token=create_access_token(identity=get_jwt_identity()))


@app.delete("/logout")
@jwt_required(verify_type=False)
def logout() -> Response:
    token = get_jwt()
    now = datetime.now(UTC)
    session.add(TokenBlocklist(jti=token["jti"], type=token["type"], created_at=now))
    session.commit()
    return jsonify(msg=f"{token['type'].capitalize()} token revoked")


@app.get("/protected")
@jwt_required()
def protected() -> Response:
    return jsonify(user_id=get_jwt_identity())


@app.get("/hello")
def hello() -> Response:
    return jsonify(hello="world")


Base.metadata.create_all(engine)
