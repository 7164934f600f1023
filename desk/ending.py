"""Nobody outlives who started them: also where that one is killed and can clean up nothing."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def with_its_parent() -> Callable[[], None]:
    """What a child calls between fork and exec, to end when this process does (Linux)."""
    parent, libc = os.getpid(), ctypes.CDLL(None)

    def bind() -> None:
        if sys.platform == "linux":
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # it is gone already
                os._exit(1)

    return bind
