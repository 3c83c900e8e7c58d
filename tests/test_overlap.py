"""Many checks of one organisation at the same moment, each in a process of its own: each notice is sent once."""

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Any

import pytest
from moto.dynamodb.models import DynamoDBBackend

from sandbox.runtime import LambdaEnvironment
from sandbox.sandbox import Sandbox
from sandbox.zoho import row
from tests.dynamodb import create_table

ORG = "acme"
PROCESSES = 12
ROUNDS: tuple[list[dict[str, str]], ...] = (
    [],
    [{"state": "failed"}],
    [],
    [{"state": "completed"}, {"action": "stopped"}, {"state": "failure"}],
)
"""What is news in each round; the first sends the baseline."""


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Let moto check a condition and write in one step, as DynamoDB does; it needs no variables."""
    one_at_a_time, put_item = threading.Lock(), DynamoDBBackend.put_item

    def put_in_one_step(*args: Any, **kwargs: Any) -> Any:
        with one_at_a_time:
            return put_item(*args, **kwargs)

    monkeypatch.setattr(DynamoDBBackend, "put_item", put_in_one_step)
    return {}


@pytest.fixture
def amazons(real_dynamodb: Any) -> Iterator[dict[str, str]]:
    """Give the variables that point a function at AWS's own DynamoDB, and an empty table in it."""
    create_table(real_dynamodb, "memory")
    yield {"AWS_ENDPOINT_URL_DYNAMODB": real_dynamodb.meta.endpoint_url, "TABLE_NAME": "memory"}
    real_dynamodb.delete_table(TableName="memory")


@pytest.mark.deep
@pytest.mark.parametrize("table", ["moto", "amazons"])
def test_checks_at_the_same_moment_send_each_notice_once(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    """Round after round everybody looks at once; one of them sends, all others end quietly."""
    monkeypatch.setattr("sandbox.zoho.TOKENS_IN_TEN_MINUTES", 1_000)  # everybody starts cold
    monkeypatch.setattr("sandbox.zoho.ACTIVE_TOKENS", 1_000)
    elsewhere = request.getfixturevalue(table)
    with ExitStack() as opened:
        stage = opened.enter_context(closing(Sandbox()))
        organisation = stage.connect(ORG)
        variables = {**stage.function.variables, **elsewhere}
        crowd = [opened.enter_context(closing(LambdaEnvironment(variables))) for _ in range(PROCESSES)]
        pool = opened.enter_context(ThreadPoolExecutor(PROCESSES))
        list(pool.map(lambda member: member.invoke({"org": "default"}), crowd))  # now all are warm
        expected = 1
        for number, news in enumerate(ROUNDS):
            organisation.rows[:0] = [row(None, **fields) for fields in news]
            expected += len(news)
            results = list(pool.map(lambda member: member.invoke({"org": ORG}), crowd))
            assert [result.payload for result in results if not result.ok] == []
            assert sum(bool(result.payload.get("delivered")) for result in results) == (number in {0, 1, 3})
            posts = json.dumps(stage.slack.messages, ensure_ascii=False)
            slack = Counter(re.findall(rf"Reference: ({ORG}-[\w-]+)", posts))
            sns = Counter(mail.attributes["notice_id"] for mail in stage.mailbox.mails)
            assert sorted(slack.values()) == sorted(sns.values()) == [1] * expected
