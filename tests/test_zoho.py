"""The client for Zoho against the fake Zoho: tokens, pages, errors, tries, and what it refuses to believe."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from handler import errors, transport
from handler.config import Settings, read_settings
from handler.decision import Links
from handler.errors import Cause, UnreadableError
from handler.transport import Deadline
from handler.zoho import DATA_CENTRES, MAX_PAGES, Credentials, Zoho
from sandbox.server import Fault, Response
from sandbox.zoho import FakeZoho, Organisation, row, sample_rows
from sandbox.zoho_errors import API_ERRORS, MAINTENANCE, TOKEN_ERRORS, envelope
from tests.world import TLS, Clock


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """Give the session that reading has in Lambda, with its retries."""
    with transport.make_session(TLS, transport.RETRY) as made:
        yield made


@pytest.fixture
def organisation(zoho: FakeZoho) -> Organisation:
    """Give an organisation with Zoho's sample as its history."""
    return zoho.organisation(sample_rows())


@pytest.fixture
def client(
    zoho: FakeZoho, organisation: Organisation, session: requests.Session, clock: Clock, sleeps: list[float]
) -> Zoho:
    """Give that organisation's client; its tries don't wait."""
    return Zoho(credentials(organisation), session, clock, settings(ZOHO_ACCOUNTS_URL=zoho.url, ZOHO_API_URL=zoho.url))


def settings(**more: str) -> Settings:
    """Return a deployment's settings with these changed."""
    return read_settings({"TABLE_NAME": "table", "TOPIC_ARN": "topic", "ORG_PARAMETER_PREFIX": "/prefix", **more})


def credentials(organisation: Organisation, data_centre: str = "us") -> Credentials:
    """Return what the organisation's parameter holds for Zoho."""
    return Credentials(organisation.client_id, organisation.client_secret, organisation.refresh_tokens[-1], data_centre)


AMPLE = Deadline(lambda: 25.0)


def unreadable(client: Zoho, deadline: Deadline = AMPLE) -> UnreadableError:
    """Read the history, which must fail, and return why."""
    with pytest.raises(UnreadableError) as raised:
        client.history(deadline)
    return raised.value


def kinds(zoho: FakeZoho) -> list[str]:
    """Return the kinds of the requests that the fake saw."""
    return [request.kind for request in zoho.requests]


def a_page(rows: list[dict[str, Any]], *, more: bool = False) -> Response:
    """Return a page of the history."""
    return Response.json({"history": rows, "info": {"page": 1, "per_page": 200, "count": 1, "more_records": more}})


# --- Access tokens ----------------------------------------------------------------------------------------------------


def test_secrets_go_in_a_form_and_the_token_in_a_header_and_never_in_the_url(
    zoho: FakeZoho, organisation: Organisation, client: Zoho
) -> None:
    """URLs end up in logs, here and at Zoho; the header is `Zoho-oauthtoken`, not `Bearer`."""
    assert [r.id for r in client.history(AMPLE)[0]] == [raw["id"] for raw in sample_rows()]
    request, page = zoho.requests
    assert (request.kind, request.method, request.query) == ("token", "POST", {})
    assert request.form == {
        "grant_type": "refresh_token",
        "client_id": organisation.client_id,
        "client_secret": organisation.client_secret,
        "refresh_token": organisation.refresh_tokens[0],
    }
    assert page.headers["Authorization"].startswith("Zoho-oauthtoken 1000.")
    assert (page.path, page.query) == ("/crm/bulk/v7/backup/history", {"page": "1", "per_page": "200"})


LOCALISED = {"error": "Zugriff verweigert", "error_description": "Zu viele Anfragen", "status": "failure"}
TOKEN_ANSWERS: dict[str, tuple[Response, Cause]] = {
    "invalid_code": (TOKEN_ERRORS["invalid_code"], errors.REVOKED_TOKEN),
    "invalid_client": (TOKEN_ERRORS["invalid_client"], errors.WRONG_CLIENT),
    "invalid_client_secret": (TOKEN_ERRORS["invalid_client_secret"], errors.WRONG_CLIENT_SECRET),
    "invalid_code with 400": (Response.json({"error": "invalid_code"}, 400), errors.REVOKED_TOKEN),
    "throttled": (TOKEN_ERRORS["throttled"], errors.TRANSIENT),
    "throttled in German with 400": (Response.json(LOCALISED, 400), errors.TOKEN_REFUSED),
    "an unknown word": (Response.json({"error": "unauthorized_client"}), errors.TOKEN_REFUSED),
    **{f"a page with {n}": (Response(n, MAINTENANCE.body), errors.TRANSIENT) for n in (200, 400, 401, 403, 404, 503)},
    "no content": (Response(204), errors.TRANSIENT),
    "truncated": (Response(200, b'{"access_token": "1000.a'), errors.TRANSIENT),
    "401 without a word": (Response.json({"code": "INVALID_TOKEN"}, 401), errors.TOKEN_REFUSED),
    "500 without a word": (Response.json({}, 500), errors.TRANSIENT),
    "nothing in it": (Response.json({}), errors.UNUSABLE),
    "token a number": (Response.json({"access_token": 5}), errors.UNUSABLE),
    "token empty": (Response.json({"access_token": ""}), errors.UNUSABLE),
    "token with a line break": (Response.json({"access_token": "a\r\nX-Evil: b"}), errors.UNUSABLE),
    "token not ASCII": (Response.json({"access_token": "ä"}), errors.UNUSABLE),
}


@pytest.mark.parametrize("case", TOKEN_ANSWERS)
def test_each_answer_to_a_refresh_has_its_meaning(zoho: FakeZoho, client: Zoho, case: str) -> None:
    """Errors come with HTTP 200, throttling is not bad credentials, and what is not the documented form is not used."""
    answer, cause = TOKEN_ANSWERS[case]
    zoho.standing["token"] = Fault(answer)
    problem = unreadable(client)
    assert (problem.cause, "Zoho" in str(problem) or cause.actionable) == (cause, True)
    assert set(kinds(zoho)) == {"token"}


def test_a_token_is_kept_while_it_lives_and_renewed_a_minute_early(zoho: FakeZoho, client: Zoho, clock: Clock) -> None:
    """By the hour that Zoho documents."""
    zoho.standing["history"] = Fault(a_page([]))
    client.history(AMPLE)
    clock.advance(minutes=59, seconds=-1)
    client.history(AMPLE)
    assert kinds(zoho).count("token") == 1
    clock.advance(seconds=1)
    client.history(AMPLE)
    assert kinds(zoho).count("token") == 2


# --- Data centres -----------------------------------------------------------------------------------------------------

HOSTS = {name: (f"zoho.{end}", f"zohoapis.{end}") for name, end in (("us", "com"), ("au", "com.au"), ("cn", "com.cn"))}
HOSTS |= {name: (f"zoho.{name}", f"zohoapis.{name}") for name in ("eu", "in", "jp", "sa", "uk", "ae")}
HOSTS |= {"ca": ("zohocloud.ca", "zohoapis.ca")}
"""Data centre → where Zoho's sites are, and where its API is."""


@pytest.fixture
def hosts(zoho: FakeZoho, session: requests.Session, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lead every request to the fake, and record for which host it was meant."""
    meant: list[str] = []
    request = session.request

    def send_here(method: str, url: str, **more: Any) -> requests.Response:
        parts = urlsplit(url)
        meant.append(f"{parts.scheme}://{parts.netloc}")
        return request(method, zoho.url + parts.path, **more)

    monkeypatch.setattr(session, "request", send_here)
    return meant


@pytest.mark.parametrize("named", ["its own", "another", "none"])
@pytest.mark.parametrize("data_centre", DATA_CENTRES)
def test_each_data_centre_is_asked_at_its_own_hosts(
    zoho: FakeZoho,
    organisation: Organisation,
    session: requests.Session,
    clock: Clock,
    hosts: list[str],
    data_centre: str,
    named: str,
) -> None:
    """From the accounts server to the host that its answer names, in whatever data centre; without one, to its own."""
    site, own = HOSTS[data_centre]
    api = "zohoapis.eu" if named == "another" else own
    domain = {} if named == "none" else {"api_domain": f"https://www.{api}"}
    zoho.script("token", Response.json({"access_token": "canary", **domain}))
    zoho.script("history", a_page(sample_rows()))
    client = Zoho(credentials(organisation, data_centre), session, clock, settings())
    assert len(client.history(AMPLE)[0]) == 4
    assert hosts == [f"https://accounts.{site}", f"https://www.{api}"]
    assert DATA_CENTRES[data_centre].crm == f"https://crm.{site}"


FOREIGN = [
    *("https://evil.example", "http://www.zohoapis.com", "https://www.zohoapis.com/", "https://WWW.ZOHOAPIS.COM"),
    *("https://www.zohoapis.com.evil.example", "https://www.zohoapis.com@evil.example", "https://accounts.zoho.com"),
    *("", 5),
]


@pytest.mark.parametrize("domain", FOREIGN, ids=str)
def test_an_unknown_api_domain_is_refused_before_a_byte_is_sent_to_it(
    zoho: FakeZoho, organisation: Organisation, session: requests.Session, clock: Clock, domain: object
) -> None:
    """Whoever could make Zoho name another host would be handed the access token."""
    client = Zoho(credentials(organisation), session, clock, settings(ZOHO_ACCOUNTS_URL=zoho.url))
    zoho.standing["token"] = Fault(Response.json({"access_token": "canary", "api_domain": domain, "expires_in": 3600}))
    for _ in range(2):
        problem = unreadable(client)
        assert problem.cause is errors.UNUSABLE
        assert "api_domain" in str(problem)
    assert kinds(zoho) == ["token", "token"]


# --- Pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "pages"), [(0, 1), (200, 1), (201, 2), (3_000, 15)])
def test_every_page_is_read(
    zoho: FakeZoho, organisation: Organisation, client: Zoho, clock: Clock, rows: int, pages: int
) -> None:
    """Pages of 200, until there are no more, and not one request beyond; Zoho answers 204 where there is nothing."""
    organisation.rows = [row(clock.now, state="completed") for _ in range(rows)]
    history = client.history(AMPLE)
    assert [r.id for r in history[0]] == [raw["id"] for raw in organisation.rows]
    assert history[1] == pages
    asked = [request.query for request in zoho.requests if request.kind == "history"]
    assert asked == [{"page": str(page), "per_page": "200"} for page in range(1, pages + 1)]


def test_a_history_that_never_ends_is_given_up(
    zoho: FakeZoho, organisation: Organisation, client: Zoho, clock: Clock
) -> None:
    """There is a last page to ask for, however many there are."""
    organisation.rows = [row(clock.now) for _ in range(3_001)]
    problem = unreadable(client)
    assert (problem.cause, "after 15 pages of 200 rows" in str(problem)) == (errors.UNUSABLE, True)
    assert kinds(zoho).count("history") == MAX_PAGES == 15


def test_rows_that_move_to_the_next_page_while_it_is_read_are_counted_once(
    zoho: FakeZoho, client: Zoho, clock: Clock
) -> None:
    """A row that is added at the top pushes the last one of a page onto the next; no content ends the history."""
    a, b, c = (row(clock.now) for _ in range(3))
    zoho.script("history", a_page([a, b], more=True), a_page([b, c], more=True), Response(204))
    history = client.history(AMPLE)
    assert [r.id for r in history[0]] == [a["id"], b["id"], c["id"]]
    assert history[1] == 3


@pytest.mark.parametrize("last", [0, "0", "false", "False", None], ids=repr)
def test_more_records_may_be_a_number_or_a_text_and_a_short_page_needs_no_info(
    zoho: FakeZoho, client: Zoho, clock: Clock, last: object
) -> None:
    """Zoho's families of APIs spell the flag differently; a page that is not full is the last."""
    ends = {} if last is None else {"info": {"more_records": last}}
    for more in (1, "1", "true", "True"):
        pages = ({"history": [row(clock.now)], "info": {"more_records": more}}, {"history": [row(clock.now)], **ends})
        zoho.script("history", *(Response.json(page) for page in pages))
        history = client.history(AMPLE)
        assert (len(history[0]), history[1]) == (2, 2)


# --- Errors of the API ------------------------------------------------------------------------------------------------

DOCUMENTED: dict[str, tuple[Cause, list[str]]] = {
    "INVALID_URL_PATTERN": (errors.API_CHANGED, ["history"]),
    "OAUTH_SCOPE_MISMATCH": (errors.WRONG_SCOPE, ["history"]),
    "NO_PERMISSION": (errors.NO_PERMISSION, ["history"]),
    "INTERNAL_ERROR": (errors.TRANSIENT, ["history"] * 3),
    "INVALID_REQUEST_METHOD": (errors.API_CHANGED, ["history"]),
    "INVALID_TOKEN": (errors.INVALID_TOKEN, ["history", "token", "history"]),
    "INVALID_OAUTHTOKEN": (errors.INVALID_TOKEN, ["history", "token", "history"]),
    "AUTHENTICATION_FAILURE": (errors.INVALID_TOKEN, ["history", "token", "history"]),
    "TOO_MANY_REQUESTS": (errors.TRANSIENT, ["history"] * 3),
}
"""Code → cause, the requests that follow the first token."""


@pytest.mark.parametrize("code", API_ERRORS)
def test_each_documented_error_has_its_cause(zoho: FakeZoho, client: Zoho, code: str) -> None:
    """With as many tries as make sense and no more."""
    cause, requests_made = DOCUMENTED[code]
    zoho.standing["history"] = Fault(API_ERRORS[code])
    problem = unreadable(client)
    assert problem.cause.name == cause.name
    assert str(problem) == f"Zoho answered HTTP {API_ERRORS[code].status} {code}"
    assert kinds(zoho) == ["token", *requests_made]


UNDOCUMENTED: dict[str, tuple[Response, Cause]] = {
    "401 without a code": (Response(401), errors.INVALID_TOKEN),
    "403 without a code": (Response(403), errors.REFUSED),
    **{f"a page with {n}": (Response(n, MAINTENANCE.body), errors.TRANSIENT) for n in (400, 401, 403, 404)},
    **{f"{n} with an unknown code": (envelope(n, "LIMIT_EXCEEDED", ""), errors.REFUSED) for n in (400, 403, 404)},
    "400 with a code of another type": (Response.json({"code": ["a"]}, 400), errors.REFUSED),
    "500 with the code of a refusal": (envelope(500, "NO_PERMISSION", ""), errors.TRANSIENT),
    **{f"{n} without a code": (Response(n, b"<html>"), errors.TRANSIENT) for n in (408, 429, 500, 501, 599)},
    "302 to a maintenance page": (Response(302, headers={"Location": "http://127.0.0.1:1/"}), errors.TRANSIENT),
    "an error with 200": (Response.json({"code": "NO_PERMISSION", "status": "error"}), errors.NO_PERMISSION),
    "an unknown error with 200": (Response.json({"code": "NEWS", "status": "error"}), errors.REFUSED),
    "a maintenance page with 200": (MAINTENANCE, errors.TRANSIENT),
    "truncated JSON": (Response(200, b'{"history": [{"id": "1'), errors.TRANSIENT),
    "broken gzip": (Response(200, b"gzip?", {"Content-Encoding": "gzip"}), errors.TRANSIENT),
    "a list": (Response.json([]), errors.UNUSABLE),
    "null": (Response.json(None), errors.UNUSABLE),
    "no history": (Response.json({"info": {"more_records": False}}), errors.UNUSABLE),
    "a history that is none": (Response.json({"history": {}, "info": {"more_records": False}}), errors.UNUSABLE),
    "no info": (Response.json({"history": []}), errors.UNUSABLE),
    "no more_records": (Response.json({"history": [], "info": {}}), errors.UNUSABLE),
    "a row that is a text": (Response.json({"history": ["a"], "info": {"more_records": False}}), errors.UNUSABLE),
    "more rows than asked for": (a_page([{}] * 201), errors.UNUSABLE),
    "a full page and no info": (Response.json({"history": [{}] * 200}), errors.UNUSABLE),
    "more_records null": (Response.json({"history": [{}], "info": {"more_records": None}}), errors.UNUSABLE),
    "more_records 2": (Response.json({"history": [{}], "info": {"more_records": 2}}), errors.UNUSABLE),
}


@pytest.mark.parametrize("case", UNDOCUMENTED)
def test_any_other_answer_is_transient_or_unusable_and_never_believed(zoho: FakeZoho, client: Zoho, case: str) -> None:
    """What passes by itself is transient; what a person must look at is not."""
    answer, cause = UNDOCUMENTED[case]
    zoho.standing["history"] = Fault(answer)
    problem = unreadable(client)
    assert (problem.cause, "Zoho" in str(problem) or cause.actionable) == (cause, True)
    assert answer.body[:1] != b"<" or str(problem) == f"Zoho answered HTTP {answer.status} with a web page"


# --- One new token, one more try --------------------------------------------------------------------------------------


def test_a_refused_token_is_replaced_once(zoho: FakeZoho, client: Zoho) -> None:
    """Zoho forgets tokens before their hour is over: a new one, and one more try with it."""
    zoho.script("history", API_ERRORS["INVALID_TOKEN"])
    assert len(client.history(AMPLE)[0]) == 4
    assert kinds(zoho) == ["token", "history", "token", "history"]
    assert zoho.requests[1].headers["Authorization"] != zoho.requests[3].headers["Authorization"]


# --- Plan and links ---------------------------------------------------------------------------------------------------

BERLIN = "2026-03-10T09:00:00+01:00"


def test_the_plan_is_read_where_zoho_names_a_rule(zoho: FakeZoho, client: Zoho) -> None:
    """Any other answer says nothing; nor do an empty one for the plan and for the links."""
    assert (client.plan(AMPLE), client.links(AMPLE)) == (None, None)
    zoho.script("backup", Response.json({"backup": {"rrule": "RRULE:FREQ=WEEKLY", "scheduled_date": BERLIN}}))
    plan = client.plan(AMPLE)
    assert plan
    assert (plan.how_often, plan.next_run and plan.next_run.isoformat()) == ("weekly", "2026-03-10T08:00:00+00:00")
    assert (zoho.requests[-1].path, zoho.requests[-1].query) == ("/crm/bulk/v7/backup", {})


EXPIRY = "2022-06-30T17:31:03+05:30"
UNTIL = datetime(2022, 6, 30, 12, 1, 3, tzinfo=UTC)
LINKS: dict[str, tuple[object, Links | None]] = {
    "all of it": ({"data_links": ["a", "b"], "attachment_links": ["c"], "expiry_date": EXPIRY}, Links(UNTIL, (2, 1))),
    "links null": ({"data_links": None, "attachment_links": "x", "expiry_date": EXPIRY}, Links(UNTIL)),
    "none yet": ({"data_links": [], "attachment_links": [], "expiry_date": EXPIRY}, Links(UNTIL)),
    "no date": ({"data_links": ["a"], "expiry_date": "tomorrow"}, None),
    "date a number": ({"expiry_date": 5}, None),
    "a list": ([], None),
}


@pytest.mark.parametrize("case", LINKS)
def test_the_links_are_counted_where_zoho_has_some(zoho: FakeZoho, client: Zoho, case: str) -> None:
    """And the date until which they work; no link itself is kept, and no form of the answer breaks it."""
    body, expected = LINKS[case]
    zoho.script("urls", Response.json({"urls": body}))
    assert client.links(AMPLE) == expected
    assert zoho.requests[-1].path == "/crm/bulk/v7/backup/urls"
