"""Leaving `make connect` with Ctrl-C, at each question that it can ask: what it says is what was done."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import NamedTuple

import pytest

from sandbox.channels import FAKES
from sandbox.sandbox import Sandbox
from sandbox.server import Fault
from sandbox.zoho import Organisation
from tests.tools.bench import QUESTIONS, Bench
from tests.tools.front import denied
from tests.tools.terminal import CTRL_C, ENTER, Terminal


class Done(NamedTuple):
    """What has been done when a person leaves: parameter, schedule, item, a code spent, the function asked."""

    parameter: bool = False
    schedule: bool = False
    item: bool = False
    spent: bool = False
    asked: bool = False


CODE = "Nothing was written, and the code {}: make a new one for the next try."
CLAIMS = {
    "Nothing was changed.": Done(),
    CODE.format("is used up"): Done(spent=True),
    CODE.format("may be used up"): Done(spent=True),
    "left is connected; no test message was sent.": Done(parameter=True, schedule=True, spent=True),
}
"""What is said → what that means."""
UNCHANGED, SPENT, PERHAPS, CONNECTED = CLAIMS
Reach = Callable[[Bench, Terminal, Organisation], str]


def first(question: str) -> Reach:
    """Go to a question of the first round; return its text."""

    def reach(bench: Bench, terminal: Terminal, company: Organisation) -> str:
        bench.fill(terminal, company, question)
        return QUESTIONS[question]

    return reach


def another_code(bench: Bench, terminal: Terminal, company: Organisation) -> str:
    """Give a code that Zoho never made."""
    bench.fill(terminal, company, "send", code="1000.used.up")
    terminal.wait_for("Once more, please.")
    return "Code:"


def a_code_of_another_scope(bench: Bench, terminal: Terminal, company: Organisation) -> str:
    """Give a code whose token may not read backups."""
    company.scopes = {"ZohoCRM.modules.ALL"}
    bench.fill(terminal, company, "send")
    terminal.wait_for("Once more, please.")
    return "Code:"


def another_code_after_one_that_was_spent(bench: Bench, terminal: Terminal, company: Organisation) -> str:
    """Give one of another scope, then one that Zoho never made: the first one stays spent."""
    terminal.wait_for(a_code_of_another_scope(bench, terminal, company))
    terminal.type("1000.used.up" + ENTER)
    terminal.wait_for("Once more, please.")
    return "Code:"


def an_answer_that_is_lost(bench: Bench, terminal: Terminal, company: Organisation) -> str:
    """Give a code that Zoho takes, and lose its answer."""
    bench.fill(terminal, company, "code")
    code = bench.code(company)
    bench.stage.zoho.script("token", Fault(drops=True))
    terminal.answer(QUESTIONS["code"], code)
    terminal.wait_for("so the code may have been used")
    company.grants.pop(code)
    return "Code:"


def another_data_centre(bench: Bench, terminal: Terminal, company: Organisation) -> str:
    """Choose a data centre that does not know the client."""
    company.data_centre = "eu"
    bench.fill(terminal, company, "send")
    terminal.wait_for("does not know this client id in this data centre")
    return QUESTIONS["centre"]


def zoho_silent(bench: Bench, terminal: Terminal, company: Organisation) -> str:
    """Let Zoho take the code, and not answer after that."""
    bench.stage.zoho.script("history", *[Fault(drops=True)] * 3)
    bench.fill(terminal, company, "send")
    return "What next?"


def aws_unwilling(bench: Bench, terminal: Terminal, company: Organisation) -> str:
    """Let AWS refuse what was bought."""
    bench.front.instead["PutParameter"] = denied("ssm:PutParameter")
    bench.fill(terminal, company, "send")
    return "Try again?"


def a_cliq_elsewhere(bench: Bench, terminal: Terminal, company: Organisation) -> str:
    """Give an address at Zoho in another data centre."""
    bench.fill(terminal, company, "channels")
    terminal.answer(QUESTIONS["channels"], "2 ")
    address = "https://cliq.zoho.eu/api/v2/channelsbyname/backups/message?zapikey=1001.canary"
    terminal.answer("Zoho Cliq webhook URL", address)
    terminal.wait_for("its host ends in .zoho.eu, Zoho's data centre eu, but")
    return "Is it the right one?"


CASES: list[tuple[str, Reach, str]] = [
    *((question, first(question), CONNECTED if question == "send" else UNCHANGED) for question in QUESTIONS),
    ("a code once more", another_code, UNCHANGED),
    ("of another scope", a_code_of_another_scope, SPENT),
    ("after a spent one", another_code_after_one_that_was_spent, SPENT),
    ("answer lost", an_answer_that_is_lost, PERHAPS),
    ("data centre", another_data_centre, UNCHANGED),
    ("what next", zoho_silent, SPENT),
    ("aws refuses", aws_unwilling, SPENT),
    ("doubt", a_cliq_elsewhere, UNCHANGED),
]


@pytest.fixture(scope="module")
def stage() -> Iterator[Sandbox]:
    """Give the sandbox with every channel."""
    with closing(Sandbox(channels=FAKES)) as running:
        yield running


@pytest.mark.parametrize(("reach", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_ctrl_c_says_what_was_done(bench: Bench, reach: Reach, said: str) -> None:
    """At every question in turn, compared with what AWS holds and with Zoho's codes."""
    company, codes = bench.company(), len(bench.secrets)
    with bench.terminal("--org", "left") as terminal:
        terminal.wait_for(reach(bench, terminal, company))
        terminal.type(CTRL_C)
        assert terminal.exit_code(CTRL_C) == 130
    assert terminal.screen.endswith(f"\nStopped. {said}\n"), terminal.screen[-300:]
    made = [secret for secret in bench.secrets[codes:] if secret.startswith("1000.")]
    assert done(bench, made, company) == CLAIMS[said]
    assert bench.shows_no_secret(terminal.screen)
    bench.front.instead.clear()
    bench.stage.cloud.client("ssm").delete_parameters(Names=["/zoho-backup-notifier/notifier/left"])
    if "left" in bench.schedule_names():
        bench.stage.cloud.client("scheduler").delete_schedule(Name="left", GroupName="notifier")


def done(bench: Bench, codes: list[str], company: Organisation) -> Done:
    """Return what AWS and Zoho hold."""
    items = bench.stage.cloud.client("dynamodb").scan(TableName=bench.stage.stack.outputs["TableName"])["Items"]
    return Done(
        bool(bench.parameter("left")),
        "left" in bench.schedule_names(),
        bool(items),
        any(code not in company.grants for code in codes),
        "Invoke" in bench.front.operations,
    )
