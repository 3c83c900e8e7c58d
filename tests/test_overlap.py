"""Many checks of one organisation at the same moment, in threads and in processes: each notice is sent once."""

import json
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import DynamoDBBackend
from moto.sns.models import sns_backends

from sandbox.aws import REGION, Cloud
from sandbox.channels.slack import FakeSlack
from sandbox.runtime import ROOT
from sandbox.zoho import FakeZoho, row

JAR = ROOT / ".cache/dynamodb-local/DynamoDBLocal.jar"
"""AWS's own DynamoDB for one machine: `make dynamodb-local` fetches it."""
TABLE, PREFIX, ORG = "memory", "/zoho-backup-notifier/crowd", "acme"
ROUNDS: tuple[list[dict[str, str]], ...] = (
    [],
    [{"state": "failed"}],
    [],
    [{"state": "completed"}, {"action": "stopped"}, {"state": "failure"}],
)
"""What is news in each round, after the baseline."""


@pytest.fixture(scope="module")
def dynamodb_local() -> Iterator[str]:
    """Give the URL of AWS's own DynamoDB."""
    if not (JAR.exists() and shutil.which("java")):
        pytest.skip("AWS's own DynamoDB needs Java 17 or newer, and `make dynamodb-local` once")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    library = f"-Djava.library.path={JAR.with_name('DynamoDBLocal_lib')}"
    command = ["java", library, "-jar", str(JAR), "-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(port)]
    process = subprocess.Popen(command, cwd=JAR.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


class Crowd:
    """A stack's worth of services, and processes that check one organisation."""

    def __init__(self, dynamodb: str, opened: ExitStack) -> None:
        """Start the services, with a table in moto or, where its URL is given, in AWS's own DynamoDB."""
        self._opened = opened
        self.zoho = opened.enter_context(closing(FakeZoho()))
        self.slack = opened.enter_context(closing(FakeSlack()))
        self.cloud = opened.enter_context(closing(Cloud()))
        environment = self.cloud.environment | ({"AWS_ENDPOINT_URL_DYNAMODB": dynamodb} if dynamodb else {})
        self.dynamodb: Any = boto3.client(
            "dynamodb",
            endpoint_url=dynamodb or self.cloud.url,
            config=Config(retries={"total_max_attempts": 12, "mode": "standard"}),  # until Java has started
        )
        if TABLE in self.dynamodb.list_tables()["TableNames"]:
            self.dynamodb.delete_table(TableName=TABLE)
        self.dynamodb.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "org", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "org", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self.topic = self.cloud.client("sns").create_topic(Name="crowd")["TopicArn"]
        self.organisation = self.zoho.organisation()
        secret = self.organisation.secret(**self.slack.settings())
        self.cloud.client("ssm").put_parameter(Name=f"{PREFIX}/{ORG}", Value=json.dumps(secret), Type="SecureString")
        self._environment = {
            **environment,
            "TABLE_NAME": TABLE,
            "TOPIC_ARN": self.topic,
            "ORG_PARAMETER_PREFIX": PREFIX,
            "ZOHO_ACCOUNTS_URL": self.zoho.url,
            "ZOHO_API_URL": self.zoho.url,
            "PYTHONPATH": str(Path(ROOT)),
        }

    def start(self, processes: int, threads: int) -> None:
        """Start the processes and wait until all are ready to check."""
        command = [sys.executable, "-W", "error", "-m", "tests.crowd", str(threads)]
        self._processes = [
            subprocess.Popen(
                command, cwd=ROOT, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for _ in range(processes)
        ]
        for process in self._processes:
            self._opened.enter_context(process)
            self._opened.callback(process.kill)
        assert [self._hear(process) for process in self._processes] == ["ready"] * processes

    def check(self, name: str) -> list[dict[str, Any]]:
        """Let everybody check at once, and return all answers."""
        for process in self._processes:
            assert process.stdin
            process.stdin.write(f"{name}\n")
        for process in self._processes:
            assert process.stdin
            process.stdin.flush()
        return [answer for process in self._processes for answer in self._hear(process)]

    @staticmethod
    def _hear(process: "subprocess.Popen[str]") -> Any:
        assert process.stdout
        return json.loads(process.stdout.readline())

    def sent(self) -> dict[str, Counter[str]]:
        """Return how often each notice was sent, by channel."""
        slack = re.findall(rf"Reference: ({ORG}-[\w-]+)", json.dumps(self.slack.messages, ensure_ascii=False))
        topic = sns_backends[DEFAULT_ACCOUNT_ID][REGION].topics[self.topic]
        sns = [attributes["notice_id"]["Value"] for _, _, _, attributes, _ in topic.sent_notifications if attributes]
        return {"slack": Counter(slack), "sns": Counter(sns)}


@pytest.fixture
def crowd(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crowd]:
    """Give a crowd around the table that the test asks for."""
    # Everybody starts cold, so one refresh token gives more access tokens than Zoho would in ten minutes.
    monkeypatch.setattr("sandbox.zoho.TOKENS_IN_TEN_MINUTES", 1_000)
    monkeypatch.setattr("sandbox.zoho.ACTIVE_TOKENS", 1_000)
    # DynamoDB checks a condition and writes in one step, moto in two.
    one_at_a_time, put_item = threading.Lock(), DynamoDBBackend.put_item

    def put_in_one_step(*args: Any, **kwargs: Any) -> Any:
        with one_at_a_time:
            return put_item(*args, **kwargs)

    monkeypatch.setattr(DynamoDBBackend, "put_item", put_in_one_step)
    dynamodb = request.getfixturevalue("dynamodb_local") if request.param == "dynamodb" else ""
    with ExitStack() as opened:
        yield Crowd(dynamodb, opened)


@pytest.mark.parametrize("crowd", ["moto", "dynamodb"], indirect=True)
@pytest.mark.parametrize(
    ("processes", "threads"),
    [(1, 2), pytest.param(1, 20, marks=pytest.mark.deep), (2, 1), pytest.param(4, 5, marks=pytest.mark.deep)],
)
def test_checks_at_the_same_moment_send_each_notice_once(crowd: Crowd, processes: int, threads: int) -> None:
    """Round after round everybody looks at once; one of them sends, all others end quietly."""
    crowd.start(processes, threads)
    expected = 1
    for number, news in enumerate(ROUNDS):
        crowd.organisation.rows[:0] = [row(None, **fields) for fields in news]
        expected += len(news)
        answers = crowd.check(f"round-{number}")
        assert [answer["error"] for answer in answers if "error" in answer] == []
        sent = crowd.sent()
        assert [len(sent[channel]) for channel in ("slack", "sns")] == [expected, expected]
        assert {count for counts in sent.values() for count in counts.values()} == {1}
        assert sum("delivered" in answer and bool(answer["delivered"]) for answer in answers) == (number in {0, 1, 3})
    item = crowd.dynamodb.get_item(TableName=TABLE, Key={"org": {"S": ORG}}, ConsistentRead=True)["Item"]
    assert item.keys().isdisjoint({"outbox", "lease_owner", "lease_until"})
