"""`make connect`: what it asks, what it refuses, what it writes, and what is left when it is left or refused."""

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from botocore import exceptions as aws

from handler.causes import CAUSES
from handler.channels import BY_NAME, CHANNELS
from sandbox.server import Fault, Response
from sandbox.zoho import Organisation as Company
from sandbox.zoho_errors import API_ERRORS, TOKEN_ERRORS
from tests.tools.bench import LEAVE, Bench, Person
from tests.tools.conftest import Tool
from tests.tools.front import denied
from tools import connect, questions, stack, zoho_token
from tools.organisation import Organisation
from tools.problems import from_aws
from tools.questions import QUESTIONS
from tools.zoho_token import TROUBLES, ZohoError, from_zoho

PREFIX = "/zoho-backup-notifier/notifier"
SILENT = [Fault(drops=True)] * 3
SEND = "Send a test message"
Sit = Callable[..., Person]


def refused(code: str, message: str = "") -> aws.ClientError:
    """Make an error that AWS answers."""
    return aws.ClientError({"Error": {"Code": code, "Message": message}}, "GetParameter")


@pytest.fixture
def person(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Sit:
    """Give somebody who types a company's credentials, where `answers` say nothing else, and sends no test message."""

    def sit(company: Company, **answers: list[str]) -> Person:
        own = {
            "data_center": ["crm.zoho.com (us)"],
            "client_id": [company.client_id],
            "client_secret": [company.client_secret],
            "code": [bench.code(company)],
            "send": ["No"],
        }
        texts = {**{key: question.text for key, question in QUESTIONS.items()}, "channels": "Where else", "send": SEND}
        return Person(monkeypatch, {texts.get(key, key): given for key, given in {**own, **answers}.items()})

    return sit


@pytest.fixture
def unasked(bench: Bench, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> Tool:
    """Give what connects an organisation with a fresh code, all of it right, from the environment."""

    def run(org: str, *arguments: str, **variables: str) -> tuple[int, str]:
        company = bench.company()
        own = {"DATA_CENTER": "us", "CLIENT_ID": company.client_id, "CLIENT_SECRET": company.client_secret}
        given = {
            **{f"ZOHO_{name}": value for name, value in own.items()},
            "ZOHO_CODE": bench.code(company),
            **variables,
        }
        for name, value in given.items():
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
    labels = ",".join(BY_NAME[name].label for name in bench.stage.channels)
    before = {name: len(fake.accepted) for name, fake in bench.stage.channels.items()}
    asked = person(
        company,
        data_center=["crm.zoho.eu"],
        channels=[labels],
        name=["Acme Ltd"],
        time_zone=["Asia/Kolkata"],
        send=["Yes"],
        **{key: [value] for key, value in addresses.items()},
    )
    code, shown = tool(connect.main, "--org", "every")
    assert (code, asked.left_over, asked.told) == (0, [], []), shown
    for text in (
        "https://api-console.zoho.eu",
        "\n    ZohoCRM.bulk.backup.READ\n",
        "4 entries of the past year",
        "Last successful backup: 23 Jun 2022 17:31 IST (12:01 UTC)",
        *(setting.help for setting in settings.values()),
        *(f"✓ Test message: {channel.label}: accepted: {channel.accepted}" for channel in CHANNELS),
    ):
        assert text in shown
    token = {"refresh_token": company.refresh_tokens[-1], "data_center": "eu", "time_zone": "Asia/Kolkata"}
    client = {"client_id": company.client_id, "client_secret": company.client_secret, "name": "Acme Ltd"}
    assert bench.parameter("every") == {**client, **token, **addresses}
    assert not [name for name, fake in bench.stage.channels.items() if len(fake.accepted) == before[name]]
    [written] = bench.front.asked("PutParameter")
    assert (written["Type"], written["Overwrite"]) == ("SecureString", False)
    made, own = bench.schedule("every") or {}, bench.schedule("notifier") or {}
    assert made["Target"] == {**own["Target"], "Input": '{"org": "every"}'}
    differing = {key for key in own if made.get(key) != own[key]} - {"Target"}
    assert differing == {"Name", "Description"}
    assert bench.stage.check("every").payload["rows"] == 4


def test_a_second_run_keeps_what_enter_keeps(bench: Bench, person: Sit, tool: Tool) -> None:
    """All of it, the key that encrypts included; what somebody spoilt by hand is asked for as if it were new."""
    company, old = bench.connected("again", name="Acme", time_zone="Europe/Berlim", pagerduty_min_severity="warning")
    bench.client("ssm").put_parameter(
        Name=f"{PREFIX}/again", Value=json.dumps(old), Type="SecureString", Overwrite=True, KeyId="alias/own"
    )
    asked = person(company, data_center=[], client_id=[], client_secret=[], code=[])
    assert tool(connect.main, "--org", "again")[0] == 0
    old.pop("time_zone")
    assert bench.parameter("again") == old
    assert {
        f"Client ID [{company.client_id}]:",
        "Client Secret [kept]:",
        "Name of the organisation in messages [Acme]:",
        "Time zone of its e-mails (Enter for the stack's):",
        "Code [the present token]:",
    } <= set(asked.asked)
    assert bench.front.asked("PutParameter")[0]["KeyId"] == "alias/own"
    assert len(company.refresh_tokens) == 1


def test_a_second_run_rotates_and_removes(bench: Bench, person: Sit, tool: Tool) -> None:
    """A new secret and code give a new token; an unticked channel loses every key, and "-" removes an option."""
    routing = {"pagerduty_routing_key": "0" * 32, "pagerduty_min_severity": "warning"}
    company, old = bench.connected("rotated", name="Acme", time_zone="Asia/Tokyo", **routing)
    company.client_secret = "renewed-in-the-console"
    person(company, client_id=[], time_zone=["-"], channels=["none"])
    assert tool(connect.main, "--org", "rotated")[0] == 0
    expected = {key: value for key, value in old.items() if key not in routing and key != "time_zone"}
    new = {"client_secret": "renewed-in-the-console", "refresh_token": company.refresh_tokens[-1]}
    assert bench.parameter("rotated") == expected | new
    assert new["refresh_token"] != old["refresh_token"]


def test_another_client_needs_a_code(bench: Bench, person: Sit, tool: Tool) -> None:
    """A token belongs to its client: with another one, Enter keeps neither secret nor code."""
    bench.connected("moved")
    company = bench.company()
    asked = person(company, client_secret=["", company.client_secret], code=["", bench.code(company)])
    assert tool(connect.main, "--org", "moved")[0] == 0
    assert asked.told == ["An answer is needed here."] * 2
    assert bench.parameter("moved")["client_id"] == company.client_id


WRONG = {
    "client_id": {
        "": "An answer is needed here.",
        "two words": "It has blanks inside: copy it again.",
        "1000.Zoë": "It has characters that Zoho's never have: copy it again.",
        "-": "It is needed, so it cannot be removed.",
        "99": 'A client id of Zoho begins with "1000.": copy it again.',
    },
    "client_secret": {"1000.A.CODE": 'It begins with "1000.", as a client id or a code: copy the client secret.'},
    "slack_webhook_url": {
        "": "An answer is needed here.",
        "-": "It must be an https URL",
        "https://hooks.slack.com/triggers/T0/1/2": "It must begin with https://hooks.slack.com/services/ or",
    },
    "heartbeat_url": {"ftp://example.com": "It must be an https URL"},
    "name": {
        "x" * 101: "It has 101 characters: at most 100 fit.",
        "Acme\u200b": "It has characters that cannot be shown",
    },
    "time_zone": {"Berlim": "A name of the IANA database", "europe/berlin": "Capitals count: Europe/Berlin."},
}


def test_a_wrong_answer_is_refused_at_once(bench: Bench, person: Sit, tool: Tool) -> None:
    """A question is not left with an answer that cannot be right."""
    company, good = bench.company(), bench.stage.settings("GOOD")
    good |= {"client_id": company.client_id, "client_secret": company.client_secret}
    typed = {key: [*wrong, good.get(key, "")] for key, wrong in WRONG.items()}
    asked = person(company, channels=["Slack"], **typed, code=[LEAVE])
    assert tool(connect.main, "--org", "wrong")[0] == 130
    expected = [complaint for wrong in WRONG.values() for complaint in wrong.values()]
    assert [told[: len(start)] for told, start in zip(asked.told, expected, strict=True)] == expected
    assert bench.front.writes == []


def test_an_address_in_another_data_centre_is_doubted(bench: Bench, person: Sit, tool: Tool, unasked: Tool) -> None:
    """It may be right: no asks for it again, yes takes it; where nobody can answer, it is shown."""
    address = "https://cliq.zoho.{}/api/v2/channelsbyname/backups/message?zapikey=1001.canary"
    bench.secrets.append("1001.canary")
    answers = {"cliq_webhook_url": [address.format("eu"), address.format("in")], "Is it the right one?": ["No", "Yes"]}
    person(bench.company(), channels=["Zoho Cliq"], **answers)
    code, shown = tool(connect.main, "--org", "doubted")
    assert (code, "its host ends in .zoho.eu, Zoho's data centre eu, but" in shown) == (0, True), shown
    assert bench.parameter("doubted")["cliq_webhook_url"] == address.format("in")
    code, shown = unasked("undoubted", CLIQ_WEBHOOK_URL=address.format("com.au"))
    assert (code, "its host ends in .zoho.com.au" in shown) == (0, True), shown
    assert questions.doubt("cliq_webhook_url", address.format("com"), "us") == ""
    assert questions.doubt("cliq_webhook_url", "https://notzoho.eu", "us") == ""


# --- Trouble with Zoho ------------------------------------------------------------------------------------------------


CLIENT = ["client_id", "client_secret", "code"]
NO_TOKEN = Response.json({"access_token": "1000.a.b"})
TROUBLE: dict[str, tuple[str, list[Any], str, list[str]]] = {
    "client": ("token", [TOKEN_ERRORS["invalid_client"]], "does not know this client id", ["data_center", *CLIENT]),
    "secret": ("token", [TOKEN_ERRORS["invalid_client_secret"]], "does not accept the client secret", CLIENT[1:]),
    "code": ("token", [TOKEN_ERRORS["invalid_code"]], "has expired, was used before, or belongs to", ["code"]),
    "throttled": ("token", [TOKEN_ERRORS["throttled"]], "too many requests from this client", ["code"]),
    "lost": ("token", [Fault(drops=True)], "so the code may have been used", ["code"]),
    "no token": ("token", [NO_TOKEN], "gave no refresh token", CLIENT),
    "echo": ("token", [Response.json({"error": "1000.canary.canary"})], "an unknown error", ["code"]),
    "scope": ("history", [API_ERRORS["OAUTH_SCOPE_MISMATCH"]], "exactly this scope: ZohoCRM.bulk", ["code"]),
    "not admin": ("history", [API_ERRORS["NO_PERMISSION"]], "with the Administrator profile", CLIENT),
    "silent": ("history", SILENT, "The code is used up, and the token that it gave is kept.", []),
    "address": ("history", [API_ERRORS["INVALID_URL_PATTERN"]], "Check the parameter ZohoApiVersion", []),
}


@pytest.mark.parametrize("case", TROUBLE)
def test_trouble_with_zoho_has_a_sentence_and_another_try(bench: Bench, person: Sit, tool: Tool, case: str) -> None:
    """Only what is wrong is asked for again, and nothing is written until all is right."""
    where, answers, said, again = TROUBLE[case]
    company, org = bench.company(), f"trouble-{case.replace(' ', '-')}"
    bench.stage.zoho.script(where, *answers)
    given = {key: [getattr(company, key)] * 2 for key in CLIENT[:2]}
    asked = person(
        company, data_center=["crm.zoho.com (us)"] * 2, code=[bench.code(company), bench.code(company)], **given
    )
    code, shown = tool(connect.main, "--org", org)
    assert (code, said in " ".join(shown.split()), "canary" in shown) == (0, True, False), shown
    repeated = [key for key, question in QUESTIONS.items() if sum(question.text in text for text in asked.asked) == 2]
    assert (repeated, "What next?" in asked.asked) == (again, not again)
    assert bench.parameter(org)["refresh_token"] in company.refresh_tokens
    assert bench.front.writes == ["PutParameter", "UpdateSchedule", "CreateSchedule"]


def test_a_revoked_token_needs_a_code_and_no_more(bench: Bench, person: Sit, tool: Tool) -> None:
    """Enter cannot keep it."""
    company, _ = bench.connected("revoked")
    company.refresh_tokens.clear()
    asked = person(company, client_id=[], client_secret=[], code=["", "", bench.code(company)])
    assert tool(connect.main, "--org", "revoked")[0] == 0
    assert [text for text in asked.asked if text.startswith("Code")] == ["Code [the present token]:", "Code:", "Code:"]
    assert bench.parameter("revoked")["refresh_token"] == company.refresh_tokens[0]


def test_a_token_that_a_code_has_bought_can_be_saved_unproved(
    bench: Bench, person: Sit, tool: Tool, unasked: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A code works once: when Zoho does not answer after that, the next run needs no other."""
    bench.stage.zoho.script("history", *SILENT)
    person(bench.company(), **{"What next?": ["Save it"]})
    assert (tool(connect.main, "--org", "bought")[0], "refresh_token" in bench.parameter("bought")) == (1, True)
    bench.stage.zoho.script("history", *SILENT)
    code, shown = unasked("bought-too")
    assert (code, "the token that it gave is kept" in shown) == (1, True), shown
    monkeypatch.delenv("ZOHO_CODE")
    assert tool(connect.main, "--org", "bought-too", "--non-interactive")[0] == 0


@pytest.mark.parametrize("name", sorted({*TROUBLES} | CAUSES.keys() - {"secret_missing", "secret_denied"}))
def test_every_cause_speaks_to_the_person_at_the_terminal(name: str) -> None:
    """Nobody is asked to ask somebody else, and no placeholder is left open."""
    if name == "history_vanished":  # needs a memory
        return
    problem = from_zoho(ZohoError(name, "HTTP 418."))
    assert problem.sentence.endswith(" (HTTP 418.)")
    assert not re.search("[{}]|Ask whoever", problem.sentence + problem.next_step)
    assert set(TROUBLES[name].again.split()) <= {"*", *QUESTIONS}


# --- Leaving ----------------------------------------------------------------------------------------------------------


class Done(NamedTuple):
    """What was done when a person leaves."""

    parameter: bool = False
    spent: bool = False
    sent: bool = False


USED_UP = "Nothing was written, and the code is used up: make a new one for the next try."
LEFT: dict[str, tuple[str, dict[str, Any], str, Done]] = {
    "first": ("data_center", {}, "Nothing was changed.", Done()),
    "code": ("code", {}, "Nothing was changed.", Done()),
    "channels": ("channels", {}, "Nothing was changed.", Done()),
    "refused": ("code", {"token": [TOKEN_ERRORS["invalid_code"]]}, "Nothing was changed.", Done()),
    "scope": ("code", {"history": [API_ERRORS["OAUTH_SCOPE_MISMATCH"]]}, USED_UP, Done(spent=True)),
    "silent": ("What next?", {"history": SILENT}, USED_UP, Done(spent=True)),
    "lost": ("code", {"token": [Fault(drops=True)]}, USED_UP.replace("is used", "may be used"), Done()),
    "send": ("send", {}, "left is connected; no test message was sent.", Done(parameter=True, spent=True)),
}


@pytest.mark.parametrize("case", LEFT)
def test_ctrl_c_says_what_was_done(bench: Bench, person: Sit, tool: Tool, case: str) -> None:
    """Compared with what AWS holds and with Zoho's codes."""
    question, answers, said, done = LEFT[case]
    company = bench.company()
    code = bench.code(company)
    for where, script in answers.items():
        bench.stage.zoho.script(where, *script)
    leaves = [code, LEAVE] if question == "code" and answers else [LEAVE]
    person(company, **{"code": [code], question: leaves})
    shown = tool(connect.main, "--org", "left")
    assert (shown[0], shown[1].endswith(f"\nStopped. {said}\n")) == (130, True), shown[1]
    assert Done(bool(bench.parameter("left")), code not in company.grants, "Invoke" in bench.front.operations) == done
    bench.client("ssm").delete_parameters(Names=[f"{PREFIX}/left"])
    if bench.schedule("left"):
        bench.client("scheduler").delete_schedule(Name="left", GroupName="notifier")


# --- Without questions ------------------------------------------------------------------------------------------------


def test_file_and_environment_take_every_key(bench: Bench, unasked: Tool, tool: Tool, tmp_path: Path) -> None:
    """Of every channel, also what the wizard does not ask for, such as a receiver that imitates Slack."""
    floors = {f"{channel.name}_min_severity": "warning" for channel in CHANNELS if channel.settings}
    more = {
        "slack_mention": "here",
        "heartbeat_url": "https://hc-ping.com/1",
        "name": "Ürün A.Ş.",
        "time_zone": "Asia/Tokyo",
    }
    given = {**bench.stage.settings("X"), **floors, **more, "slack_webhook_url": "https://chat.example.com/hooks/1"}
    client = {"data_center", "client_id", "client_secret", "code"}
    assert given.keys() | client == QUESTIONS.keys(), "say here what the new key may hold"
    company = bench.company()
    file = tmp_path / "answers.json"
    own = {"client_id": company.client_id, "client_secret": company.client_secret, "code": bench.code(company)}
    file.write_text(json.dumps({**given, **own, "data_center": "us", "scope": ["as Zoho's console writes it"]}))
    file.chmod(0o644)
    code, shown = tool(connect.main, "--org", "file", "--non-interactive", "--file", file)
    assert (code, f"Others on this machine can read {file}: chmod 600" in shown) == (0, True), shown
    code, shown = unasked("environment", **{QUESTIONS[key].variable: value for key, value in given.items()})
    assert code == 0, shown
    for org in ("environment", "file"):
        held = bench.parameter(org)
        assert {key: held[key] for key in given} == given
        assert held.keys() == given.keys() | client - {"code"} | {"refresh_token"}
    assert "Invoke" not in bench.front.operations


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"client_secret": "canary', "is no JSON object"),
        ('{"client_secret": ["canary"]}', "cannot be used: client_secret."),
        ('{"slack_webhook_url": "ftp://canary"}', "slack_webhook_url (SLACK_WEBHOOK_URL)"),
        ('{"client_id": "1000.1", "data_center": "us"}', "Missing: client_secret (ZOHO_CLIENT_SECRET), code"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(
    tool: Tool, bench: Bench, tmp_path: Path, content: str | None, said: str
) -> None:
    """And never what was in it."""
    file = tmp_path / "answers.json"
    if content is not None:
        file.write_text(content)
    code, shown = tool(connect.main, "--org", "unusable", "--non-interactive", "--file", file)
    assert (code, said in shown, "canary" in shown, bench.front.writes) == (1, True, False, []), shown


@pytest.mark.parametrize(("variable", "value"), [("ZOHO_DATA_CENTER", "eu"), ("ZOHO_CLIENT_ID", "1000.OTHER")])
def test_one_thing_changes_and_a_token_is_not_taken_elsewhere(
    unasked: Tool, bench: Bench, tool: Tool, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """Without a code the token stays, and "-" removes an option; another client or data centre needs a code."""
    org = f"known-{variable}"
    assert unasked(org, SLACK_MENTION="here", ORGANISATION_NAME="Acme")[0] == 0
    before = bench.parameter(org)
    for name in ("ZOHO_CODE", "ZOHO_CLIENT_ID", "ZOHO_CLIENT_SECRET", "ZOHO_DATA_CENTER", "SLACK_MENTION"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("ORGANISATION_NAME", "-")
    assert tool(connect.main, "--org", org, "--non-interactive")[0] == 0
    assert bench.parameter(org) == {key: text for key, text in before.items() if key != "name"}
    monkeypatch.setenv(variable, value)
    code, shown = tool(connect.main, "--org", org, "--non-interactive")
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


def test_the_help_names_every_key_and_no_option_takes_a_secret(capsys: pytest.CaptureFixture[str]) -> None:
    """None can stand in the shell's history or in the list of processes."""
    with pytest.raises(SystemExit):
        connect.main(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert [key for key, q in QUESTIONS.items() if key not in shown or q.variable not in shown] == []
    assert set(re.findall(r" (--[a-z-]+) ", shown.partition("options:")[2])) == {
        *("--help", "--org", "--stack", "--region", "--file", "--non-interactive", "--send", "--remove")
    }


# --- What AWS refuses -------------------------------------------------------------------------------------------------

AWS_SAYS: list[tuple[Exception, str]] = [
    *((refused(code), "credentials have expired. → Sign in") for code in ("ExpiredToken", "RequestExpired")),
    (aws.UnauthorizedSSOTokenError(), "credentials have expired. → Sign in"),
    (refused("InvalidClientTokenId"), "does not accept the credentials (InvalidClientTokenId)."),
    (refused("AccessDeniedException", "not authorized to perform: kms:Decrypt on x"), "do not allow kms:Decrypt."),
    (refused("Throttling"), "too many requests of this account"),
    (refused("Whatever"), "AWS answered Whatever to GetParameter."),
    (aws.NoCredentialsError(), "There are no AWS credentials on this machine. → Sign in"),
    (aws.ProfileNotFound(profile="x"), "AWS_PROFILE names a profile that does not exist."),
    (aws.NoRegionError(), "No AWS region is set. → Name the stack's region"),
    (aws.EndpointConnectionError(endpoint_url="x"), "AWS cannot be reached from this machine."),
    (aws.ReadTimeoutError(endpoint_url="x"), "AWS cannot be reached from this machine."),
]


@pytest.mark.parametrize(("error", "said"), AWS_SAYS)
def test_what_aws_or_this_machine_refuses_is_said(error: Any, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence and a next step, without what was sent; of a sandbox only where there was one."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    problem = from_aws(error)
    assert said in f"{problem.sentence} → {problem.next_step}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert ("has ended" in from_aws(error).sentence) == ("reached" in said)


@pytest.mark.parametrize("operation", ["GetCallerIdentity", "DescribeStacks", "GetParameter", "GetSchedule"])
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
    assert (code, "ZOHO_ACCOUNTS_URL is for tests and the sandbox" in shown) == (1, True), shown


@pytest.mark.parametrize(
    ("refusals", "said"),
    [
        ({"PutParameter": denied("ssm:PutParameter")}, "do not allow ssm:PutParameter. Nothing was written."),
        ({"CreateSchedule": denied("iam:PassRole")}, "do not allow iam:PassRole. Nothing was left behind."),
        (
            {"CreateSchedule": denied("iam:PassRole"), "DeleteParameter": denied("ssm:DeleteParameter")},
            f"The parameter {PREFIX}/half may have been written and could not be taken back: delete it.",
        ),
        (
            {"CreateSchedule": denied("iam:PassRole"), "DeleteSchedule": denied("scheduler:DeleteSchedule")},
            "The schedule half may have been written and could not be taken back.",
        ),
    ],
)
def test_a_new_organisation_is_written_entirely_or_not_at_all(
    bench: Bench, unasked: Tool, refusals: dict[str, Any], said: str
) -> None:
    """What AWS refuses is taken back, or named where it cannot be; the code is used up, which is said, too."""
    bench.front.instead = refusals
    code, shown = unasked("half")
    assert (code, said in shown, "The code is used up." in shown) == (1, True, True), shown
    assert (bench.parameter("half") is None) == ("DeleteParameter" not in refusals)
    assert bench.schedule("half") is None
    assert ("DeleteParameter" in bench.front.operations) == ("PutParameter" not in refusals)
    bench.client("ssm").delete_parameters(Names=[f"{PREFIX}/half"])


@pytest.mark.parametrize("operation", ["PutParameter", "CreateSchedule"])
def test_a_write_whose_answer_is_lost_is_taken_back(
    bench: Bench, unasked: Tool, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have arrived: neither parameter nor schedule stays."""
    monkeypatch.setattr(stack, "USUAL", stack.ONCE)
    bench.front.lost.add(operation)
    code, shown = unasked("lost")
    assert (code, "Nothing was left behind." in shown) == (1, True), shown
    assert (bench.parameter("lost"), bench.schedule("lost")) == (None, None)


def test_leaving_between_two_writes(bench: Bench, unasked: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is taken back."""
    monkeypatch.setattr(Organisation, "_start", lambda self, schedule: signal.raise_signal(signal.SIGINT))
    code, shown = unasked("interrupted")
    assert (code, "Stopped. Nothing was left behind. The code is used up." in shown) == (130, True), shown
    assert bench.parameter("interrupted") is None


def test_a_known_organisation_keeps_its_parameter_and_an_old_schedule(bench: Bench, unasked: Tool) -> None:
    """It was checked before; only its schedule is as it was, also where a new parameter is taken back."""
    assert unasked("known")[0] == 0
    bench.change_schedule("known", ScheduleExpression="rate(2 hours)")
    before = bench.schedule("known")
    bench.front.instead = {"UpdateSchedule": denied("scheduler:UpdateSchedule")}
    code, shown = unasked("known")
    assert (code, "The parameter may have been written; its schedule may not" in shown) == (1, True), shown
    assert bench.parameter("known")
    bench.front.instead = {}
    bench.client("ssm").delete_parameter(Name=f"{PREFIX}/known")
    bench.front.lost.add("PutParameter")
    code, shown = unasked("known")
    assert (code, "Nothing was left behind." in shown) == (1, True), shown
    assert (bench.parameter("known"), bench.schedule("known")) == (None, before)


def test_an_unexpected_error_shows_no_more_than_its_place(unasked: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it quotes may be a secret."""

    def surprise(secret: dict[str, str], settings: object) -> None:
        raise RuntimeError(f"canary {secret}")

    monkeypatch.setattr(zoho_token, "first_look", surprise)
    code, shown = unasked("surprised")
    assert (code, "Unexpected: RuntimeError at test_connect.py:" in shown, "canary" in shown) == (1, True, False)


def test_a_refused_test_message_leaves_the_organisation_connected(bench: Bench, unasked: Tool) -> None:
    """The exit code says so, whether a channel refuses it or AWS does not let the function be called."""
    url = f"{bench.stage.slack.url}/nowhere"
    code, shown = unasked("mute", "--send", SLACK_WEBHOOK_URL=url)
    assert (code, "✗ Test message: Slack: Slack answered HTTP 404 no_service" in shown) == (1, True), shown
    bench.front.instead["Invoke"] = denied("lambda:InvokeFunction")
    code, shown = unasked("mute", "--send")
    assert (code, "do not allow lambda:InvokeFunction" in shown) == (1, True), shown
    assert bench.parameter("mute")


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
    assert unasked(org)[0] == 0
    assert bench.stage.check(org).ok
    own = bench.schedule("notifier")
    bench.front.instead["DeleteItem"] = denied("dynamodb:DeleteItem")
    code, shown = tool(connect.main, "--org", org, "--remove", "--non-interactive")
    schedule = "" if org == "default" else "schedule, "
    assert (code, f"dynamodb:DeleteItem. Removed so far: {schedule}parameter." in shown) == (1, True), shown
    bench.front.instead.clear()
    code, shown = tool(connect.main, "--org", org, "--remove", "--non-interactive")
    assert (code, "✓ Removed: item." in shown) == (0, True), shown
    assert (bench.parameter(org), bench.schedule(org), bench.schedule("notifier")) == (None, None, own)
    if org == "default":
        assert bench.stage.check(org).payload["skipped"] == "not connected"
    code, shown = tool(connect.main, "--org", org, "--remove", "--non-interactive")
    assert (code, f"No organisation {org} is connected to the stack notifier." in shown) == (1, True)


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("elsewhere", [], "There is no stack elsewhere (eu-west-1, account 123456789012)."),
        ("notifier", ["--region", "us-east-1"], "There is no stack notifier (us-east-1"),
        ("notifier", ["--org", "a b"], '"a b" cannot be the short name of an organisation.'),
        ("notifier", ["--org", "notifier"], "The schedule notifier is the stack's own."),
        ("unfinished", [], "is CREATE_COMPLETE and not complete"),
        ("a_b", [], "cannot be the name of a stack."),
    ],
)
def test_a_wrong_name_is_named(bench: Bench, tool: Tool, name: str, arguments: list[str], said: str) -> None:
    """Stack, region or organisation, with what to do."""
    if name == "unfinished":
        body = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
        bench.client("cloudformation").create_stack(StackName=name, TemplateBody=body)
    code, shown = tool(connect.main, "--non-interactive", *arguments, stack=name)
    assert (code, said in shown, "  → " in shown) == (1, True, True), shown


def test_the_stack_is_the_one_that_was_deployed_from_here(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its saved answers say name and region, if there is one; a command says otherwise."""
    monkeypatch.setattr(stack, "SAVED", tmp_path)
    (tmp_path / "notifier.toml").write_text("[default.deploy.parameters]\nregion = 'us-east-1'\n")
    assert connect.main(["--non-interactive"]) == 1
    assert "There is no stack notifier (us-east-1" in capsys.readouterr().out
    assert stack.find(connect._parser().parse_args(["--region", "eu-west-1"])).region == "eu-west-1"
    (tmp_path / "other.toml").write_text("")
    assert connect.main(["--non-interactive"]) == 1
    assert "STACK=… (notifier, other)" in capsys.readouterr().out
