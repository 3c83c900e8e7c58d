"""Which URLs may be requested: only those in which every parser sees the same host."""

import re

HOST = r"(?P<host>[\w.-]+|\[[\da-f:.]+\])(:([1-6]\d{4}|\d{1,4}))?"
URL = re.compile(rf"(?P<scheme>https?)://{HOST}([/?#][!-\[\]-~]*)?", re.A | re.I)
"""ASCII without blanks and backslashes; a host without user name and escapes; a port, if there is a colon."""
NAME = re.compile(r"[a-z\d-]+(\.[a-z\d-]+)*\.?", re.I)
ADDRESS = re.compile(r"\[.*\]|(.*\.)?(\d+|0x[\da-f]*|localhost)\.?", re.I)
"""An IP address in any form, or a name that stands for one. Sockets read a host that ends in a number as an address:
2852039166 is 169.254.169.254. Names below localhost: https://www.rfc-editor.org/rfc/rfc6761#section-6.3.
"""
LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|\[::1\]", re.I)
PLAIN = "must be an https URL, such as https://example.com/path"


def url_problem(url: str, loopback: bool) -> str:
    """Return what is wrong with a URL, as a phrase that follows its name ("must be …"), or "".

    Args:
        url: The configured URL; the phrase never contains it.
        loopback: Whether http and https on loopback hosts are allowed, as in tests and the sandbox.
    """
    parts = URL.fullmatch(url)
    if parts is None:
        return PLAIN if url.isascii() else "must be an https URL in ASCII, with its host in punycode (xn--…)"
    if loopback and is_loopback(url):
        return ""
    if parts["scheme"].lower() != "https":
        return PLAIN
    if ADDRESS.fullmatch(parts["host"]):
        return "must have a public host name, not an IP address"
    return "" if NAME.fullmatch(parts["host"]) else "must have a host of letters, digits, dots and dashes"


def is_loopback(url: str) -> bool:
    """Return whether a URL is http or https on this machine."""
    parts = URL.fullmatch(url)
    return bool(parts and LOOPBACK.fullmatch(parts["host"]))
