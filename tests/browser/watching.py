"""What a page did that no page of ours may do."""


class Watch:
    """Sees what goes wrong in a tab from now on, and where its requests go.

    Arguments:
        tab: a page of Playwright's, best watched before it goes anywhere.
    """

    def __init__(self, tab):
        self.complaints: list[str] = []
        self.origins: set[str] = set()
        tab.on("console", self._heard)
        tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        tab.on("request", self._asked)

    def _heard(self, message):
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _asked(self, request):
        if not request.url.startswith(("data:", "blob:", "about:")):
            self.origins.add("/".join(request.url.split("/", 3)[:3]))
