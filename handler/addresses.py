"""Which URLs we may talk to, judged by the parser that connects: no other may see another host in the same text."""

import ipaddress
import re

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

NAME = re.compile(r"[a-z\d-]+(\.[a-z\d-]+)*\.?")
NUMBER = re.compile(r"(.*\.)?(\d+|0x[\da-f]*)\.?")
"""No host name ends in a number: sockets take it for an IPv4 address, such as 2852039166 for 169.254.169.254."""
LOCALHOST = re.compile(r"(.+\.)?localhost\.?")
"""Resolvers answer these with loopback addresses: https://www.rfc-editor.org/rfc/rfc6761#section-6.3."""
PLAIN = "must be an https URL, such as https://example.com/path"
LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
UNICAST = ipaddress.ip_network("2000::/3")
"""All public IPv6 addresses. Outside of it are IPv4 addresses in IPv6's clothes, too (mapped, compatible, NAT64):
https://www.iana.org/assignments/ipv6-address-space/ipv6-address-space.xhtml.
"""
SIX_TO_FOUR = ipaddress.ip_network("2002::/16")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def complaint(url: str, loopback_http: bool) -> str:
    """Return what is wrong with a URL, as a phrase after its name ("must be …"); "": nothing.

    Args:
        url: As it was configured; never part of the phrase.
        loopback_http: Take http and https on loopback hosts, as in tests and the sandbox.
    """
    parts = _parse(url)
    if parts is None or not parts.host:
        return PLAIN if url.isascii() else "must be an https URL in ASCII, with its host in punycode (xn--…)"
    host, address = parts.host, _address(parts.host)
    if address is None and not NAME.fullmatch(host):
        return "must have a host of letters, digits, dots and dashes"
    if address is None and NUMBER.fullmatch(host):
        return "must not have a host that ends in a number"
    if loopback_http and is_loopback(url):
        return ""
    if parts.scheme != "https":
        return PLAIN
    if LOCALHOST.fullmatch(host) or (address and not _is_public(address)):
        return "must not be on a private or local address"
    return ""


def is_loopback(url: str) -> bool:
    """Return whether a URL is http or https on this machine."""
    parts = _parse(url)
    if parts is None or parts.scheme not in {"http", "https"}:
        return False
    address = _address(parts.host or "")
    if isinstance(address, ipaddress.IPv4Address):
        return address in LOOPBACK
    return parts.host == "localhost" or address == ipaddress.IPv6Address("::1")


def _parse(url: str) -> Url | None:
    """Return the parts of a URL; None where the parser would leave out, decode or encode anything before the path."""
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


def _address(host: str) -> Address | None:
    """Return the IP address that a host is; None: it is a name."""
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and (address not in UNICAST or address in SIX_TO_FOUR):
        return False
    return address.is_global and not address.is_multicast
