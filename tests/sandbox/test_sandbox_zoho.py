"""The fake Zoho against what Zoho documents."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from sandbox.zoho import SAMPLE_FILE, FakeZoho, Organisation, links, plan, row, sample_rows
from sandbox.zoho_errors import API_ERRORS, MAINTENANCE, TOKEN_ERRORS
from tests.world import Clock

HISTORY = "/crm/bulk/v7/backup/history"


def ask_for_token(zoho: FakeZoho, organisation: Organisation, **form: str) -> Any:
    """Refresh the access token, with other form fields where given."""
    secret = organisation.secret()
    fields = {key: secret[key] for key in ("client_id", "client_secret", "refresh_token")}
    fields = {"grant_type": "refresh_token", **fields, **form}
    answer = requests.post(f"{zoho.url}/oauth/v2/token", data=fields, timeout=5)
    assert answer.status_code == 200, "Zoho's accounts server says 200 even to an error"
    return answer.json()


def get(zoho: FakeZoho, token: str, path: str = HISTORY, **params: object) -> requests.Response:
    """Call the API with a token."""
    headers = {"Authorization": f"Zoho-oauthtoken {token}"}
    return requests.get(zoho.url + path, params=json.loads(json.dumps(params)), headers=headers, timeout=5)


def token_of(zoho: FakeZoho, organisation: Organisation) -> str:
    """Return a fresh access token."""
    token: str = ask_for_token(zoho, organisation)["access_token"]
    return token


def numbered_rows(count: int) -> list[dict[str, Any]]:
    """Return rows that differ in their id."""
    return [{"id": str(4876876000001758001 + number)} for number in range(count)]


# The history


def test_the_sample_page_is_zohos_documented_one(zoho: FakeZoho) -> None:
    """Asked as in the documentation, the fake answers what the documentation shows."""
    answer = get(zoho, token_of(zoho, zoho.organisation(sample_rows())), per_page=50)
    assert answer.json() == json.loads(SAMPLE_FILE.read_text())
    shown = [(row["id"], row["log_time"], row["state"] or row["action"], row["repeat_type"]) for row in sample_rows()]
    assert shown == [
        ("4876876000001758001", "2022-07-08T13:23:05+05:30", "stopped", "biweekly"),
        ("4876876000001757002", "2022-07-08T13:18:22+05:30", "scheduled", "biweekly"),
        ("4876876000001594002", "2022-06-23T17:31:03+05:30", "completed", "immediate"),
        ("4876876000001593005", "2022-06-23T17:30:51+05:30", "initiated", "immediate"),
    ]
    assert answer.json()["info"] == {"page": 1, "per_page": 50, "count": 4, "more_records": False}


def test_an_empty_history_is_204_without_a_body(zoho: FakeZoho) -> None:
    """A year without backups has no JSON at all."""
    answer = get(zoho, token_of(zoho, zoho.organisation()))
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.fixture(scope="module")
def shared_zoho() -> Iterator[FakeZoho]:
    """Give one fake Zoho for many generated examples."""
    with closing(FakeZoho()) as server:
        yield server


@given(per_page=st.integers(1, 200), pages=st.integers(1, 5), on_the_last=st.integers(1, 200))
def test_pages_hold_every_row_once_in_order(shared_zoho: FakeZoho, per_page: int, pages: int, on_the_last: int) -> None:
    """Pages followed until more_records is false give exactly the rows, and info describes each page."""
    organisation = shared_zoho.organisation(numbered_rows((pages - 1) * per_page + min(on_the_last, per_page)))
    token = token_of(shared_zoho, organisation)
    read: list[dict[str, Any]] = []
    for page in range(1, pages + 1):
        answer = get(shared_zoho, token, page=page, per_page=per_page).json()
        count = len(answer["history"])
        assert answer["info"] == {"page": page, "per_page": per_page, "count": count, "more_records": page < pages}
        read += answer["history"]
    assert read == organisation.rows
    assert get(shared_zoho, token, page=pages + 1, per_page=per_page).status_code == 204


def test_a_page_holds_200_rows_unless_asked_otherwise(zoho: FakeZoho) -> None:
    """The default and the maximum are 200."""
    token = token_of(zoho, zoho.organisation(numbered_rows(201)))
    assert get(zoho, token).json()["info"] == {"page": 1, "per_page": 200, "count": 200, "more_records": True}


@pytest.mark.parametrize("name", ["page", "per_page"])
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "x", "", " 1"])
def test_paging_takes_positive_whole_numbers_only(zoho: FakeZoho, name: str, value: str) -> None:
    """Anything else is refused, and the answer names the parameter."""
    answer = get(zoho, token_of(zoho, zoho.organisation(sample_rows())), **{name: value})
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_DATA")
    assert answer.json()["details"] == {"param_name": name}


def test_more_than_200_rows_a_page_are_refused(zoho: FakeZoho) -> None:
    """A client that asks for 201 learns it, instead of getting fewer than it thinks."""
    token = token_of(zoho, zoho.organisation(sample_rows()))
    assert get(zoho, token, per_page=200).status_code == 200
    assert get(zoho, token, per_page=201).status_code == 400


BACKUP, URLS = "/crm/bulk/v8/backup", "/crm/bulk/v8/backup/urls"
TUESDAY = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)
BY_HAND = {"scheduled_date": None, "start_date": None}


@pytest.mark.parametrize("call", [BACKUP, URLS])
def test_nothing_asked_for_is_204(zoho: FakeZoho, call: str) -> None:
    """No backup was ever scheduled or made: no JSON at all."""
    answer = get(zoho, token_of(zoho, zoho.organisation()), call)
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_plan_says_when_it_runs_next(zoho: FakeZoho) -> None:
    """The documented fields, under the documented name."""
    rule = "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"
    organisation = zoho.organisation(plan=plan(rule, TUESDAY, TUESDAY - timedelta(days=14)))
    shown = get(zoho, token_of(zoho, organisation), BACKUP).json()["backup"]
    assert re.fullmatch(r"\d{19}", shown.pop("id"))
    assert shown.pop("requester").keys() == {"id", "name", "zuid"}
    assert shown == {
        "scheduled_date": "2026-03-03T02:00:00+00:00",
        "start_date": "2026-02-17T02:00:00+00:00",
        "rrule": rule,
        "status": "SCHEDULED",
    }


@pytest.mark.parametrize("status", ["SCHEDULED", "INPROGRESS", "COMPLETED", "FAILED", "STOPPED"])
def test_a_plan_has_any_documented_status(zoho: FakeZoho, status: str) -> None:
    """A backup made by hand has no rule, and both dates are null."""
    organisation = zoho.organisation(plan=plan(None, status=status))
    shown = get(zoho, token_of(zoho, organisation), BACKUP).json()["backup"]
    assert shown["status"] == status
    assert "rrule" not in shown
    assert {name: shown[name] for name in BY_HAND} == BY_HAND


def test_a_backup_by_hand_has_no_dates() -> None:
    """Zoho names none, so a test cannot either."""
    with pytest.raises(ValueError, match="by hand"):
        plan(None, TUESDAY)


def test_a_plan_can_be_anything_that_a_test_wants(zoho: FakeZoho) -> None:
    """It is sent as it is."""
    organisation = zoho.organisation()
    organisation.plan = {"rrule": 7}
    assert get(zoho, token_of(zoho, organisation), BACKUP).json() == {"backup": {"rrule": 7}}


@pytest.mark.parametrize("code", API_ERRORS)
def test_asking_for_the_plan_can_fail(zoho: FakeZoho, code: str) -> None:
    """On demand, and alone: the history is still read."""
    token = token_of(zoho, zoho.organisation(sample_rows(), plan=plan()))
    zoho.script("backup", API_ERRORS[code])
    assert get(zoho, token, BACKUP).json()["code"] == code
    assert [get(zoho, token, call).status_code for call in (HISTORY, BACKUP)] == [200, 200]


@pytest.mark.parametrize(
    ("change", "code"), [({"admin": False}, "NO_PERMISSION"), ({"scopes": {"X"}}, "OAUTH_SCOPE_MISMATCH")]
)
def test_the_plan_needs_the_rights_that_the_history_needs(zoho: FakeZoho, change: dict[str, Any], code: str) -> None:
    """The same scope, and an administrator."""
    organisation = zoho.organisation(plan=plan(), urls=links(TUESDAY), **change)
    token = token_of(zoho, organisation)
    assert [get(zoho, token, call).json()["code"] for call in (BACKUP, URLS)] == [code] * 2


def test_files_are_listed_by_sort(zoho: FakeZoho) -> None:
    """Several of each, and the one date until which they can be downloaded."""
    organisation = zoho.organisation(urls=links(TUESDAY, data=3, attachments=2))
    shown = get(zoho, token_of(zoho, organisation), URLS).json()["urls"]
    assert [len(set(shown[name])) for name in ("data_links", "attachment_links")] == [3, 2]
    assert shown["expiry_date"] == "2026-03-03T02:00:00+00:00"


def test_a_row_is_as_in_the_sample_but_for_what_is_given() -> None:
    """The same fields in the same form; each later one has a greater id."""
    first, second = row(TUESDAY, state="completed"), row(None, repeat_type="monthly")
    assert first.keys() == second.keys() == sample_rows()[0].keys()
    assert first["done_by"].keys() == sample_rows()[0]["done_by"].keys()
    assert (first["log_time"], first["state"], first["action"]) == ("2026-03-03T02:00:00+00:00", "completed", None)
    assert (second["log_time"], second["state"], second["repeat_type"]) == (None, None, "monthly")
    assert max(int(known["id"]) for known in sample_rows()) < int(first["id"]) < int(second["id"])
    assert {len(first["id"]), len(second["id"])} == {19}


def test_organisations_see_their_own_rows_only(zoho: FakeZoho) -> None:
    """The token decides whose history is shown."""
    first, second = zoho.organisation(numbered_rows(1)), zoho.organisation(numbered_rows(2))
    assert len(get(zoho, token_of(zoho, first)).json()["history"]) == 1
    assert len(get(zoho, token_of(zoho, second)).json()["history"]) == 2


# Errors of the API


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("INVALID_URL_PATTERN", 404),
        ("OAUTH_SCOPE_MISMATCH", 401),
        ("NO_PERMISSION", 403),
        ("INTERNAL_ERROR", 500),
        ("INVALID_REQUEST_METHOD", 400),
        ("INVALID_TOKEN", 401),
        ("INVALID_OAUTHTOKEN", 401),
        ("AUTHENTICATION_FAILURE", 401),
        ("TOO_MANY_REQUESTS", 429),
    ],
)
def test_each_error_comes_on_demand_in_zohos_envelope(zoho: FakeZoho, code: str, status: int) -> None:
    """One scripted error answers one request; the next one is served."""
    token = token_of(zoho, zoho.organisation(sample_rows()))
    zoho.script("history", API_ERRORS[code])
    answer = get(zoho, token)
    assert answer.status_code == status
    assert answer.json() == {"code": code, "details": {}, "message": answer.json()["message"], "status": "error"}
    assert get(zoho, token).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_wrong_method_is_named(zoho: FakeZoho, method: str) -> None:
    """The history is only read."""
    answer = requests.request(method, zoho.url + HISTORY, timeout=5)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST_METHOD")


@pytest.mark.parametrize("path", ["/crm/bulk/v7/backup/histories", "/crm/v7/backup/history", "/crm/bulk/7/backup", "/"])
def test_a_wrong_path_is_named(zoho: FakeZoho, path: str) -> None:
    """Nothing but the documented paths is served."""
    answer = get(zoho, token_of(zoho, zoho.organisation()), path)
    assert (answer.status_code, answer.json()["code"]) == (404, "INVALID_URL_PATTERN")


def test_the_token_comes_in_zohos_own_header(zoho: FakeZoho) -> None:
    """A bearer token, another scheme or none is a failed authentication; a wrong token an invalid one."""
    token = token_of(zoho, zoho.organisation(sample_rows()))
    for headers in ({}, {"Authorization": f"Bearer {token}"}, {"Authorization": token}):
        answer = requests.get(zoho.url + HISTORY, headers=headers, timeout=5)
        assert (answer.status_code, answer.json()["code"]) == (401, "AUTHENTICATION_FAILURE")
    answer = get(zoho, token[:-1])
    assert (answer.status_code, answer.json()["code"]) == (401, "INVALID_TOKEN")


@pytest.mark.parametrize(
    ("scopes", "code"),
    [
        ({"ZohoCRM.bulk.backup.READ"}, None),
        ({"ZohoCRM.bulk.backup.ALL"}, None),
        ({"ZohoCRM.bulk.backup.CREATE", "ZohoCRM.modules.ALL"}, "OAUTH_SCOPE_MISMATCH"),
    ],
)
def test_the_scope_decides(zoho: FakeZoho, scopes: set[str], code: str | None) -> None:
    """READ and ALL may read, nothing else may."""
    answer = get(zoho, token_of(zoho, zoho.organisation(sample_rows(), scopes=scopes)))
    assert answer.json().get("code") == code


def test_only_an_administrator_may_read(zoho: FakeZoho) -> None:
    """Rights are looked up at each request: losing them is noticed at once."""
    organisation = zoho.organisation(sample_rows())
    token = token_of(zoho, organisation)
    organisation.admin = False
    answer = get(zoho, token)
    assert (answer.status_code, answer.json()["code"]) == (403, "NO_PERMISSION")


# Tokens


def test_a_refresh_gives_a_token_for_an_hour(zoho: FakeZoho) -> None:
    """The answer has the documented fields, the fake's own address, and no new refresh token."""
    answer = ask_for_token(zoho, zoho.organisation())
    assert answer.pop("access_token").startswith("1000.")
    assert answer == {
        "scope": "ZohoCRM.bulk.backup.READ",
        "api_domain": zoho.url,
        "token_type": "Bearer",
        "expires_in": 3600,
    }


def test_expires_in_can_have_the_old_form(zoho: FakeZoho) -> None:
    """Milliseconds, as in the answers of years ago."""
    zoho.in_milliseconds = True
    assert ask_for_token(zoho, zoho.organisation())["expires_in"] == 3_600_000


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_id": "1000.NOBODY"}, "invalid_client"),
        ({"client_id": ""}, "invalid_client"),
        ({"client_secret": "wrong"}, "invalid_client_secret"),
        ({"refresh_token": "1000.wrong.wrong"}, "invalid_code"),
        ({"grant_type": "authorization_code", "code": "1000.wrong.wrong"}, "invalid_code"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_errors_of_the_accounts_server_come_with_200(zoho: FakeZoho, form: dict[str, str], error: str) -> None:
    """What is wrong is in the body."""
    assert ask_for_token(zoho, zoho.organisation(), **form) == {"error": error}


@pytest.mark.parametrize("what", ["in the query", "in both", "in the query of a GET", "as JSON"])
def test_credentials_belong_into_the_form_body(zoho: FakeZoho, what: str) -> None:
    """Anywhere else they are refused, be they right."""
    organisation = zoho.organisation()
    fields = {"grant_type": "refresh_token", **organisation.secret()}
    ask = requests.get if what == "in the query of a GET" else requests.post
    answer = ask(
        f"{zoho.url}/oauth/v2/token",
        params=fields if "query" in what or "both" in what else None,
        data=fields if what == "in both" else None,
        json=fields if what == "as JSON" else None,
        timeout=5,
    )
    assert answer.json() == {"error": "invalid_client" if what == "as JSON" else "invalid_request"}


def test_the_accounts_server_can_throttle_and_be_under_maintenance(zoho: FakeZoho) -> None:
    """Both come with 200: one says Access Denied in JSON, the other is a page of HTML."""
    zoho.script("token", TOKEN_ERRORS["throttled"], MAINTENANCE)
    organisation = zoho.organisation()
    answer = ask_for_token(zoho, organisation)
    assert (answer["error"], answer["status"]) == ("Access Denied", "failure")
    page = requests.post(f"{zoho.url}/oauth/v2/token", data={}, timeout=5)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html;charset=UTF-8")


def test_a_token_lives_for_an_hour(zoho: FakeZoho, clock: Clock) -> None:
    """It works in its last second and not after it."""
    token = token_of(zoho, zoho.organisation(sample_rows()))
    clock.advance(seconds=3599)
    assert get(zoho, token).status_code == 200
    clock.advance(seconds=1)
    assert get(zoho, token).json()["code"] == "INVALID_TOKEN"


def test_a_revoked_refresh_token_takes_its_access_tokens_along(zoho: FakeZoho) -> None:
    """Nothing of it works any more."""
    organisation = zoho.organisation(sample_rows())
    token = token_of(zoho, organisation)
    revoked = organisation.refresh_tokens.pop()
    organisation.refresh_tokens.append("1000.another.one")
    assert get(zoho, token).json()["code"] == "INVALID_TOKEN"
    assert ask_for_token(zoho, organisation, refresh_token=revoked) == {"error": "invalid_code"}


def test_ten_tokens_in_ten_minutes_and_no_more(zoho: FakeZoho, clock: Clock) -> None:
    """The eleventh is throttled until the first is ten minutes old."""
    organisation = zoho.organisation()
    for _ in range(10):
        assert "access_token" in ask_for_token(zoho, organisation)
    assert ask_for_token(zoho, organisation)["error"] == "Access Denied"
    clock.advance(minutes=10)
    assert "access_token" in ask_for_token(zoho, organisation)


def test_the_sixteenth_active_token_kills_the_first(zoho: FakeZoho, clock: Clock) -> None:
    """Fifteen live side by side."""
    organisation = zoho.organisation(sample_rows())
    tokens = []
    for _ in range(15):
        tokens.append(token_of(zoho, organisation))
        clock.advance(minutes=1)
    assert get(zoho, tokens[0]).status_code == 200
    tokens.append(token_of(zoho, organisation))
    assert [get(zoho, token).status_code for token in (tokens[0], tokens[1], tokens[-1])] == [401, 200, 200]


def test_a_grant_code_gives_a_refresh_token_once(zoho: FakeZoho, clock: Clock) -> None:
    """It works once, within ten minutes, and the refresh token it gives works."""
    organisation = zoho.organisation()
    code, late = zoho.grant(organisation), zoho.grant(organisation)
    answer = ask_for_token(zoho, organisation, grant_type="authorization_code", code=code)
    assert answer["refresh_token"] == organisation.refresh_tokens[-1]
    assert "access_token" in ask_for_token(zoho, organisation, refresh_token=answer["refresh_token"])
    assert ask_for_token(zoho, organisation, grant_type="authorization_code", code=code) == {"error": "invalid_code"}
    clock.advance(minutes=10)
    assert ask_for_token(zoho, organisation, grant_type="authorization_code", code=late) == {"error": "invalid_code"}


def test_the_21st_refresh_token_silently_kills_the_first(zoho: FakeZoho) -> None:
    """Twenty live side by side; nobody hears of the one that dies."""
    organisation = zoho.organisation()
    first = organisation.refresh_tokens[0]
    for _ in range(19):
        ask_for_token(zoho, organisation, grant_type="authorization_code", code=zoho.grant(organisation))
    assert "access_token" in ask_for_token(zoho, organisation, refresh_token=first)
    ask_for_token(zoho, organisation, grant_type="authorization_code", code=zoho.grant(organisation))
    assert ask_for_token(zoho, organisation, refresh_token=first) == {"error": "invalid_code"}


@pytest.mark.parametrize(
    ("home", "path", "known"),
    [("eu", "/eu", True), ("eu", "/us", False), ("eu", "", True), (None, "/us", True), ("us", "/us", True)],
)
def test_a_data_centre_knows_its_own_clients_only(zoho: FakeZoho, home: str | None, path: str, known: bool) -> None:
    """Another one says `invalid_client`, and the code is not spent; where no centre is named, all are known."""
    company = zoho.organisation(data_centre=home)
    code, secret = zoho.grant(company), company.secret()
    client = {key: secret[key] for key in ("client_id", "client_secret")}
    assert secret["data_center"] == (home or "us")
    for form in ({"refresh_token": secret["refresh_token"]}, {"code": code}):
        grant_type = "authorization_code" if "code" in form else "refresh_token"
        fields = {**client, **form, "grant_type": grant_type}
        answer = requests.post(f"{zoho.url}{path}/oauth/v2/token", data=fields, timeout=5).json()
        assert ("access_token" in answer) == known
        assert answer.get("error") == (None if known else "invalid_client")
    assert (code in company.grants) != known
