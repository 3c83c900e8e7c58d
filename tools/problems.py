"""What can go wrong for a person at a terminal: a sentence and a next step for each, and never a secret."""

import io
import os
import re
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from botocore import exceptions as aws

from handler import causes
from handler.addresses import is_loopback
from handler.causes import Cause
from tools.lines import say


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
        say(f"✗ {self.sentence}", "  ")
        say(f"  → {self.next_step}", "    ")


class ZohoError(Exception):
    """Zoho refused a code, or does not let its history be read.

    Attributes:
        cause: Why.
    """

    def __init__(self, cause: Cause, detail: str) -> None:
        """Keep the cause; `detail` says what was answered, without any secret."""
        super().__init__(detail)
        self.cause = cause


_NEW_CODE = "paste it at once: it works once, and for minutes only."
_UNREACHABLE = "Zoho could not be reached, or answered with an error of its own"
_NETWORK = "Check this machine's network (a proxy is not used) and https://status.zoho.com"
_NEWER = "Get a newer release of this notifier; if there is none, please report this line."
USED_CODE = Cause(
    "used_code",
    "",
    "Zoho does not accept the code: it has expired, was used before, or belongs to another client.",
    f'Make a new one in the tab "Generate Code" and {_NEW_CODE}',
)
NO_REFRESH_TOKEN = Cause(
    "no_refresh_token",
    "",
    "Zoho gave no refresh token for the code.",
    'The client must be a "Self Client": make one in the API console.',
)
THROTTLED = Cause(
    "throttled",
    "",
    "Zoho has had too many requests from this client.",
    "Wait ten minutes and try again; a code that has expired by then needs a new one.",
    actionable=False,
)
UNANSWERED_CODE = Cause(
    "unanswered_code",
    "",
    f"{_UNREACHABLE}, so the code may have been used.",
    f"{_NETWORK}; then make a new code.",
)
HERE = {
    cause.name: cause
    for cause in (
        causes.REVOKED_TOKEN._replace(next_step=f"Make a new code and {_NEW_CODE} Best as a separate Zoho user."),
        causes.WRONG_CLIENT._replace(
            sentence="Zoho does not know this client id in this data centre.",
            next_step="Choose the data centre that your browser shows in Zoho CRM, and copy the client id again.",
        ),
        causes.WRONG_CLIENT_SECRET._replace(
            sentence="Zoho does not accept the client secret.",
            next_step='Copy it again from the tab "Client Secret" of the API console.',
        ),
        causes.INVALID_TOKEN._replace(next_step="Check that the user is active in Zoho CRM, then make a new code."),
        causes.WRONG_SCOPE._replace(
            sentence="The code was made for another scope, so the token may not read backups.",
            next_step="Make a new code with exactly this scope: ZohoCRM.bulk.backup.READ",
        ),
        causes.NO_PERMISSION._replace(
            sentence="The Zoho user who made the code may not read backups: that needs an administrator.",
            next_step="Let a user with the Administrator profile in Zoho CRM make the client and the code.",
        ),
        causes.WRONG_URL._replace(next_step=f"Check the parameter ZohoApiVersion of the stack. {_NEWER}"),
        causes.WRONG_METHOD._replace(next_step=_NEWER),
        causes.UNUSABLE._replace(next_step=_NEWER),
        causes.HISTORY_TOO_LONG._replace(next_step="Ask Zoho support why a year has so many entries."),
        causes.SECRET_MALFORMED._replace(
            sentence="The answers, or what was saved before, cannot be used.",
            next_step="Give another answer for what is named above.",
        ),
        causes.TRANSIENT._replace(sentence=f"{_UNREACHABLE}.", next_step=f"{_NETWORK}; then try again."),
    )
}
"""The causes that connecting can meet, in words for the person at the terminal: whoever runs the notifier."""

CREDENTIALS_STEP = "Sign in (`aws sso login`, `aws login` or `aws configure`), or name a profile: AWS_PROFILE=… make …"
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
REFUSED = {
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "AuthFailure",
    "IncompleteSignature",
    "MissingAuthenticationToken",
}
DENIED = ("AccessDenied", "Unauthorized", "AuthorizationError")


def from_zoho(error: ZohoError) -> Problem:
    """Return why Zoho cannot be read, with what it answered."""
    if sandbox_has_ended():
        return _ended()
    cause = HERE.get(error.cause.name, error.cause)
    return Problem(f"{cause.sentence} ({str(error).rstrip('.')}.)", cause.next_step)


def from_aws(error: aws.BotoCoreError | aws.ClientError) -> Problem:
    """Return why AWS cannot be asked. The exception's own text is left out: it may quote what was sent."""
    match error:
        case aws.ClientError():
            return _answered(error)
        case aws.NoCredentialsError() | aws.PartialCredentialsError():
            return Problem("There are no AWS credentials on this machine.", CREDENTIALS_STEP)
        case aws.ProfileNotFound():
            return Problem("AWS_PROFILE names a profile that does not exist.", "List them: aws configure list-profiles")
        case aws.NoRegionError():
            return Problem("No AWS region is set.", "Name the stack's region: make … REGION=eu-west-1")
        case aws.SSOError() | aws.TokenRetrievalError() | aws.CredentialRetrievalError():
            return Problem("The AWS credentials have expired.", CREDENTIALS_STEP)
        case aws.ConnectionError() | aws.HTTPClientError() if sandbox_has_ended():
            return _ended()
        case aws.ConnectionError() | aws.HTTPClientError():
            return Problem("AWS cannot be reached from this machine.", "Check the network and the region's name.")
    return Problem(f"AWS could not be asked: {type(error).__name__}.", "Check the AWS configuration of this machine.")


def sandbox_has_ended() -> bool:
    """Return whether this terminal's AWS is the sandbox on this machine, and nothing answers there."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    if not endpoint or not is_loopback(endpoint):
        return False
    address = urlsplit(endpoint)
    try:
        socket.create_connection((address.hostname, address.port or 80), timeout=5).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


def _ended() -> Problem:
    return Problem(
        "The sandbox has ended: nothing answers at AWS_ENDPOINT_URL, which this terminal uses for AWS.",
        "For real AWS: open a new terminal, or `leave_sandbox`. For another: `make sandbox`, `source build/sandbox.sh`",
    )


def _answered(error: aws.ClientError) -> Problem:
    code, operation = str(error.response.get("Error", {}).get("Code", "?")), error.operation_name
    if code in EXPIRED:
        return Problem("The AWS credentials have expired.", CREDENTIALS_STEP)
    if code in REFUSED:
        return Problem(f"AWS does not accept the credentials ({code}).", CREDENTIALS_STEP)
    if code.startswith(DENIED):
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html has the form of the text
        named = re.search(r"perform: ([a-z0-9-]+:\w+)", str(error.response["Error"].get("Message", "")))
        action = named[1] if named else operation
        return Problem(
            f"Your AWS credentials do not allow {action}.",
            "Ask whoever manages the AWS account for it, or use other credentials: AWS_PROFILE=… make …",
        )
    if code.startswith("Throttl") or code == "TooManyRequestsException":
        return Problem("AWS has had too many requests of this account.", "Wait a minute and try again.")
    return Problem(f"AWS answered {code} to {operation}.", "Try again; `make doctor` looks at the whole stack.")


def run(command: Callable[[], int]) -> int:
    """Run a command and return its exit code: 1 after a problem, 130 after Ctrl-C, SIGTERM or SIGHUP.

    Whichever it is, the command cleans up: the terminal shows again what is typed, and half a change is undone.
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
    except BrokenPipeError:  # whoever read it has seen enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:  # noqa: BLE001 - the one boundary: a traceback could quote a secret
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        Problem(f"Unexpected: {type(error).__name__} at {where}.", "Please report this line.").show()
    return 1
