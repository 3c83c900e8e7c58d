"""Read a backup history with Zoho's official SDK and print it as JSON; runs in the SDK's own environment.

Usage: read_history.py URL CLIENT_ID REFRESH_TOKEN FOLDER PER_PAGE, the client secret on standard input.
"""

import json
import sys
from pathlib import Path
from typing import Any

from zohocrmsdk.src.com.zoho.api.authenticator import OAuthToken  # type: ignore[import-not-found]
from zohocrmsdk.src.com.zoho.api.authenticator.store import FileStore  # type: ignore[import-not-found]
from zohocrmsdk.src.com.zoho.crm.api import Initializer, ParameterMap  # type: ignore[import-not-found]
from zohocrmsdk.src.com.zoho.crm.api.backup import BackupOperations, HISTORYParam  # type: ignore[import-not-found]
from zohocrmsdk.src.com.zoho.crm.api.dc import DataCenter  # type: ignore[import-not-found]
from zohocrmsdk.src.com.zoho.crm.api.sdk_config import SDKConfig  # type: ignore[import-not-found]


def main() -> None:
    """Read every page."""
    url, client_id, refresh_token, folder, per_page = sys.argv[1:]
    Initializer.initialize(
        environment=DataCenter.Environment(url, f"{url}/oauth/v2/token", url),
        token=OAuthToken(client_id, sys.stdin.read(), refresh_token=refresh_token, find_user=False),
        store=FileStore(str(Path(folder) / "tokens")),
        sdk_config=SDKConfig(update_api_domain=False),
        resource_path=folder,
    )
    pages: list[dict[str, Any]] = []
    while not pages or pages[-1]["info"]["more_records"]:
        parameters = ParameterMap()
        parameters.add(HISTORYParam.page, str(len(pages) + 1))
        parameters.add(HISTORYParam.per_page, per_page)
        response = BackupOperations().history(parameters)
        if response.get_status_code() == 204:
            break
        page = response.get_object()
        info = fields(page.get_info(), "page", "per_page", "count", "more_records")
        pages.append({"history": [row(shown) for shown in page.get_history()], "info": info})
    json.dump(pages, sys.stdout)


def row(history: Any) -> dict[str, Any]:
    """Return a row as the SDK understood it: ids are integers, times are numbers, whatever their offset."""
    known = fields(history, "id", "log_time", "state", "action", "repeat_type", "file_name", "count")
    time = known["log_time"] and known["log_time"].timestamp()
    return {**known, "log_time": time, "done_by": fields(history.get_done_by(), "id", "name", "zuid")}


def fields(part: Any, *names: str) -> dict[str, Any]:
    """Return fields by name."""
    return {name: getattr(part, f"get_{name}")() for name in names}


if __name__ == "__main__":
    main()
