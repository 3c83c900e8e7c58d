"""`make undeploy`: remove the organisations, the stack and, if asked for twice, the table with all that is remembered.

It works as well on what a failed first deployment has left.
"""

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from tools import prompts, stack
from tools.lines import say
from tools.problems import Problem, run

TABLE = "MemoryTable"
UNCHANGED = "Nothing was changed."
POLL_SECONDS, POLLS = 5, 240


def main(arguments: list[str] | None = None) -> int:
    """Remove it all; return the exit code."""
    parser = argparse.ArgumentParser(prog="make undeploy", description=__doc__)
    stack.add_arguments(parser, org="")
    parser.add_argument("--non-interactive", action="store_true", help="ask nothing")
    parser.add_argument("--delete-table", action="store_true", help="delete the table, too, where nothing is asked")
    options = parser.parse_args(arguments)
    return run(lambda: _undeploy(options))


class Leftovers:
    """What there is to remove of a stack.

    Attributes:
        stack_id: Of the stack; "" when there is none.
        parameters: Names of the organisations' parameters.
        schedules: Names of the organisations' schedules, without the stack's own.
        table: The table's name; "" when it is not known or gone.
    """

    def __init__(self, choice: stack.Choice) -> None:
        """Ask AWS."""
        self.choice = choice
        described = choice.described()
        if described and described.get("EnableTerminationProtection"):
            raise Problem(
                f"The stack {choice.name} is protected against deletion.",
                "If you mean it: aws cloudformation update-termination-protection --no-enable-termination-protection "
                f"--stack-name {choice.name} --region {choice.session.region_name}",
            )
        self.stack_id = described["StackId"] if described else ""
        self.parameters = sorted(self._parameters())
        self.schedules = sorted(self._schedules())
        self.table = self._table() if described else ""

    def client(self, service: str) -> Any:
        """Return a boto3 client."""
        return self.choice.session.client(service, config=stack.USUAL)  # type: ignore[call-overload]

    def _parameters(self) -> Iterator[str]:
        path = {"Key": "Path", "Option": "OneLevel", "Values": [f"/zoho-backup-notifier/{self.choice.name}"]}
        for page in self.client("ssm").get_paginator("describe_parameters").paginate(ParameterFilters=[path]):
            yield from (parameter["Name"] for parameter in page["Parameters"])

    def _schedules(self) -> Iterator[str]:
        scheduler = self.client("scheduler")
        try:
            for page in scheduler.get_paginator("list_schedules").paginate(GroupName=self.choice.name):
                yield from (listed["Name"] for listed in page["Schedules"] if listed["Name"] != self.choice.name)
        except scheduler.exceptions.ResourceNotFoundException:
            return

    def _table(self) -> str:
        resources = self.client("cloudformation").describe_stack_resources(StackName=self.choice.name)["StackResources"]
        names = [r.get("PhysicalResourceId", "") for r in resources if r.get("LogicalResourceId") == TABLE]
        return names[0] if names and names[0] and self._items(names[0]) is not None else ""

    def _items(self, table: str) -> int | None:
        """Return how many items a table has, as of some hours ago; None when there is no such table."""
        dynamodb = self.client("dynamodb")
        try:
            return int(dynamodb.describe_table(TableName=table)["Table"]["ItemCount"])
        except dynamodb.exceptions.ResourceNotFoundException:
            return None

    def end_schedules(self) -> None:
        """Delete the organisations' schedules, so that nothing invokes what is about to go."""
        for name in self.schedules:
            self.client("scheduler").delete_schedule(Name=name, GroupName=self.choice.name)

    def delete_stack(self) -> None:
        """Delete the stack and wait until it is gone.

        Raises:
            Problem: It could not be deleted.
        """
        client = self.client("cloudformation")
        client.delete_stack(StackName=self.stack_id)
        try:
            client.get_waiter("stack_delete_complete").wait(
                StackName=self.stack_id, WaiterConfig={"Delay": POLL_SECONDS, "MaxAttempts": POLLS}
            )
        except WaiterError:
            raise Problem(
                f"The stack {self.choice.name} could not be deleted.",
                "See its events in the CloudFormation console for the reason, and then again: make undeploy",
            ) from None

    def delete_parameters(self) -> None:
        """Delete the organisations' parameters, with their secrets."""
        ssm = self.client("ssm")
        for name in self.parameters:
            try:
                ssm.delete_parameter(Name=name)
            except ssm.exceptions.ParameterNotFound:
                continue

    def delete_table(self) -> None:
        """Delete the table, which is protected against deletion."""
        dynamodb = self.client("dynamodb")
        dynamodb.update_table(TableName=self.table, DeletionProtectionEnabled=False)
        try:
            dynamodb.get_waiter("table_exists").wait(TableName=self.table, WaiterConfig={"Delay": 2, "MaxAttempts": 30})
            dynamodb.delete_table(TableName=self.table)
        except ClientError:
            self.tell_of_table()
            raise

    def tell_of_table(self) -> None:
        """Say how the table can be deleted by hand."""
        where = f"--table-name {self.table} --region {self.choice.session.region_name}"
        say(f"The table {self.table} stays, with what is remembered. To delete it later:")
        say(f"    aws dynamodb update-table --no-deletion-protection-enabled {where}")
        say(f"    aws dynamodb delete-table {where}")


def _undeploy(options: argparse.Namespace) -> int:
    if options.org:
        raise Problem(
            "This removes the whole stack, with every organisation.",
            f"To remove one organisation: make connect ORG={options.org} REMOVE=1. To remove all, leave ORG out.",
        )
    choice = stack.choose(options)
    left = Leftovers(choice)
    if not (left.stack_id or left.parameters):
        raise Problem(f"There is no stack {choice.name} ({choice.where}).", "Name the one you mean: STACK=… REGION=…")
    say(f"This removes the stack {choice.name} ({choice.where}): nothing checks the backups any more.")
    for name in left.parameters:
        say(f"  {name}, with its secrets")
    say("What stays: Zoho's clients in its API console, and the S3 bucket in which sam keeps packages.")
    table = _asked(options, left)
    _remove(left, table=table)
    return 0


def _asked(options: argparse.Namespace, left: Leftovers) -> bool:
    """Ask whether all this is meant; return whether the table goes, too."""
    if options.non_interactive:
        return bool(options.delete_table)
    if not sys.stdin.isatty():
        raise Problem("There is no terminal to ask at.", "If you mean it: make undeploy ARGS=--non-interactive")
    name = left.choice.name
    try:
        with prompts.without_echo():
            prompts.ask(f"Type the stack's name to remove it ({name}):", lambda text: "" if text == name else "No.")
            if not left.table:
                return False
            say(f"\nAll that is remembered is in the table {left.table}.")
            if not prompts.confirm("Delete the table, too?", default=False):
                return False
            again = "This cannot be undone. Type the table's name to delete it, or Enter to keep it:"
            return prompts.ask(again, lambda text: "" if text in {left.table, ""} else "No.") == left.table
    except (KeyboardInterrupt, EOFError):
        raise KeyboardInterrupt(UNCHANGED) from None


def _remove(left: Leftovers, *, table: bool) -> None:
    done = "Nothing was removed."
    try:
        left.end_schedules()
        done = "The organisations' schedules are gone, and maybe more; run it again to remove the rest."
        if left.stack_id:
            say("Deleting the stack: a minute or two …")
            left.delete_stack()
            say(f"✓ The stack {left.choice.name} is deleted.")
        left.delete_parameters()
        say(f"✓ Parameters deleted: {len(left.parameters)}.")
        if table:
            left.delete_table()
            say(f"✓ The table {left.table} is deleted.")
        elif left.table:
            left.tell_of_table()
    except KeyboardInterrupt:
        if left.table:
            left.tell_of_table()
        raise KeyboardInterrupt(done) from None
    stack.file_of(left.choice.name).unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
