"""What Chromium makes of our cookies: it keeps them by their long name, and lets them go."""

import pytest

from tests.browser.sites import OURS, REFRESH

ACCESS = "__Host-Http-admit-access"


@pytest.mark.parametrize("site", ["strict", "lax"])
def test_it_keeps_them_as_they_were_meant(new_sites, context, site):
    """From the sign-in to the sign-out, and through a refresh."""
    with new_sites(cookie_samesite=site, access_cookie="on") as sites:
        tab = sites.signed_in(context)
        first = {each["name"]: each for each in context.cookies()}
        assert first.keys() == {REFRESH, ACCESS}
        for each in first.values():
            assert (each["domain"], each["path"]) == (OURS, "/")
            assert each["secure"]
            assert each["httpOnly"]
            assert each["sameSite"] == site.title()
            assert each["expires"] > 0  # it outlives the browser's window
        sites.let_pass(1000, tab)
        # A bearer's token beside the access cookie would be two: the client sends its own alone.
        assert tab.evaluate("admit.session().then(({ user }) => user.email)") == "ada@example.com"
        second = {each["name"]: each["value"] for each in context.cookies()}
        assert second.keys() == {REFRESH, ACCESS}
        assert second[REFRESH] != first[REFRESH]["value"]
        tab.evaluate("admit.signOut()")
        assert context.cookies() == []


def test_no_script_of_ours_can_set_one_of_that_name(sites, context):
    """Nor with every attribute that a server's would have: `Http-` means that no script did."""
    tab = sites.open(context)
    for name in (REFRESH, ACCESS, REFRESH.lower()):
        for rest in ("", "; Secure", "; Secure; Path=/", "; Secure; Path=/; HttpOnly"):
            tab.evaluate("(line) => { document.cookie = line; }", f"{name}=x{rest}")
        tab.evaluate("(name) => cookieStore.set(name, 'x').catch(() => {})", name)
    assert context.cookies() == []
    tab.evaluate("document.cookie = '__Host-other=x; Secure; Path=/'")
    assert [each["name"] for each in context.cookies()] == ["__Host-other"]  # others it can


def test_a_closed_window_does_not_sign_out(sites, new_context, tmp_path):
    """The browser is closed, and opened again with what it kept on its disk."""
    first = new_context()
    sites.signed_in(first)
    first.storage_state(path=tmp_path / "kept.json")
    first.close()
    again = sites.open(new_context(storage_state=tmp_path / "kept.json"))
    assert again.evaluate("admit.session().then(({ user }) => user.email)") == "ada@example.com"
    assert len(sites.sessions()) == 1
