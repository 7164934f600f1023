"""What goes into the zip for AWS Lambda: this checkout's Admit, what it needs, and nothing else.

The wheels are those of Lambda's Python and processor, whatever this machine has.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]

PROCESSORS = {"x86_64": "x86_64", "arm64": "aarch64"}
"""Lambda's name of each processor, and the name that wheels have for it."""

GLIBCS = ("manylinux_2_34", "manylinux_2_28", "manylinux_2_17", "manylinux2014")
"""What runs on Amazon Linux 2023, which has glibc 2.34: Lambda's Python 3.12 and later."""

TASK_ROOT = "/var/task"
"""Where Lambda unpacks the zip: what a traceback shows."""

SERVICES = frozenset({"dynamodb", "secretsmanager", "ssm", "sts"})
"""What is asked of AWS. botocore knows 400 services more; their descriptions stay out."""

LEFT_OUT = (
    "bin",  # commands: nobody calls one there
    "dns",  # email-validator would ask with it whether a domain takes mail; Admit does not ask
    "dnspython-*",
    "pycparser*",  # cffi reads C with it; what is compiled already needs none
    "*.dist-info/RECORD",  # pip's own notes, which name this machine's paths
    "*.dist-info/INSTALLER",
    "*.dist-info/REQUESTED",
    "*.dist-info/direct_url.json",
    "botocore/data/*/*/examples-1.json",
    "**/__pycache__",  # made anew where the Python is the right one
    "**/*.pyi",
)
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time of every file: the same sources make the same bytes."""


class Target(NamedTuple):
    """Which Lambda it is for: `arm64` or `x86_64`, and the minor version of its Python."""

    processor: str
    python: str

    @property
    def platforms(self) -> list[str]:
        """The tags of the wheels that run there."""
        return [f"{each}_{PROCESSORS[self.processor]}" for each in GLIBCS]


def wheel(into: Path) -> Path:
    """Admit's own wheel, built from this checkout."""
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(into), str(ROOT))
    (built,) = into.glob("admit-*.whl")
    return built


def install(target: Target, admit: Path, into: Path) -> None:
    """Unpack Admit's wheel and what it needs with the pages, at the versions of constraints.txt."""
    platforms = [part for each in target.platforms for part in ("--platform", each)]
    _pip(
        *("install", "--no-compile", "--target", str(into), "--only-binary=:all:"),
        *platforms,
        *("--python-version", target.python, "--implementation", "cp"),
        *("-c", str(ROOT / "constraints.txt"), f"{admit}[aws,pages]"),
    )


def slim(tree: Path) -> None:
    """Take out what neither Lambda nor a reader of licences needs."""
    for pattern in LEFT_OUT:
        for each in sorted(tree.glob(pattern)):
            _remove(each)
    for each in (tree / "botocore" / "data").iterdir():
        if each.is_dir() and each.name not in SERVICES:
            _remove(each)


def compile_for(target: Target, tree: Path) -> bool:
    """Compile every module, where this machine has that Python; tell whether it has.

    Nothing can be written in `/var/task`: without this, every cold start compiles everything.
    The result is never compared with its source, which can't change there.
    """
    python = interpreter(target.python)
    if python is None:
        return False
    subprocess.run(
        [
            *(python, "-I", "-m", "compileall", "-q", "-s", str(tree), "-p", TASK_ROOT),
            *("--invalidation-mode", "unchecked-hash", str(tree)),
        ],
        check=True,
        env={"PYTHONHASHSEED": "0", "PATH": os.defpath},
    )
    return True


def interpreter(version: str) -> str | None:
    """This machine's Python of that minor version, or None."""
    if version == "{}.{}".format(*sys.version_info[:2]):
        return sys.executable
    found = shutil.which(f"python{version}")
    if found is None:
        return None
    # What the PATH has may be a switch between several Pythons: take the one that it leads to.
    asked = [found, "-I", "-c", "import sys; print(sys.executable)"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False)
    return told.stdout.strip() if told.returncode == 0 else None


def pack(tree: Path, target: Path) -> None:
    """Write the zip: sorted, without times and owners, so that equal trees give equal bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for path in _files(tree):
            entry = zipfile.ZipInfo(path.relative_to(tree).as_posix(), EARLIEST)
            entry.create_system = 3  # Unix, also where it is built elsewhere
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, path.read_bytes())


def _files(tree: Path) -> Iterator[Path]:
    return (path for path in sorted(tree.rglob("*")) if path.is_file())


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--no-input", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*command, *arguments], check=True, cwd=ROOT)
