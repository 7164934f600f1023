"""Who serves: the workers of a supervisor, as Linux lists them."""

from pathlib import Path


def workers_of(pid):
    """The ids of the processes that this one started and that serve, where there are several."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [int(each) for each in children if b"spawn_main" in _command_line(each)]


def _command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has just ended
        return b""
