"""`make connect`: what it asks, what it refuses, what it writes, and what is left when it is left or refused.

Also what the function answers to the tools, as one runs here.
"""

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore import exceptions as aws

from handler.channels import BY_NAME, CHANNELS
from handler.errors import CAUSES
from sandbox.server import Fault, Response
from sandbox.zoho import Organisation as Company
from sandbox.zoho import sample_rows
from sandbox.zoho_errors import API_ERRORS, TOKEN_ERRORS
from tests.template.iam import ACCOUNT
from tests.tools.bench import LEAVE, Bench, Person
from tests.tools.conftest import Tool
from tests.tools.front import denied
from tests.tools.test_report import status
from tools import connect, questions, report, stack, zoho_token
from tools.questions import QUESTIONS, variable
from tools.stack import Stack
from tools.terminal import problem_of
from tools.zoho_token import TROUBLES, ZohoError

PREFIX = "/zoho-backup-notifier/notifier"
SILENT = [Fault(drops=True)] * 3
CLIENT = ["client_id", "client_secret", "code"]
Sit = Callable[..., Person]


@pytest.fixture
def person(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Sit:
    """Give somebody who types a company's credentials, where `answers` say nothing else, and wants no check now."""

    def sit(company: Company, channels: dict[str, str] | None = None, **answers: list[str]) -> Person:
        own = {
            "data_center": ["crm.zoho.com (us)"],
            "client_id": [company.client_id],
            "client_secret": [company.client_secret],
            "code": [bench.code(company)],
            "now": ["Nothing"],
        }
        texts = {key: question.question for key, question in QUESTIONS.items()}
        texts |= {"now": "What now?", "next": "What next?"}
        typed = {texts[key]: given for key, given in {**own, **answers}.items()}
        typed |= {f"Which messages go to {BY_NAME[name].label}?": [what] for name, what in (channels or {}).items()}
        return Person(monkeypatch, typed)

    return sit


@pytest.fixture
def unasked(bench: Bench, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> Tool:
    """Give what connects an organisation with a fresh code, all of it right, from the environment."""

    def run(org: str, *arguments: str, **variables: str) -> tuple[int, str]:
        company = bench.company()
        own = {"DATA_CENTER": "us", "CLIENT_ID": company.client_id, "CLIENT_SECRET": company.client_secret}
        own["CODE"] = bench.code(company)
        for name, value in {**{f"ZOHO_{name}": value for name, value in own.items()}, **variables}.items():
            monkeypatch.setenv(name, value)
        code, shown = tool(connect.main, "--org", org, "--non-interactive", *arguments)
        return code, " ".join(shown.split())

    return run


# --- Asked ------------------------------------------------------------------------------------------------------------


def test_a_company_is_connected_with_every_channel(bench: Bench, person: Sit, tool: Tool) -> None:
    """Links and scope are shown, the findings too; parameter and schedule are there, and every channel was tried."""
    company, addresses = bench.company(), bench.stage.settings("CHOSEN")
    settings = {setting.key: setting for channel in CHANNELS for setting in channel.settings}
    bench.secrets += [value for key, value in addresses.items() if settings[key].secret]
    before = {name: len(fake.accepted) for name, fake in bench.stage.channels.items()}
    more = {"name": "“Acme” Ltd", "now": "Send a test message"}
    own = {"data_center": "crm.zoho.eu", "time_zone": ' "Asia/Kolkata", ', **more, **addresses}
    own["slack_webhook_url"] = f"<{own['slack_webhook_url']}>"
    chosen = {**dict.fromkeys(before, "everything"), "slack": "warnings", "pagerduty": "what is critical"}
    asked = person(company, chosen, **{key: [value] for key, value in own.items()})
    code, shown = tool(connect.main, "--org", "every")
    assert (code, asked.left_over, asked.told) == (0, [], []), shown
    for text in (
        "https://api-console.zoho.eu",
        "\n    ZohoCRM.bulk.backup.READ\n",
        "4 entries of the past year",
        "Last successful backup: 23 Jun 2022 17:31 IST (12:01 UTC)",
        *(setting.help for setting in settings.values()),
        *(f"✓ {channel.label}: accepted: {channel.accepted_means}" for channel in CHANNELS),
    ):
        assert text in shown
    client = {"client_id": company.client_id, "client_secret": company.client_secret, "data_center": "eu"}
    token = {"refresh_token": company.refresh_tokens[-1], "name": "“Acme” Ltd", "time_zone": "Asia/Kolkata"}
    assert bench.parameter("every") == {**client, **token, **addresses, "slack_min_severity": "warning"}
    assert not [name for name, fake in bench.stage.channels.items() if len(fake.accepted) == before[name]]
    [written] = bench.front.asked("PutParameter")
    assert (written["Type"], written["Overwrite"]) == ("SecureString", False)
    made, own_schedule = bench.schedule("every") or {}, bench.schedule("notifier") or {}
    assert made["Target"] == {**own_schedule["Target"], "Input": '{"org": "every"}'}
    assert {key for key in made if made[key] != own_schedule.get(key)} == {"Name", "Description", "Target"}
    assert bench.stage.check("every").payload["rows"] == 4


def test_a_second_run_keeps_what_enter_keeps_then_rotates_and_removes(bench: Bench, person: Sit, tool: Tool) -> None:
    """Enter keeps the key that encrypts, too, but nothing spoilt by hand; an unticked channel loses every key."""
    routing = {"pagerduty_routing_key": "0" * 32, "pagerduty_min_severity": "warning"}
    company, old = bench.connected("again", name="Acme", time_zone="Europe/Berlim", **routing)
    request = {"Name": f"{PREFIX}/again", "Value": json.dumps(old), "Type": "SecureString", "KeyId": "alias/own"}
    bench.client("ssm").put_parameter(**request, Overwrite=True)
    asked = person(company, data_center=[], client_id=[], client_secret=[], code=[])
    assert tool(connect.main, "--org", "again")[0] == 0
    del old["time_zone"]
    assert bench.parameter("again") == old
    zone, token = "Time zone for times in messages (Enter for the stack's):", "Code [the present token]:"
    assert {f"Client ID [{company.client_id}]:", "Client Secret [kept]:", zone, token} <= set(asked.asked)
    assert bench.front.asked("PutParameter")[0]["KeyId"] == "alias/own"
    company.client_secret = "renewed-in-the-console"
    person(company, {"pagerduty": "none"}, client_id=[], name=["-"])
    assert tool(connect.main, "--org", "again")[0] == 0
    new = {"client_secret": "renewed-in-the-console", "refresh_token": company.refresh_tokens[-1]}
    kept = {key: value for key, value in old.items() if key not in {*routing, "name"}}
    assert (bench.parameter("again"), len(company.refresh_tokens)) == (kept | new, 2)


WRONG = {
    "client_id": {
        "": "An answer is needed here.",
        "1000.Zoë": "It has characters that Zoho's never have: copy it again.",
        "-": "It is needed, so it cannot be removed.",
        "99": "It must begin with 1000.",
    },
    "client_secret": {"1000.A.CODE": 'It begins with "1000.", as a client id or a code: copy the client secret.'},
    "slack_webhook_url": {
        "-": "It is needed, so it cannot be removed.",
        "ftp://example.com": "It must be an https URL",
        "https://hooks.slack.com/triggers/T0/1/2": "It must begin with https://hooks.slack.com/services/ or",
        "https://hooks.slack.com/services/": "It ends too early: copy all of it.",
        "https://hooks.slack.com/services/T0 /B0/x": "It has blanks inside: copy it again.",
    },
    "name": dict.fromkeys(("x" * 101, "Acme\u200b"), "It must be at most 100 characters that can be shown."),
    "time_zone": {"europe/berlin": "It must be a name of the IANA database, such as Europe/Berlin; capitals count."},
}


def test_a_wrong_answer_is_refused_at_once(bench: Bench, person: Sit, tool: Tool) -> None:
    """A question is not left with an answer that cannot be right."""
    company, good = bench.company(), bench.stage.settings("GOOD")
    good |= {"client_id": company.client_id, "client_secret": company.client_secret}
    typed = {key: [*wrong, good.get(key, "")] for key, wrong in WRONG.items()}
    asked = person(company, {"slack": "everything"}, **typed, code=[LEAVE])
    assert tool(connect.main, "--org", "wrong")[0] == 130
    expected = [complaint for wrong in WRONG.values() for complaint in wrong.values()]
    assert [told[: len(start)] for told, start in zip(asked.told, expected, strict=True)] == expected
    assert bench.front.writes == []


# --- Trouble with Zoho ------------------------------------------------------------------------------------------------

TROUBLE: dict[str, tuple[str, list[Any], str, list[str]]] = {
    "client": ("token", [TOKEN_ERRORS["invalid_client"]], "does not know this client id", ["data_center", *CLIENT]),
    "secret": ("token", [TOKEN_ERRORS["invalid_client_secret"]], "does not accept the client secret", CLIENT[1:]),
    "code": ("token", [TOKEN_ERRORS["invalid_code"]], "Zoho refuses the code: old, used, or another", ["code"]),
    "throttled": ("token", [TOKEN_ERRORS["throttled"]], "Zoho has had too many requests", ["code"]),
    "echo": ("token", [Response.json({"error": "1000.canary.canary"})], "an unknown error", ["code"]),
    "scope": ("history", [API_ERRORS["OAUTH_SCOPE_MISMATCH"]], "exactly this scope: ZohoCRM.bulk", ["code"]),
    "silent": ("history", SILENT, "The code is used up, and the token that it gave is kept.", []),
}


@pytest.mark.parametrize("case", TROUBLE)
def test_trouble_with_zoho_has_a_sentence_and_another_try(bench: Bench, person: Sit, tool: Tool, case: str) -> None:
    """Only what is wrong is asked for again, and nothing is written until all is right."""
    where, answers, said, again = TROUBLE[case]
    company = bench.company()
    bench.stage.zoho.script(where, *answers)
    given = {key: [getattr(company, key)] * 2 for key in CLIENT[:2]}
    codes = [bench.code(company), bench.code(company)]
    asked = person(company, data_center=["crm.zoho.com (us)"] * 2, code=codes, **given)
    code, shown = tool(connect.main, "--org", f"trouble-{case}")
    assert (code, said in " ".join(shown.split()), "canary" in shown) == (0, True, False), shown
    repeated = [key for key, q in QUESTIONS.items() if sum(q.question in text for text in asked.asked) == 2]
    assert (repeated, "What next?" in asked.asked) == (again, not again)
    assert bench.parameter(f"trouble-{case}")["refresh_token"] in company.refresh_tokens
    assert bench.front.writes == ["CreateSchedule", "PutParameter"]


def test_a_revoked_token_needs_a_code_and_no_more(bench: Bench, person: Sit, tool: Tool) -> None:
    """Enter cannot keep it. A check right away shows that all is well again."""
    company, _ = bench.connected("revoked")
    company.refresh_tokens.clear()
    asked = person(company, client_id=[], client_secret=[], code=["", "", bench.code(company)], now=["Check"])
    code, shown = tool(connect.main, "--org", "revoked")
    assert (code, "  Decided          1 new message (baseline)" in shown) == (0, True), shown
    assert [text for text in asked.asked if text.startswith("Code")] == ["Code [the present token]:", "Code:", "Code:"]


def test_a_token_that_a_code_has_bought_can_be_saved_unproved(
    bench: Bench, person: Sit, tool: Tool, unasked: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A code works once: when Zoho does not answer after that, the next run needs no other."""
    bench.stage.zoho.script("history", *SILENT)
    person(bench.company(), next=["Save it"])
    assert (tool(connect.main, "--org", "bought")[0], "refresh_token" in bench.parameter("bought")) == (1, True)
    bench.stage.zoho.script("history", *SILENT)
    assert unasked("bought-too")[0] == 1
    monkeypatch.delenv("ZOHO_CODE")
    assert tool(connect.main, "--org", "bought-too", "--non-interactive")[0] == 0


def test_every_cause_speaks_to_the_person_at_the_terminal() -> None:
    """Nobody is asked to ask somebody else, and no placeholder is left open; what has vanished needs a memory."""
    not_here = {"secret_missing", "secret_denied", "secret_unavailable", "history_vanished", "history_replaced"}
    for name in {*TROUBLES} | CAUSES.keys() - not_here:
        problem = ZohoError(name, "HTTP 418.")
        assert problem.sentence.endswith(" (HTTP 418.)")
        assert not re.search("[{}]|Ask whoever", problem.sentence + problem.next_step)
        assert set(problem.again.split()) <= {"*", *QUESTIONS}


# --- Leaving ----------------------------------------------------------------------------------------------------------


USED_UP = "Nothing was written, and the code is used up: make a new one for the next try."
LEFT: dict[str, tuple[str, dict[str, Any], str]] = {
    "first": ("data_center", {}, "Nothing was changed."),
    "scope": ("code", {"history": [API_ERRORS["OAUTH_SCOPE_MISMATCH"]]}, USED_UP),
    "silent": ("next", {"history": SILENT}, USED_UP),
    "lost": ("code", {"token": [Fault(drops=True)]}, USED_UP.replace("is used", "may be used")),
    "now": ("now", {}, "left is connected; no message was sent."),
}


@pytest.mark.parametrize("case", LEFT)
def test_ctrl_c_says_what_was_done(bench: Bench, person: Sit, tool: Tool, case: str) -> None:
    """Compared with what AWS holds and with Zoho's codes; the function was never asked for a test message."""
    question, answers, said = LEFT[case]
    company = bench.company()
    code = bench.code(company)
    for where, script in answers.items():
        bench.stage.zoho.script(where, *script)
    person(company, **{"code": [code], question: [code, LEAVE] if question == "code" else [LEAVE]})
    exits, shown = tool(connect.main, "--org", "left")
    assert (exits, shown.endswith(f"\nStopped. {said}\n")) == (130, True), shown
    assert (bench.parameter("left") is not None) == ("is connected" in said)
    assert (code not in company.grants) == (said == USED_UP or "is connected" in said)
    assert "Invoke" not in bench.front.operations
    bench.forget("left")


# --- Without questions ------------------------------------------------------------------------------------------------


def test_file_and_environment_take_every_key(bench: Bench, unasked: Tool, tool: Tool, tmp_path: Path) -> None:
    """Of every channel, also what the wizard does not ask for, such as a receiver that imitates Slack."""
    given = {f"{channel.name}_min_severity": "warning" for channel in CHANNELS if channel.settings}
    given |= {"heartbeat_url": "https://hc-ping.com/1", "name": "Ürün A.Ş.", "time_zone": "Asia/Tokyo"}
    given |= {**bench.stage.settings("X"), "slack_webhook_url": "https://chat.example.com/1", "slack_mention": "here"}
    assert {*given, *CLIENT, "data_center"} == QUESTIONS.keys(), "say here what the new key may hold"
    company = bench.company()
    file = tmp_path / "answers.json"
    own = {"client_id": company.client_id, "client_secret": company.client_secret, "code": bench.code(company)}
    file.write_text(json.dumps({**given, **own, "data_center": "us", "scope": ["as Zoho's console writes it"]}))
    file.chmod(0o644)
    code, shown = tool(connect.main, "--org", "file", "--non-interactive", "--file", file)
    assert (code, f"Others on this machine can read {file}: chmod 600" in shown) == (0, True), shown
    assert unasked("environment", **{variable(key): value for key, value in given.items()})[0] == 0
    for held in map(bench.parameter, ("environment", "file")):
        assert {key: held[key] for key in given} == given
        assert held.keys() == {*given, *CLIENT[:2], "data_center", "refresh_token"}
    assert (bench.front.operations.count("Invoke"), "✗ heartbeat: " in shown.lower()) == (2, True)


UNUSABLE = {
    '{"client_secret": "canary': "is no JSON object",
    '{"client_secret": ["canary"]}': "cannot be used: client_secret.",
    '{"slack_webhook_url": "ftp://canary"}': "slack_webhook_url (SLACK_WEBHOOK_URL)",
    '{"client_id": "1000.1", "data_center": "us"}': "Missing: client_secret (ZOHO_CLIENT_SECRET), code",
    "": "cannot be read: No such file",
}


@pytest.mark.parametrize("content", UNUSABLE)
def test_a_file_that_cannot_be_used_says_why(tool: Tool, bench: Bench, tmp_path: Path, content: str) -> None:
    """And never what was in it."""
    file = tmp_path / "answers.json"
    if content:
        file.write_text(content)
    code, shown = tool(connect.main, "--org", "unusable", "--non-interactive", "--file", file)
    assert (code, UNUSABLE[content] in shown, "canary" in shown, bench.front.writes) == (1, True, False, []), shown


def test_one_thing_changes_and_a_token_is_not_taken_elsewhere(
    unasked: Tool, bench: Bench, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a code the token stays, and "-" removes an option; another client needs a code."""
    assert unasked("known", SLACK_MENTION="here", ORGANISATION_NAME="Acme")[0] == 0
    before = bench.parameter("known")
    for name in ("CODE", "CLIENT_ID", "CLIENT_SECRET", "DATA_CENTER"):
        monkeypatch.delenv(f"ZOHO_{name}")
    monkeypatch.setenv("ORGANISATION_NAME", "-")
    assert tool(connect.main, "--org", "known", "--non-interactive")[0] == 0
    assert bench.parameter("known") == {key: text for key, text in before.items() if key != "name"}
    monkeypatch.setenv("ZOHO_CLIENT_ID", "1000.OTHER")
    code, shown = tool(connect.main, "--org", "known", "--non-interactive")
    assert (code, "Missing: code (ZOHO_CODE)." in shown) == (1, True), shown


def test_a_code_is_not_spent_on_what_cannot_be_used(bench: Bench, unasked: Tool) -> None:
    """Mistakes in a parameter edited by hand come out before Zoho is asked; one without sense is replaced."""
    bench.secrets.append("no-such-thing")
    bench.stage.stack.put_organisation("edited", {"slack_webhook_url": "no-such-thing"})
    requests = len(bench.stage.zoho.requests)
    code, shown = unasked("edited")
    assert (code, f"{PREFIX}/edited cannot be used: slack_webhook_url must be" in shown) == (1, True), shown
    assert len(bench.stage.zoho.requests) == requests
    bench.client("ssm").put_parameter(Name=f"{PREFIX}/mangled", Value="oops", Type="SecureString")
    assert (unasked("mangled")[0], bench.parameter("mangled")["data_center"]) == (0, "us")


def test_an_address_in_another_data_centre_is_doubted(bench: Bench, unasked: Tool) -> None:
    """It may be right, so it is taken, with a word."""
    address = "https://cliq.zoho.{}/api/v2/channelsbyname/backups/message?zapikey=1001.canary"
    bench.secrets.append("1001.canary")
    code, shown = unasked("doubted", CLIQ_WEBHOOK_URL=address.format("com.au"))
    assert (code, "which is not in Zoho's data centre us" in shown) == (0, True), shown
    assert questions.doubts({"data_center": "us", "cliq_webhook_url": address.format("com")}) == []


def test_no_option_takes_a_secret(capsys: pytest.CaptureFixture[str]) -> None:
    """None can stand in the shell's history or in the list of processes."""
    with pytest.raises(SystemExit):
        connect.main(["--help"])
    options = "help org stack region file non-interactive send remove"
    assert set(re.findall(r" --([a-z-]+) ", capsys.readouterr().out.partition("options:")[2])) == set(options.split())


# --- What AWS refuses -------------------------------------------------------------------------------------------------


AWS_SAYS: dict[str, aws.BotoCoreError] = {
    "credentials have expired. → Sign in": aws.UnauthorizedSSOTokenError(),
    "There are no AWS credentials on this machine. → Sign in": aws.NoCredentialsError(),
    "AWS_PROFILE names a profile that does not exist.": aws.ProfileNotFound(profile="x"),
    "AWS cannot be reached from this machine.": aws.EndpointConnectionError(endpoint_url="x"),
}


@pytest.mark.parametrize("said", AWS_SAYS)
def test_what_aws_or_this_machine_refuses_is_said(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence and a next step, without what was sent; of a sandbox only where there was one."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    problem = problem_of(AWS_SAYS[said])
    assert said in f"{problem.sentence} → {problem.next_step}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert ("has ended" in problem_of(AWS_SAYS[said]).sentence) == ("reached" in said)


@pytest.mark.parametrize("operation", ["DescribeStacks", "GetParameter", "GetSchedule"])
def test_aws_may_refuse_before_anything_is_asked(bench: Bench, unasked: Tool, operation: str) -> None:
    """The code that the person made is not used up."""
    bench.front.instead[operation] = denied("any:Thing")
    requests = len(bench.stage.zoho.requests)
    code, shown = unasked("refused")
    assert (code, "Your AWS credentials do not allow any:Thing." in shown) == (1, True), shown
    assert (bench.front.writes, len(bench.stage.zoho.requests)) == ([], requests)


def test_zoho_elsewhere_than_on_this_machine_is_refused(unasked: Tool) -> None:
    """The addresses of the sandbox are for loopback: a variable may not send secrets elsewhere."""
    code, shown = unasked("nobody", ZOHO_ACCOUNTS_URL="https://evil.example.com")
    assert (code, "it is for tests and the sandbox" in shown) == (1, True), shown


HALF = {
    "PutParameter refused": "do not allow any:Thing. The parameter was not written.",
    "CreateSchedule refused": "do not allow any:Thing. The parameter was not written.",
    "PutParameter lost": "The parameter may have been written: `make doctor` shows it.",
    "CreateSchedule Ctrl-C": "Stopped. The parameter was not written.",
}


@pytest.mark.parametrize("case", HALF)
def test_whatever_ends_the_writing_leaves_nothing_that_is_not_checked(bench: Bench, unasked: Tool, case: str) -> None:
    """There is never a parameter without a schedule. The code is used up, which is said, too."""
    operation, happens = case.split()
    if happens == "lost":
        bench.front.lost.add(operation)
    else:
        bench.front.instead[operation] = denied("any:Thing")
    if happens == "Ctrl-C":
        bench.front.before[operation] = lambda: signal.raise_signal(signal.SIGINT)
    code, shown = unasked("half")
    exits = 130 if happens == "Ctrl-C" else 1
    assert (code, HALF[case] in shown, "The code is used up." in shown) == (exits, True, True)
    written = bench.parameter("half") is not None
    assert (written, bench.schedule("half") is not None) == (happens == "lost", operation == "PutParameter")
    bench.forget("half")


def test_a_schedule_that_was_changed_is_written_again(bench: Bench, unasked: Tool) -> None:
    """That of this organisation, and those that are older than the stack's own; a disabled one stays disabled."""
    assert unasked("old")[0] == 0
    before = bench.schedule("old")
    bench.change_schedule("old", ScheduleExpression="rate(2 hours)", State="DISABLED")
    bench.change_schedule("notifier")
    assert "The schedule of old was older than the stack's, and is renewed." in unasked("young")[1]
    assert bench.schedule("old") == {**(before or {}), "State": "DISABLED"}
    assert "is renewed" not in unasked("young")[1]
    assert (unasked("old")[0], bench.schedule("old")) == (0, before)


def test_another_organisation_behind_a_name_is_said(bench: Bench, unasked: Tool, monkeypatch: Any) -> None:
    """In the function's words; another client is no news, nor is that Zoho does not give the plan."""
    bench.connected("moved")
    bench.stage.zoho.standing["backup"] = Fault(Response(500))
    assert bench.stage.check("moved").ok
    others = [{**raw, "id": f"1{raw['id']}"} for raw in sample_rows()]
    for rows, said in ((sample_rows(), False), (others, True)):
        monkeypatch.setattr("tests.tools.bench.sample_rows", lambda rows=rows: rows)
        code, shown = unasked("moved")
        assert (code, "we make a new baseline. → Is it the wrong Zoho" in shown) == (0, said), shown


def test_an_unexpected_error_shows_no_more_than_its_place(unasked: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it quotes may be a secret."""
    monkeypatch.setattr(zoho_token, "first_look", lambda secret, settings: QUESTIONS[f"canary {secret}"])
    code, shown = unasked("surprised")
    assert (code, "Unexpected: KeyError at test_connect.py:" in shown, "canary" in shown) == (1, True, False)


def test_a_refused_test_message_leaves_the_organisation_connected(bench: Bench, unasked: Tool) -> None:
    """The exit code says so, whether a channel refuses it or AWS does not let the function be called."""
    code, shown = unasked("mute", "--send", SLACK_WEBHOOK_URL=f"{bench.stage.slack.url}/nowhere")
    assert (code, "✗ Slack: Slack answered HTTP 404 no_service" in shown) == (1, True), shown
    bench.front.instead["Invoke"] = denied("lambda:InvokeFunction")
    code, shown = unasked("mute", "--send")
    assert (code, "do not allow lambda:InvokeFunction" in shown, "mute is checked" in shown) == (1, True, True), shown


# --- Removal, and the stack that is meant -----------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["", "No", LEAVE])
def test_removal_asks_first(bench: Bench, tool: Tool, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    """No, Enter and Ctrl-C keep everything."""
    bench.connected("kept")
    Person(monkeypatch, {"Stop checking kept?": [answer]})
    code, shown = tool(connect.main, "--org", "kept", "--remove")
    assert (code, shown.endswith("Nothing was changed.\n"), bench.front.writes) == (130, True, [])


@pytest.mark.parametrize("org", ["leaving", "default"])
def test_removal_takes_schedule_parameter_and_item(bench: Bench, unasked: Tool, tool: Tool, org: str) -> None:
    """The stack's own schedule stays and does nothing; what AWS ends half-way can be finished later."""

    def remove() -> tuple[int, str]:
        return tool(connect.main, "--org", org, "--remove", "--non-interactive")

    assert unasked(org)[0] == 0
    assert bench.stage.check(org).ok
    own = bench.schedule("notifier")
    bench.front.instead["DeleteItem"] = denied("dynamodb:DeleteItem")
    schedule = "" if org == "default" else "schedule, "
    assert f"dynamodb:DeleteItem. Removed so far: {schedule}parameter." in remove()[1]
    bench.front.instead.clear()
    assert "✓ Removed: item." in remove()[1]
    assert (bench.parameter(org), bench.schedule(org), bench.schedule("notifier")) == (None, None, own)
    code, shown = remove()
    assert (code, f"No organisation {org} is connected to the stack notifier." in shown) == (1, True)


MEANT = {
    "elsewhere": "There is no stack elsewhere (eu-west-1, account 123456789012).",
    "notifier --region us-east-1": "There is no stack notifier (us-east-1",
    "notifier --org a/b": '"a/b" cannot be the short name of an organisation.',
    "notifier --org notifier": "The schedule notifier is the stack's own.",
    "notifier --region eu-west1": '"eu-west1" cannot be an AWS region.',
    "a_b": '"a_b" cannot be the name of a stack.',
}


@pytest.mark.parametrize("meant", MEANT)
def test_a_wrong_name_is_named(bench: Bench, tool: Tool, meant: str) -> None:
    """Stack, region or organisation, with what to do."""
    name, *arguments = meant.split()
    code, shown = tool(connect.main, "--non-interactive", *arguments, stack=name)
    assert (code, MEANT[meant] in shown, "  → " in shown) == (1, True, True), shown


def test_the_stack_is_the_one_that_was_deployed_from_here(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Saved answers of this account say name and region, if there is one; of two regions the usual one is meant."""
    monkeypatch.setattr(stack, "SAVED", tmp_path)
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    for usual, account, region, name, said in (
        ("", "210987654321", "us-east-2", "foreign", "No AWS region is set."),
        ("", ACCOUNT, "us-east-1", "gone", "There is no stack gone (us-east-1"),
        ("eu-west-1", ACCOUNT, "eu-central-1", "gone", "There is no stack gone (eu-west-1"),
        ("eu-west-1", ACCOUNT, "us-east-1", "x", "REGION=… (gone in eu-central-1, gone in us-east-1, x in us-east-1)"),
    ):
        if usual:
            monkeypatch.setenv("AWS_DEFAULT_REGION", usual)
        (tmp_path / account / region).mkdir(parents=True, exist_ok=True)
        (tmp_path / account / region / f"{name}.toml").touch()
        assert connect.main(["--non-interactive"]) == 1
        assert said in capsys.readouterr().out


# --- What the function says ------------------------------------------------------------------------------------------


def test_the_function_is_asked(bench: Bench, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs get its answer as it is; the exit code tells of problems, and an unknown organisation is one."""
    bench.connected("asked")
    read = {"org": "asked", "problem": "no", "problems": [], "would_notify": [], "rows": [], "pending": 0}
    answers: dict[str, tuple[int, dict[str, Any]]] = {
        "status": (0, status()),
        "check": (0, {"rows": 0, "notices": [], "delivered": {}, "incidents": [], "problem": None}),
        "dry-run": (1, read),
        "test-message": (1, {"org": "asked", "results": {"sns": "no"}, "ok": False}),
    }
    monkeypatch.setattr(Stack, "ask", lambda self, org, action: answers[action][1])
    for action, (exits, answer) in answers.items():
        code, text = tool(report.main, action, "--org", "asked", "--json")
        assert (code, json.loads(text)) == (exits, answer)
        assert tool(report.main, action, "--org", "asked")[0] == exits
    answers["status"] = (0, status(None))
    code, text = tool(report.main, "status", "--org", "nope")
    assert (code, "✗ No organisation nope is connected to the stack notifier." in text) == (1, True)


def test_a_function_that_fails_is_quoted(bench: Bench, tool: Tool) -> None:
    """With the command that shows its log."""
    bench.connected("failing")
    bench.stage.zoho.standing["history"] = Fault(Response(500))
    code, text = tool(report.main, "check", "--org", "failing")
    assert (code, "✗ The function answered: failing: " in text) == (1, True), text
    assert "aws logs tail /zoho-backup-notifier/notifier --since 3h --region eu-west-1" in text
