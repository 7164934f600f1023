"""The pages: which there are, and what each shell is told."""

from __future__ import annotations

from functools import cache, partial
from http import HTTPStatus
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse
from starlette.routing import Route

from admit.errors import SettingsError
from admit.web import files, policy
from admit.web.places import Places
from admit.web.texts import LANGUAGES, language, texts

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from admit.engine import Engine

FOR_SCRIPTS = ("common", "codes", "wants", "devices")
"""The sections of the texts that every script gets, beside its page's own."""


class Page(NamedTuple):
    """One page; its name is its address, its template, its script and its section of the texts."""

    name: str
    has_script: bool = True

    @property
    def section(self) -> str:
        """Its section of the texts."""
        return self.name.replace("-", "_")


SIGN_IN = Page("sign-in")
SIGN_UP = Page("sign-up")
ACCOUNT = Page("account")
ADMIN = Page("admin")
SIGNED_OUT = Page("signed-out")
LOST = Page("lost", has_script=False)
"""What stands where nothing is; it has no address of its own."""
AGAIN = {"prompt": "login"}
"""What an address says to have one sign in although one is signed in (OpenID Connect Core 1.0,
section 3.1.2.1)."""
SENDING_ON = frozenset({SIGN_IN, SIGN_UP, SIGNED_OUT})
"""Pages that one leaves again: whoever comes back to them would only be sent on."""


@cache
def environment() -> Environment:
    """The templates, read and compiled once in a process; all that is put into them is escaped."""
    return Environment(
        loader=PackageLoader("admit.web"),
        autoescape=True,
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )


def _asks_again(request: Request) -> bool:
    """Whether one is to sign in although one is signed in; there may be other words beside it."""
    return AGAIN["prompt"] in request.query_params.get("prompt", "").split()


class Pages:
    """The pages over one engine.

    They are shells: the server does not look at who asks, and answers while its store is out, too.

    Raises:
        SettingsError: one of the settings `pages_…` can't work.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._settings = engine.settings
        self._prefix = engine.settings.prefix
        self._admin_role = engine.settings.admin_role
        self._files = files.shipped()
        self._theme = self._own(files.theme(engine.settings))
        self._logo = self._own(files.logo(engine.settings))
        never = frozenset(self._path(each) for each in SENDING_ON)
        self._places = Places(engine.settings, never=never)
        self._home = self._checked_home()
        self._pages = self._served()
        self._static = f"{self._prefix}/static/"
        self.routes = [
            Route(self._path(each), partial(self._answer, each)) for each in self._pages
        ] + [Route(self._static + "{name:path}", self._file)]
        self.paths = frozenset(
            {self._path(each) for each in self._pages}
            | {self._static + name for name in self._files}
        )

    def missing(self, request: Request) -> Response | None:
        """The page for who opened an address where nothing is; None for a program."""
        if request.method not in {"GET", "HEAD"}:
            return None
        if "text/html" not in request.headers.get("accept", ""):
            return None
        return self._shell(LOST, request, status=HTTPStatus.NOT_FOUND)

    def _own(self, file: files.File | None) -> files.File | None:
        """A file of whoever runs this is served beside ours."""
        if file:
            self._files[file.name] = file
        return file

    def _served(self) -> tuple[Page, ...]:
        registering = (SIGN_UP,) if self._engine.registers else ()
        administering = (ADMIN,) if self._admin_role else ()
        return (SIGN_IN, *registering, ACCOUNT, SIGNED_OUT, *administering)

    def _checked_home(self) -> str:
        wanted = self._settings.pages_home
        if not wanted:
            return self._path(ACCOUNT)
        if (home := self._places.allowed(wanted)) is None:
            raise SettingsError(
                "pages_home",
                f"ADMIT_PAGES_HOME (pages_home) is {wanted!r}, and nobody is sent there: write a"
                " path such as /, or an address whose origin is among allowed_origins.",
            )
        return home

    async def _file(self, request: Request) -> Response:
        if (file := self._files.get(request.path_params["name"])) is None:
            raise HTTPException(404)
        return file.answer(request)

    async def _answer(self, page: Page, request: Request) -> Response:
        return self._shell(page, request)

    def _shell(self, page: Page, request: Request, *, status: int = HTTPStatus.OK) -> Response:
        nonce = policy.new_nonce()
        template = environment().get_template(f"{page.name}.html")
        written = template.render(nonce=nonce, **self._told(page, request))
        return HTMLResponse(written, status, headers=policy.headers(nonce))

    def _told(self, page: Page, request: Request) -> dict[str, Any]:
        """What a template is told: words, addresses, and what its script is told."""
        asked = request.query_params.get("lang")
        chosen = language(asked, request.headers.get("accept-language", ""))
        words = texts(chosen)
        following = self._places.allowed(request.query_params.get("return_to", ""))
        kept = {"lang": chosen} if asked == chosen else {}
        back = self._path(page) if page in self._pages and page not in SENDING_ON else following
        again = _asks_again(request)
        go = self._addresses(kept, back, again=again)
        reason = request.query_params.get("reason", "")
        return {
            "t": words,
            "words": words[page.section],
            "lang": chosen,
            "languages": self._languages(page, following, reason, again=again),
            "name": self._settings.pages_name,
            "file": self._address_of,
            "logo": self._logo,
            "theme": self._theme,
            "script": f"{page.name}.js" if page.has_script else None,
            "imports": self._imports(page),
            "go": go,
            "registers": self._engine.registers,
            "shortest": self._settings.password_min_length,
            "reason": reason if reason in words["reasons"] else "other",
            "page": {
                "baseUrl": self._prefix,
                "lang": chosen,
                "next": following or self._home,
                "again": again,
                "go": go,
                "adminRole": self._admin_role,
                "shortest": self._settings.password_min_length,
                "texts": {name: words[name] for name in (*FOR_SCRIPTS, page.section)},
            },
        }

    def _addresses(self, kept: dict[str, str], back: str | None, *, again: bool) -> dict[str, str]:
        """Where the pages link to, in the language that was asked for and with the way back."""
        returning = {**kept, "return_to": back} if back else kept
        entering = {**returning, **AGAIN} if again else returning
        return {
            "home": self._home,
            "account": self._path(ACCOUNT, kept),
            "admin": self._path(ADMIN, kept),
            "signIn": self._path(SIGN_IN, entering),
            "signUp": self._path(SIGN_UP, entering),
            "signedOut": self._path(SIGNED_OUT, returning),
        }

    def _languages(
        self, page: Page, following: str | None, reason: str, *, again: bool
    ) -> list[tuple[str, ...]]:
        """Each language with its name and the address of this page in it."""
        kept = {"return_to": following, "reason": reason if page is SIGNED_OUT else None}
        given = {name: value for name, value in kept.items() if value} | (AGAIN if again else {})
        return [
            (code, called, f"?{urlencode({'lang': code, **given})}")
            for code, called in LANGUAGES.items()
        ]

    def _path(self, page: Page, query: dict[str, str] | None = None) -> str:
        return f"{self._prefix}/{page.name}" + (f"?{urlencode(query)}" if query else "")

    def _address_of(self, name: str) -> str:
        """Where a file is, with its content named, so that browsers may keep it."""
        return f"{self._static}{name}?v={self._files[name].version}"

    def _imports(self, page: Page) -> dict[str, dict[str, str]]:
        """An import map: scripts name each other plainly, and get them by their content.

        A page is told of those that all share, and of those in the folder of its name.
        """
        shared = {PurePath(), PurePath(page.name)}
        scripts = [
            name
            for name in self._files
            if PurePath(name).suffix == ".js" and PurePath(name).parent in shared
        ]
        return {"imports": {self._static + name: self._address_of(name) for name in scripts}}
