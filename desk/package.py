"""`python -m desk.package`: builds the zips for AWS Lambda, and shows that they work.

For each processor: build/lambda-PROCESSOR.zip, its size by package, and a check. Where this
machine has that Python and that processor, the zip answers a request in an empty environment; what
is in the others is compared with the one that did. Where it has not, the same is built for the
Python that is here, and that one answers.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from desk import bundle, unpacked
from desk.bundle import PROCESSORS, ROOT, Target
from desk.unpacked import Flaw

MIB = 1024 * 1024
ZIPPED_MOST, UNZIPPED_MOST = 50 * MIB, 250 * MIB
"""Lambda's limits on what is uploaded directly, and on what is unpacked."""

ROWS = 12
"""How many packages are listed by name."""


class Part(NamedTuple):
    """A package in the zip: bytes on disk, and bytes that the zip holds for it."""

    name: str
    unzipped: int
    zipped: int


def main() -> int:
    """Build what was asked for; 1 where a zip is flawed, with a sentence that says why."""
    given = _arguments()
    targets = [Target(each, given.python) for each in given.processor or PROCESSORS]
    try:
        built = build(targets, given.into)
        for target, path in zip(targets, built, strict=True):
            print(f"\n{report(path, target)}", flush=True)
        print(f"\n{unpacked.check(dict(zip(targets, built, strict=True)))}")
        if not any(unpacked.runs_here(each) for each in targets):
            print(stand_in())
    except Flaw as flaw:
        print(f"The zip would not do: {flaw}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError:
        print("Nothing was built: a command failed, and said above what it lacks.", file=sys.stderr)
        return 1
    return 0


def build(targets: list[Target], into: Path) -> list[Path]:
    """The zip of each target, from this checkout; the same sources make the same bytes."""
    with tempfile.TemporaryDirectory() as work:
        admit = bundle.wheel(Path(work))

        def one(target: Target) -> Path:
            return _build(target, admit, Path(work) / target.processor, into)

        with ThreadPoolExecutor(len(targets)) as side_by_side:
            return list(side_by_side.map(one, targets))


def stand_in() -> str:
    """What is answered by the same, built for this machine's own Python.

    Raises:
        Flaw: it does not answer.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    target = Target(unpacked.own_processor(), version)
    with tempfile.TemporaryDirectory() as work, unpacked.emulated() as settings:
        (path,) = build([target], Path(work))
        said = unpacked.answer(target, path, settings)
    return f"the same for Python {version}, which is here: answered {said}"


def _build(target: Target, admit: Path, tree: Path, into: Path) -> Path:
    bundle.install(target, admit, tree)
    bundle.slim(tree)
    if not bundle.compile_for(target, tree):
        print(
            f"There is no python{target.python} here to compile with: the zip holds sources, which"
            " every cold start compiles. With SnapStart that happens once, when it is published.",
            file=sys.stderr,
        )
    path = into / f"lambda-{target.processor}.zip"
    bundle.pack(tree, path)
    return path


def parts(path: Path) -> list[Part]:
    """The packages of this zip, the largest first."""
    sizes: dict[str, list[int]] = {}
    for entry in unpacked.entries(path):
        one = sizes.setdefault(_package(entry.filename), [0, 0])
        one[0] += entry.file_size
        one[1] += entry.compress_size
    listed = [Part(name, *both) for name, both in sizes.items()]
    return sorted(listed, key=lambda part: (-part.unzipped, part.name))


def _package(name: str) -> str:
    first, *below = name.split("/")
    if first.endswith(".dist-info"):
        return "licences and metadata"
    if first == "__pycache__":
        first = below[0]
    return first.split(".")[0]


def report(path: Path, target: Target) -> str:
    """The size by package.

    Raises:
        Flaw: Lambda would not take it.
    """
    listed = parts(path)
    rest = listed[ROWS:]
    rows = [*listed[:ROWS], _sum(f"{len(rest)} others", rest), _sum("together", listed)]
    zipped, unzipped = path.stat().st_size, rows[-1].unzipped
    if zipped > ZIPPED_MOST or unzipped > UNZIPPED_MOST:
        raise Flaw(f"{path.name} is larger than Lambda takes: {zipped} bytes, unzipped {unzipped}.")
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    return "\n".join(
        [
            f"{path}: Python {target.python}, {target.processor}",
            f"{'MiB':<24} {'unzipped':>9} {'zipped':>9}",
            *(f"{each.name:<24} {_mib(each.unzipped)} {_mib(each.zipped)}" for each in rows),
            f"{'the file; limits':<24} {_mib(UNZIPPED_MOST)} {_mib(zipped)} of {_mib(ZIPPED_MOST)}",
            f"sha256 {sha}",
        ]
    )


def _sum(name: str, several: list[Part]) -> Part:
    return Part(name, sum(each.unzipped for each in several), sum(each.zipped for each in several))


def _mib(size: int) -> str:
    return f"{size / MIB:9.2f}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m desk.package", description=__doc__)
    parser.add_argument("processor", nargs="*", help="arm64 or x86_64; both where none is named")
    parser.add_argument("--python", default="3.13", help="the minor version of Lambda's Python")
    parser.add_argument("--into", type=Path, default=ROOT / "build", help="where the zips go")
    given = parser.parse_args()
    if unknown := set(given.processor) - PROCESSORS.keys():
        parser.error(f"{', '.join(sorted(unknown))}: Lambda has {' and '.join(PROCESSORS)}")
    return given


if __name__ == "__main__":
    sys.exit(main())
