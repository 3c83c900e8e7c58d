"""`make history-sample`: print an organisation's backup history, plan and download links, to paste into a report.

What may be personal is replaced: ids are numbered anew in their order, and names, files and addresses become letters.
Times, the words that say what happened, and the form of everything stay.
"""

import argparse
import json
import re
import sys
from typing import Any

from handler.codec import parse_time
from tools import stack, zoho_token
from tools.organisation import Organisation, unknown
from tools.terminal import run

WORDS = {"state", "action", "repeat_type", "rrule", "status"}
"""Fields whose words are Zoho's own."""
ID = r"\d{6,}"
FIRST_ID = 10**18
"""As long as Zoho's ids are."""


def main(arguments: list[str] | None = None) -> int:
    """Print the sample; return the exit code."""
    return run(_print, stack.parser("make history-sample", __doc__).parse_args(arguments))


def _print(options: argparse.Namespace) -> int:
    there = stack.find(options)
    if not (secret := Organisation(there, options.org).read()):
        raise unknown(there, options.org)
    print(json.dumps(impersonal(zoho_token.everything(secret, there.settings())), indent=1, ensure_ascii=False))
    return 0


def impersonal(sample: dict[str, Any]) -> Any:
    """Return what Zoho sent without anything personal; equal texts stay equal, and ids keep their order."""
    ids = sorted(set(map(int, re.findall(rf'(?<=: )"?({ID})"?(?=[,}}])', json.dumps(sample)))))
    letters: dict[str, str] = {}

    def plain(value: Any, field: str = "") -> Any:
        if isinstance(value, dict):
            return {name: plain(part, name) for name, part in value.items()}
        if isinstance(value, list):
            return [plain(part, field) for part in value]
        if re.fullmatch(ID, str(value)):
            return type(value)(FIRST_ID + ids.index(int(value)))
        if value and isinstance(value, str) and field not in WORDS and not parse_time(value):
            number, letter = divmod(len(letters), 26)
            return letters.setdefault(value, chr(ord("A") + letter) + str(number or ""))
        return value

    return plain(sample)


if __name__ == "__main__":
    sys.exit(main())
