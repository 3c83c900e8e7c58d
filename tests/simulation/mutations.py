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
DRAWN = "tests/simulation/test_timelines.py"
OURS = (
    "tests/simulation",
    f"--ignore={DRAWN}",
    "tests/test_no_leaks.py",
    "tests/test_hostile.py",
    "tests/test_overlap.py",
)
FAR = ("tests/template", "tests/tools", "tests/sandbox", "tests/sdk", "tests/gallery")
OTHERS = ("tests", *(f"--ignore={name}" for name in (*OURS, *FAR) if not name.startswith("--")))


class Mutation(NamedTuple):
    """A text of the code and what it is replaced with."""

    file: str
    old: str
    new: str


MUTATIONS = {
    "send before save": Mutation(
        "check.py",
        "self.memory = self.services.store.save(self.with_lease(decision.memory))",
        "self.memory = self.with_lease(decision.memory)",
    ),
    "save before send": Mutation(
        "delivery.py",
        "        try:\n            channel.send(",
        "        self._record_accepted(channel.name, request.notice_ids)\n        self._write()\n"
        "        try:\n            channel.send(",
    ),
    "drop the condition": Mutation("store.py", "Item=to_item(saved), **condition", "Item=to_item(saved)"),
    "ignore the lease": Mutation(
        "check.py", "memory.lease_until and memory.lease_until > services.clock()", "memory.lease_until and False"
    ),
    "leave the lease": Mutation(
        "delivery.py", "self.memory._replace(lease_owner=None, lease_until=None) if free else", ""
    ),
    "send on before writing down": Mutation(
        "delivery.py", "                if not written:\n                    self._write()\n", ""
    ),
    "forget one channel's acceptance": Mutation(
        "delivery.py",
        "        self.memory = self.memory.accepted(channel, notice_ids)\n        name =",
        '        if channel != "slack":\n            self.memory = self.memory.accepted(channel, notice_ids)\n'
        "        name =",
    ),
    "swallow a DeliveryError": Mutation(
        "delivery.py",
        "            self._record_refused(channel, error)\n            return bool(error.refused) and not error.gone\n",
        "            self._record_accepted(channel.name, request.notice_ids)\n            return not error.gone\n",
    ),
    "take a throttle for a broken channel": Mutation(
        "channels/webhook.py", 'next(verdicts, "transient")', 'next(verdicts, "gone")'
    ),
    "take any 200 for an acceptance": Mutation(
        "channels/webhook.py",
        "response.status in perhaps and (not response.body.strip() or bool(decoded(response)))",
        "response.status in perhaps",
    ),
    "count a probe as a dead letter": Mutation(
        "incidents/broken_channel.py",
        "decision.memory = decision.memory.accepted(channel, decision.memory.probes(channel))",
        'decision.memory = decision.memory.discard(channel, decision.memory.probes(channel), "", decision.now)',
    ),
    "read one page only": Mutation("zoho.py", "            if not more:\n", "            if page:\n"),
    "key by id alone": Mutation(
        "history.py",
        "identity = json.dumps([raw_id, when, raw_state.casefold(), raw_action.casefold()])",
        "identity = json.dumps([raw_id])",
    ),
    "watermark by time": Mutation(
        "rules.py",
        "    news = [event for event in history if event.row.key not in memory.seen]\n",
        "    newest = memory.last_seen_time\n    news = [e for e in history if not newest or e.at > newest]\n",
    ),
    "let the plan move on": Mutation(
        "plan.py",
        "    if old is None or old.rule != new.rule or not old.applies(changed_at):\n",
        "    if old is None or new.next_run:\n",
    ),
    "trust a lost answer": Mutation(
        "store.py", "            if self.load(memory.org) == saved:\n", "            if self.load(memory.org):\n"
    ),
    "write over a newer release": Mutation("store.py", 'if raw["schema"] > SCHEMA:', 'if raw["schema"] > 9:'),
    "wait for an answer as long as it takes": Mutation("exchange.py", "self.join(seconds)", "self.run()"),
    "keep connections over a freeze": Mutation(
        "app.py",
        "        ready.senders.session.close()\n        ready.reading.close()\n        _SNS.close()\n",
        "        pass\n",
    ),
    "repeat what requests said": Mutation(
        "transport.py", "raise TransportError(type(error).__name__) from None", "raise TransportError(str(error))"
    ),
    "read answers of any length": Mutation(
        "transport.py", "        if len(body) > MAX_BYTES:\n", "        if not body:\n"
    ),
    "let Slack interpret Zoho": Mutation(
        "channels/slack.py", "return label, _plain(fact.text, FIELD_LIMIT)", "return label, _mrkdwn(fact.text)"
    ),
    "take a proxy's page for AWS": Mutation("app.py", "    aws.reject_truncated_responses(_client)\n", ""),
}


def main(names: list[str]) -> None:
    """Apply each mutation to a copy of its own, run the tests there, and print what caught it."""
    sys.stdout.write("| Mutation | Caught by |\n|---|---|\n")
    for name, mutation in MUTATIONS.items():
        if not names or name in names:
            found = (caught(mutation, tests) for tests in (OURS, OTHERS, (DRAWN,)))
            sys.stdout.write(f"| {name} | {next((by for by in found if by != '-'), '-')} |\n")
            sys.stdout.flush()


def caught(mutation: Mutation, tests: tuple[str, ...]) -> str:
    """Return the first test that fails with this mutation, or "-"."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_BEHIND), dirs_exist_ok=True)
        file = Path(folder, "handler", mutation.file)
        code = file.read_text()
        if code.count(mutation.old) != 1:
            return "the code has changed: fix the mutation"
        file.write_text(code.replace(mutation.old, mutation.new))
        # In their order, what is drawn last: a timeline that fails is made smaller first, which takes minutes.
        plain = ["-p", "no:cacheprovider", "-p", "no:randomly"]
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "--show-capture=no", *plain]
        run = subprocess.run([*command, *tests], cwd=folder, capture_output=True, text=True, check=False)
        found = re.search(r"^(?:FAILED|ERROR) (?:\S*/)?([\w.]+::\w+)", run.stdout, re.MULTILINE)
        return f"`{found[1]}`" if found else "-" if run.returncode == 0 else run.stdout[-300:]


if __name__ == "__main__":
    main(sys.argv[1:])
