"""A browser that has cookies, as far as a server can tell."""

import asyncio

from admit.testing.http_caller import set_cookies
from admit.testing.http_cookies import sign_in_with_cookie

PAGE = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


class Browser:
    """Holds cookies, and takes what every answer sets in the order of arrival."""

    def __init__(self, service, cookies=None):
        self.service = service
        self.cookies = dict(cookies or {})

    @property
    def refresh(self):
        return self.cookies.get(self.service.refresh_cookie)

    @property
    def access(self):
        return self.cookies.get(self.service.access_cookie)

    async def get(self, path="/page", *, method="GET", headers=PAGE):
        """The answer to one request with the cookies as they are now."""
        listed = list(headers.items())
        if self.cookies:
            line = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            listed.append(("Cookie", line))
        self.service.client.cookies.clear()
        answer = await self.service.client.request(method, path, headers=listed)
        self.keep(answer)
        return answer

    async def all_at_once(self, paths):
        """The answers to requests that all leave with the cookies as they are now."""
        return await asyncio.gather(*[self.get(path) for path in paths])

    def keep(self, answer):
        for name, (value, attributes) in set_cookies(answer).items():
            if "Max-Age=0" in attributes:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value


async def signed_in(service):
    """A browser that holds both cookies of a sign-in."""
    browser = Browser(service)
    browser.keep(await sign_in_with_cookie(service))
    assert browser.refresh
    assert browser.access
    return browser
