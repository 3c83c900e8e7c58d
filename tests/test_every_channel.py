"""A channel is everywhere or nowhere: what CONTRIBUTING.md lists for a new one, and no test of its own would miss."""

import json
from dataclasses import fields
from itertools import combinations
from pathlib import Path

import pytest

from handler import channels, memory
from handler.causes import CHANNEL_STEPS, CHANNELS
from handler.config import Secret, parse_secret
from handler.errors import CheckFailed, SecretMalformedError
from sandbox import samples
from tests.world import World
from tools.answers import QUESTIONS

ROOT = Path(__file__).parents[1]
URLS = [field.name for field in fields(Secret) if field.name.endswith("_url")]
ADDRESSES = sorted(set(URLS) - {"heartbeat_url"})
CLASSES = {
    made.name
    for made in vars(channels).values()
    if isinstance(made, type) and "send" in vars(made) and hasattr(made, "name")
}


def test_it_has_words() -> None:
    """Its name, and what to do when it is broken."""
    assert set(CHANNELS) == set(CHANNEL_STEPS) == CLASSES, "CHANNELS and CHANNEL_STEPS of handler/causes.py"


def test_a_full_secret_configures_it(world: World) -> None:
    """It is there as soon as its address is."""
    world.secrets["default"] |= {name: f"https://example.com/{name}" for name in URLS}
    world.tools.access("default")
    assert set(world.tools.configured_channels("default")) == CLASSES, "configured_channels of handler/access.py"


@pytest.mark.parametrize("name", URLS)
def test_its_address_is_encrypted(world: World, name: str) -> None:
    """And leads to no service of the machine's own."""
    secret = world.organisation.secret(**{name: "http://169.254.169.254/"})
    with pytest.raises(SecretMalformedError, match=f"{name} must be an https URL"):
        parse_secret(json.dumps(secret), "p")


@pytest.mark.parametrize("name", ADDRESSES)
def test_its_address_is_read_afresh_where_it_is_gone(world: World, name: str) -> None:
    """So that a rotated one needs no new environment."""
    world.log(state="completed")
    world.check()
    world.secrets["default"] = world.organisation.secret(**{name: world.slack.url + "/gone"})
    world.cold()
    world.check()
    before = world.secret_reads
    world.log(state="failure")
    with pytest.raises(CheckFailed, match="404"):
        world.check()
    assert world.secret_reads == before + 1, "_send_or_renew of handler/delivery.py"


def test_connect_asks_for_whatever_a_secret_holds() -> None:
    """Or takes it from a file."""
    assert {field.name for field in fields(Secret)} - {"credentials"} <= QUESTIONS.keys(), "tools/answers.py"


def test_the_outbox_has_room_for_every_set_of_channels() -> None:
    """What is folded is folded by what it is owed to."""
    sets = [owed for size in range(1, len(CHANNELS) + 1) for owed in combinations(CHANNELS, size)]
    many = [memory.Notice(f"n{n}", "failed", samples.NOW, sets[n % len(sets)]) for n in range(1_000)]
    assert len(memory.enqueue((), many)) <= memory.MAX_OUTBOX, "MAX_FOLDED of handler/memory.py"


def test_the_dashboard_counts_it() -> None:
    """What was delivered, by channel."""
    template = (ROOT / "template.yaml").read_text()
    assert [name for name in CHANNELS if f"delivered.{name}," not in template] == [], "the dashboard of template.yaml"


def test_the_gallery_shows_it_and_shows_it_broken() -> None:
    """From the samples."""
    notices = [notice for sample in samples.samples() for notice in sample.notices]
    broken = {notice.facts["channel"] for notice in notices if notice.kind == "channel"}
    assert set(samples.CHANNELS) == broken == set(CHANNELS), "sandbox/samples.py"


def test_it_has_golden_files() -> None:
    """SNS's are called mail."""
    shown = {file.name.split(".")[1] for file in (ROOT / "tests" / "golden").iterdir()}
    assert shown == {"mail" if name == "sns" else name for name in CHANNELS}, "tests/test_golden.py"


def test_the_documents_name_it() -> None:
    """Where they list the incidents."""
    document = (ROOT / "docs" / "how-it-works.md").read_text()
    assert [name for name in CHANNELS if f"`channel:{name}`" not in document] == [], "docs/how-it-works.md"
