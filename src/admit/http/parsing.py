"""A body is read strictly.

UTF-8, JSON without doubled keys, no field that isn't known, no value converted from another type
(RFC 8259 section 4; I-JSON, RFC 7493 section 2.3).
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import msgspec

from admit import logins
from admit.errors import InvalidInput, Malformed, TooLarge, UnsupportedMediaType

if TYPE_CHECKING:
    from msgspec.structs import FieldInfo
    from starlette.requests import Request

Body = TypeVar("Body", bound=msgspec.Struct)

WANTS = {
    r"Expected `str` of length >= (\d+)": "at least {} characters",
    r"Expected `str` of length <= (\d+)": "at most {} characters",
    r"Expected `str` matching regex": logins.A_USERNAME,
    r"Expected `str(?: \| null)?`, got `(\w+)`": "text, not {}",
    r"Expected `array` of length <= (\d+)": "at most {} of them",
    r"Expected `array`, got `(\w+)`": "a list, not {}",
    r"Invalid enum value": "'cookie' or 'body'",
}
MOST_UNKNOWN = 10
"""Unknown fields that are named: an answer must not outgrow its question."""
LARGEST = 64 * 1024
"""No body of ours comes near it."""


async def read(request: Request, type_: type[Body]) -> Body:
    """The request's body as this type; an absent body is an empty object.

    Raises:
        UnsupportedMediaType: there is a body, or a content type, that isn't JSON.
        TooLarge: it is over 64 KiB.
        Malformed: it isn't JSON, or names a key twice.
        InvalidInput: with what each field wants.
    """
    content_type = request.headers.get("content-type")
    if content_type is not None and not _is_json(content_type):
        raise UnsupportedMediaType
    raw = await _bytes(request)
    if raw and content_type is None:
        raise UnsupportedMediaType
    return _convert(_parse(raw) if raw else {}, type_)


async def _bytes(request: Request) -> bytes:
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal():
        raise Malformed("Content-Length must be a number.")
    if len(announced) > len(str(LARGEST)) or int(announced) > LARGEST:
        raise TooLarge
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > LARGEST:
            raise TooLarge
    return bytes(raw)


def _is_json(content_type: str) -> bool:
    essence, _, parameters = content_type.partition(";")
    charset = parameters.strip().lower().replace('"', "")
    return essence.strip().lower() == "application/json" and charset in {"", "charset=utf-8"}


def _parse(raw: bytes) -> dict[str, object]:
    try:
        parsed = _decoder.decode(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Malformed("The body is not valid JSON.") from error
    if not isinstance(parsed, dict):
        raise Malformed("The body must be a JSON object.")
    return parsed


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Two parsers that read a doubled key differently are a way around a check."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice")
    for each in (*made.keys(), *made.values()):
        if isinstance(each, str):
            each.encode()  # a lone surrogate is no text: UnicodeEncodeError is a ValueError
    return made


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant)


def _convert(raw: dict[str, object], type_: type[Body]) -> Body:
    """The struct, or every field that is wrong at once."""
    try:
        return msgspec.convert(raw, type_)
    except msgspec.ValidationError:  # which names the first of them
        raise InvalidInput(fields=_wrong(raw, type_)) from None


def _wrong(raw: dict[str, object], type_: type[msgspec.Struct]) -> dict[str, str]:
    """What each field that is wrong wants."""
    known = _fields(type_)
    unknown = sorted(raw.keys() - known.keys())[:MOST_UNKNOWN]
    fields = {name[:64]: "unknown: leave it out" for name in unknown}
    for name, field in known.items():
        if name in raw:
            try:
                msgspec.convert(raw[name], field.type)
            except msgspec.ValidationError as error:
                fields[name] = _wants(str(error))
        elif field.required:
            fields[name] = "required"
    return fields


def _wants(error: str) -> str:
    """What msgspec missed, as a person would say it."""
    for pattern, wants in WANTS.items():
        if match := re.match(pattern, error):
            return wants.format(*match.groups())
    return error


@cache
def _fields(type_: type[msgspec.Struct]) -> dict[str, FieldInfo]:
    return {field.name: field for field in msgspec.structs.fields(type_)}
