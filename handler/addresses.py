"""Which URLs may be requested, judged by the parser of urllib3, which also connects.

Another parser could see another host in the same text.
"""

import re

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

NAME = re.compile(r"[a-z\d-]+(\.[a-z\d-]+)*\.?")
NUMBER = re.compile(r"\[.*\]|(.*\.)?(\d+|0x[\da-f]*)\.?")
"""An IP address in any form. Sockets read a host that ends in a number as one: 2852039166 is 169.254.169.254."""
LOCALHOST = re.compile(r"(.+\.)?localhost\.?")
"""Names that resolve to loopback addresses: https://www.rfc-editor.org/rfc/rfc6761#section-6.3."""
LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|\[::1\]")
PLAIN = "must be an https URL, such as https://example.com/path"


def url_problem(url: str, loopback: bool) -> str:
    """Return what is wrong with a URL, as a phrase that follows its name ("must be …"), or "".

    Args:
        url: The configured URL; the phrase never contains it.
        loopback: Whether http and https on loopback hosts are allowed, as in tests and the sandbox.
    """
    parts = _parse(url)
    if parts is None or not parts.host:
        return PLAIN if url.isascii() else "must be an https URL in ASCII, with its host in punycode (xn--…)"
    if loopback and is_loopback(url):
        return ""
    if parts.scheme != "https":
        return PLAIN
    if NUMBER.fullmatch(parts.host) or LOCALHOST.fullmatch(parts.host):
        return "must have a public host name, not an IP address"
    return "" if NAME.fullmatch(parts.host) else "must have a host of letters, digits, dots and dashes"


def is_loopback(url: str) -> bool:
    """Return whether a URL is http or https on this machine."""
    parts = _parse(url)
    return bool(parts and parts.scheme in {"http", "https"} and LOOPBACK.fullmatch(parts.host or ""))


def _parse(url: str) -> Url | None:
    """Return the parts of a URL, or None if the parser would drop, decode or encode anything before the path."""
    if not re.fullmatch(r"[\x21-\x7e]+", url) or "\\" in url:
        return None
    try:
        parts = parse_url(url)
    except LocationParseError:
        return None
    start = f"{parts.scheme}://{parts.netloc}"
    if "%" in start:  # the zone of an IPv6 address
        return None
    plain = url[: len(start)].lower() == start and url[len(start) : len(start) + 1] in {"", "/", "?", "#"}
    return parts if plain else None
