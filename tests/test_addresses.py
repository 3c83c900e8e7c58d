"""Which URLs we may talk to. Nothing is ever connected to: the judgement alone is tested."""

import ipaddress

import pytest
import requests
from hypothesis import example, given
from hypothesis import strategies as st
from urllib3.util import parse_url

from handler.addresses import is_loopback, url_problem

ALLOWED = [
    *("https://hooks.slack.com/services/T0/B0/x", "HTTPS://Hooks.Slack.com:443/services/T0/B0/x"),
    *("https://hooks.slack.com./x", "https://xn--mnchen-3ya.example/x?a=%20&b=@#c", "https://203.example/x"),
]
LOOPBACK = [
    *("http://127.0.0.1:9001/x", "https://127.0.0.1:9001/x", "http://127.255.0.1", "http://[::1]:8080/x"),
    *("http://localhost:8080/x", "https://LOCALHOST/x"),
]
V4 = ("169.254.169.254", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "255.255.255.255", "224.0.1.1")
V6 = [
    *("::", "fe80::1", "fd00:ec2::254", "ff02::1", "2001:db8::1"),
    *("::ffff:169.254.169.254", "::ffff:127.0.0.1", "::169.254.169.254", "::127.0.0.1"),
    *("2001:0:a9fe:a9fe::1", "2002:a9fe:a9fe::", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe"),  # Teredo, 6to4, NAT64
]
LOCAL = [f"https://{host}/x" for host in (*V4, *(f"[{host}]" for host in V6), "localhost.", "a.localhost")]
NUMBERS = [
    *("https://2852039166/x", "https://0xa9fea9fe/x", "https://169.254.43518/x", "https://0251.0376.0251.0376/x"),
    *("https://169.254.169.254./x", "https://127.1/x", "https://example.1/x", "https://127.0.0.0x1/x"),
]
ZONED = ("https://[2606:4700:4700::1111%eth0]/x", "https://[2606:4700:4700::1111%25eth0]/x")
UNPLAIN = [
    *("https://169.254.169.254\\.hooks.slack.com/services/x", "https://hooks.slack.com\\@169.254.169.254/x"),
    *("https://169.254.169%2e254/x", "https://hooks.slack.com%2f@169.254.169.254/x", "https://@hooks.slack.com/x"),
    *("https://user:password@hooks.slack.com/x", *ZONED, "https://[v1.a]/x"),
    *("https://hooks.slack.com:99999/x", "https://hooks.slack.com:/x", "https://hooks.slack.com:port/x"),
    *("https:///x", "https:hooks.slack.com/x", "//hooks.slack.com/x", "hooks.slack.com/x", ""),
    *("http://hooks.slack.com/x", "http://169.254.169.254/x", "file:///etc/passwd"),
    *(
        "https://hooks.slack.com/a\\b",
        "https://hooks.slack.com/a b",
        "https://hooks.slack.com/x\n",
        " https://hooks.slack.com/x",
    ),
    "https://hooks.slack.com/\x7f",
]
UNNAMEABLE = ["https://a_b.example/", "https://a..example/"]
FOREIGN = ["https://münchen.example/x", "https://\uff11\uff12\uff17.0.0.1/x", "https://example。com"]


@pytest.mark.parametrize("url", ALLOWED)
def test_https_on_a_public_host_is_allowed(url: str) -> None:
    """In the sandbox, too."""
    assert url_problem(url, loopback=False) == url_problem(url, loopback=True) == ""
    assert not is_loopback(url)


@pytest.mark.parametrize("url", LOOPBACK)
def test_this_machine_is_for_tests_and_the_sandbox(url: str) -> None:
    """In Lambda, the runtime's own API listens there."""
    assert url_problem(url, loopback=True) == ""
    assert url_problem(url, loopback=False)
    assert is_loopback(url)


@pytest.mark.parametrize("loopback", [False, True])
@pytest.mark.parametrize("url", [*LOCAL, *NUMBERS, *UNPLAIN, *UNNAMEABLE, *FOREIGN])
def test_what_is_not_plainly_https_on_a_public_host_is_refused(url: str, loopback: bool) -> None:
    """Above all what one parser may read otherwise than another; no phrase holds what it is about, which is secret."""
    said = url_problem(url, loopback=loopback)
    assert said.startswith("must ")
    assert ("punycode" in said) == (url in FOREIGN)
    assert "slack" not in said
    assert "169" not in said
    assert not is_loopback(url)


PIECES = [
    *("127.0.0.1", "169.254.169.254", "localhost", "example.com", "[::1]", "[fe80::1]", "[::ffff:10.0.0.1]", "a", "ü"),
    *("\\", "@", ":", "%", "%2e", "%40", "/", "?", "#", ".", "-", "_", "0", "0x7f", "1", "443", "[", "]", "\t"),
]


@given(
    scheme=st.sampled_from(["https://", "http://", "HTTPS://", "https:/", "https:"]),
    rest=st.lists(st.sampled_from(PIECES), max_size=6).map("".join),
)
@example(scheme="https://", rest="169.254.169.254\\.hooks.slack.com/services/x")
def test_what_is_judged_is_what_connects(scheme: str, rest: str) -> None:
    """Of whatever is allowed, requests connects to a public host that the text plainly names."""
    url = scheme + rest
    if url_problem(url, loopback=False):
        return
    prepared = requests.Request("GET", url).prepare()
    # What the adapter makes of it, as it does before it connects.
    host = requests.adapters.HTTPAdapter().build_connection_pool_key_attributes(prepared, True)[0]["host"]
    assert host is not None
    assert host == (parse_url(url).host or "").strip("[]")
    assert url.lower().startswith(("https://" + host, f"https://[{host}]"))
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        last = host.rstrip(".").rpartition(".")[2]
        assert last != "localhost"
        assert not last.isdigit()
    else:
        assert address.is_global
