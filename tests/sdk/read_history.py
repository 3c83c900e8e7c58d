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
        pages.append(page(response.get_object()))
    json.dump(pages, sys.stdout)


def page(wrapper: Any) -> dict[str, Any]:
    """Return a page as the SDK understood it."""
    info = wrapper.get_info()
    return {
        "history": [row(history) for history in wrapper.get_history()],
        "info": {
            "page": info.get_page(),
            "per_page": info.get_per_page(),
            "count": info.get_count(),
            "more_records": info.get_more_records(),
        },
    }


def row(history: Any) -> dict[str, Any]:
    """Return a row as the SDK understood it: ids are integers, times have an offset."""
    done_by = history.get_done_by()
    return {
        "id": history.get_id(),
        "done_by": {"id": done_by.get_id(), "name": done_by.get_name(), "zuid": done_by.get_zuid()},
        "log_time": history.get_log_time() and history.get_log_time().isoformat(),
        "state": history.get_state(),
        "action": history.get_action(),
        "repeat_type": history.get_repeat_type(),
        "file_name": history.get_file_name(),
        "count": history.get_count(),
    }


if __name__ == "__main__":
    main()
