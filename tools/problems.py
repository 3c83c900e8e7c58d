"""What ends a command: AWS's refusals in words, Ctrl-C, and whatever is unexpected; never with a secret."""

import io
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

from botocore import exceptions as aws

from handler.addresses import is_loopback
from tools.terminal import Problem, say

SANDBOX_ENDED = Problem(
    "The sandbox has ended: nothing answers at AWS_ENDPOINT_URL, which this terminal uses for AWS.",
    "For real AWS: open a new terminal, or `leave_sandbox`. For another: `make sandbox`, `source build/sandbox.sh`",
)
_SIGN_IN = "Sign in (`aws sso login`, `aws login` or `aws configure`), or name a profile: AWS_PROFILE=… make …"
_ALLOW = "Ask whoever manages the AWS account for it, or use other credentials: AWS_PROFILE=… make …"
_REFUSED = (
    "InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|InvalidSignature|AuthFailure|IncompleteSign|Missing"
)
_UNREACHED = ".*(Connect|Timeout|HTTPClient|SSLError)"
AWS_ERRORS = {
    "ExpiredToken|RequestExpired|TokenRe|SSO|UnauthorizedSSO|CredentialRetr": (
        "The AWS credentials have expired.",
        _SIGN_IN,
    ),
    _REFUSED: ("AWS does not accept the credentials ({code}).", _SIGN_IN),
    "AccessDenied|Unauthorized|AuthorizationError": ("Your AWS credentials do not allow {action}.", _ALLOW),
    "Throttl|TooManyRequests": ("AWS has had too many requests of this account.", "Wait a minute and try again."),
    "NoCredentials|PartialCredentials": ("There are no AWS credentials on this machine.", _SIGN_IN),
    "ProfileNotFound": ("AWS_PROFILE names a profile that does not exist.", "List them: aws configure list-profiles"),
    "NoRegion": ("No AWS region is set.", "Name the stack's region: make … REGION=eu-west-1"),
    _UNREACHED: ("AWS cannot be reached from this machine.", "Check the network and the region's name."),
    "": ("AWS answered {code} to {action}.", "Try again; `make doctor` looks at the whole stack."),
}
"""How AWS's code, or the name of boto3's error, begins → a sentence and a next step; the first that fits counts."""


def from_aws(error: aws.BotoCoreError | aws.ClientError) -> Problem:
    """Return why AWS does not do what was asked. The error's own text is left out: it may quote what was sent."""
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


def run(command: Callable[[], int]) -> int:
    """Run a command and return its exit code: 1 after a problem, 130 after Ctrl-C, SIGTERM or SIGHUP.

    The command cleans up after each of them: the terminal shows again what is typed, and half a change is undone.
    """
    if threading.current_thread() is threading.main_thread():
        for end in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(end) is signal.SIG_DFL:  # nohup has it ignored
                signal.signal(end, signal.default_int_handler)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    try:
        code = command()
        sys.stdout.flush()
        return code
    except (KeyboardInterrupt, EOFError) as stop:
        say(f"\nStopped. {stop}".rstrip())
        return 130
    except Problem as problem:
        problem.show()
    except (aws.BotoCoreError, aws.ClientError) as error:
        from_aws(error).show()
    except BrokenPipeError:  # the reader has seen enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:  # noqa: BLE001 - the one boundary: a traceback could quote a secret
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        Problem(f"Unexpected: {type(error).__name__} at {where}.", "Please report this line.").show()
    return 1
