"""Why a history cannot be read and why a channel is broken: a sentence and a next step for each. Pure."""

from typing import NamedTuple


class Cause(NamedTuple):
    """Why a history is unreadable, and what to do.

    Attributes:
        title: A few words for a locked phone, as they follow "Cannot check the backups".
        sentence: What is wrong, and what usually brings it about.
        next_step: What to do.
    """

    title: str
    sentence: str
    next_step: str


_RECONNECT = "Run `make connect` again, as an administrator of your Zoho CRM: it makes a new token and stores it."
CAUSES = {
    "revoked_token": Cause(
        "Zoho rejects the token",
        "Zoho no longer accepts the refresh token: it was revoked, its owner left, or its owner's account made more "
        "than 20 refresh tokens, which silently ends the oldest one.",
        f"{_RECONNECT} Use a Zoho user whose tokens nothing else uses up.",
    ),
    "wrong_client": Cause(
        "Zoho does not know the client",
        "Zoho does not know the client id: it was deleted in the API console, or it belongs to another data centre.",
        "Look in Zoho's API console which client there is, and in which data centre; then run `make connect` again.",
    ),
    "wrong_client_secret": Cause(
        "wrong client secret",
        "Zoho does not accept the client secret: it was renewed in the API console.",
        "Run `make connect` again with the secret that Zoho's API console shows now.",
    ),
    "invalid_token": Cause(
        "Zoho rejects its own tokens",
        "Zoho refuses access tokens that it has only just issued. Usually the token's owner was deactivated, or the "
        "data centre is not the organisation's.",
        f"Check that the token's owner is active in Zoho CRM, and which data centre it is in. {_RECONNECT}",
    ),
    "wrong_scope": Cause(
        "the token may not read backups",
        "The token may not read backups: its scope is not ZohoCRM.bulk.backup.READ.",
        "Run `make connect` again and paste the scope that it shows.",
    ),
    "no_permission": Cause(
        "the user is not an administrator",
        "The token's owner may not read backups: that needs an administrator, and the user is not one, or no longer.",
        "Give the user the Administrator profile in Zoho CRM, or run `make connect` again as an administrator.",
    ),
    "wrong_url": Cause(
        "Zoho does not know the address",
        "Zoho does not know the address at which this notifier reads the backup history.",
        "Check the stack's parameter ZohoApiVersion, and whether there is a newer release of this notifier.",
    ),
    "wrong_method": Cause(
        "Zoho changed how it is read",
        "Zoho no longer lets the backup history be read in the way that this notifier knows.",
        "See whether there is a newer release of this notifier.",
    ),
    "unusable": Cause(
        "Zoho's answer makes no sense",
        "Zoho answered, but not in the documented form, so nothing in the answer can be trusted.",
        "Look at the data-backup page yourself for now, and see whether there is a newer release of this notifier; "
        "the function's log has details.",
    ),
    "history_too_long": Cause(
        "the history is too long",
        "The backup history has more entries than this notifier can remember, which is 3,000.",
        "Look at the data-backup page yourself for now, and ask Zoho support why a year has so many entries.",
    ),
    "history_vanished": Cause(
        "the history is suddenly empty",
        "The backup history had entries and is suddenly empty, long before they were a year old.",
        "Look at the data-backup page, and check that the token's owner still belongs to the same organisation.",
    ),
    "secret_missing": Cause(
        "the stored token is gone",
        "The organisation's client and token are gone from AWS Systems Manager, where this notifier keeps them.",
        _RECONNECT,
    ),
    "secret_malformed": Cause(
        "the stored token is unusable",
        "What AWS Systems Manager holds of the organisation's client and token cannot be used.",
        "Mend what is named here, or run `make connect` again: it writes everything anew.",
    ),
    "secret_denied": Cause(
        "AWS withholds the stored token",
        "AWS does not let this notifier read the organisation's client and token from AWS Systems Manager.",
        "Check the permissions of the function's role, and the key that encrypts the parameter.",
    ),
    "trouble": Cause(
        "no answer from Zoho",
        "Zoho cannot be reached, or answers every check with an error of its own.",
        "See https://status.zoho.com. There is nothing to mend here: every check tries again.",
    ),
}
CHANNELS = {"slack": "Slack", "sns": "The SNS topic (e-mail, SMS)"}
CHANNEL_STEPS = {
    "slack": "Make a new incoming webhook in Slack, then run `make connect` again and paste it.",
    "sns": "Check that the stack's topic still exists and that the function's role may publish to it; if not, deploy "
    "the stack again.",
}
