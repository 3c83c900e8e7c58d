"""The fake Zoho's contract: tokens and rights as Zoho documents them; Zoho's SDK judges its answers in `tests/sdk`."""

from typing import Any

import requests

from sandbox.zoho import FakeZoho, Organisation, sample_rows
from tests.world import Clock

HISTORY, BACKUP, URLS = (f"/crm/bulk/v8/backup{part}" for part in ("/history", "", "/urls"))


def ask(zoho: FakeZoho, company: Organisation, path: str = "/oauth/v2/token", **form: str) -> Any:
    """Ask for an access token and return the answer, which is HTTP 200 even to an error."""
    answer = requests.post(zoho.url + path, data={"grant_type": "refresh_token", **company.secret(), **form}, timeout=5)
    assert answer.status_code == 200
    return answer.json()


def get(zoho: FakeZoho, token: str, path: str = HISTORY, **params: Any) -> requests.Response:
    """Call the API with a token."""
    headers = {"Authorization": f"Zoho-oauthtoken {token}"}
    return requests.get(zoho.url + path, params=params, headers=headers, timeout=5)


def code(zoho: FakeZoho, company: Organisation, path: str = HISTORY, **params: Any) -> Any:
    """Return the code of the error with which a fresh token is answered; None: there is none."""
    answer = get(zoho, ask(zoho, company)["access_token"], path, **params)
    return answer.json().get("code") if answer.content else None


def test_rights_and_names_decide(zoho: FakeZoho, clock: Clock) -> None:
    """The scope, the administrator, the header, the method and the path."""
    company = zoho.organisation(sample_rows())
    token = ask(zoho, company)["access_token"]
    for headers in ({}, {"Authorization": f"Bearer {token}"}):
        refused = requests.get(zoho.url + HISTORY, headers=headers, timeout=5)
        assert (refused.status_code, refused.json()["code"]) == (401, "AUTHENTICATION_FAILURE")
    assert requests.post(zoho.url + HISTORY, timeout=5).json()["code"] == "INVALID_REQUEST_METHOD"
    assert get(zoho, token, "/crm/v8/backup/history").json()["code"] == "INVALID_URL_PATTERN"
    assert get(zoho, token, per_page=201).status_code == 400
    company.scopes = {"ZohoCRM.bulk.backup.ALL"}
    assert code(zoho, company) is None
    company.scopes = {"ZohoCRM.modules.ALL"}
    assert code(zoho, company) == "OAUTH_SCOPE_MISMATCH"


def test_tokens_age_and_are_few(zoho: FakeZoho, clock: Clock) -> None:
    """An hour each, ten in ten minutes, fifteen at once; a revoked refresh token takes its own along."""
    company = zoho.organisation(sample_rows())
    first = ask(zoho, company)
    assert (first["expires_in"], first["api_domain"]) == (3600, zoho.url)
    tokens = [first["access_token"], *(ask(zoho, company)["access_token"] for _ in range(9))]
    assert ask(zoho, company)["error"] == "Access Denied"
    clock.advance(minutes=10)
    tokens += [ask(zoho, company)["access_token"] for _ in range(6)]
    assert [get(zoho, token).status_code for token in tokens] == [401] + [200] * 15
    clock.advance(minutes=50)
    assert [get(zoho, tokens[at]).status_code for at in (9, 10)] == [401, 200]
    assert company.refresh_tokens.pop() not in repr(zoho.requests), "a failing assertion prints them"
    assert get(zoho, tokens[-1]).json()["code"] == "INVALID_TOKEN"


def test_a_grant_code_is_good_once_and_briefly(zoho: FakeZoho, clock: Clock) -> None:
    """It gives a refresh token; the 21st of these kills the first."""
    company = zoho.organisation(data_centre="eu")
    first = company.refresh_tokens[0]
    late = zoho.grant(company)
    clock.advance(minutes=10)
    form = {"grant_type": "authorization_code"}
    assert ask(zoho, company, code=late, **form) == {"error": "invalid_code"}
    for _ in range(20):
        granted = zoho.grant(company)
        assert ask(zoho, company, "/eu/oauth/v2/token", code=granted, **form)["refresh_token"] in company.refresh_tokens
        assert ask(zoho, company, code=granted, **form) == {"error": "invalid_code"}
    assert ask(zoho, company, refresh_token=first) == {"error": "invalid_code"}
    assert ask(zoho, company, "/us/oauth/v2/token") == {"error": "invalid_client"}
    for name in ("client_id", "client_secret"):
        assert ask(zoho, company, **{name: "x"}) == {"error": f"invalid_{name.removesuffix('_id')}"}
    in_the_address = requests.post(f"{zoho.url}/oauth/v2/token", params=company.secret(), timeout=5)
    assert in_the_address.json() == {"error": "invalid_request"}
