"""What a person can ask the running function beside a check. Nothing here changes the memory."""

from typing import Any

from handler import VERSION, heartbeat
from handler.decision import Decision
from handler.delivery import SEND_SECONDS
from handler.errors import DeliveryError
from handler.memory import Memory
from handler.organisation import Organisation, Services
from handler.outbox import Notice
from handler.schedule import due, has_schedule, how_often
from handler.store import as_json
from handler.summaries import problems
from handler.transport import Deadline
from handler.wording import NO_ACTION, Content, compact_time, plural

UNREAD = "nobody is subscribed: subscribe an address to the topic, and open the link in AWS's mail within two days"


def status(org: str, services: Services, request_id: str, deadline: Deadline) -> dict[str, Any]:
    """Return what is remembered and configured, without secrets; nothing is sent, and Zoho is not asked.

    Returns:
        ``org``, ``version`` (the release that answers), ``connected``, ``problem`` (why the parameter cannot be used,
        or null), ``problems`` (everything that is wrong now, each with title, sentence and next step), ``channels``
        (name → the lowest severity that it gets, or what is wrong with its settings), ``data_center``, ``name``,
        ``time_zone``, ``heartbeat``, ``subscribers`` (topic → how many, counted now), ``schedule`` (how often, or
        null), ``next_expected`` and ``next_run_known`` (Zoho named it), ``settings``, ``memory`` (with the number of
        its row keys), or null.
    """
    memory = services.store.load(org)
    remembered, now = memory or Memory(org), services.clock()
    organisation = services.organisation(org, remembered.channels)
    settings, policy = services.settings, services.policy(organisation)
    decision, problem = Decision(remembered, now, policy, organisation.channels), organisation.problem
    secret = organisation.secret
    named = {"time_zone": settings.time_zone_name, "zoho_api_version": settings.zoho_api_version}
    scheduled = memory is not None and has_schedule(memory)
    next_due = due(memory, policy.max_backup_age_days, now) if memory and scheduled else None
    return {
        "org": org,
        "version": VERSION,
        "connected": secret is not None,
        "problem": str(problem) if problem else None,
        "problems": problems(decision, problem),
        "channels": {channel.name: channel.problem or channel.min_severity for channel in organisation.channels},
        "data_center": secret.credentials.data_centre if secret else None,
        "name": secret.name if secret else None,
        "time_zone": secret.time_zone or settings.time_zone_name if secret else None,
        "heartbeat": bool(secret and secret.heartbeat_url),
        "subscribers": dict(services.subscribers()),
        "schedule": (how_often(memory) or "set up") if memory and scheduled else None,
        "next_expected": next_due.at.isoformat() if next_due else None,
        "next_run_known": bool(next_due and next_due.exact),
        "settings": policy._asdict() | named | {"notify_on": sorted(policy.notify_on)},
        "memory": as_json(memory) if memory else None,
    }


def send_test(org: str, services: Services, request_id: str, deadline: Deadline) -> dict[str, Any]:
    """Send a marked test message to every channel and return what each said; the memory stays as it is.

    Returns:
        ``org``, ``results`` (channel, or ``heartbeat`` → ``accepted: `` and what that means, ``skipped: `` and why, or
        why it does not work), ``ok``.

    Raises:
        UnreadableError: The organisation's parameter cannot be read, so its channels are not known.
    """
    organisation = services.organisation(org)
    if organisation.problem:
        raise organisation.problem
    rendering = services.rendering(organisation)
    now = services.clock()
    notice = Notice(f"{org}-test-{compact_time(now)}", "test", now, (), "info", test_content())
    results = {channel.name: channel.problem for channel in organisation.channels}
    ok, readers = not any(results.values()), services.subscribers().get("messages")
    for name, connection in organisation.connections.items():
        if name == "sns" and readers == 0:
            alone = len(organisation.channels) == 1
            results[name], ok = f"{'' if alone else 'skipped: '}{UNREAD}", ok and not alone
            continue
        try:
            for request in connection.render([notice], rendering):
                connection.send(request, deadline.within(SEND_SECONDS))
            counted = f" ({plural(readers, 'subscriber')} now)" if name == "sns" and readers else ""
            results[name] = f"accepted: {connection.kind.accepted_means}{counted}"
        except DeliveryError as error:
            results[name], ok = str(error), False
    beat = _beat(organisation, services, deadline)
    return {"org": org, "results": results | beat["results"], "ok": ok and beat["ok"]}


def request_heartbeat(org: str, services: Services, request_id: str, deadline: Deadline) -> dict[str, Any]:
    """Request the organisation's heartbeat URL once, and return what its service said, in the form of `send_test`."""
    return {"org": org, **_beat(services.organisation(org), services, deadline)}


def _beat(organisation: Organisation, services: Services, deadline: Deadline) -> dict[str, Any]:
    url = organisation.secret.heartbeat_url if organisation.secret else ""
    why = heartbeat.request(services.senders.session, url, deadline) if url else ""
    return {"results": {"heartbeat": why or "accepted: the service recorded it"} if url else {}, "ok": not why}


def test_content() -> Content:
    """Return what a test message says."""
    sentence = "This is a test message. Messages about your Zoho CRM backups will reach you here."
    return Content("🧪", "Test message", sentence, next_step=NO_ACTION, about_crm=False)
