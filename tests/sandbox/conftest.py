"""An AWS account in memory."""

import os
from collections.abc import Iterator
from contextlib import closing

import pytest

from sandbox.aws import Cloud


@pytest.fixture(scope="module")
def account() -> Iterator[Cloud]:
    """Give an AWS account, whatever AWS settings this machine has."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        with closing(Cloud()) as server:
            yield server


@pytest.fixture
def cloud(account: Cloud) -> Cloud:
    """Give that account, empty."""
    account.reset()
    return account
