"""`make undeploy`: remove the organisations, the stack and, if asked for twice, the table with all that is remembered.

It also removes what a failed first deployment has left.
"""

import argparse
import sys
from contextlib import suppress

from botocore.exceptions import WaiterError

from tools import stack, terminal
from tools.organisation import parameters, schedules
from tools.stack import Stack
from tools.terminal import Problem, run, say

NOT_THE_NAME = "That is not the name. Press Ctrl-C to keep everything."
PATIENCE = {"Delay": 5, "MaxAttempts": 240}
"""Seconds between two looks, and how many."""


def main(arguments: list[str] | None = None) -> int:
    """Remove it all; return the exit code."""
    parser = stack.parser("make undeploy", __doc__, org="")
    parser.add_argument("--non-interactive", action="store_true", help="ask nothing")
    parser.add_argument("--delete-table", action="store_true", help="delete the table, too, where nothing is asked")
    return run(_undeploy, parser.parse_args(arguments))


def _undeploy(options: argparse.Namespace) -> int:
    if options.org:
        raise Problem(
            "This removes the whole stack, with every organisation.",
            f"To remove one organisation: make connect ORG={options.org} REMOVE=1. To remove all, leave ORG out.",
        )
    there = stack.choose(options)
    if there.protected:
        raise Problem(
            f"The stack {there.name} is protected against deletion.",
            "If you mean it: aws cloudformation update-termination-protection --no-enable-termination-protection "
            f"--stack-name {there.name} --region {there.region}",
        )
    names, table = sorted(parameter["Name"] for parameter in parameters(there)), _table(there)
    if not (there.status or names):
        raise Problem(f"There is no stack {there.name} ({there.where}).", "Name the one you mean: STACK=… REGION=…")
    secrets = "".join(f"\n  {name}, with its secrets" for name in names)
    say(f"This removes the stack {there.name} ({there.where}): nothing checks the backups any more.{secrets}")
    say("What stays: Zoho's clients in its API console, and the S3 bucket in which sam keeps packages.")
    also_table = _asked(options, there, table)
    try:
        _remove(there, names)
        if also_table:
            _delete_table(there, table)
            table = ""
    except KeyboardInterrupt:
        raise KeyboardInterrupt("Some of it is removed; run it again to remove the rest.") from None
    finally:
        if table:
            say(f"The table {table} stays, with what is remembered. To delete it later:")
            for command in ("update-table --no-deletion-protection-enabled", "delete-table"):
                say(f"    aws dynamodb {command} --table-name {table} --region {there.region}")
    there.file.unlink(missing_ok=True)
    return 0


def _remove(there: Stack, names: list[str]) -> None:
    """Remove the schedules first, so that nothing invokes what is about to go, and the secrets last."""
    for schedule in schedules(there):
        if schedule["Name"] != there.name:
            there.client("scheduler").delete_schedule(Name=schedule["Name"], GroupName=there.name)
    if there.status:
        _delete_stack(there)
    for name in names:
        there.client("ssm").delete_parameter(Name=name)
    say(f"✓ Parameters deleted: {len(names)}.")


def _asked(options: argparse.Namespace, there: Stack, table: str) -> bool:
    """Ask whether all this is meant; return True if the table goes, too."""
    if options.non_interactive:
        return bool(table and options.delete_table)
    with terminal.asking("If you mean it: make undeploy ARGS=--non-interactive", lambda: "Nothing was changed."):
        name = f"Type the stack's name to remove it ({there.name}):"
        terminal.ask(name, lambda text: "" if text == there.name else NOT_THE_NAME)
        if not table:
            return False
        say(f"\nAll that is remembered is in the table {table}. Deleting it cannot be undone.")
        again = "Type the table's name to delete it, too (Enter keeps it):"
        return terminal.ask(again, lambda text: "" if text in {table, ""} else NOT_THE_NAME) == table


def _table(there: Stack) -> str:
    """Return the table's name; "" when it is not known or gone."""
    if not there.status:
        return ""
    dynamodb = there.client("dynamodb")
    with suppress(KeyError, dynamodb.exceptions.ResourceNotFoundException):
        return str(dynamodb.describe_table(TableName=there.resources()["MemoryTable"])["Table"]["TableName"])
    return ""


def _delete_stack(there: Stack) -> None:
    say("Deleting the stack: a minute or two …")
    client = there.client("cloudformation")
    client.delete_stack(StackName=there.id)
    try:
        client.get_waiter("stack_delete_complete").wait(StackName=there.id, WaiterConfig=PATIENCE)
    except WaiterError:
        raise Problem(
            f"The stack {there.name} could not be deleted.",
            "See its events in the CloudFormation console for the reason, and then again: make undeploy",
        ) from None
    say(f"✓ The stack {there.name} is deleted.")


def _delete_table(there: Stack, table: str) -> None:
    """Delete the table, which is protected against deletion."""
    dynamodb = there.client("dynamodb")
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    dynamodb.get_waiter("table_exists").wait(TableName=table, WaiterConfig=PATIENCE)
    dynamodb.delete_table(TableName=table)
    say(f"✓ The table {table} is deleted.")


if __name__ == "__main__":
    sys.exit(main())
