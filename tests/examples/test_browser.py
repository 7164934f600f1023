"""The page of plain HTML in Chromium: on its API's origin, on another, and on another site."""

import re
from contextlib import ExitStack, contextmanager

from tests.examples.serving import COMMANDS, CREDENTIALS, ROOT, serving
from tests.servers import KeptPort

README = ROOT / "examples" / "browser" / "README.md"


def commands():
    """The three ways of the README: each is one or two commands, with what they are given."""
    blocks = re.findall(r"^```sh\n(.+?)\n```", README.read_text(), re.MULTILINE | re.DOTALL)
    return [[told(line) for line in block.splitlines()] for block in blocks]


def told(line):
    """The environment and the words of a command."""
    words = line.removesuffix(" &").split()
    given = [word for word in words if re.match(r"[A-Z_]+=", word)]
    return dict(word.split("=", 1) for word in given), words[len(given) + 1 :]


@contextmanager
def started(way, folder):
    """Start what the README says for this way, on ports of our own; those ports."""
    with ExitStack() as stack:
        ports = [stack.enter_context(KeptPort()) for _ in way]
        moved = dict(zip(("8000", "8001"), map(str, ports), strict=True))

        def here(text):
            return re.sub(r"\b800[01]\b", lambda found: moved[found[0]], text)

        for (environ, words), port in zip(way, ports, strict=True):
            data = folder / f"{port}"
            data.mkdir()
            (data / "examples").symlink_to(ROOT / "examples")
            ours = {name: here(text) for name, text in environ.items()}
            command = [COMMANDS / "uvicorn", *map(here, words), "--port", str(port)]
            stack.enter_context(serving(command, port, data, **ours))
        yield ports


def use(context, address, email):
    """Sign up, order, come back in a second tab, sign out in the first: the second knows."""
    tab = context.new_page()
    tab.goto(address)
    tab.get_by_label("E-mail address").fill(email)
    tab.get_by_label("Password").fill(CREDENTIALS["password"])
    tab.get_by_role("button", name="Sign up").click()
    tab.get_by_text(f"You are {email}.").wait_for()
    tab.get_by_label("What?").fill("tea")
    tab.get_by_role("button", name="Order").click()
    tab.get_by_role("listitem").filter(has_text="tea").wait_for()

    second = context.new_page()
    second.goto(address)
    second.get_by_role("listitem").filter(has_text="tea").wait_for()
    tab.get_by_role("button", name="Sign out").click()
    second.get_by_role("button", name="Sign in").wait_for()
    second.reload()
    second.get_by_role("button", name="Sign in").wait_for()
    assert second.get_by_role("alert").text_content() == ""


def test_the_page_works_on_its_apis_origin_and_on_another(new_context, tmp_path):
    alone, both, _ = commands()
    assert alone == [({}, both[0][1])]
    with started(both, tmp_path) as ports:
        for who, port in zip(("ada", "bob"), ports, strict=True):
            use(new_context(), f"http://localhost:{port}", f"{who}@example.com")


def test_the_page_works_on_another_site(lenient_context, certificate, tmp_path):
    way = [
        (environ, [str(certificate) if word.startswith("both.") else word for word in words])
        for environ, words in commands()[2]
    ]
    with started(way, tmp_path) as (api, page):
        use(lenient_context, f"https://app.other.test:{page}", "ada@example.com")
        assert lenient_context.cookies(f"https://api.example.test:{api}") == []
        # Or the server waits half a minute for the browser's farewell on each connection (TLS).
        lenient_context.close()
