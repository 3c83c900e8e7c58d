"""Why a history cannot be read: what to call it, what is wrong, what to do, and Zoho's codes for it. Pure.

``{operator}`` is whoever runs the notifier, ``{connect}`` the command that reconnects the organisation.
"""

from typing import NamedTuple


class Cause(NamedTuple):
    """Why a history is unreadable, and what to do.

    Attributes:
        name: Stable: the memory, the log and ``notice_id`` have it.
        title: A few words for a locked phone, as they follow "Cannot check the backups".
        sentence: What is wrong, and what usually causes it.
        next_step: What to do, beginning with a verb.
        actionable: A person must act, so it is sent at once; otherwise only after ``UNREADABLE_HOURS``.
        resolution: Zoho's own advice (https://www.zoho.com/crm/developer/docs/api/v7/backup-history.html), or "".
    """

    name: str
    title: str
    sentence: str
    next_step: str
    actionable: bool = True
    resolution: str = ""


_RECONNECT = "Ask {operator} to reconnect this organisation as a Zoho CRM administrator (`{connect}`)."
_NEWER = "Ask {operator} to install the latest release of this notifier."
_LOOK = "Check the data backup page yourself for now."

REVOKED_TOKEN = Cause(
    "revoked_token",
    "Zoho rejects the token",
    "Zoho no longer accepts the refresh token. It was revoked, its owner left, or Zoho deleted it: Zoho keeps 20 "
    "tokens per user and deletes the oldest.",
    f"{_RECONNECT} Use a separate Zoho user for this notifier.",
)
WRONG_CLIENT = Cause(
    "wrong_client",
    "Zoho does not know the client",
    "Zoho does not know the client ID. It was deleted in the API console, or it belongs to another data centre.",
    "Ask {operator} to check the client in Zoho's API console, and then to reconnect this organisation (`{connect}`).",
)
WRONG_CLIENT_SECRET = Cause(
    "wrong_client_secret",
    "wrong client secret",
    "Zoho does not accept the client secret. Usually it was renewed in the API console.",
    "Ask {operator} to reconnect this organisation with the secret that Zoho's API console shows now (`{connect}`).",
)
INVALID_TOKEN = Cause(
    "invalid_token",
    "access denied by Zoho",
    "Zoho rejects access tokens that it has just issued. Usually the token's owner was deactivated, or the data centre "
    "is the wrong one.",
    f"Check that the token's owner is active in Zoho CRM. {_RECONNECT}",
)
WRONG_SCOPE = Cause(
    "wrong_scope",
    "the token has no access to backups",
    "The token has no access to backups: its scope is not ZohoCRM.bulk.backup.READ.",
    "Ask {operator} to reconnect this organisation with the scope that `{connect}` shows.",
    resolution="The client does not have the scope ZohoCRM.bulk.backup.READ. Create a new client with a valid scope.",
)
NO_PERMISSION = Cause(
    "no_permission",
    "the user is not an administrator",
    "The token's owner has no access to backups. Only administrators have it, and this user is not one, or no longer.",
    "Give the user the Administrator profile in Zoho CRM, or ask {operator} to reconnect as an administrator "
    "(`{connect}`).",
    resolution="The user does not have permission to read backup details. Contact your system administrator.",
)
WRONG_URL = Cause(
    "wrong_url",
    "Zoho does not know the address",
    "Zoho does not know the address at which this notifier reads the backup history.",
    "Ask {operator} to check the parameter ZohoApiVersion, and to install the latest release of this notifier.",
    resolution="The request URL specified is incorrect. Specify a valid request URL.",
)
WRONG_METHOD = Cause(
    "wrong_method",
    "Zoho's API has changed",
    "Zoho no longer answers the request with which this notifier reads the backup history.",
    _NEWER,
    resolution="The HTTP method is invalid for this URL. Specify a valid request method.",
)
UNUSABLE = Cause(
    "unusable",
    "unexpected response from Zoho",
    "Zoho answered, but not in the documented form, so nothing in the answer can be trusted.",
    f"{_LOOK} {_NEWER}",
)
HISTORY_TOO_LONG = Cause(
    "history_too_long",
    "the history is too long",
    "The backup history has more than 3,000 entries, which is more than this notifier can remember.",
    f"{_LOOK} Ask Zoho support why a year has so many entries.",
)
HISTORY_VANISHED = Cause(
    "history_vanished",
    "the history is suddenly empty",
    "The backup history had entries and is now empty, although Zoho keeps them for a year.",
    "Check the history on the data backup page. If it is empty there, too, contact Zoho support. If it is not, ask "
    "{operator} to reconnect this organisation (`{connect}`).",
)
SECRET_MISSING = Cause(
    "secret_missing",
    "no saved Zoho credentials",
    "The Zoho credentials of this organisation are no longer stored in AWS Systems Manager.",
    _RECONNECT,
)
SECRET_MALFORMED = Cause(
    "secret_malformed",
    "invalid Zoho credentials",
    "The saved Zoho credentials are invalid.",
    "Ask {operator} to fix the setting named above, or to reconnect this organisation (`{connect}`).",
)
SECRET_DENIED = Cause(
    "secret_denied",
    "AWS denied access to the saved credentials",
    "AWS does not let this notifier read the saved Zoho credentials.",
    "Ask {operator} to check the permissions of the function's role and the key that encrypts the parameter.",
)
TRANSIENT = Cause(
    "transient",
    "no answer from Zoho",
    "Zoho cannot be reached, or answers every check with an error.",
    "No action needed: we try again at every check. Zoho's status page is https://status.zoho.com.",
    actionable=False,
)
CAUSES = {cause.name: cause for cause in list(vars().values()) if isinstance(cause, Cause)}
"""By name. `INTERNAL` is not among them: it is `TRANSIENT` in other words."""

INTERNAL = TRANSIENT._replace(
    next_step="Wait: we try again at every check. If this lasts longer than a day, contact Zoho support.",
    resolution="Unexpected and unhandled exception in the server. Contact the support team.",
)
TOKEN_ERRORS = {
    "invalid_code": REVOKED_TOKEN,
    "invalid_client": WRONG_CLIENT,
    "invalid_client_secret": WRONG_CLIENT_SECRET,
}
API_ERRORS = {
    "INVALID_URL_PATTERN": WRONG_URL,
    "OAUTH_SCOPE_MISMATCH": WRONG_SCOPE,
    "NO_PERMISSION": NO_PERMISSION,
    "INTERNAL_ERROR": INTERNAL,
    "INVALID_REQUEST_METHOD": WRONG_METHOD,
    "INVALID_TOKEN": INVALID_TOKEN,
    "INVALID_OAUTHTOKEN": INVALID_TOKEN,
    "AUTHENTICATION_FAILURE": INVALID_TOKEN,
    "TOO_MANY_REQUESTS": TRANSIENT,
}
STATUS_ERRORS = {
    401: INVALID_TOKEN,
    403: NO_PERMISSION,
    404: WRONG_URL,
    408: TRANSIENT,
    429: TRANSIENT,
}
"""Zoho's codes → what they mean: of the token, of the API, and of answers that have none."""
