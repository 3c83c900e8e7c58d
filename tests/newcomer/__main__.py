"""The path of somebody who has never seen this project, typed at a terminal of 80 columns, mistakes included.

`python -m tests.newcomer CLONE` types every command of README.md that a machine without AWS can run, in a fresh clone,
and fails on a traceback, a usage text, a line that does not fit, or a question asked once more for nothing. AWS, Zoho
and the channels are the sandbox. It needs the standard library only, for it begins before anything is installed.
"""

import os
import re
import sys
import time
from contextlib import closing
from functools import partial
from pathlib import Path

from tests.newcomer.answers import Answer, answer_all
from tests.newcomer.shell import CTRL_C, CTRL_U, ENTER, LostError, Shell

INSTALLING_SECONDS = 400.0
NOT_INHERITED = re.compile(r"(AWS|ZOHO|SLACK|CLIQ|TEAMS|PAGERDUTY|ORGANISATION)_|VENV$|MAKE|COLUMNS$|LINES$|PS1$|JSON$")


def environment(home: Path) -> dict[str, str]:
    """Return the variables of a person with an empty home, no AWS account, and pip's cache where it was."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pip"
    inherited = {name: value for name, value in os.environ.items() if not NOT_INHERITED.match(name)}
    alone = {"HOME": str(home), "AWS_EC2_METADATA_DISABLED": "true"}
    return {"PIP_CACHE_DIR": str(cache), **inherited, **alone}


class Newcomer:
    """Somebody with two terminals: one for the sandbox, one for everything else."""

    def __init__(self, clone: Path, home: Path) -> None:
        """Open the terminals."""
        self._began = time.monotonic()
        self._open = partial(Shell, clone, environment(home))
        self.shell, self.sandbox = self._open(), self._open()

    def close(self) -> None:
        """Close them."""
        self.shell.close()
        self.sandbox.close()

    def opens_another(self) -> None:
        """Close the terminal that uses the sandbox, and open a new one."""
        self.shell.close()
        self.shell = self._open()

    def types(self, command: str, *shown: str, code: int = 0, patience: float = 60.0) -> str:
        """Type a command and see how it ends, and that it shows these texts; return what it shows."""
        say(f"{time.monotonic() - self._began:4.0f} s  {command}")
        self.shell.start(command)
        return self.ends(command, *shown, code=code, patience=patience)

    def ends(self, command: str, *shown: str, code: int = 0, patience: float = 60.0) -> str:
        """See how a command ends, and that it has shown these texts."""
        ended, text = self.shell.end(patience)
        if ended != code:
            raise LostError(f"{command} ended with {ended}, not {code}:\n{text}")
        for one in shown:
            if one not in " ".join(text.split()) and one not in text:
                raise LostError(f"{command} does not show {one!r}:\n{text}")
        return text

    def answers(self, command: str, asked: dict[str, list[Answer]], *shown: str, code: int = 0) -> str:
        """Type a command, answer what it asks, and see how it ends."""
        say(f"{time.monotonic() - self._began:4.0f} s  {command}")
        self.shell.start(command)
        answer_all(self.shell, asked)
        return self.ends(command, *shown, code=code)

    def copied(self, question: str) -> str:
        """Return what the sandbox says to answer to a question."""
        found = re.findall(rf"{question}[^:\n]*:\s+(\S+)", whole(self.sandbox))
        if not found:
            raise LostError(f"The sandbox has no answer to {question!r}:\n{self.sandbox.new}")
        return str(found[-1])


def whole(shell: Shell) -> str:
    """Return everything that a terminal has shown, with broken lines in one piece, as copying gives it."""
    lines = shell.display.lines()
    return "".join(line if len(line) == 80 else f"{line}\n" for line in lines)


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def first_look(it: Newcomer) -> None:
    """See what there is, and the story."""
    it.types("make help", "make connect")
    it.types("make run", "nothing lost, nothing sent twice", patience=INSTALLING_SECONDS)
    it.types("make run CHANNELS=slack,cliq", "nothing lost, nothing sent twice")
    it.types("make gallery", "in a browser")


def connect(it: Newcomer) -> None:
    """Start the sandbox, and answer the wizard with every mistake that people make."""
    it.sandbox.start("make sandbox")
    it.sandbox.wait_for("Press Enter")
    it.sandbox.examine()
    it.types("make status", "There are no AWS credentials on this machine.", code=2)
    it.types("source build/sandbox.sh")
    it.types("make status", "No organisation default is connected", code=2)
    it.answers(
        "make connect",
        {
            "Which address": [Answer("10", shows="> 10. "), Answer(CTRL_U + "1" + ENTER)],
            "Client ID": [
                Answer("", "An answer is needed here."),
                Answer("99", 'begins with "1000."'),
                Answer(it.copied("Client ID")),
            ],
            "Client Secret": [Answer("", "An answer is needed here."), Answer(it.copied("Client Secret"))],
            "Where else": [Answer("slack zoho " + ENTER)],
            "Slack webhook URL": [Answer("https://example.com/hook", "✗"), Answer(it.copied("Slack webhook URL"))],
            "Whom to mention": [Answer("")],
            "Zoho Cliq webhook URL": [Answer(it.copied("Zoho Cliq webhook URL"))],
            "Heartbeat URL": [Answer("")],
            "Name ": [Answer("Newcomer Ltd")],
            "Time zone": [Answer("europe/berlin", "Europe/Berlin"), Answer("Europe/Berlin")],
            "Code": [Answer("1000.wrong", "Zoho does not accept the code"), Answer(it.copied("Code"))],
            "Send a test": [Answer(CTRL_C)],
        },
        "default is connected",
        code=2,
    )


def watch(it: Newcomer) -> None:
    """Look at what was connected, and let a backup fail."""
    it.types("make doctor", "All is well")
    it.types("make dry-run", "would send 1 new message", "Backup monitoring is on")
    it.types("make check-now", "baseline", "The backups are fine")
    it.sandbox.wait_for("Backup monitoring is on")
    it.types(
        "make status", "The backups are fine", "Newcomer Ltd (default)", "Times are in the time zone Europe/Berlin"
    )
    it.sandbox.type(ENTER)
    it.sandbox.wait_for(r"a new code:\n  1000")
    it.sandbox.quiet()
    if "Newcomer Ltd: Backup failed" not in whole(it.sandbox):
        raise LostError(f"Nothing was sent of the failed backup:\n{it.sandbox.new}")
    it.sandbox.examine()
    it.types("make status", "The last backup failed")
    it.types("make status JSON=1", '"failures_in_a_row": 1')
    it.types("make dry-run", "would send nothing new", "known since")
    it.types("make test-message", "Every channel took the test message")
    it.types("make doctor", "default: the last backup failed", code=2)


def others(it: Newcomer) -> None:
    """Mistype names, and add and remove another organisation."""
    for tool in ("status", "test-message"):
        it.types(f"make {tool} ORG=defualt", "No organisation defualt is connected", "Connected: default", code=2)
    for tool in ("status", "doctor", "connect"):
        it.types(f"make {tool} ORG='acme ltd'", '"acme ltd" cannot be the short name', code=2)
    it.types("make undeploy ORG=acme", "To remove one organisation", code=2)
    it.types("make dry-run ORG=日本", '"日本" cannot be the short name', code=2)
    it.types("make status STACK='my stack'", "cannot be the name of a stack", code=2)
    it.types("make connect ORG=nope REMOVE=1", "No organisation nope is connected", code=2)
    it.answers(
        "make connect ORG=acme",
        {
            "Which address": [Answer("us" + ENTER)],
            "Client ID": [Answer(it.copied("Client ID"))],
            "Client Secret": [Answer(it.copied("Client Secret"))],
            "Where else": [Answer(ENTER)],
            "Heartbeat URL": [Answer("")],
            "Name ": [Answer("日本語株式会社")],
            "Time zone": [Answer("")],
            "Code": [Answer(it.copied("a new code"))],
            "Send a test": [Answer("yes" + ENTER)],
        },
        "acme is checked",
    )
    it.types("make check-now ORG=acme", "The last backup failed")
    it.answers("make connect ORG=acme REMOVE=1", {"Stop checking acme": [Answer("yes" + ENTER)]}, "Removed: schedule")


def leave(it: Newcomer) -> None:
    """Remove it all, and type on at a sandbox that has ended."""
    it.answers(
        "make undeploy",
        {
            "Type the stack's name": [Answer("zoho", "No."), Answer("notifier")],
            "Delete the table": [Answer("no" + ENTER)],
        },
        "The stack notifier is deleted",
    )
    it.sandbox.type(CTRL_C)
    it.sandbox.end()
    it.types("make status", "sandbox", "has ended", code=2)
    it.types("make connect", "has ended", code=2)
    it.opens_another()
    it.types("make deploy", "There are no AWS credentials on this machine.", code=2)
    it.types("make clean", patience=INSTALLING_SECONDS)


def main() -> int:
    """Walk it all; return 1 where the newcomer is lost."""
    clone = Path(sys.argv[1])
    home = clone.parent / "home"
    home.mkdir()
    with closing(Newcomer(clone, home)) as it:
        try:
            for part in (first_look, connect, watch, others, leave):
                part(it)
        except LostError as lost:
            say(f"The newcomer is lost: {lost}\n--- the sandbox:\n{it.sandbox.new}")
            return 1
    say("From a clone to a watched organisation: every command did what README.md says.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
