"""The files of the pages, and those of whoever runs them: theme and logo."""

import pytest

from admit import SettingsError

from .conftest import start

pytestmark = pytest.mark.anyio
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
IMAGES = {
    "image/png": PNG,
    "image/jpeg": b"\xff\xd8\xff\xe0" + bytes(64),
    "image/gif": b"GIF89a" + bytes(64),
    "image/webp": b"RIFF\x00\x00\x00\x00WEBPVP8 " + bytes(64),
    "image/svg+xml": b"\xef\xbb\xbf<?xml version='1.0'?>\n" + SVG,
}


async def test_a_file_is_asked_for_anew_and_sent_only_where_it_changed(browser):
    first = await browser.get("/auth/static/style.css")
    tag = first.headers["etag"]
    again = await browser.get("/auth/static/style.css", headers={"If-None-Match": tag})
    other = await browser.get("/auth/static/style.css", headers={"If-None-Match": '"other"'})

    assert first.headers["content-type"] == "text/css; charset=utf-8"
    assert first.headers["cache-control"] == "no-cache"
    assert first.headers["x-content-type-options"] == "nosniff"
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (other.status_code, other.content) == (200, first.content)


async def test_only_the_address_with_the_right_content_may_be_kept(browser):
    """Whoever asks for what is not there yet, while a release rolls out, must not keep this."""
    answer = await browser.get("/auth/static/style.css?v=00000000000000000000")

    assert answer.headers["cache-control"] == "no-cache"


async def test_a_script_is_served_as_a_script(browser):
    answer = await browser.get("/auth/static/page.js")

    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize(
    "name",
    [
        "nothing.js",
        "",
        "../pages.py",
        "..%2fpages.py",
        "%2e%2e/pages.py",
        "..%5cpages.py",
        "style.css%00",
        "STYLE.CSS",
        "../templates/base.html",
    ],
)
async def test_nothing_but_the_list_is_served(browser, name):
    assert (await browser.get(f"/auth/static/{name}")).status_code == 404


@pytest.mark.parametrize("kind", IMAGES)
async def test_a_logo_is_served_as_what_it_is_whatever_it_is_called(pages, tmp_path, kind):
    (tmp_path / "logo.txt").write_bytes(IMAGES[kind])
    async with pages(pages_logo=str(tmp_path / "logo.txt")) as browser:
        page = await browser.get("/auth/sign-in")
        address = page.text.partition('<img src="')[2].partition('"')[0]
        answer = await browser.get(address)

    assert answer.headers["content-type"] == kind
    assert answer.content == IMAGES[kind]
    assert 'alt="Admit"' in page.text


async def test_an_svg_that_is_opened_by_itself_runs_nothing(pages, tmp_path):
    (tmp_path / "logo.svg").write_bytes(SVG)
    async with pages(pages_logo=str(tmp_path / "logo.svg")) as browser:
        for name in ("logo.svg", "icon.svg"):
            policy = (await browser.get(f"/auth/static/{name}")).headers["content-security-policy"]
            assert policy == "default-src 'none'; style-src 'unsafe-inline'; sandbox"


async def test_a_theme_is_loaded_after_our_own_style(pages, tmp_path):
    (tmp_path / "ours.css").write_text(":root { --admit-accent: #060; }")
    async with pages(pages_theme=str(tmp_path / "ours.css")) as browser:
        page = await browser.get("/auth/sign-in")
        theme = await browser.get("/auth/static/theme.css")

    assert theme.text == ":root { --admit-accent: #060; }"
    assert theme.headers["content-type"] == "text/css; charset=utf-8"
    assert 0 < page.text.index("static/style.css?v=") < page.text.index("static/theme.css?v=")


WRONG = {
    "missing": None,
    "large": b"\x89PNG\r\n\x1a\n" + bytes(256 * 1024),
    "page": b"<!doctype html><svg></svg>",
    "binary": b"\xff\xfe\x00",
    "empty": b"",
}


@pytest.mark.parametrize(
    ("setting", "wrong", "why"),
    [
        ("pages_logo", "missing", "No such file"),
        ("pages_logo", "large", "over 256 KiB"),
        ("pages_logo", "page", "no SVG, PNG"),
        ("pages_logo", "empty", "no SVG, PNG"),
        ("pages_theme", "missing", "No such file"),
        ("pages_theme", "large", "over 64 KiB"),
        ("pages_theme", "binary", "not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_used_stops_the_start(tmp_path, setting, wrong, why):
    path = tmp_path / "given"
    if WRONG[wrong] is not None:
        path.write_bytes(WRONG[wrong])
    with pytest.raises(SettingsError) as raised:
        start(data_dir=tmp_path, pages=True, **{setting: str(path)})

    assert raised.value.setting == setting
    assert f"(pages_{setting[6:]}) is {str(path)!r}, which " in str(raised.value)
    assert why in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_directory_is_no_file(tmp_path):
    with pytest.raises(SettingsError, match="Is a directory"):
        start(data_dir=tmp_path, pages=True, pages_theme=str(tmp_path))
