"""HTTP/1.1 as the load's client writes and reads it: each answer is cut out of what came.

What most servers write is looked for first; what is rarer is read in full, for whoever writes it.
"""

from __future__ import annotations

from benchmarks.peers.peer import Answer, Call

HEAD_END = b"\r\n\r\n"
LENGTHS = (b"\r\ncontent-length: ", b"\r\nContent-Length: ")
"""As uvicorn writes it, and as gunicorn and Node do."""
CLOSING = (b"\r\nconnection: close\r\n", b"\r\nConnection: close\r\n")
MORE = 0
"""In place of an answer's end: it has not come yet."""
UNTOLD = -1
"""In place of an answer's end: only the end of the connection will tell."""
WITHOUT_BODY = frozenset({204, 304})


def written(call: Call) -> bytes:
    """The request, as it is sent."""
    lines = [f"{call.method} {call.path} HTTP/1.1", "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in call.headers.items()]
    if call.body:
        lines.append(f"Content-Length: {len(call.body)}")
    return "\r\n".join([*lines, "", ""]).encode() + call.body


def end(received: bytes) -> int:
    """Where the first answer in it ends; else `MORE` or `UNTOLD`."""
    head = received.find(HEAD_END)
    if head < 0:
        return MORE
    for name in LENGTHS:
        at = received.find(name, 0, head)
        if at >= 0:
            length = int(received[at + len(name) : received.find(b"\r", at + 2)])
            return _if_there(received, head + 4 + length)
    return _rarer(received, head)


def closes(received: bytes) -> bool:
    """Whether the server ends the connection after this answer."""
    head = received.find(HEAD_END) + 2
    return any(received.find(each, 0, head) >= 0 for each in CLOSING)


def read(raw: bytes) -> Answer:
    """A whole answer, taken apart."""
    head = raw.index(HEAD_END)
    headers = _headers(raw, head)
    body = raw[head + 4 :]
    if "chunked" in dict(headers).get("transfer-encoding", "").lower():
        body = _unchunked(raw, head + 4)[0]
    return Answer(_status(raw), headers, body)


def _rarer(received: bytes, head: int) -> int:
    fields = dict(_headers(received, head))
    if _status(received) in WITHOUT_BODY:
        return head + 4
    if "chunked" in fields.get("transfer-encoding", "").lower():
        return _unchunked(received, head + 4)[1]
    if "content-length" in fields:
        return _if_there(received, head + 4 + int(fields["content-length"]))
    return UNTOLD


def _if_there(received: bytes, end: int) -> int:
    return end if len(received) >= end else MORE


def _status(raw: bytes) -> int:
    return int(raw[9:12])


def _headers(raw: bytes, head: int) -> tuple[tuple[str, str], ...]:
    lines = raw[:head].decode("latin-1").split("\r\n")[1:]
    parts = (line.partition(":") for line in lines)
    return tuple((name.lower(), value.strip()) for name, _, value in parts)


def _unchunked(raw: bytes, at: int) -> tuple[bytes, int]:
    """The body that begins there in chunks, and where it ends, or `MORE` (RFC 9112, 7.1)."""
    body = b""
    while (line := raw.find(b"\r\n", at)) >= 0:
        size = int(raw[at:line].partition(b";")[0], 16)
        if size == 0:
            last = raw.find(HEAD_END, line)  # after the trailers, which are few or none
            return body, MORE if last < 0 else last + 4
        body += raw[line + 2 : line + 2 + size]
        at = line + 2 + size + 2
    return body, MORE
