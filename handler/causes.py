"""Why a history cannot be read and why a channel is broken: a sentence and a next step for each. Pure."""

from typing import NamedTuple


class Cause(NamedTuple):
    """Why a history is unreadable, and what to do."""

    sentence: str
    next_step: str


_RECONNECT = "Run `make connect` again with an administrator's account: it makes a new token and stores it."
CAUSES = {
    "revoked_token": Cause(
        "Zoho no longer accepts the refresh token: it was revoked, its owner left, or its owner's account made more "
        "than 20 refresh tokens, which silently ends the oldest one.",
        _RECONNECT + " Use a Zoho user whose tokens nothing else uses up.",
    ),
    "wrong_client": Cause(
        "Zoho does not know the client id. It was deleted in the API console, or it belongs to another data centre.",
        "Check `data_center` and `client_id` in the organisation's parameter; then run `make connect` again.",
    ),
    "wrong_client_secret": Cause(
        "Zoho does not accept the client secret: it was renewed in the API console.",
        "Run `make connect` again with the client's present secret.",
    ),
    "invalid_token": Cause(
        "Zoho refuses access tokens that it has just issued. Usually the token's owner was deactivated, or "
        "the data centre "
        "is not the organisation's.",
        "Check that the user is active and `data_center` is right. " + _RECONNECT,
    ),
    "wrong_scope": Cause(
        "The token may not read backups: its scope is not ZohoCRM.bulk.backup.READ.",
        "Run `make connect` again and paste the scope that it shows.",
    ),
    "no_permission": Cause(
        "The token's owner may not read backups: the user is no administrator (any more).",
        "Give the user the Administrator profile in Zoho CRM, or connect an administrator: " + _RECONNECT,
    ),
    "wrong_url": Cause(
        "Zoho does not know the address of the backup history.",
        "Check the stack's parameter ZohoApiVersion, and whether a newer release of this notifier exists.",
    ),
    "wrong_method": Cause(
        "Zoho no longer lets the backup history be read in this way.",
        "Look for a newer release of this notifier.",
    ),
    "unusable": Cause(
        "Zoho answered, but not in the documented form, so nothing in the answer can be trusted.",
        "Look at the data-backup page yourself, then for a newer release of this notifier; the function's "
        "log has details.",
    ),
    "history_too_long": Cause(
        "The backup history is longer than can be remembered, which is 3,000 rows.",
        "Ask Zoho support why a year of backups has so many entries. Until then, look at the data-backup "
        "page yourself.",
    ),
    "history_vanished": Cause(
        "The backup history had entries and is suddenly empty, long before they could have aged out.",
        "Check that the token's user still belongs to the same Zoho CRM organisation, and look at the "
        "data-backup page.",
    ),
    "secret_missing": Cause("The organisation's parameter in AWS Systems Manager is gone.", _RECONNECT),
    "secret_malformed": Cause(
        "The organisation's parameter in AWS Systems Manager cannot be used.",
        "Mend what is named here, or write it anew: " + _RECONNECT,
    ),
    "secret_denied": Cause(
        "AWS does not let the function read the organisation's parameter.",
        "Check the function's role and the key that encrypts the parameter.",
    ),
    "trouble": Cause(
        "Zoho could not be reached, or answered with an error of its own, at every check since then.",
        "Look at https://status.zoho.com. Nothing is to be done here: the checks go on every hour.",
    ),
}
CHANNELS = {"slack": "Slack", "sns": "The SNS topic (e-mail, SMS)"}
CHANNEL_STEPS = {
    "slack": "Make a new incoming webhook in Slack, then run `make connect` again and paste it.",
    "sns": "Check that the stack's topic still exists and that the function's role may publish to it; "
    "deploy the stack again.",
}
