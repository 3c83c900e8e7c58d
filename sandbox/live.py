"""The inbox of `make run OPEN=1`: a page on this machine that shows messages while the story runs."""

import os
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import closing
from typing import Any, TextIO

from markupsafe import escape

from sandbox.channels import Mail
from sandbox.gallery import card, live_page
from sandbox.screen import Screen
from sandbox.server import Request, Response, Server


class Inbox(Server):
    """Serves the page, and at `/news?after=N` whatever came after the first N arrivals, as HTML.

    Attributes:
        arrivals: Everything shown so far, oldest first.
    """

    def __init__(self) -> None:
        """Start serving on a free loopback port."""
        self.arrivals: list[str] = []
        super().__init__()

    def kind(self, method: str, path: str) -> str:
        """Name the kind of a request by its path."""
        return {"/": "page", "/news": "news"}.get(path, "other")

    def answer(self, request: Request) -> Response:
        """Response, and forget the request: the page asks twice a second for as long as it is open."""
        self.requests.clear()
        if request.kind == "page":
            return Response.text(live_page(), content_type="text/html; charset=utf-8")
        after = request.query.get("after", "0")
        if request.kind == "other" or not after.isdecimal():
            return Response(404)
        return Response.json(self.arrivals[int(after) :])


class LiveScreen(Screen):
    """Shows everything on the page as well."""

    def __init__(self, out: TextIO, inbox: Inbox, *, full: bool = True) -> None:
        """Print to a stream, all or those of chosen steps, and show all in an inbox."""
        super().__init__(out, full=full)
        self._show = inbox.arrivals.append

    def narrate(self, text: str, *, chosen: bool = False) -> None:
        """Print a line of the story, and head what follows with it."""
        super().narrate(text, chosen=chosen)
        self._show(f'<h2 class="scene">{escape(text)}</h2>')

    def mail(self, mail: Mail, address: str) -> None:
        """Print an e-mail and show it as a mail program would."""
        super().mail(mail, address)
        self._show(f'<div class="pane">{card("mail", mail.subject or "", mail.body)}</div>')

    def message(self, channel: str, payload: dict[str, Any]) -> None:
        """Print a channel's message and show it as the channel would."""
        super().message(channel, payload)
        self._show(f'<div class="pane">{card(channel, payload)}</div>')

    def verdict(self, text: str, good: bool) -> None:
        """Print the last word, and show it."""
        super().verdict(text, good)
        self._show(f'<h2 class="scene">{escape(text)}</h2>')


def watch(play: Callable[[Screen], bool], *, full: bool) -> bool:
    """Play the story with the page open, and keep that until Ctrl-C; return whether everything arrived.

    Args:
        play: Plays it on a screen.
        full: Whether every message is printed, too.
    """
    with closing(Inbox()) as inbox:
        screen = LiveScreen(sys.stdout, inbox, full=full)
        screen.remark(f"Open {inbox.url} in a browser, and watch the messages arrive.")
        if sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
            webbrowser.open(inbox.url)
        good = play(screen)
        screen.remark("The page stays until you press Ctrl-C.")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return good
    return good
