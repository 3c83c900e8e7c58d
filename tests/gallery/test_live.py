"""The page of `make run OPEN=1`; what it looks like in a browser is in test_browser."""

import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import takewhile

import pytest
import requests

from sandbox.gallery import ROOT
from sandbox.live import Inbox, LiveScreen
from sandbox.mail import Mail


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """Give an inbox that serves."""
    with closing(Inbox()) as inbox:
        yield inbox


def news(inbox: Inbox, after: str) -> requests.Response:
    """Ask for what arrived after so many."""
    return requests.get(f"{inbox.url}/news", {"after": after}, timeout=5)


def test_everything_that_is_printed_arrives_on_the_page_once(inbox: Inbox) -> None:
    """In order, with what is new only, and without a record that grows."""
    out = io.StringIO()
    screen = LiveScreen(out, inbox)
    screen.narrate("It fails.")
    screen.mail(Mail("Subject", "<b>Text</b>", {}), "it@example.com")
    first = news(inbox, "0").json()
    screen.message("slack", {"text": "Slack's text"})
    screen.verdict("All arrived.", good=True)
    second = news(inbox, str(len(first))).json()
    shown = ["It fails.", "&lt;b&gt;Text&lt;/b&gt;", "Slack&#39;s text", "All arrived."]
    assert [text in html for text, html in zip(shown, first + second, strict=True)] == [True] * 4
    assert [text in out.getvalue() for text in ("It fails.", "<b>Text</b>", "Slack's text", "All arrived.")] == [
        True
    ] * 4
    assert inbox.requests == []


@pytest.mark.parametrize(("path", "status"), [("", 200), ("x", 404), ("news?after=-1", 404), ("news?after=x", 404)])
def test_only_the_page_and_its_news_are_served(inbox: Inbox, path: str, status: int) -> None:
    """Anything else is not there."""
    assert requests.get(f"{inbox.url}/{path}", timeout=5).status_code == status


def test_make_run_with_open_serves_the_story_until_ctrl_c() -> None:
    """It says where, serves there while the story runs, and ends with the usual word; FULL=1 prints every message."""
    environment = {name: value for name, value in os.environ.items() if name not in {"DISPLAY", "WAYLAND_DISPLAY"}}
    command = [sys.executable, "-m", "sandbox", "--open", "--full"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = iter(process.stdout)
        url = next(match[1] for line in lines if (match := re.search(r"(http://127\.0\.0\.1:\d+)", line)))
        page = requests.get(url, timeout=5).text
        printed = list(takewhile(lambda line: not line.startswith("  ┌─ Slack"), lines))
        arrived = requests.get(f"{url}/news?after=0", timeout=5).json()
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=30)[0]
    assert [line[:11] for line in printed if line.startswith(("  →", "  ┌─"))] == ["  ┌─ E-mail"], "nothing in brief"
    assert "The sandbox's inbox" in page.replace("&#39;", "'")
    assert "Zoho&#39;s sample" in arrived[1]
    assert (process.returncode, rest.splitlines()[-1]) == (130, "Stopped.")
