"""Flask, beside Flask-JWT-Extended."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, Response, jsonify
from flask_jwt_extended import JWTManager, create_access_token, get_jwt_identity, jwt_required

from admit import Admit
from admit.frameworks.flask import Guard, mount
from benchmarks.guarded import BARE, HELLO, KEY, MINUTES, OURS, TOKENS, USERS, USUAL
from benchmarks.guarded.serving import wsgi_by_path

apps = {path: Flask(__name__) for path in (BARE, OURS, USUAL)}
apps[TOKENS] = apps[USUAL]
apps[USUAL].config["JWT_SECRET_KEY"] = KEY
apps[USUAL].config["JWT_ACCESS_TOKEN_EXPIRES"] = timedelta(minutes=MINUTES)
JWTManager(apps[USUAL])
auth = Admit()
mount(apps[OURS], auth)
guard = Guard(auth)


@apps[BARE].get(BARE)
def bare() -> Response:
    return jsonify(HELLO)


@apps[OURS].get(OURS)
@guard.user
def ours() -> Response:
    me = guard.principal
    assert me is not None
    assert me.user_id
    return jsonify(HELLO)


@apps[USUAL].get(USUAL)
@jwt_required()
def usual() -> Response:
    assert get_jwt_identity()
    return jsonify(HELLO)


@apps[TOKENS].get(TOKENS)
def tokens() -> Response:
    return jsonify([create_access_token(identity=user) for user in USERS])


app = wsgi_by_path(apps)
