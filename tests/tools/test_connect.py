"""`make connect` on a terminal: the straight way, leaving it, a second run, another organisation, removal."""

import json
import re
import threading
from collections.abc import Callable

import pytest

from handler.zoho import DATA_CENTRES
from sandbox.server import Fault, Response
from sandbox.zoho_errors import MAINTENANCE, TOKEN_ERRORS
from tests.tools.bench import QUESTIONS, Bench
from tests.tools.front import denied
from tests.tools.terminal import CTRL_C, ENTER
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
    assert "Last good backup: 23 Jun 2022 17:31 IST (12:01 UTC)" in screen
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


@pytest.mark.parametrize("question", QUESTIONS)
def test_ctrl_c_at_any_question_changes_nothing(bench: Bench, question: str) -> None:
    """One sentence and 130; AWS was asked to change nothing."""
    with bench.terminal("--org", "left") as terminal:
        bench.fill(terminal, bench.company(), question)
        terminal.wait_for(QUESTIONS[question])
        terminal.type(CTRL_C)
        assert terminal.exit_code() == 130
    assert terminal.screen.endswith("Stopped. Nothing was changed.\n")
    assert bench.front.writes == []
    assert bench.shows_no_secret(terminal.screen)


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
        terminal.answer(QUESTIONS["send"])
        assert terminal.exit_code() == 0
    assert bench.shows_no_secret(terminal.screen)


def test_every_trouble_with_zoho_has_a_sentence_and_another_try(bench: Bench) -> None:
    """In one sitting: each failure says what is wrong and asks again, and nothing is written until all is right."""
    company = bench.company()
    zoho = bench.stage.zoho

    def asking(**answers: str) -> str:
        before = len(terminal.screen)
        bench.fill(terminal, company, "send", **answers)
        terminal.wait_for("Nothing is written yet")
        return " ".join(terminal.screen[before:].split())

    with bench.terminal("--org", "troubled") as terminal:
        assert "does not know this client id in this data centre" in asking(client_id="1000.SOMEBODYELSE")
        assert "does not accept the client secret" in asking(client_secret="wrong-secret-zzz")
        assert "has expired, was used before, or belongs to another client" in asking(code="1000.used.up")
        company.scopes = {"ZohoCRM.modules.ALL"}
        assert "was made for another scope" in asking()
        company.scopes = {"ZohoCRM.bulk.backup.READ"}
        company.admin = False
        assert "it is no administrator" in asking()
        company.admin = True
        zoho.script("token", TOKEN_ERRORS["throttled"])
        assert "asks for patience" in asking()
        zoho.script("token", Fault(drops=True))
        assert "could not be reached" in asking()
        zoho.script("token", MAINTENANCE)
        assert "could not be reached, or answered with an error of its own" in asking()
        zoho.script("token", Response.json({"access_token": "1000.a.b"}))
        assert "gave no refresh token" in asking()
        zoho.script("token", Response.json(["what"]))
        assert "not in the documented form" in asking()
        assert bench.front.writes == []
        bench.fill(terminal, company)
        assert terminal.exit_code() == 0
    assert bench.shows_no_secret(terminal.screen)
    assert "wrong-secret-zzz" not in terminal.screen
    assert json.loads(bench.parameter("troubled") or "").keys() == SECRET_KEYS


def test_a_token_survives_trouble_after_the_code_was_used(bench: Bench) -> None:
    """A code works once: when reading fails in passing, Enter through all questions is enough for the next try."""
    company = bench.company()
    with bench.terminal("--org", "patient") as terminal:
        bench.stage.zoho.script("history", *[Fault(drops=True)] * 3)
        bench.fill(terminal, company, "send")
        terminal.wait_for("Nothing is written yet")
        bench.fill(terminal, company, client_id="", client_secret="", code="")
        assert terminal.exit_code() == 0
    assert json.loads(bench.parameter("patient") or "")["refresh_token"] == company.refresh_tokens[0]
    assert len(company.refresh_tokens) == 1


def test_a_wrong_answer_is_refused_at_once(bench: Bench) -> None:
    """A question is not left with an answer that cannot be right; nothing is sent anywhere."""
    with bench.terminal() as terminal:
        terminal.answer(QUESTIONS["centre"])
        terminal.answer(QUESTIONS["client_id"], "two words")
        terminal.wait_for("It has no blanks")
        terminal.type("\x15" + "right" + ENTER)
        terminal.answer(QUESTIONS["client_secret"], "right")
        terminal.answer(QUESTIONS["webhook"], "http://example.com/unencrypted")
        terminal.wait_for("An https address")
        terminal.type("\x15" + ENTER)
        terminal.answer(QUESTIONS["name"])
        terminal.answer(QUESTIONS["zone"], "Europe/Berlim")
        terminal.wait_for("A name of the IANA database, such as Europe/Berlin.")
        terminal.type(CTRL_C)
        assert terminal.exit_code() == 130
    assert "unencrypted" not in terminal.screen


def test_a_second_run_keeps_what_enter_keeps(bench: Bench) -> None:
    """A new webhook and nothing else: the token stays, and Zoho makes no new one."""
    old = connected(bench, "again", slack_webhook_url=bench.webhook("OLD"), name="Acme", heartbeat_url="https://h/1")
    company = bench.stage.zoho.organisations[old["client_id"]]
    with bench.terminal("--org", "again") as terminal:
        new = bench.webhook("NEW")
        bench.fill(terminal, company, client_id="", client_secret="", webhook=new, code="")
        assert terminal.exit_code() == 0
    assert json.loads(bench.parameter("again") or "") == {**old, "slack_webhook_url": new}
    assert company.refresh_tokens == [old["refresh_token"]]
    assert bench.shows_no_secret(terminal.screen)


def test_a_second_run_rotates_and_removes(bench: Bench) -> None:
    """A new secret and code give a new token; "-" takes webhook and time zone away."""
    old = connected(bench, "rotated", slack_webhook_url=bench.webhook("GOING"), name="Acme", time_zone="Asia/Tokyo")
    company = bench.stage.zoho.organisations[old["client_id"]]
    company.client_secret = "renewed-in-the-console"
    with bench.terminal("--org", "rotated") as terminal:
        bench.fill(terminal, company, client_id="", webhook="-", zone="-")
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
        terminal.wait_for("It has no blanks")
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


def test_a_second_run_mends_a_schedule(bench: Bench) -> None:
    """A schedule that somebody disabled or changed is written anew; so is one that is missing."""
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
            terminal.wait_for("Stop watching kept?")
            terminal.type(keys)
            assert terminal.exit_code() == 130
        assert terminal.screen.endswith("Nothing was changed.\n")
    assert bench.front.writes == []
    assert bench.parameter("kept")


def test_removal_takes_parameter_and_schedule(bench: Bench) -> None:
    """What stays is said; a second time there is nothing to remove."""
    with bench.terminal("--org", "leaving") as terminal:
        bench.fill(terminal, bench.company())
        assert terminal.exit_code() == 0
    assert "leaving" in bench.schedule_names()
    with bench.terminal("--org", "leaving", "--remove") as terminal:
        terminal.answer("Stop watching leaving?", "1")
        assert terminal.exit_code() == 0
    assert bench.stage.stack.outputs["TableName"] in terminal.screen
    assert bench.parameter("leaving") is None
    assert "leaving" not in bench.schedule_names()
    with bench.terminal("--org", "leaving", "--remove", "--non-interactive") as terminal:
        assert terminal.exit_code() == 1
    assert "was not connected" in terminal.screen


def test_the_default_organisation_leaves_its_schedule_behind_disabled(bench: Bench) -> None:
    """The stack's own schedule cannot be deleted, but must not complain every hour; connecting enables it again."""
    old = connected(bench, "default")
    company = bench.stage.zoho.organisations[old["client_id"]]
    scheduler = bench.stage.cloud.client("scheduler")
    before = scheduler.get_schedule(Name="notifier", GroupName="notifier")
    with bench.terminal("--remove", "--non-interactive") as terminal:
        assert terminal.exit_code() == 0
    removed = scheduler.get_schedule(Name="notifier", GroupName="notifier")
    assert (bench.parameter("default"), removed["State"]) == (None, "DISABLED")
    with bench.terminal() as terminal:
        bench.fill(terminal, company)
        assert terminal.exit_code() == 0
    after = scheduler.get_schedule(Name="notifier", GroupName="notifier")
    same = ("State", "Target", "ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "Description")
    assert {key: after[key] for key in same} == {key: before[key] for key in same}


def test_a_refused_test_message_is_shown_and_the_organisation_watched(bench: Bench) -> None:
    """A webhook that Slack does not know: the exit code says so, and the next run can mend it."""
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
    """A pipe is told which other way there is."""
    with open("/dev/null") as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        code, shown = tool(connect.main)
    assert (code, "There is no terminal to ask at." in shown) == (1, True)
    assert bench.front.writes == []
