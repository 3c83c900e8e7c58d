"""Sets the world up: the real app with clients of its own, the fakes, and everything patched that must be."""

import importlib.util
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import boto3

from handler import rules, transport
from handler.channels import CHANNELS
from handler.channels.channel import Request
from sandbox.channels import FAKES, FakeSlack
from sandbox.zoho import FakeZoho
from tests.simulation.invocation import Sending
from tests.simulation.stack import PREFIX, TABLE, TOPIC
from tests.simulation.tap import tapped
from tests.simulation.world import World

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "simulation",
    "AWS_SECRET_ACCESS_KEY": "simulation",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_REGION": "eu-central-1",
    "TABLE_NAME": TABLE,
    "TOPIC_ARN": TOPIC,
    "ORG_PARAMETER_PREFIX": PREFIX,
    "NOTIFY_ON": ",".join(sorted(rules.NOTIFIABLE)),
}


def _noting(send: Callable[..., None], world: Callable[[], World]) -> Callable[..., None]:
    """Return a channel's `send` that first says what it sends; what arrives is still judged at the wire."""

    def noting(channel: Any, request: Request[Any], *args: Any) -> None:
        if running := world().running:
            running[-1].sending = Sending(channel.name, request)
        send(channel, request, *args)

    return noting


def _load_app() -> ModuleType:
    """Return `handler.app` loaded once more, so that its clients are built under this world's settings."""
    spec = importlib.util.spec_from_file_location("simulated_app", Path(transport.__file__).with_name("app.py"))
    assert spec
    assert spec.loader
    app = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(app)
    return app


@contextmanager
def a_world() -> Iterator[World]:
    """Give a world with every channel that is registered, and put everything back."""
    with ExitStack() as opened:
        zoho = opened.enter_context(closing(FakeZoho()))
        beats = opened.enter_context(closing(FakeSlack()))  # any fake takes heartbeats; this one takes nothing else
        fakes = {c.name: opened.enter_context(closing(FAKES[c.name]())) for c in CHANNELS if c.name in FAKES}
        urls = {"ZOHO_ACCOUNTS_URL": zoho.url, "ZOHO_API_URL": zoho.url}
        ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        opened.enter_context(patch.dict(os.environ, {**ours, **ENVIRONMENT, **urls}, clear=True))
        opened.enter_context(patch.object(boto3, "DEFAULT_SESSION", None))
        opened.enter_context(patch.object(transport, "tls_context", cache(transport.tls_context)))
        servers = {"zoho": zoho, "heartbeat": beats, **fakes}
        by_port = {urlsplit(server.url).port: (name, server) for name, server in servers.items()}
        opened.enter_context(tapped(by_port, lambda: made))
        for channel in CHANNELS:
            opened.enter_context(patch.object(channel, "send", _noting(channel.send, lambda: made)))
        made = World(zoho, beats, fakes, _load_app())
        handler_log = logging.getLogger("handler")
        opened.enter_context(patch.object(handler_log, "handlers", [made.log]))
        opened.enter_context(patch.object(handler_log, "propagate", False))
        yield made
        made.cold()
