"""Zoho's official SDK fetching one page of the history, and nothing else: no state, no channels."""

import json
import os
import tempfile

from zohocrmsdk.src.com.zoho.api.authenticator import OAuthToken  # type: ignore[import-not-found]
from zohocrmsdk.src.com.zoho.api.authenticator.store import FileStore  # type: ignore[import-not-found]
from zohocrmsdk.src.com.zoho.crm.api import Initializer, ParameterMap  # type: ignore[import-not-found]
from zohocrmsdk.src.com.zoho.crm.api.backup import BackupOperations, HISTORYParam  # type: ignore[import-not-found]
from zohocrmsdk.src.com.zoho.crm.api.dc import DataCenter  # type: ignore[import-not-found]
from zohocrmsdk.src.com.zoho.crm.api.sdk_config import SDKConfig  # type: ignore[import-not-found]


def handler(event: object, context: object) -> int:
    """Fetch one page and count its rows."""
    secret, url = json.loads(os.environ["SDK_SECRET"]), os.environ["ZOHO_API_URL"]
    with tempfile.TemporaryDirectory() as folder:
        Initializer.initialize(
            environment=DataCenter.Environment(url, url + "/oauth/v2/token", url),
            token=OAuthToken(
                secret["client_id"], secret["client_secret"], refresh_token=secret["refresh_token"], find_user=False
            ),
            store=FileStore(os.path.join(folder, "tokens")),
            sdk_config=SDKConfig(update_api_domain=False),
            resource_path=folder,
        )
        parameters = ParameterMap()
        parameters.add(HISTORYParam.page, "1")
        parameters.add(HISTORYParam.per_page, "200")
        return len(BackupOperations().history(parameters).get_object().get_history())
