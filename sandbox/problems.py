"""Why a history cannot be read: one problem of each cause, worded as the client words it."""

from handler import errors
from handler.errors import UnreadableError
from handler.rules import ANOTHER

PARAMETER = "/zoho-backup-notifier/notifier/acme"
PROBLEMS = (
    UnreadableError(errors.REVOKED_TOKEN, "Zoho refuses a token (invalid_code)"),
    UnreadableError(errors.WRONG_CLIENT, "Zoho refuses a token (invalid_client)"),
    UnreadableError(errors.WRONG_CLIENT_SECRET, "Zoho refuses a token (invalid_client_secret)"),
    UnreadableError(errors.INVALID_TOKEN, "Zoho answered HTTP 401 INVALID_TOKEN"),
    UnreadableError(errors.WRONG_SCOPE, "Zoho answered HTTP 401 OAUTH_SCOPE_MISMATCH"),
    UnreadableError(errors.NO_PERMISSION, "Zoho answered HTTP 403 NO_PERMISSION"),
    UnreadableError(errors.API_CHANGED, "Zoho answered HTTP 404 INVALID_URL_PATTERN"),
    UnreadableError(errors.REFUSED, "Zoho answered HTTP 403 IP_RESTRICTED"),
    UnreadableError(errors.UNUSABLE, "The answer is JSON, but not the documented history."),
    UnreadableError(errors.HISTORY_VANISHED, "The history had rows at an earlier check and is empty now."),
    UnreadableError(errors.HISTORY_REPLACED, ANOTHER),
    UnreadableError(errors.SECRET_MISSING, f"There is no parameter {PARAMETER}."),
    UnreadableError(
        errors.SECRET_MALFORMED,
        f"The parameter {PARAMETER} cannot be used: client_secret must be a text that is not empty; "
        "data_center must be one of us, eu, in, au, jp, cn, ca, sa, uk, ae.",
    ),
    UnreadableError(
        errors.SECRET_DENIED, f"AWS refuses to let the function read the parameter {PARAMETER}: AccessDeniedException."
    ),
    UnreadableError(
        errors.SECRET_UNAVAILABLE, f"AWS Systems Manager did not give the parameter {PARAMETER}: ThrottlingException."
    ),
    UnreadableError(errors.TOKEN_REFUSED, "Zoho refuses a token (unauthorized_client)"),
    UnreadableError(errors.NO_TIME, "The time of this check was over before Zoho was asked."),
    UnreadableError(errors.TRANSIENT, "Zoho answered HTTP 403 with a web page"),
)
