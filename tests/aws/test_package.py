"""The zips of `make lambda`: what is in them works alone, and nothing else is in them.

They are built here for the Python that runs the tests, so that one of them can be run.
"""

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

from desk import bundle, package, unpacked
from desk.bundle import Target

pytestmark = pytest.mark.no_cover  # what is in the zips runs in other processes
PYTHON = "{}.{}".format(*sys.version_info[:2])
X86, ARM = Target("x86_64", PYTHON), Target("arm64", PYTHON)
HERE = unpacked.own_processor()


def built(targets, into):
    """The zips; skipped where the package index is away, which on CI it must not be."""
    try:
        return dict(zip(targets, package.build(targets, into), strict=True))
    except subprocess.CalledProcessError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"pip can't install: {error}")


@pytest.fixture(scope="module")
def zips(tmp_path_factory):
    return built([X86, ARM], tmp_path_factory.mktemp("zips"))


@pytest.fixture(scope="module")
def own(zips):
    """The one that runs on this machine."""
    mine = [target for target in zips if target.processor == HERE]
    return mine[0], zips[mine[0]]


@pytest.fixture(scope="module")
def settings():
    with unpacked.emulated() as made:
        yield made


def names(path):
    return [each.filename for each in unpacked.entries(path)]


def without(path, dropped, into, **replaced):
    """A copy of the zip without what matches, and with other texts."""
    copy = into / path.name
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(copy, "w") as new:
        for entry in old.infolist():
            if not re.search(dropped, entry.filename):
                content = replaced.get(entry.filename) or old.read(entry)
                new.writestr(entry, content, zipfile.ZIP_STORED)  # packing takes seconds
    return copy


def test_it_answers_where_there_is_nothing_else(own, settings):
    target, path = own
    assert '@example.com","username":null' in unpacked.answer(target, path, settings)


def test_where_lambdas_python_is_missing_the_one_that_is_here_answers(own, monkeypatch):
    target, path = own
    monkeypatch.setattr(package, "build", lambda targets, _: [path] if targets == [target] else [])
    said = package.stand_in()
    assert said.startswith(f"the same for Python {PYTHON}, which is here: answered 201 ")


def test_what_botocore_has_to_know_is_not_left_out(own, settings, tmp_path):
    """The check asks a table and Secrets Manager: without their descriptions it fails."""
    target, path = own
    for service in ("dynamodb", "secretsmanager"):
        broken = without(path, rf"^botocore/data/{service}/", tmp_path)
        with pytest.raises(unpacked.Flaw, match="does not answer"):
            unpacked.answer(target, broken, settings)


def test_the_check_speaks_of_each_zip(zips):
    told = unpacked.check(zips)
    assert f"{HERE}: answered 201" in told
    (other,) = {"x86_64", "arm64"} - {HERE}
    assert f"{other}: the same modules" in told


def test_a_missing_module_is_seen(own, settings, tmp_path):
    target, path = own
    broken = without(path, r"^starlette/", tmp_path)
    with pytest.raises(unpacked.Flaw, match="No module named 'starlette'"):
        unpacked.answer(target, broken, settings)


def test_a_module_that_only_one_of_them_has_is_seen(zips, tmp_path):
    (other,) = (each for each in zips if each.processor != HERE)
    broken = {**zips, other: without(zips[other], r"^mangum/adapter", tmp_path)}
    with pytest.raises(unpacked.Flaw, match=r"mangum/adapter\.py"):
        unpacked.check(broken)


def test_libraries_are_for_the_processor(zips):
    for target, path in zips.items():
        found = unpacked.libraries(target, path)
        assert any("_rust" in name for name in found)
        assert any("_argon2" in name for name in found)
        assert any("msgspec" in name for name in found)
    with pytest.raises(unpacked.Flaw, match="another processor"):
        unpacked.libraries(X86, zips[ARM])


def test_the_same_sources_make_the_same_bytes(zips, tmp_path):
    again = built([ARM], tmp_path)
    assert again[ARM].read_bytes() == zips[ARM].read_bytes()


def test_every_module_is_compiled_once_and_is_not_compared_with_its_source(zips):
    for path in zips.values():
        inside = set(names(path))
        sources = {name for name in inside if name.endswith(".py")}
        compiled = {name for name in inside if name.endswith(".pyc")}
        tag = f".cpython-{PYTHON.replace('.', '')}.pyc"
        assert compiled == {
            str(Path(name).parent / "__pycache__" / (Path(name).stem + tag)) for name in sources
        }
        with zipfile.ZipFile(path) as packed:
            flags = {packed.read(name)[4] for name in compiled}
        assert flags == {0b01}, "PEP 552: by hash, and unchecked"


def test_the_pages_could_be_turned_on(zips):
    for path in zips.values():
        inside = set(names(path))
        assert {"jinja2/__init__.py", "admit/web/texts/en.json"} <= inside
        assert {"admit/web/static/client.js", "admit/web/templates/sign-in.html"} <= inside


def test_botocore_knows_what_is_asked_and_no_more(zips):
    for path in zips.values():
        inside = {
            name.split("/")[2] for name in names(path) if re.match(r"botocore/data/.+/", name)
        }
        assert inside == bundle.SERVICES


def test_nothing_is_in_it_that_nobody_needs(zips):
    for path in zips.values():
        tops = {name.split("/")[0] for name in names(path)}
        assert not tops & {"bin", "boto3", "dns", "pip", "pycparser", "setuptools", "typer"}
        assert not [name for name in names(path) if re.search(r"/tests?/|\.pyi$|/RECORD$", name)]


def test_no_path_of_this_machine_is_in_it(zips):
    """A traceback shows where the file lies on Lambda."""
    places = (str(bundle.ROOT), str(Path(sys.prefix).resolve()), f"{tempfile.gettempdir()}/tmp")
    for path in zips.values():
        with zipfile.ZipFile(path) as packed:
            for name in packed.namelist():
                content = packed.read(name)
                for place in places:
                    assert place.encode() not in content, name
            (engine,) = (each for each in packed.namelist() if re.match(r"admit/__p.*engine", each))
            assert b"/var/task/admit/engine.py" in packed.read(engine)


def test_every_licence_is_in_it(zips):
    for path in zips.values():
        inside = names(path)
        packages = {name.split("/")[0] for name in inside if ".dist-info/" in name}
        assert len(packages) > 20
        for each in packages:
            assert f"{each}/METADATA" in inside
            texts = [name for name in inside if name.startswith(f"{each}/")]
            assert any(re.search(r"licen[cs]e|copying", name, re.IGNORECASE) for name in texts)


def test_the_sizes_add_up_and_lambda_takes_them(zips):
    for path in zips.values():
        listed = package.parts(path)
        assert [each.unzipped for each in listed] == sorted(
            (each.unzipped for each in listed), reverse=True
        )
        entries = unpacked.entries(path)
        assert sum(each.unzipped for each in listed) == sum(each.file_size for each in entries)
        assert sum(each.zipped for each in listed) == sum(each.compress_size for each in entries)
        assert path.stat().st_size < package.ZIPPED_MOST


def test_a_zip_that_lambda_would_not_take_is_refused(zips, monkeypatch):
    assert "together" in package.report(zips[ARM], ARM)
    monkeypatch.setattr(package, "ZIPPED_MOST", zips[ARM].stat().st_size - 1)
    with pytest.raises(unpacked.Flaw, match="larger than Lambda takes"):
        package.report(zips[ARM], ARM)


def test_a_version_of_python_that_is_not_here_is_not_guessed_at():
    assert bundle.interpreter(PYTHON) == sys.executable
    assert bundle.interpreter("3.99") is None


def test_where_pip_can_install_nothing_its_own_words_are_the_last_but_one(
    monkeypatch, capsys, tmp_path
):
    """No Python 2.7 has the wheels; what follows pip's words is a sentence and no traceback."""
    asked = ["package", HERE, "--python", "2.7", "--into", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", asked)
    assert package.main() == 1
    said = capsys.readouterr().err
    assert said.startswith("Nothing was built: ")
    assert said.count("\n") == 1
