"""What people do on Admit's own pages, and what is seen of it."""

from urllib.parse import parse_qs, urlsplit

import httpx

from tests.browser.sites import OURS, PASSWORD, PEOPLE
from tests.browser.watching import Watch

ADA = PEOPLE["ada"]
NEW = "seven pale lanterns drift"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)


def opened(sites, context, path):
    """A new tab with this page of Admit's, and what is seen of it."""
    tab = context.new_page()
    watch = Watch(tab)
    tab.goto(sites.url + path)
    return tab, watch


def sign_in(tab, login=ADA, password=PASSWORD):
    """Fill in the page to sign in, and send it."""
    tab.fill("#login", login)
    tab.fill("#password", password)
    tab.click("button[type=submit]")


def account(sites, context):
    """A new tab with Ada's account, who just signed in."""
    sites.have("ada")
    tab, watch = opened(sites, context, "/auth/sign-in")
    sign_in(tab)
    shown(tab)
    return tab, watch


def shown(tab):
    """Wait until the account is shown."""
    tab.wait_for_selector("#account:not([hidden])")


def reason(tab):
    """Why one was signed out, by the page that says it, once it is there."""
    tab.wait_for_url("**/auth/signed-out?**")
    return parse_qs(urlsplit(tab.url).query)["reason"]


def complaints(watch):
    """What went wrong but for refusals, which Chromium itself tells the console of."""
    return [each for each in watch.complaints if "status of 4" not in each]


def signed_in_elsewhere(sites, user_agent=IPHONE):
    """Ada signs in on another device."""
    body = {"login": ADA, "password": PASSWORD, "delivery": "body"}
    headers = {"Host": OURS, "User-Agent": user_agent}
    url = f"http://127.0.0.1:{sites.wire.to}/auth/login"
    return httpx.post(url, json=body, headers=headers).json()["refresh_token"]


def focused(tab):
    return tab.evaluate("document.activeElement.id")
