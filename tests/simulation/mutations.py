"""Break the code at its heart, in a copy, and see which test turns red: ``python -m tests.simulation.mutations``.

Names of mutations as arguments run only these. Prints a Markdown table for ``docs/reliability.md``.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
LEFT_BEHIND = (".git", ".venv*", ".cache", ".aws-sam", ".hypothesis", ".*_cache", ".coverage*", "__pycache__", "build")
OURS = ("tests/simulation", "tests/test_no_leaks.py", "tests/test_hostile_input.py", "tests/test_overlap.py")
FAR = ("tests/template", "tests/tools", "tests/sandbox", "tests/sdk", "tests/gallery")
OTHERS = ("tests", *(f"--ignore={name}" for name in (*OURS, *FAR)))


class Mutation(NamedTuple):
    """A text of the code and what it is replaced with."""

    file: str
    old: str
    new: str


MUTATIONS = {
    "send before save": Mutation(
        "check.py",
        "self.memory = self.tools.store.save(self.with_lease(decision.memory))",
        "self.memory = self.with_lease(decision.memory)",
    ),
    "save before send": Mutation(
        "delivery.py",
        "        try:\n            self._send_or_renew(channel, batch)",
        "        self._take_acceptance(channel.name, batch.notice_ids)\n        self._write()\n"
        "        try:\n            self._send_or_renew(channel, batch)",
    ),
    "drop the condition": Mutation("store.py", "Item=to_item(saved), **condition", "Item=to_item(saved)"),
    "ignore the lease": Mutation(
        "check.py", "memory.lease_until and memory.lease_until > tools.clock()", "memory.lease_until and False"
    ),
    "leave the lease": Mutation(
        "delivery.py", "replace(self.memory, lease_owner=None, lease_until=None) if free else", ""
    ),
    "forget one channel's acceptance": Mutation(
        "delivery.py",
        "        self.memory = self.memory.accepted(channel, notice_ids)\n",
        '        if channel != "slack":\n            self.memory = self.memory.accepted(channel, notice_ids)\n',
    ),
    "swallow a DeliveryError": Mutation(
        "delivery.py",
        "            self._take_refusal(channel.name, error)\n            return error.permanent and not error.gone\n",
        "            self._take_acceptance(channel.name, batch.notice_ids)\n            return not error.gone\n",
    ),
    "read one page only": Mutation("zoho.py", "            if not more:\n", "            if page:\n"),
    "key by id alone": Mutation(
        "history.py",
        "identity = json.dumps([raw_id, when, raw_state.casefold(), raw_action.casefold()])",
        "identity = json.dumps([raw_id])",
    ),
    "watermark by time": Mutation(
        "rules.py",
        "    news = unique.keys() - memory.seen.keys()\n",
        "    newest = memory.last_seen_time\n"
        "    news = {r.key for r in rows if not newest or (r.log_time and r.log_time > newest)}\n",
    ),
    "trust a lost answer": Mutation(
        "store.py", "            if self.load(memory.org) == saved:\n", "            if self.load(memory.org):\n"
    ),
    "repeat what requests said": Mutation(
        "transport.py", "raise TransportError(type(error).__name__) from None", "raise TransportError(str(error))"
    ),
    "read answers of any length": Mutation(
        "transport.py", "        if len(body) > MAX_ANSWER_BYTES:\n", "        if not body:\n"
    ),
    "let Slack interpret Zoho": Mutation(
        "slack.py",
        'return _mrkdwn(f"*{label}*"), _plain(value, FIELD_LIMIT)',
        "return _mrkdwn(label), _mrkdwn(value)",
    ),
    "take a proxy's page for AWS": Mutation("app.py", "    transport.refuse_half_answers(_client)\n", ""),
}


def main(names: list[str]) -> None:
    """Apply each mutation to a copy of its own, run the tests there, and print what caught it."""
    sys.stdout.write("| Mutation | Caught under faults by | Caught elsewhere by |\n|---|---|---|\n")
    for name, mutation in MUTATIONS.items():
        if not names or name in names:
            sys.stdout.write(f"| {name} | {caught(mutation, OURS)} | {caught(mutation, OTHERS)} |\n")
            sys.stdout.flush()


def caught(mutation: Mutation, tests: tuple[str, ...]) -> str:
    """Return the first test that fails with this mutation, or "-"."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_BEHIND), dirs_exist_ok=True)
        file = Path(folder, "handler", mutation.file)
        code = file.read_text()
        if code.count(mutation.old) != 1:
            return "the code has changed: mend the mutation"
        file.write_text(code.replace(mutation.old, mutation.new))
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "--show-capture=no", "-p", "no:cacheprovider"]
        run = subprocess.run([*command, *tests], cwd=folder, capture_output=True, text=True, check=False)
        found = re.search(r"^(?:FAILED|ERROR) (?:\S*/)?([\w.]+::\w+)", run.stdout, re.MULTILINE)
        return f"`{found[1]}`" if found else "-" if run.returncode == 0 else run.stdout[-300:]


if __name__ == "__main__":
    main(sys.argv[1:])
