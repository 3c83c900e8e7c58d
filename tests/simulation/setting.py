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
from handler.texts import NOTIFIABLE

from handler import channels, transport
from handler.channels import Batch
from sandbox.channels.slack import FakeSlack
from sandbox.zoho import FakeZoho
from tests.simulation.wire import tapped
from tests.simulation.world import PREFIX, TABLE, World

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "simulation",
    "AWS_SECRET_ACCESS_KEY": "simulation",
    "AWS_DEFAULT_REGION": "eu-central-1",  # of its own: moto's state belongs to the whole process
    "AWS_REGION": "eu-central-1",
    "TABLE_NAME": TABLE,
    "ORG_PARAMETER_PREFIX": PREFIX,
    "NOTIFY_ON": ",".join(sorted(NOTIFIABLE)),
}


def _noting(send: Callable[..., None], world: Callable[[], World]) -> Callable[..., None]:
    """Return a channel's `send` that first says what it sends; what arrives is still judged at the wire."""

    def noting(channel: Any, batch: Batch, *args: Any) -> None:
        if running := world().running:
            running[-1].batch = batch
        send(channel, batch, *args)

    return noting


def _load_app() -> ModuleType:
    """Return `handler.app` loaded anew, so that its clients are built under this world's settings."""
    spec = importlib.util.spec_from_file_location("simulated_app", Path(channels.__file__).with_name("app.py"))
    assert spec
    assert spec.loader
    app = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(app)
    return app


@contextmanager
def a_world() -> Iterator[World]:
    """Give a world, and put everything back."""
    with ExitStack() as opened:
        zoho = opened.enter_context(closing(FakeZoho()))
        slack = opened.enter_context(closing(FakeSlack()))
        urls = {"ZOHO_ACCOUNTS_URL": zoho.url, "ZOHO_API_URL": zoho.url}
        ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        opened.enter_context(patch.dict(os.environ, {**ours, **ENVIRONMENT, **urls}, clear=True))
        opened.enter_context(patch.object(boto3, "DEFAULT_SESSION", None))
        opened.enter_context(patch.object(transport, "tls_context", cache(transport.tls_context)))
        servers = {urlsplit(server.url).port: (name, server) for name, server in (("zoho", zoho), ("slack", slack))}
        opened.enter_context(tapped(servers, lambda call: made.play(call), lambda seconds: made.pass_time(seconds)))
        for channel in (channels.SlackChannel, channels.SnsChannel):
            opened.enter_context(patch.object(channel, "send", _noting(channel.send, lambda: made)))
        made = World(zoho, slack, _load_app())
        handler_log = logging.getLogger("handler")
        opened.enter_context(patch.object(handler_log, "handlers", [made.log]))
        opened.enter_context(patch.object(handler_log, "propagate", False))
        made.build()
        yield made
        made.cold()
