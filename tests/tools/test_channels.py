"""The channels in the tools: chosen and asked for in the wizard, given without it, examined by the doctor."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from handler.channels import BY_NAME, CHANNELS
from sandbox.channels import FAKES
from sandbox.sandbox import Sandbox
from sandbox.server import Response
from tests.tools.bench import QUESTIONS, Bench
from tests.tools.terminal import CTRL_C, ENTER, Terminal
from tools import connect, doctor, questions
from tools.answers import doubts
from tools.questions import floor_key

Tool = Callable[..., tuple[int, str]]
OPTIONAL = [channel for channel in CHANNELS if channel.settings]
NUMBER = {channel.name: number for number, channel in enumerate(OPTIONAL, 1)}


@pytest.fixture(scope="module")
def stage() -> Iterator[Sandbox]:
    """Give the sandbox with every channel."""
    with closing(Sandbox(channels=FAKES)) as running:
        yield running


@pytest.fixture
def addresses(bench: Bench) -> dict[str, str]:
    """Give what a secret holds of the channels; what is secret of it must never be shown."""
    settings = bench.stage.settings("CHOSEN")
    secret = [setting.key for channel in OPTIONAL for setting in channel.settings if setting.secret]
    bench.secrets += [settings[key] for key in secret if key in settings]
    return settings


def tick(terminal: Terminal, *names: str) -> None:
    """Tick channels in the list, or take their ticks away."""
    terminal.answer(QUESTIONS["channels"], "".join(f"{NUMBER[name]} " for name in names))


@pytest.mark.parametrize("left_out", [channel.name for channel in OPTIONAL])
def test_only_the_chosen_channels_are_asked_for_and_each_is_tried(
    bench: Bench, addresses: dict[str, str], left_out: str
) -> None:
    """Each with the page that says how to get one; the test message says what "accepted" means there."""
    company, chosen = bench.company(), [channel for channel in OPTIONAL if channel.name != left_out]
    before = {name: len(fake.accepted) for name, fake in bench.stage.channels.items()}
    with bench.terminal("--org", f"without-{left_out}") as terminal:
        bench.fill(terminal, company, "channels")
        for channel in OPTIONAL:
            terminal.wait_for(f"[ ] {channel.label}\n")
        terminal.type("".join(f"{NUMBER[channel.name]} " for channel in chosen) + ENTER)
        for setting in (setting for channel in chosen for setting in channel.settings):
            terminal.answer(setting.question, addresses.get(setting.key, ""))
        bench.fill(terminal, company, only=("heartbeat", "name", "zone", "code"))
        terminal.answer(QUESTIONS["send"], "1")
        assert terminal.exit_code() == 0
    held = json.loads(bench.parameter(f"without-{left_out}") or "")
    own = {key: value for key, value in addresses.items() if not key.startswith(left_out)}
    assert {key: value for key, value in held.items() if key in addresses} == own
    words = " ".join(terminal.screen.split())
    for channel in OPTIONAL:
        is_chosen = channel.name != left_out
        for setting in channel.settings:
            assert (setting.help in words, setting.question in words) == (is_chosen, is_chosen)
        assert (f"✓ Test message: {channel.label}: accepted: {channel.accepted}" in words) == is_chosen
        assert len(bench.stage.channels[channel.name].accepted) > before[channel.name] or not is_chosen
    assert bench.shows_no_secret(terminal.screen)


CONNECTOR = "https://acme.webhook.office.com/webhookb2/1/IncomingWebhook/2/3"
FLOW = "https://x.environment.api.powerplatform.com/workflows/0123/triggers/manual/paths/invoke"
WRONG = [
    ("teams", CONNECTOR, "It must not be an Office 365 connector: Microsoft turned those off in May 2026"),
    ("teams", FLOW, "It must contain sig=…"),
    (
        "cliq",
        "https://cliq.zoho.com/company/1/channels/b?zapikey=1001.x",
        "It must be the message endpoint",
    ),
    ("cliq", "https://cliq.zoho.com/api/v2/channelsbyname/backups/message", "It must end with the webhook token"),
    ("pagerduty", "0123456789abcdef0123456789abcde", "It must be an integration key of 32 letters and digits."),
]


@pytest.mark.parametrize(("name", "answer", "complaint"), WRONG)
def test_a_wrong_address_is_refused_with_the_reason(bench: Bench, name: str, answer: str, complaint: str) -> None:
    """At once, and without being shown."""
    bench.secrets.append(answer)
    with bench.terminal("--org", "wrong") as terminal:
        bench.fill(terminal, bench.company(), "channels")
        tick(terminal, name)
        terminal.answer(BY_NAME[name].settings[0].question, answer)
        terminal.wait_for(f"✗ {complaint}")
        terminal.wait_for(BY_NAME[name].settings[0].question)
        terminal.type(CTRL_C)
        assert terminal.exit_code() == 130
    assert bench.shows_no_secret(terminal.screen)


def test_a_channel_that_is_not_chosen_any_more_leaves_nothing_behind(bench: Bench, addresses: dict[str, str]) -> None:
    """Its other keys and its floor go, too; what stays keeps its floor, which the wizard does not ask for."""
    company = bench.company()
    company.refresh_tokens.append("1000.old.unticked")
    secret = company.secret(**addresses, pagerduty_min_severity="warning", cliq_min_severity="critical")
    bench.stage.stack.put_organisation("unticked", secret)
    stays = [channel for channel in OPTIONAL if channel.name != "pagerduty"]
    with bench.terminal("--org", "unticked") as terminal:
        bench.fill(terminal, company, "channels", client_id="", client_secret="")
        tick(terminal, "pagerduty")
        for setting in (setting for channel in stays for setting in channel.settings):
            terminal.answer(setting.question)
        bench.fill(terminal, company, only=("heartbeat", "name", "zone", "code", "send"), code="")
        assert terminal.exit_code() == 0
    gone = {"pagerduty_routing_key", "pagerduty_url", "pagerduty_min_severity"}
    assert json.loads(bench.parameter("unticked") or "") == {k: v for k, v in secret.items() if k not in gone}


def test_what_somebody_spoilt_by_hand_is_asked_for_as_if_it_were_new(bench: Bench, addresses: dict[str, str]) -> None:
    """Enter would keep it, and it could never be saved."""
    bench.secrets.append("no-url-at-all")
    company = bench.company()
    company.refresh_tokens.append("1000.old.spoilt")
    spoilt = {"slack_webhook_url": "no-url-at-all", "time_zone": "Europe/Berlim"}
    bench.stage.stack.put_organisation("spoilt", company.secret(**spoilt))
    with bench.terminal("--org", "spoilt") as terminal:
        bench.fill(terminal, company, client_id="", client_secret="", webhook=addresses["slack_webhook_url"], code="")
        assert terminal.exit_code() == 0
    held = json.loads(bench.parameter("spoilt") or "")
    assert (held["slack_webhook_url"], "time_zone" in held) == (addresses["slack_webhook_url"], False)
    assert bench.shows_no_secret(terminal.screen)


VALUES = {
    "slack_mention": "here",
    "heartbeat_url": "https://hc-ping.com/1",
    "name": "Acme Ltd",
    "time_zone": "Asia/Tokyo",
    **{floor_key(channel): "warning" for channel in OPTIONAL},
}


@pytest.mark.parametrize("by_file", [True, False])
def test_file_and_environment_take_every_key(
    bench: Bench, addresses: dict[str, str], tool: Tool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, by_file: bool
) -> None:
    """Of every channel, also what the wizard does not ask for."""
    company = bench.company()
    client = {"data_center": "us", "client_id": company.client_id, "client_secret": company.client_secret}
    given = {**client, **addresses, **VALUES, "code": bench.code(company)}
    assert given.keys() == questions.QUESTIONS.keys(), "say here what the new key may hold"
    file = tmp_path / "answers.json"
    if by_file:
        file.write_text(json.dumps(given))
        file.chmod(0o600)
    else:
        for key, value in given.items():
            monkeypatch.setenv(questions.QUESTIONS[key].variable, value)
    org = f"every-{by_file}"
    code, shown = tool(connect.main, "--org", org, "--non-interactive", *(["--file", str(file)] if by_file else []))
    assert code == 0, shown
    held = json.loads(bench.parameter(org) or "")
    token = {"refresh_token": company.refresh_tokens[-1]}
    assert held == {key: value for key, value in {**given, **token}.items() if key != "code"}
    assert bench.shows_no_secret(shown)


def test_the_help_names_every_key_and_says_where_a_floor_is_given(
    tool: Tool, capsys: pytest.CaptureFixture[str]
) -> None:
    """The wizard does not ask for it."""
    with pytest.raises(SystemExit):
        tool(connect.main, "--help")
    shown = " ".join(capsys.readouterr().out.split())
    assert [
        key for key, question in questions.QUESTIONS.items() if key not in shown or question.variable not in shown
    ] == []
    assert "The wizard does not ask for it: give it in the file, or in the environment" in shown


@pytest.mark.parametrize(
    ("host", "own", "doubted"),
    [
        ("cliq.zoho.eu", "us", "eu"),
        ("cliq.zoho.com", "eu", "us"),
        ("cliq.zoho.com.au", "us", "au"),
        ("cliq.zoho.com", "us", ""),
        ("cliq.zohocloud.ca", "ca", ""),
        ("127.0.0.1", "us", ""),
        ("notzoho.eu", "us", ""),
    ],
)
def test_a_cliq_of_another_data_centre_is_doubted(host: str, own: str, doubted: str) -> None:
    """It may be right, for people can have accounts in two; mostly it is a company's wrong one."""
    url = f"https://{host}/api/v2/channelsbyname/backups/message?zapikey=1001.canary"
    found = doubts({"data_center": own, "cliq_webhook_url": url})
    assert [f"data centre {doubted}, but" in doubt for doubt in found] == ([True] if doubted else [])
    assert "canary" not in str(found)


def test_a_doubt_is_asked_about_where_somebody_can_answer(bench: Bench) -> None:
    """At once: no asks for the address again, yes takes it."""
    company = bench.company()
    bench.secrets.append("1001.canary")
    address = "https://cliq.zoho.{}/api/v2/channelsbyname/backups/message?zapikey=1001.canary"
    with bench.terminal("--org", "doubted") as terminal:
        bench.fill(terminal, company, "channels")
        tick(terminal, "cliq")
        for centre, answer in (("eu", ""), ("in", "1")):
            terminal.answer("Zoho Cliq webhook URL (with zapikey=)", address.format(centre))
            terminal.wait_for(f"its host ends in .zoho.{centre}, Zoho's data centre {centre}, but")
            terminal.answer("Is it the right one?", answer)
        bench.fill(terminal, company, only=("heartbeat", "name", "zone", "code", "send"))
        assert terminal.exit_code() == 0
    assert json.loads(bench.parameter("doubted") or "")["cliq_webhook_url"] == address.format("in")
    assert bench.shows_no_secret(terminal.screen)


def test_a_receiver_that_imitates_a_service_is_given_without_the_wizard(
    bench: Bench, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as Mattermost's for Slack's webhooks; the wizard keeps what is there."""
    company, url = bench.company(), "https://chat.example.com/hooks/canary"
    bench.secrets.append("hooks/canary")
    given = {"data_center": "us", "client_id": company.client_id, "client_secret": company.client_secret}
    for key, value in {**given, "code": bench.code(company), "slack_webhook_url": url}.items():
        monkeypatch.setenv(questions.QUESTIONS[key].variable, value)
    assert tool(connect.main, "--org", "imitated", "--non-interactive")[0] == 0
    with bench.terminal("--org", "imitated") as terminal:
        bench.fill(terminal, company, slack=True, client_id="", client_secret="", webhook="", code="")
        assert terminal.exit_code() == 0
    assert json.loads(bench.parameter("imitated") or "")["slack_webhook_url"] == url
    assert bench.shows_no_secret(terminal.screen)


def test_a_doubt_is_shown_and_does_not_stop_anybody(bench: Bench, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning, before anything is written."""
    company = bench.company()
    cliq = "https://cliq.zoho.eu/api/v2/channelsbyname/backups/message?zapikey=1001.canary"
    bench.secrets.append("1001.canary")
    given = {"data_center": "us", "client_id": company.client_id, "client_secret": company.client_secret}
    for key, value in {**given, "code": bench.code(company), "cliq_webhook_url": cliq}.items():
        monkeypatch.setenv(questions.QUESTIONS[key].variable, value)
    code, shown = tool(connect.main, "--org", "elsewhere", "--non-interactive")
    assert (code, "! Zoho Cliq webhook URL (with zapikey=): its host ends in .zoho.eu" in shown) == (0, True), shown
    assert bench.shows_no_secret(shown)


def test_the_doctor_says_what_each_channel_gets(bench: Bench, tool: Tool) -> None:
    """Severities, a channel whose settings are wrong, and what each says to a test."""
    bench.secrets.append("no-url-at-all")
    bench.stage.connect("examined", slack_min_severity="warning", teams_webhook_url="no-url-at-all")
    bench.stage.channels["cliq"].break_with(Response.json({"code": "authtoken_invalid"}, 401), times=1)
    code, shown = tool(doctor.main, "--org", "examined", "--send")
    assert code == 1
    assert f"✓ examined: sends to {BY_NAME['sns'].label}, Slack (warning), Zoho Cliq, PagerDuty (critical)\n" in shown
    assert "✗ examined: Microsoft Teams gets nothing. The parameter" in shown
    assert "teams_webhook_url must be an https URL" in shown
    assert "✗ examined: test message, Zoho Cliq: Zoho Cliq answered HTTP 401" in shown
    assert f"✓ examined: test message, PagerDuty: accepted: {BY_NAME['pagerduty'].accepted}" in shown
    assert bench.shows_no_secret(shown)
