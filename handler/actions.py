"""What a person can ask of the running function: nothing in here changes the memory."""

from typing import Any

from handler.check import Check
from handler.codec import to_plain
from handler.deadline import Deadline
from handler.decision import stamp
from handler.delivery import SEND_SECONDS
from handler.due import due, has_schedule, how_often
from handler.errors import DeliveryError
from handler.history import Row, classify
from handler.memory import Memory
from handler.organisation import Services
from handler.outbox import Notice
from handler.store import as_json
from handler.version import VERSION
from handler.wording import Content


def dry_run(org: str, services: Services, request_id: str, deadline: Deadline) -> dict[str, Any]:
    """Read and decide as a check would, and explain it; nothing is written and nothing is sent.

    Returns:
        ``org``; ``rows``, newest first (none where they cannot be read), each with what it counts as, whether it is
        new, since when it is known (or null), and why a notice is sent or not; ``would_notify``, each with kind,
        severity, title, sentence and channels; ``incidents``; ``pending``; ``problem``, or null.
    """
    memory = services.store.load(org) or Memory(org)
    organisation, problem = services.look_up(org)
    check = Check(memory, services, organisation, problem, request_id, deadline)
    decision = check.evaluate()
    sent = {notice.notice_id: notice.kind for notice in decision.notices}
    rows = [] if check.errors else check.history.rows
    newest_first = sorted(rows, key=lambda row: (str(row.log_time or "~"), row.id_order), reverse=True)
    return {
        "org": org,
        "rows": [to_plain(row) | _explain(row, memory, decision.memory, sent) for row in newest_first],
        "would_notify": [
            {
                "kind": notice.kind,
                "severity": notice.severity,
                "title": notice.content.title,
                "sentence": notice.content.sentence,
                "channels": list(notice.pending_for),
            }
            for notice in decision.notices
        ],
        "pending": len(memory.outbox),
        "incidents": sorted(decision.memory.incidents),
        "problem": "; ".join(check.errors) or None,
    }


def _explain(row: Row, memory: Memory, afterwards: Memory, sent: dict[str, str]) -> dict[str, Any]:
    kind, notice_id = classify(row), f"{memory.org}-{row.key}"
    known = memory.seen.get(row.key)
    if known:
        why = f"known since {known.isoformat()}"
    elif memory.baseline_at is None:
        why = "the first check remembers it; the baseline sums it up"
    elif notice_id in sent:
        why = f"new, and sent as {sent[notice_id]}"
    elif row.key not in afterwards.seen:
        why = "new, but too much waits to be sent: the next check decides"
    elif kind == "started":
        why = "new, but it only begins a backup: it starts the clock of the stuck rule"
    else:
        why = f"new, but NOTIFY_ON does not have {kind}"
    return {"counts_as": kind, "new": not known, "known_since": known.isoformat() if known else None, "why": why}


def status(org: str, services: Services, request_id: str, deadline: Deadline) -> dict[str, Any]:
    """Return what is remembered and configured, without secrets; nothing but the table and the parameter is read.

    Returns:
        ``org``, ``version`` (the release that answers), ``connected``, ``problem`` of the parameter or null,
        ``channels`` (name → its floor, or what is wrong with its settings), ``data_center``, ``name``, ``time_zone``,
        ``heartbeat``, ``schedule`` (how often, or null), ``next_expected`` and ``next_run_known`` (Zoho named it),
        ``settings``, ``memory`` (without the row keys, which are only counted), or null.
    """
    memory = services.store.load(org)
    organisation, problem = services.look_up(org)
    settings, policy = services.settings, services.settings.policy
    receivers, _ = services.channels(organisation, memory or Memory(org))
    secret = organisation.secret if organisation else None
    scheduled = memory is not None and has_schedule(memory)
    next_due = due(memory, policy.max_backup_age_days, services.clock()) if memory and scheduled else None
    return {
        "org": org,
        "version": VERSION,
        "connected": organisation is not None,
        "problem": str(problem) if problem else None,
        "channels": {receiver.name: receiver.problem or receiver.min_severity for receiver in receivers},
        "data_center": secret.credentials.data_centre if secret else None,
        "name": secret.name if secret else None,
        "time_zone": secret.time_zone or settings.time_zone_name if secret else None,
        "heartbeat": bool(secret and secret.heartbeat_url),
        "schedule": (how_often(memory) or "set up") if memory and scheduled else None,
        "next_expected": next_due.at.isoformat() if next_due else None,
        "next_run_known": bool(next_due and next_due.exact),
        "settings": {
            **policy._asdict(),
            "notify_on": sorted(policy.notify_on),
            "time_zone": settings.time_zone_name,
            "zoho_api_version": settings.zoho_api_version,
        },
        "memory": as_json(memory) if memory else None,
    }


def send_test(org: str, services: Services, request_id: str, deadline: Deadline) -> dict[str, Any]:
    """Send a marked test message to every channel and return what each said; the memory stays as it is.

    Returns:
        ``org``, ``results`` (channel → ``accepted: `` and what that means, or why not), ``ok``.

    Raises:
        UnreadableError: The organisation's parameter cannot be read, so its channels are not known.
    """
    organisation = services.organisation(org)
    recipient = services.recipient(org, organisation)
    now = services.clock().replace(microsecond=0)
    notice = Notice(f"{org}-test-{stamp(now)}", "test", now, (), "info", test_content())
    results = {receiver.name: receiver.problem for receiver in organisation.receivers}
    ok = not any(results.values())
    for name, channel in organisation.channels.items():
        try:
            for request in channel.render([notice], recipient):
                channel.send(request, deadline.within(SEND_SECONDS))
            results[name] = f"accepted: {channel.accepted}"
        except DeliveryError as error:
            results[name], ok = str(error), False
    return {"org": org, "results": results, "ok": ok}


def test_content() -> Content:
    """Return what a test message says."""
    return Content(
        "🧪",
        "Test message",
        "This is a test message. Messages about your Zoho CRM backups will reach you here.",
        next_step="No action needed.",
        about_crm=False,
    )
