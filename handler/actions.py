"""What a person can ask of the running function: nothing in here changes the memory."""

from collections.abc import Callable
from typing import Any

from handler.access import Tools
from handler.check import Check
from handler.delivery import SEND_SECONDS, reader
from handler.errors import DeliveryError, UnreadableError
from handler.history import Row
from handler.incidents import next_expected, shown
from handler.memory import Memory, Notice, iso
from handler.rules import classify
from handler.store import as_json
from handler.texts import describe

Remaining = Callable[[], float]


def dry_run(org: str, tools: Tools, request_id: str, remaining: Remaining) -> dict[str, Any]:
    """Read and decide as a check would, and explain it; nothing is written and nothing is sent.

    Returns:
        ``org``; ``rows``, newest first (none where they cannot be read), each with what it counts as, whether it is
        new, and why it is told or not; ``would_tell``, each with kind, title, channels and facts; ``incidents``;
        ``problem``, or null.
    """
    memory = tools.store.load(org) or Memory(org)
    check = Check(memory, tools, request_id, remaining)
    decision = check.look()
    told = {notice.notice_id: notice.kind for notice in decision.notices}
    looked_at = () if check.errors else check.history.rows
    rows = sorted(looked_at, key=lambda row: (iso(row.log_time) or "~", row.id_order), reverse=True)
    return {
        "org": org,
        "rows": [shown(row) | _explain(row, memory, told) for row in rows],
        "would_tell": [
            {"kind": n.kind, "title": describe(n).title, "channels": list(n.owed), "facts": n.facts}
            for n in decision.notices
        ],
        "pending": len(memory.outbox),
        "incidents": sorted(decision.memory.incidents),
        "problem": "; ".join(check.errors) or None,
    }


def _explain(row: Row, memory: Memory, told: dict[str, str]) -> dict[str, Any]:
    kind, notice_id = classify(row), f"{memory.org}-{row.key}"
    if row.key in memory.seen:
        why = f"known since {iso(memory.seen[row.key])}"
    elif memory.baseline_at is None:
        why = "the first check remembers it and tells nothing of the past but one baseline"
    elif notice_id in told:
        why = f"new, and told as {told[notice_id]}"
    elif kind == "started":
        why = "new, but only begins a backup: it starts the clock of the stuck rule"
    else:
        why = f"new, but NOTIFY_ON does not have {kind}"
    return {"counts_as": kind, "new": row.key not in memory.seen, "why": why}


def status(org: str, tools: Tools, request_id: str, remaining: Remaining) -> dict[str, Any]:
    """Return what is remembered and configured, without secrets; nothing but the table and the parameter is read.

    Returns:
        ``org``, ``connected``, ``problem`` of the parameter or null, ``channels``, ``data_center``, ``name``,
        ``time_zone``, ``heartbeat``, ``next_expected``, ``settings``, ``memory`` (without the row keys, which are only
        counted), or null.
    """
    memory = tools.store.load(org)
    problem = None
    try:
        tools.access(org, afresh=True)
    except UnreadableError as error:
        problem = str(error)
    access, settings = tools.accesses.get(org), tools.settings
    return {
        "org": org,
        "connected": access is not None,
        "problem": problem,
        "channels": list(tools.configured_channels(org)),
        "data_center": access.secret.credentials.data_centre if access else None,
        "name": access.secret.name if access else None,
        "time_zone": access.secret.time_zone or settings.time_zone_name if access else None,
        "heartbeat": bool(access and access.secret.heartbeat_url),
        "next_expected": iso(next_expected(memory)) if memory else None,
        "settings": {
            "notify_on": sorted(settings.policy.notify_on),
            **{name: value for name, value in vars(settings.policy).items() if name != "notify_on"},
            "time_zone": settings.time_zone_name,
            "zoho_api_version": settings.zoho_api_version,
        },
        "memory": as_json(memory) if memory else None,
    }


def send_test(org: str, tools: Tools, request_id: str, remaining: Remaining) -> dict[str, Any]:
    """Send a marked test message to every channel and return what each said; the memory stays as it is.

    Returns:
        ``org``, ``results`` (channel → ``accepted``, or why not), ``ok``.

    Raises:
        UnreadableError: The organisation's parameter cannot be read, so its channels are not known.
    """
    tools.access(org, afresh=True)
    now = tools.clock()
    notice = Notice(f"{org}-test-{now:%Y%m%dT%H%M%SZ}", "test", now, ())
    results = {}
    for name, channel in tools.configured_channels(org).items():
        try:
            for batch in channel.batches([notice], reader(org, tools)):
                channel.send(batch, lambda: min(SEND_SECONDS, remaining()))
            results[name] = "accepted"
        except DeliveryError as error:
            results[name] = str(error)
    return {"org": org, "results": results, "ok": set(results.values()) == {"accepted"}}
