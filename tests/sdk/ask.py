"""Ask Zoho's backup API with the official SDK, and print the answers as JSON; runs in the SDK's own environment.

Usage: ask.py URL CLIENT_ID REFRESH_TOKEN FOLDER CALLS, the client secret on standard input. CALLS is JSON, such as
`[["get_details", {}], ["history", {"page": "1"}]]`; an answer is `[200, {…}]`: its status, and what the SDK made of it.
"""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from zohocrmsdk.src.com.zoho.api.authenticator import OAuthToken  # type: ignore[import-not-found]
from zohocrmsdk.src.com.zoho.api.authenticator.store import FileStore  # type: ignore[import-not-found]
from zohocrmsdk.src.com.zoho.crm.api import Initializer, ParameterMap  # type: ignore[import-not-found]
from zohocrmsdk.src.com.zoho.crm.api.backup import BackupOperations, HISTORYParam  # type: ignore[import-not-found]
from zohocrmsdk.src.com.zoho.crm.api.dc import DataCenter  # type: ignore[import-not-found]
from zohocrmsdk.src.com.zoho.crm.api.sdk_config import SDKConfig  # type: ignore[import-not-found]
from zohocrmsdk.src.com.zoho.crm.api.util import Choice  # type: ignore[import-not-found]


def main() -> None:
    """Make every call."""
    url, client_id, refresh_token, folder, calls = sys.argv[1:]
    Initializer.initialize(
        environment=DataCenter.Environment(url, f"{url}/oauth/v2/token", url),
        token=OAuthToken(client_id, sys.stdin.read(), refresh_token=refresh_token, find_user=False),
        store=FileStore(str(Path(folder) / "tokens")),
        sdk_config=SDKConfig(update_api_domain=False),
        resource_path=folder,
    )
    answers = []
    for name, values in json.loads(calls):
        parameters = ParameterMap()
        for parameter, value in values.items():
            parameters.add(getattr(HISTORYParam, parameter), value)
        response = getattr(BackupOperations(), name)(*[parameters] if values else [])
        answers.append((response.get_status_code(), plain(response.get_object())))
    json.dump(answers, sys.stdout)


def plain(value: Any) -> Any:
    """Return an object of the SDK as it understood it: ids are integers, times are numbers, whatever their offset."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, Choice):
        return value.get_value()
    if isinstance(value, list):
        return [plain(part) for part in value]
    names = [name.removeprefix("get_") for name in dir(value) if name.startswith("get_")]
    return {name: plain(getattr(value, f"get_{name}")()) for name in names} if names else value


if __name__ == "__main__":
    main()
