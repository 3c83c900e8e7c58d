"""A channel is everywhere or nowhere: what CONTRIBUTING.md lists for a new one, and no test of its own would miss."""

from contextlib import closing
from pathlib import Path

import pytest

from handler.channels import BY_NAME, CHANNELS
from handler.channels.channel import Channel
from handler.wording import SEVERITIES
from sandbox.channels import FAKES
from sandbox.samples import samples

ROOT = Path(__file__).parents[1]
NAMES = list(BY_NAME)
WITH_KEYS = [name for name in NAMES if BY_NAME[name].settings]


def test_names_are_unique_and_the_topic_comes_first() -> None:
    """It is there whatever the secret says."""
    assert len(NAMES) == len(CHANNELS)
    assert [name for name in NAMES if not BY_NAME[name].settings] == NAMES[:1] == ["sns"]


def test_every_channel_but_the_topic_has_its_fake_and_every_fake_its_channel() -> None:
    """In `sandbox/channels/`, by the same name."""
    assert set(FAKES) >= set(WITH_KEYS), "FAKES of sandbox/channels/__init__.py"


@pytest.mark.parametrize("name", WITH_KEYS)
def test_the_fakes_keys_are_the_channels(name: str) -> None:
    """They configure it, and pass its own judgement."""
    channel = BY_NAME[name]
    settings = {setting.key: setting for setting in channel.settings}
    with closing(FAKES[name]()) as fake:
        values = fake.settings("SANDBOX")
    assert channel.settings[0].key in values
    assert values.keys() <= settings.keys()
    assert [settings[key].complaint(value, True) for key, value in values.items()] == [""] * len(values)


@pytest.mark.parametrize("channel", CHANNELS, ids=NAMES)
def test_it_says_what_people_have_to_know(channel: type[Channel]) -> None:
    """Its name, what to do when it is broken, what an acceptance means, and how to get each of its keys."""
    assert channel.label
    assert channel.accepted
    assert channel.when_broken.endswith(".")
    assert channel.min_severity in SEVERITIES
    for setting in channel.settings:
        assert setting.key.startswith(f"{channel.name}_")
        assert setting.question
        assert setting.help
        assert setting.default is None or setting is not channel.settings[0]


@pytest.mark.parametrize(
    ("name", "key"),
    [(name, s.key) for name in WITH_KEYS for s in BY_NAME[name].settings if s.key.endswith("_url")],
)
def test_its_address_is_encrypted_and_leads_to_no_service_of_the_machine(name: str, key: str) -> None:
    """Judged by `handler/addresses.py`."""
    (setting,) = (setting for setting in BY_NAME[name].settings if setting.key == key)
    for url in ("http://example.com/", "http://169.254.169.254/", "https://127.0.0.1/", "nothing"):
        assert setting.complaint(url, False)


@pytest.mark.parametrize("name", NAMES)
def test_the_dashboard_counts_it(name: str) -> None:
    """What was delivered, by channel."""
    assert f"delivered.{name}," in (ROOT / "template.yaml").read_text(), "the dashboard of template.yaml"


@pytest.mark.parametrize("name", NAMES)
def test_the_gallery_shows_it_broken(name: str) -> None:
    """From the samples."""
    broken = {notice.incident for sample in samples() for notice in sample.notices if notice.kind == "channel"}
    assert f"channel:{name}" in broken, "sandbox/samples.py"


@pytest.mark.parametrize("name", NAMES)
def test_it_has_its_test_and_its_paragraph(name: str) -> None:
    """In `tests/channels/`, and where the documents list what a secret may hold."""
    assert list((ROOT / "tests").rglob(f"test_{name}*.py")), f"tests/channels/test_{name}.py"
    documents = "\n".join(path.read_text() for path in (ROOT / "docs").glob("*.md"))
    assert [s.key for s in BY_NAME[name].settings if f"`{s.key}`" not in documents] == [], "docs/channels.md"
