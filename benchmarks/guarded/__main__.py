"""`python -m benchmarks.guarded FRAMEWORK PORT`: its apps in one process, served as is usual."""

from __future__ import annotations

import os
import sys

import uvicorn

GUNICORN = {"flask", "django"}
THREADS = 4
"""Two for each of two cores, the least that gunicorn's pages advise."""


def main(framework: str, port: str) -> None:
    app = f"benchmarks.guarded.{framework}:app"
    if framework in GUNICORN:
        options = f"-m gunicorn -b 127.0.0.1:{port} -k gthread --threads {THREADS}"
        os.execv(sys.executable, [sys.executable, *options.split(), "--log-level=warning", app])
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(port),
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
        ws="none",
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
