"""`make connect` on a terminal: the straight way, leaving it, a second run, another organisation, removal."""

import json
import re
import signal
import threading
from collections.abc import Callable, Collection
from typing import Any

import pytest

from handler.zoho import DATA_CENTRES
from sandbox.server import Fault, Response
from sandbox.zoho_errors import API_ERRORS, MAINTENANCE, TOKEN_ERRORS
from tests.tools.bench import QUESTIONS, Bench, schedule_of
from tests.tools.front import denied
from tests.tools.terminal import CTRL_C, DOWN, ENTER, UP
from tools import connect, grant

Tool = Callable[..., tuple[int, str]]
SECRET_KEYS = {"client_id", "client_secret", "refresh_token", "data_center"}


def connected(bench: Bench, org: str, **more: str) -> dict[str, str]:
    """Connect an organisation behind the wizard's back, with a schedule like `connect` makes; return its secret."""
    company = bench.company()
    company.refresh_tokens.append(f"1000.old.{org}")
    secret = company.secret(**more)
    bench.stage.stack.put_organisation(org, secret)
    return secret


def item(bench: Bench, org: str) -> Any:
    """Return what is remembered of an organisation; None: nothing."""
    key = {"org": {"S": org}}
    table = bench.stage.stack.outputs["TableName"]
    return bench.stage.cloud.client("dynamodb").get_item(TableName=table, Key=key).get("Item")


def test_four_answers_and_the_company_is_watched(bench: Bench) -> None:
    """Links and scope are shown, the findings too; parameter and test message are there, and no secret was shown."""
    company = bench.company()
    mails = len(bench.stage.mailbox.mails)
    webhook = bench.webhook("STRAIGHT")
    with bench.terminal() as terminal:
        bench.fill(terminal, company, "send", centre="2", webhook=webhook, name="Acme Ltd", zone="Asia/Kolkata")
        assert bench.front.writes == []
        terminal.answer(QUESTIONS["send"])
        assert terminal.exit_code() == 0
    screen = terminal.screen
    assert "https://api-console.zoho.eu" in screen
    assert "\n    ZohoCRM.bulk.backup.READ\n" in screen
    assert "4 entries of the past year" in screen
    assert "Last successful backup: 23 Jun 2022 17:31 IST (12:01 UTC)" in screen
    assert "Schedule: none" in screen
    assert "Acme Ltd" in screen, "what is typed is seen, so that what is not seen was not shown"
    assert bench.shows_no_secret(screen)
    assert json.loads(bench.parameter("default") or "") == {
        "client_id": company.client_id,
        "client_secret": company.client_secret,
        "refresh_token": company.refresh_tokens[-1],
        "data_center": "eu",
        "slack_webhook_url": webhook,
        "name": "Acme Ltd",
        "time_zone": "Asia/Kolkata",
    }
    assert "test" in json.dumps(bench.stage.slack.messages[-1]).lower()
    assert [mail.attributes["kind"] for mail in bench.stage.mailbox.mails[mails:]] == ["test"]


def test_the_parameter_is_encrypted_and_overwrites_nobody_elses(bench: Bench) -> None:
    """A new one is a SecureString, and refused by AWS when somebody else was faster."""
    with bench.terminal("--org", "encrypted") as terminal:
        bench.fill(terminal, bench.company())
        assert terminal.exit_code() == 0
    [asked] = bench.front.asked("PutParameter")
    assert (asked["Type"], asked["Overwrite"]) == ("SecureString", False)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("question", ["client_id", "client_secret", "channels"])
def test_a_signal_restores_the_terminal(bench: Bench, end: signal.Signals, question: str) -> None:
    """Whoever goes on in this terminal sees what they type."""
    with bench.terminal("--org", "ended") as terminal:
        bench.fill(terminal, bench.company(), question)
        terminal.wait_for(QUESTIONS[question])
        assert not terminal.echoes
        terminal.end(end)
        terminal.wait_for("Stopped. Nothing was changed.")
        assert terminal.echoes
        assert terminal.exit_code() == 130


def test_what_is_typed_too_early_is_not_echoed(bench: Bench) -> None:
    """A secret that is pasted once more while the wizard is at work is not seen, either."""
    company = bench.company()
    gate = threading.Event()
    bench.stage.zoho.script("history", Fault(until=gate))
    with bench.terminal("--org", "early") as terminal:
        bench.fill(terminal, company, "send")
        bench.secrets.append("pasted-too-early")
        terminal.type("pasted-too-early" + ENTER)
        gate.set()
        terminal.wait_for("Nothing here is called that.")
        terminal.type(ENTER + ENTER)
        assert terminal.exit_code() == 0
    assert bench.shows_no_secret(terminal.screen)


def test_every_trouble_with_zoho_has_a_sentence_and_another_try(bench: Bench) -> None:
    """In one sitting: each failure says what is wrong and asks for that only; nothing is written until all is right."""
    company = bench.company()
    zoho = bench.stage.zoho
    code, client = ("code",), ("client_id", "client_secret", "code")
    asked: Collection[str] = tuple(QUESTIONS)

    def asking(then: Collection[str], **answers: str) -> str:
        nonlocal asked
        before = len(terminal.screen)
        bench.fill(terminal, company, "send", only=asked, slack=False, **answers)
        terminal.wait_for("Nothing is written yet")
        asked = then
        return " ".join(terminal.screen[before:].split())

    with bench.terminal("--org", "troubled") as terminal:
        assert "does not know this client id in this data centre" in asking(
            ("centre", *client), client_id="1000.SOMEBODYELSE"
        )
        assert "does not accept the client secret" in asking(
            ("client_secret", "code"), client_secret="wrong-secret-zzz"
        )
        assert "has expired, was used before, or belongs to another client" in asking(code, code="1000.used.up")
        company.scopes = {"ZohoCRM.modules.ALL"}
        assert "was made for another scope" in asking(code)
        company.scopes = {"ZohoCRM.bulk.backup.READ"}
        company.admin = False
        assert "that needs an administrator" in asking(client)
        company.admin = True
        zoho.script("token", TOKEN_ERRORS["throttled"])
        assert "too many requests from this client" in asking(code)
        zoho.script("token", Fault(drops=True))
        assert "could not be reached" in asking(code)
        zoho.script("token", MAINTENANCE)
        assert "could not be reached, or answered with an error of its own" in asking(code)
        zoho.script("token", Response.json({"access_token": "1000.a.b"}))
        assert "gave no refresh token" in asking(client)
        zoho.script("token", Response.json({"what": 1}))
        assert "in no documented form" in asking(code)
        assert bench.front.writes == []
        bench.fill(terminal, company, only=(*code, "send"))
        assert terminal.exit_code() == 0
    assert bench.shows_no_secret(terminal.screen)
    assert "wrong-secret-zzz" not in terminal.screen
    assert json.loads(bench.parameter("troubled") or "").keys() == SECRET_KEYS


def test_a_wrong_data_centre_is_refused_and_chosen_again(bench: Bench) -> None:
    """Zoho knows a client in its own data centre only; what was typed is kept, and the code still works."""
    company = bench.company()
    company.data_centre = "eu"
    code = bench.code(company)
    with bench.terminal("--org", "rehearsed") as terminal:
        bench.fill(terminal, company, "send", code=code)
        terminal.wait_for("✗ Zoho does not know this client id in this data centre.")
        terminal.wait_for("Once more, please.")
        bench.fill(terminal, company, only=("centre",), centre="2")
        terminal.answer(f"Client ID [{company.client_id}]:")
        terminal.answer("Client Secret [kept]:")
        terminal.answer("Code [kept]:")
        bench.fill(terminal, company, only=("send",))
        assert terminal.exit_code() == 0
    assert json.loads(bench.parameter("rehearsed") or "")["data_center"] == "eu"
    assert bench.stage.check("rehearsed").ok
    assert bench.shows_no_secret(terminal.screen)


def test_a_token_that_was_revoked_needs_a_code_and_no_more(bench: Bench) -> None:
    """Enter cannot keep it."""
    old = connected(bench, "revoked")
    company = bench.stage.zoho.organisations[old["client_id"]]
    company.refresh_tokens.clear()
    with bench.terminal("--org", "revoked") as terminal:
        bench.fill(terminal, company, "send", client_id="", client_secret="", code="")
        terminal.wait_for("Make a new code")
        terminal.wait_for("Once more, please.")
        terminal.wait_for("Code:")
        terminal.type(bench.code(company) + ENTER)
        terminal.answer(QUESTIONS["send"], "2")
        assert terminal.exit_code() == 0
    assert json.loads(bench.parameter("revoked") or "")["refresh_token"] == company.refresh_tokens[0]


@pytest.mark.parametrize("answer", [Fault(drops=True), API_ERRORS["INVALID_URL_PATTERN"]], ids=["silent", "wrong URL"])
def test_what_no_answer_can_help_is_tried_again_without_questions(bench: Bench, answer: Fault | Response) -> None:
    """Nobody is asked for what was right, whether a code was used or not."""
    old = connected(bench, "helpless")
    company = bench.stage.zoho.organisations[old["client_id"]]
    bench.stage.zoho.script("history", *[answer] * (3 if isinstance(answer, Fault) else 1))
    with bench.terminal("--org", "helpless") as terminal:
        bench.fill(terminal, company, "send", client_id="", client_secret="", name="Renamed", code="")
        terminal.answer("What next?")
        terminal.answer(QUESTIONS["send"], "2")
        assert terminal.exit_code() == 0
    assert "The code is used up" not in terminal.screen
    assert json.loads(bench.parameter("helpless") or "") == {**old, "name": "Renamed"}


@pytest.mark.parametrize("saves", [False, True])
def test_a_token_survives_trouble_after_the_code_was_used(bench: Bench, saves: bool) -> None:
    """A code works once: when Zoho does not answer after that, the token is tried again, or saved as it is."""
    company = bench.company()
    with bench.terminal("--org", f"patient-{saves}") as terminal:
        bench.stage.zoho.script("history", *[Fault(drops=True)] * 3)
        bench.fill(terminal, company, "send")
        terminal.answer("What next?", "2" if saves else "")
        terminal.answer(QUESTIONS["send"], "2")
        assert terminal.exit_code() == (1 if saves else 0)
    assert json.loads(bench.parameter(f"patient-{saves}") or "")["refresh_token"] == company.refresh_tokens[0]
    assert len(company.refresh_tokens) == 1


def test_a_token_survives_that_aws_refuses_it(bench: Bench) -> None:
    """Whoever gets the right while the wizard waits goes on with the same code."""
    company = bench.company()
    bench.front.instead["PutParameter"] = denied("ssm:PutParameter")
    with bench.terminal("--org", "persistent") as terminal:
        bench.fill(terminal, company, "send")
        terminal.wait_for("do not allow ssm:PutParameter")
        terminal.wait_for("Try again?")
        bench.front.instead.clear()
        terminal.type(ENTER)
        terminal.answer(QUESTIONS["send"], "2")
        assert terminal.exit_code() == 0
    assert json.loads(bench.parameter("persistent") or "")["refresh_token"] == company.refresh_tokens[0]


@pytest.mark.parametrize(
    ("question", "answer", "complaint"),
    [
        ("client_id", "", "An answer is needed here."),
        ("client_id", "two words", "It has blanks inside: copy it again."),
        ("client_id", "1000.Zoë", "It has characters that Zoho's never have: copy it again."),
        ("client_id", "-", "It is needed, so it cannot be removed."),
        ("client_id", "99", 'begins with "1000."'),
        ("client_secret", "", "An answer is needed here."),
        ("client_secret", "-", "It is needed, so it cannot be removed."),
        ("client_secret", "1000.A.CODE", 'It begins with "1000.", as a client id or a code'),
        ("webhook", "http://example.com/unencrypted", "It must be an https URL"),
        (
            "webhook",
            "https://example.com/hook",
            "It must begin with https://hooks.slack.com/services/ or https://hooks",
        ),
        ("webhook", "https://hooks.slack.com/triggers/T0/1/2", "It must begin with https://hooks.slack.com/services/"),
        ("webhook", "", "An answer is needed here."),
        ("webhook", "-", "It must be an https URL"),
        ("mention", "everyone", "It must be here, channel, or the ID"),
        ("heartbeat", "ftp://example.com", "It must be an https URL"),
        ("zone", "Europe/ Berlin", "A name of the IANA database, such as Europe/Berlin."),
        ("zone", "Europe/Berlim", "A name of the IANA database, such as Europe/Berlin."),
        ("name", "x" * 101, "It has 101 characters: at most 100 fit."),
        ("name", "Acme\u200b Ltd", "It has characters that cannot be shown: type it."),
        ("zone", "europe/berlin", "Capitals count: Europe/Berlin."),
        ("code", "", "An answer is needed here."),
    ],
)
def test_a_wrong_answer_is_refused_at_once(bench: Bench, question: str, answer: str, complaint: str) -> None:
    """A question is not left with an answer that cannot be right; what is masked begins empty again."""
    requests = len(bench.stage.zoho.requests)
    with bench.terminal("--org", "wrong") as terminal:
        bench.fill(terminal, bench.company(), question)
        terminal.answer(QUESTIONS[question], answer)
        terminal.wait_for(f"✗ {complaint}" if complaint[0] in "AIC" else complaint)
        terminal.wait_for(QUESTIONS[question])
        assert "*" not in terminal.screen[terminal.screen.rindex(QUESTIONS[question]) :]
        terminal.type(CTRL_C)
        assert terminal.exit_code() == 130
    assert "unencrypted" not in terminal.screen
    assert (bench.front.writes, len(bench.stage.zoho.requests)) == ([], requests)


def test_what_is_kept_is_shown_unless_it_is_secret(bench: Bench) -> None:
    """So that a person sees what Enter keeps."""
    old = connected(bench, "shown", slack_webhook_url=bench.webhook("SHOWN"), name="Acme Ltd", time_zone="Asia/Tokyo")
    company = bench.stage.zoho.organisations[old["client_id"]]
    with bench.terminal("--org", "shown") as terminal:
        bench.fill(terminal, company, slack=True, client_id="", client_secret="", webhook="", code="")
        assert terminal.exit_code() == 0
    assert "Enter keeps what stands in [brackets]; - removes it, where it is optional." in terminal.screen
    assert f"Client ID [{old['client_id']}]:" in terminal.screen
    assert "Client Secret [kept]:" in terminal.screen
    assert "Slack webhook URL [kept]:" in terminal.screen
    assert "Name of the organisation in messages [Acme Ltd]:" in terminal.screen
    assert "Time zone of its e-mails [Asia/Tokyo]:" in terminal.screen
    assert "Code [the present token]:" in terminal.screen
    assert bench.shows_no_secret(terminal.screen)
    assert json.loads(bench.parameter("shown") or "") == old


@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        ("10", "ae"),
        ("1", "us"),
        ("2", "eu"),
        ("crm.zoho.e", "eu"),
        ("cn", "cn"),
        ("UK", "uk"),
        ("99\x15" + "3", "in"),
        (f"{UP}", "ae"),
        (f"{DOWN}{DOWN}", "in"),
        ("foo" + ENTER + DOWN, "eu"),
    ],
)
def test_a_data_centre_is_chosen_by_number_name_or_arrow(bench: Bench, keys: str, chosen: str) -> None:
    """The tenth by its number, too; what names none is refused."""
    with bench.terminal("--org", "centre") as terminal:
        terminal.wait_for("(arrow keys, a number or a few letters, then Enter)")
        terminal.type(keys + ENTER)
        terminal.wait_for(f"Open {grant.api_console(chosen)} as")
        terminal.type(CTRL_C)
        assert terminal.exit_code() == 130


def test_a_second_run_keeps_what_enter_keeps(bench: Bench) -> None:
    """A new webhook and nothing else: the token stays, and Zoho makes no new one."""
    old = connected(bench, "again", slack_webhook_url=bench.webhook("OLD"), name="Acme", heartbeat_url="https://h/1")
    company = bench.stage.zoho.organisations[old["client_id"]]
    with bench.terminal("--org", "again") as terminal:
        new = bench.webhook("NEW")
        bench.fill(terminal, company, slack=True, client_id="", client_secret="", webhook=new, code="")
        assert terminal.exit_code() == 0
    assert json.loads(bench.parameter("again") or "") == {**old, "slack_webhook_url": new}
    assert company.refresh_tokens == [old["refresh_token"]]
    assert bench.shows_no_secret(terminal.screen)


def test_a_second_run_rotates_and_removes(bench: Bench) -> None:
    """A new secret and code give a new token; an unticked channel and "-" take webhook and time zone away."""
    old = connected(bench, "rotated", slack_webhook_url=bench.webhook("GOING"), name="Acme", time_zone="Asia/Tokyo")
    company = bench.stage.zoho.organisations[old["client_id"]]
    company.client_secret = "renewed-in-the-console"
    with bench.terminal("--org", "rotated") as terminal:
        bench.fill(terminal, company, slack=True, client_id="", webhook="-", zone="-")
        assert terminal.exit_code() == 0
    new = json.loads(bench.parameter("rotated") or "")
    assert new == {
        "client_id": old["client_id"],
        "client_secret": "renewed-in-the-console",
        "refresh_token": company.refresh_tokens[-1],
        "data_center": "us",
        "name": "Acme",
    }
    assert new["refresh_token"] != old["refresh_token"]


def test_another_client_needs_a_code(bench: Bench) -> None:
    """A token belongs to its client: with another one, neither secret nor code can be kept."""
    connected(bench, "moved")
    company = bench.company()
    with bench.terminal("--org", "moved") as terminal:
        bench.fill(terminal, company, "code")
        terminal.answer(QUESTIONS["code"])
        terminal.wait_for("An answer is needed here.")
        terminal.type(bench.code(company) + ENTER)
        terminal.answer(QUESTIONS["send"], "2")
        assert terminal.exit_code() == 0
    assert json.loads(bench.parameter("moved") or "")["client_id"] == company.client_id


def test_a_second_run_keeps_the_key_that_encrypts(bench: Bench) -> None:
    """A parameter under a company's own key stays under it."""
    old = connected(bench, "own-key")
    ssm = bench.stage.cloud.client("ssm")
    name = "/zoho-backup-notifier/notifier/own-key"
    ssm.put_parameter(Name=name, Value=json.dumps(old), Type="SecureString", Overwrite=True, KeyId="alias/own")
    company = bench.stage.zoho.organisations[old["client_id"]]
    with bench.terminal("--org", "own-key") as terminal:
        bench.fill(terminal, company, client_id="", client_secret="", name="Renamed", code="")
        assert terminal.exit_code() == 0
    [asked] = bench.front.asked("PutParameter")
    assert (asked["Type"], asked["Overwrite"], asked["KeyId"]) == ("SecureString", True, "alias/own")
    assert json.loads(asked["Value"]) == {**old, "name": "Renamed"}


def test_another_organisation_gets_a_schedule_of_its_own(bench: Bench) -> None:
    """It is the stack's own but for name, description and input; the function checks what it names."""
    company = bench.company()
    with bench.terminal("--org", "acme") as terminal:
        bench.fill(terminal, company)
        assert terminal.exit_code() == 0
    scheduler = bench.stage.cloud.client("scheduler")
    made = scheduler.get_schedule(Name="acme", GroupName="notifier")
    own = scheduler.get_schedule(Name="notifier", GroupName="notifier")
    for key in ("ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow"):
        assert made[key] == own[key]
    assert made["Target"] == {**own["Target"], "Input": '{"org": "acme"}'}
    assert made["State"] == "ENABLED"
    result = bench.stage.function.invoke(json.loads(made["Target"]["Input"]))
    assert (result.ok, result.payload["org"], result.payload["rows"]) == (True, "acme", 4)


def test_a_second_run_corrects_a_schedule(bench: Bench) -> None:
    """A schedule that somebody disabled or changed is written again; so is one that is missing."""
    old = connected(bench, "stopped")
    company = bench.stage.zoho.organisations[old["client_id"]]
    scheduler = bench.stage.cloud.client("scheduler")
    for _ in ("missing", "disabled"):
        with bench.terminal("--org", "stopped") as terminal:
            bench.fill(terminal, company, client_id="", client_secret="", code="")
            assert terminal.exit_code() == 0
        made = scheduler.get_schedule(Name="stopped", GroupName="notifier")
        assert made["State"] == "ENABLED"
        scheduler.update_schedule(
            Name="stopped",
            GroupName="notifier",
            State="DISABLED",
            **{key: made[key] for key in ("ScheduleExpression", "FlexibleTimeWindow", "Target")},
        )


def test_removal_asks_first(bench: Bench) -> None:
    """No, Enter and Ctrl-C keep everything."""
    connected(bench, "kept")
    for keys in ("2" + ENTER, ENTER, CTRL_C):
        with bench.terminal("--org", "kept", "--remove") as terminal:
            terminal.wait_for("Stop checking kept?")
            terminal.type(keys)
            assert terminal.exit_code() == 130
        assert terminal.screen.endswith("Nothing was changed.\n")
    assert bench.front.writes == []
    assert bench.parameter("kept")


def test_removal_takes_schedule_parameter_and_item(bench: Bench) -> None:
    """What stays is said; a second time there is nothing to remove."""
    with bench.terminal("--org", "leaving") as terminal:
        bench.fill(terminal, bench.company())
        assert terminal.exit_code() == 0
    assert bench.stage.check("leaving").ok
    assert "leaving" in bench.schedule_names()
    with bench.terminal("--org", "leaving", "--remove") as terminal:
        terminal.answer("Stop checking leaving?", "1")
        assert terminal.exit_code() == 0
    assert bench.stage.stack.outputs["TableName"] in terminal.screen
    assert "✓ Removed: schedule, parameter, item." in terminal.screen
    assert bench.parameter("leaving") is None
    assert item(bench, "leaving") is None
    assert "leaving" not in bench.schedule_names()
    with bench.terminal("--org", "leaving", "--remove", "--non-interactive") as terminal:
        assert terminal.exit_code() == 1
    assert "No organisation leaving is connected to the stack notifier." in terminal.screen
    assert "This ends" not in terminal.screen


@pytest.mark.parametrize("parameter", [True, False])
def test_the_default_organisation_is_removed_and_stays_so(bench: Bench, parameter: bool) -> None:
    """The stack's own schedule stays as it is, and does nothing: a deployment that changes it revives nobody."""
    old = connected(bench, "default")
    company = bench.stage.zoho.organisations[old["client_id"]]
    assert bench.stage.check("default").ok
    if not parameter:
        bench.stage.cloud.client("ssm").delete_parameter(Name="/zoho-backup-notifier/notifier/default")
    before = schedule_of(bench, "notifier")
    with bench.terminal("--remove", "--non-interactive") as terminal:
        assert terminal.exit_code() == 0
    assert f"✓ Removed: {'parameter, ' if parameter else ''}item." in terminal.screen
    assert (bench.parameter("default"), item(bench, "default")) == (None, None)
    assert schedule_of(bench, "notifier") == before
    known = bench.stage.check("default", action="status").payload
    assert (known["connected"], known["memory"]) == (False, None)
    assert bench.stage.check("default").payload["skipped"] == "not connected"
    with bench.terminal("--remove", "--non-interactive") as terminal:
        assert terminal.exit_code() == 1
    assert "No organisation default is connected" in terminal.screen
    with bench.terminal() as terminal:
        bench.fill(terminal, company)
        assert terminal.exit_code() == 0
    assert schedule_of(bench, "notifier") == before


def test_a_removal_that_aws_ends_half_way_says_how_far_it_came(bench: Bench) -> None:
    """And can be finished later, though only the item is left."""
    connected(bench, "half")
    assert bench.stage.check("half").ok
    bench.front.instead["DeleteItem"] = denied("dynamodb:DeleteItem")
    with bench.terminal("--org", "half", "--remove", "--non-interactive") as terminal:
        assert terminal.exit_code() == 1
    assert "do not allow dynamodb:DeleteItem. Removed so far: parameter." in terminal.screen
    bench.front.instead.clear()
    with bench.terminal("--org", "half", "--remove", "--non-interactive") as terminal:
        assert terminal.exit_code() == 0
    assert "✓ Removed: item." in terminal.screen


def test_a_refused_test_message_is_shown_and_the_organisation_watched(bench: Bench) -> None:
    """A webhook that Slack does not know: the exit code says so, and the next run can correct it."""
    bench.secrets.append("nowhere")
    with bench.terminal("--org", "mute") as terminal:
        bench.fill(terminal, bench.company(), webhook=f"{bench.stage.slack.url}/nowhere", send="1")
        assert terminal.exit_code() == 1
    assert "Slack answered HTTP 404 no_service" in terminal.screen
    assert bench.shows_no_secret(terminal.screen)
    assert bench.parameter("mute")


def test_who_may_not_invoke_the_function_connects_all_the_same(bench: Bench) -> None:
    """The test message is left out, with its own sentence."""
    bench.front.instead["Invoke"] = denied("lambda:InvokeFunction")
    with bench.terminal("--org", "quiet") as terminal:
        bench.fill(terminal, bench.company(), send="1")
        assert terminal.exit_code() == 1
    assert "do not allow lambda:InvokeFunction" in terminal.screen
    assert bench.parameter("quiet")


def test_every_data_centre_has_an_api_console() -> None:
    """Its address follows from the accounts server's."""
    assert {grant.api_console(key) for key in DATA_CENTRES} == {
        "https://api-console.zoho.com",
        "https://api-console.zoho.eu",
        "https://api-console.zoho.in",
        "https://api-console.zoho.com.au",
        "https://api-console.zoho.jp",
        "https://api-console.zoho.com.cn",
        "https://api-console.zohocloud.ca",
        "https://api-console.zoho.sa",
        "https://api-console.zoho.uk",
        "https://api-console.zoho.ae",
    }


def test_no_option_takes_a_secret(tool: Tool, capsys: pytest.CaptureFixture[str]) -> None:
    """So that none can stand in the shell's history or in the list of processes."""
    with pytest.raises(SystemExit):
        tool(connect.main, "--help")
    options = set(re.findall(r"^  (--[a-z-]+)", capsys.readouterr().out, re.MULTILINE))
    assert options == {"--org", "--stack", "--region", "--file", "--non-interactive", "--send", "--remove"}


def test_without_a_terminal_nothing_is_asked(bench: Bench, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe gets to know which other way there is."""
    with open("/dev/null") as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        code, shown = tool(connect.main)
    assert (code, "There is no terminal to ask at." in shown) == (1, True)
    assert bench.front.writes == []
