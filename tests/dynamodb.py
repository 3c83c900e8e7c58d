"""DynamoDB for tests: how the table is made, and AWS's own DynamoDB for one machine."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.config import Config

from sandbox.runtime import ROOT

JAR = ROOT / ".cache/dynamodb-local/DynamoDBLocal.jar"
"""AWS's own DynamoDB for one machine: `make dynamodb-local` fetches it."""


def create_table(client: Any, name: str) -> None:
    """Make an empty table, as the template has it."""
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "org", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "org", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


@contextmanager
def dynamodb_local() -> Iterator[Any]:
    """Run AWS's own DynamoDB, and give a client of it; a test is skipped where it cannot run."""
    if not (JAR.exists() and shutil.which("java")):
        pytest.skip("AWS's own DynamoDB needs Java 17 or newer, and `make dynamodb-local` once")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    library = f"-Djava.library.path={JAR.with_name('DynamoDBLocal_lib')}"
    command = ["java", library, "-jar", str(JAR), "-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(port)]
    process = subprocess.Popen(command, cwd=JAR.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        retries: Any = {"total_max_attempts": 12, "mode": "standard"}  # until Java has started
        client = boto3.client("dynamodb", endpoint_url=f"http://127.0.0.1:{port}", config=Config(retries=retries))
        client.list_tables()
        yield client
    finally:
        process.kill()
        process.wait()
