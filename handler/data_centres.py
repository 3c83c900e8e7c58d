"""Zoho's data centres."""

from typing import NamedTuple


class DataCentre(NamedTuple):
    """Where one data centre answers: https://www.zoho.com/crm/developer/docs/api/v7/multi-dc.html."""

    accounts: str
    api: str
    crm: str


DATA_CENTRES = {
    "us": DataCentre("https://accounts.zoho.com", "https://www.zohoapis.com", "https://crm.zoho.com"),
    "eu": DataCentre("https://accounts.zoho.eu", "https://www.zohoapis.eu", "https://crm.zoho.eu"),
    "in": DataCentre("https://accounts.zoho.in", "https://www.zohoapis.in", "https://crm.zoho.in"),
    "au": DataCentre("https://accounts.zoho.com.au", "https://www.zohoapis.com.au", "https://crm.zoho.com.au"),
    "jp": DataCentre("https://accounts.zoho.jp", "https://www.zohoapis.jp", "https://crm.zoho.jp"),
    "cn": DataCentre("https://accounts.zoho.com.cn", "https://www.zohoapis.com.cn", "https://crm.zoho.com.cn"),
    "ca": DataCentre("https://accounts.zohocloud.ca", "https://www.zohoapis.ca", "https://crm.zohocloud.ca"),
    "sa": DataCentre("https://accounts.zoho.sa", "https://www.zohoapis.sa", "https://crm.zoho.sa"),
    "uk": DataCentre("https://accounts.zoho.uk", "https://www.zohoapis.uk", "https://crm.zoho.uk"),
    "ae": DataCentre("https://accounts.zoho.ae", "https://www.zohoapis.ae", "https://crm.zoho.ae"),
}
API_DOMAINS = frozenset(centre.api for centre in DATA_CENTRES.values())
