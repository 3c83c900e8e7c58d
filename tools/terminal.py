"""What a person sees and types at a terminal: lines that fit it, questions, and what ends a command.

A command is ended by AWS's refusals, in words, by Ctrl-C, and by whatever is unexpected; never with a secret.
"""

import argparse
import os
import re
import shutil
import signal
import sys
import termios
import textwrap
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from botocore import exceptions as aws
from prompt_toolkit import prompt
from prompt_toolkit.shortcuts import choice

from handler.addresses import is_loopback

T = TypeVar("T")
WIDEST = 100
"""Columns: longer lines are hard to read."""
SHOWN = 38
"""How many characters of a present value are shown, so that the question fits a line."""
COPIED = re.compile(r": (?=aws |https://)")
"""A command or an address to be copied follows: it gets a line of its own, which is never broken."""
COLOURS = {"✓": 32, "✗": 31, "!": 33}


def mark(good: bool) -> str:
    """Return the mark of a line about something good or bad."""
    return "✓" if good else "✗"


def say(text: str = "") -> None:
    """Print a text, as `fitted` has it."""
    print(fitted(text), flush=True)


def fitted(text: str) -> str:
    """Return a text for a person: in lines that fit the terminal, with coloured marks; in a pipe, as it is.

    Its line breaks stay, and continued lines begin below a tab. Without one, a line that begins with four blanks stays
    whole.
    """
    if not sys.stdout.isatty():
        return text.replace("\t", "")
    width = min(shutil.get_terminal_size().columns, WIDEST)
    lines = COPIED.sub(":\n    ", text).split("\n")
    broken = "\n".join(part for line in lines for part in _broken(line, width))
    return re.sub(r"^[✓✗!](?= )", lambda mark: f"\033[{COLOURS[mark[0]]}m{mark[0]}\033[0m", broken, flags=re.MULTILINE)


def _broken(line: str, width: int) -> list[str]:
    head, tab, text = line.rpartition("\t")
    if line.startswith("    ") and not tab:
        return [line]
    wrapper = textwrap.TextWrapper(width, head, " " * len(head), break_long_words=False, break_on_hyphens=False)
    return wrapper.wrap(text) or [head]


class Problem(Exception):  # noqa: N818  (it is shown to a person, as what it is)
    """Something that a person must put right.

    Attributes:
        sentence: What is wrong.
        next_step: What to do.
    """

    def __init__(self, sentence: str, next_step: str) -> None:
        """Keep both; neither holds a secret."""
        super().__init__(sentence)
        self.sentence = sentence
        self.next_step = next_step

    def show(self) -> None:
        """Print it."""
        say(f"✗ \t{self.sentence}")
        say(f"  → \t{self.next_step}")


def choose(question: str, options: Sequence[tuple[T, str]], default: T | None = None) -> T:
    """Let a person choose one option with the arrow keys or its number; Enter takes the default."""
    termios.tcflush(sys.stdin, termios.TCIFLUSH)  # what was typed before the question must not answer it
    return choice(question, options=options, default=default)


def ask(question: str, complaint: Callable[[str], str], *, secret: bool = False) -> str:
    """Ask for a line until it is right; return it without the blanks around it.

    Args:
        question: Ends with a colon.
        complaint: Answer → what is wrong with it, or "".
        secret: Show stars. After a complaint the line begins empty, for nobody can correct what is unseen.
    """
    answer = ""
    while True:
        answer = prompt(f"{question} ", is_password=secret, default="" if secret else answer).strip()
        if not (wrong := complaint(answer)):
            return answer
        say(f"  ✗ \t{wrong}")


@contextmanager
def asking(otherwise: str, leaving: Callable[[], str]) -> Iterator[None]:
    """Keep the terminal from showing what is typed between two questions.

    Args:
        otherwise: How to do it without a terminal.
        leaving: What to tell a person who leaves now.

    Raises:
        Problem: There is no terminal.
        KeyboardInterrupt: The person leaves.
    """
    if not sys.stdin.isatty():
        raise Problem("This needs an interactive terminal.", otherwise)
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    termios.tcsetattr(terminal, termios.TCSANOW, [*before[:3], before[3] & ~termios.ECHO, *before[4:]])
    try:
        yield
    except (KeyboardInterrupt, EOFError) as stop:
        raise KeyboardInterrupt(str(stop) or leaving()) from None
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)


# --- What ends a command ----------------------------------------------------------------------------------------------

SANDBOX_ENDED = Problem(
    "The sandbox has ended: nothing answers at AWS_ENDPOINT_URL, which this terminal uses for AWS.",
    "For real AWS: open a new terminal, or `leave_sandbox`. For another: `make sandbox`, `source build/sandbox.sh`",
)
_SIGN_IN = "Sign in (`aws sso login`, `aws login` or `aws configure`), or name a profile: AWS_PROFILE=… make …"
_ALLOW = "Ask whoever manages the AWS account for it, or use other credentials: AWS_PROFILE=… make …"
_UNREACHED = ".*(Connect|Timeout|HTTPClient|SSLError)"
AWS_ERRORS = {
    "ExpiredToken|RequestExpired|TokenRe|SSO|UnauthorizedSSO|CredentialRetr": (
        "The AWS credentials have expired.",
        _SIGN_IN,
    ),
    "InvalidClientTokenId|InvalidSig|UnrecognizedClient|SignatureDoesNot|AuthFailure|Incomplete|Missing": (
        "AWS does not accept the credentials ({code}).",
        _SIGN_IN,
    ),
    "AccessDenied|Unauthorized|AuthorizationError": ("Your AWS credentials do not allow {action}.", _ALLOW),
    "Throttl|TooManyRequests": ("AWS has had too many requests of this account.", "Wait a minute and try again."),
    "NoCredentials|PartialCredentials": ("There are no AWS credentials on this machine.", _SIGN_IN),
    "ProfileNotFound": ("AWS_PROFILE names a profile that does not exist.", "List them: aws configure list-profiles"),
    "NoRegion": ("No AWS region is set.", "Name the stack's region: make … REGION=eu-west-1"),
    _UNREACHED: ("AWS cannot be reached from this machine.", "Check the network and the region's name."),
    "": ("AWS answered {code} to {action}.", "Try again; `make doctor` looks at the whole stack."),
}
"""How AWS's code, or the name of boto3's error, begins → a sentence and a next step; the first that fits counts."""


FAILURES = (Problem, aws.BotoCoreError, aws.ClientError)
"""What a person is told about in a sentence and a next step."""


def problem_of(error: Problem | aws.BotoCoreError | aws.ClientError) -> Problem:
    """Return why AWS does not do what was asked. The error's own text is left out: it may quote what was sent."""
    if isinstance(error, Problem):
        return error
    code, action = type(error).__name__, "this machine"
    if isinstance(error, aws.ClientError):
        code = str(error.response.get("Error", {}).get("Code", "?"))
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html has the form of the text
        named = re.search(r"perform: ([a-z0-9-]+:\w+)", str(error.response.get("Error", {}).get("Message", "")))
        action = named[1] if named else error.operation_name
    elif re.match(_UNREACHED, code) and is_loopback(os.environ.get("AWS_ENDPOINT_URL", "")):
        return SANDBOX_ENDED
    sentence, step = next(words for pattern, words in AWS_ERRORS.items() if re.match(pattern, code))
    return Problem(sentence.format(code=code, action=action), step)


def run(command: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    """Run a command and return its exit code: 1 after a problem, 130 after Ctrl-C, SIGTERM or SIGHUP.

    The command cleans up after each of them: the terminal shows again what is typed, and half a change is undone.
    """
    for end in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(end) is signal.SIG_DFL:  # nohup has it ignored
            signal.signal(end, signal.default_int_handler)
    try:
        code = command(options)
        sys.stdout.flush()
        return code
    except (KeyboardInterrupt, EOFError) as stop:
        say(f"\nStopped. {stop}".rstrip())
        return 130
    except FAILURES as error:
        problem_of(error).show()
    except PermissionError as error:
        Problem(f"{error.filename} cannot be written: {error.strerror}.", "Make its folder writable for you.").show()
    except BrokenPipeError:  # the reader has seen enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:  # noqa: BLE001 - the one boundary: a traceback could quote a secret
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        Problem(f"Unexpected: {type(error).__name__} at {where}.", "Please report this line.").show()
    return 1
