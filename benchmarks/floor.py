"""The floor: what ships beside the handler, imported and built as the handler does, and nothing done with it.

Runs in the package's own process, beside `drive`.
"""
# ruff: noqa: E402 - as in handler/app.py, whose start this is without the handler

import gc

gc.disable()

import os
import ssl

import boto3
import dateutil.tz  # noqa: F401 - for times in messages
import requests  # noqa: F401 - for Zoho and the channels

clients = [boto3.client("dynamodb"), boto3.client("ssm"), boto3.client("sns")]
tls = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])

gc.freeze()
gc.enable()


def handler(event: object, context: object) -> None:
    """Do nothing."""
