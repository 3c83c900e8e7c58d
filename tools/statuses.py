"""The statuses that a stack can be in, each in words and with a next step.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""

from typing import Any

_WAIT = "Wait until that has ended; the stack's events in the CloudFormation console show how far it is."
_START_OVER = "Remove what is left of it (make undeploy), remove the cause, and deploy it again: make deploy"
_AGAIN = "See its events for what failed first, remove the cause, and: make deploy"
_FIRST = "its first deployment failed, so it cannot be updated, only removed"
_UNDONE = "its last update failed and was undone, so the release before it runs"

GOOD = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"}
STATUSES: dict[str, tuple[str, str]] = {
    "CREATE_IN_PROGRESS": ("its first deployment is under way", _WAIT),
    "CREATE_FAILED": (_FIRST, _START_OVER),
    "ROLLBACK_IN_PROGRESS": ("its first deployment failed and is being undone", _WAIT),
    "ROLLBACK_FAILED": (f"{_FIRST}; undoing it failed, too", _START_OVER),
    "ROLLBACK_COMPLETE": (_FIRST, _START_OVER),
    "DELETE_IN_PROGRESS": ("it is being deleted", _WAIT),
    "DELETE_FAILED": ("deleting it failed", "See its events for what could not be deleted, then again: make undeploy"),
    "DELETE_COMPLETE": ("it is deleted", "Deploy it again: make deploy"),
    "UPDATE_IN_PROGRESS": ("it is being updated", _WAIT),
    "UPDATE_FAILED": ("its last update failed and was not undone", _AGAIN),
    "UPDATE_ROLLBACK_IN_PROGRESS": ("its last update failed and is being undone", _WAIT),
    "UPDATE_ROLLBACK_FAILED": (
        "its last update failed, and undoing it failed, too",
        "See its events, remove the cause, and: aws cloudformation continue-update-rollback --stack-name …",
    ),
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": (_UNDONE, _WAIT),
    "UPDATE_ROLLBACK_COMPLETE": (_UNDONE, _AGAIN),
    "REVIEW_IN_PROGRESS": ("nothing is deployed yet: its first change set was not executed", "make deploy"),
    "IMPORT_IN_PROGRESS": ("resources are being imported into it", _WAIT),
    "IMPORT_ROLLBACK_IN_PROGRESS": ("an import of resources failed and is being undone", _WAIT),
    "IMPORT_ROLLBACK_FAILED": (
        "an import of resources failed, and undoing it failed, too",
        "See its events, and ask whoever imported resources into it.",
    ),
    "IMPORT_ROLLBACK_COMPLETE": ("an import of resources failed and was undone", "Nothing is lost: make deploy"),
}
"""Of every status but the good ones: what it means, and what to do."""

DEPLOYABLE = GOOD - {"UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"} | {
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
    "REVIEW_IN_PROGRESS",
}


def first_failure(events: list[dict[str, Any]]) -> str:
    """Return what failed first in a stack's last deployment, with AWS's reason; "" when nothing did.

    Args:
        events: As CloudFormation gives them, newest first.
    """
    failed = [
        event
        for event in events
        if event.get("ResourceStatus", "").endswith("_FAILED")
        and event.get("ResourceStatusReason")
        and "cancelled" not in event["ResourceStatusReason"]  # because of the one that failed first
    ]
    return f"{failed[-1]['LogicalResourceId']}: {failed[-1]['ResourceStatusReason']}" if failed else ""
