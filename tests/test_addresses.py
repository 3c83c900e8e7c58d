"""Which URLs we may talk to. Nothing is ever connected to: the judgement alone is tested."""

import ipaddress

import pytest
import requests
from hypothesis import example, given
from hypothesis import strategies as st
from urllib3.util import parse_url

from handler.addresses import PLAIN, complaint, is_loopback

ALLOWED = [
    "https://hooks.slack.com/services/T0/B0/x",
    "HTTPS://Hooks.Slack.com:443/services/T0/B0/x",
    "https://hooks.slack.com./x",
    "https://xn--mnchen-3ya.example/x?a=%20&b=@#\u0063",
    "https://hc-ping.com?x",
    "https://hc-ping.com#x",
    "https://203.example/x",
    "https://8.8.8.8/x",
    "https://[2606:4700:4700::1111]:8443/x",
]
LOOPBACK = [
    "http://127.0.0.1:9001/x",
    "https://127.0.0.1:9001/x",
    "http://127.255.0.1",
    "http://[::1]:8080/x",
    "http://localhost:8080/x",
    "https://LOCALHOST/x",
]
LOCAL = [
    "https://169.254.169.254/x",
    "https://10.0.0.1/x",
    "https://172.16.0.1/x",
    "https://192.168.0.1/x",
    "https://100.64.0.1/x",
    "https://0.0.0.0/x",
    "https://224.0.1.1/x",
    "https://255.255.255.255/x",
    "https://[::]/x",
    "https://[fe80::1]/x",
    "https://[fd00:ec2::254]/x",  # EC2's metadata
    "https://[ff02::1]/x",
    "https://[2001:db8::1]/x",
    "https://[2001:0:a9fe:a9fe::1]/x",  # Teredo
    "https://[::ffff:169.254.169.254]/x",
    "https://[::ffff:127.0.0.1]/x",
    "https://[::169.254.169.254]/x",
    "https://[::127.0.0.1]/x",
    "https://[2002:a9fe:a9fe::]/x",  # 6to4
    "https://[64:ff9b::a9fe:a9fe]/x",  # NAT64
    "https://[64:ff9b:1::a9fe:a9fe]/x",
    "https://localhost./x",
    "https://a.localhost/x",
]
NUMBERS = [
    *("https://2852039166/x", "https://0xa9fea9fe/x", "https://169.254.43518/x", "https://0251.0376.0251.0376/x"),
    *("https://169.254.169.254./x", "https://127.1/x", "https://example.1/x", "https://127.0.0.0x1/x"),
]
UNPLAIN = [
    "https://169.254.169.254\\.hooks.slack.com/services/x",
    "https://hooks.slack.com\\@169.254.169.254/x",
    "https://hooks.slack.com/a\\b",
    "https://169.254.169%2e254/x",
    "https://%31%36%39.254.169.254/x",
    "https://hooks.slack.com%2f@169.254.169.254/x",
    "https://user@hooks.slack.com/x",
    "https://user:password@hooks.slack.com/x",
    "https://@hooks.slack.com/x",
    "https://[2606:4700:4700::1111%eth0]/x",
    "https://[2606:4700:4700::1111%25eth0]/x",
    "https://[v1.a]/x",
    "https://hooks.slack.com:99999/x",
    "https://hooks.slack.com:/x",
    "https://hooks.slack.com:0443/x",
    "https://hooks.slack.com:port/x",
    "https://",
    "https:///x",
    "https:hooks.slack.com/x",
    "//hooks.slack.com/x",
    "hooks.slack.com/x",
    "/x",
    "",
    "x",
    "http://hooks.slack.com/x",
    "ftp://hooks.slack.com/x",
    "file:///etc/passwd",
    "https://hooks.slack.com/a b",
    "https://hooks.slack.com/x\n",
    "https://hooks.slack.com/\tx",
    " https://hooks.slack.com/x",
    "https://hooks.slack.com/\x7f",
]


@pytest.mark.parametrize("url", ALLOWED)
def test_https_on_a_public_host_is_allowed(url: str) -> None:
    """By name or by address, in the sandbox, too."""
    assert complaint(url, loopback_http=False) == complaint(url, loopback_http=True) == ""
    assert not is_loopback(url)


@pytest.mark.parametrize("url", LOOPBACK)
def test_this_machine_is_for_tests_and_the_sandbox(url: str) -> None:
    """In Lambda, the runtime's own API listens there."""
    assert complaint(url, loopback_http=True) == ""
    assert complaint(url, loopback_http=False)
    assert is_loopback(url)


@pytest.mark.parametrize("loopback_http", [False, True])
@pytest.mark.parametrize("url", LOCAL)
def test_no_other_address_that_is_not_public_is_allowed(url: str, loopback_http: bool) -> None:
    """Whatever the form: https alone does not make it harmless."""
    assert complaint(url, loopback_http=loopback_http) == "must not be on a private or local address"
    assert complaint(url.replace("https:", "http:"), loopback_http=loopback_http) == PLAIN
    assert not is_loopback(url)


@pytest.mark.parametrize("loopback_http", [False, True])
@pytest.mark.parametrize("url", NUMBERS)
def test_a_host_that_ends_in_a_number_is_no_name(url: str, loopback_http: bool) -> None:
    """The resolver takes it for an address."""
    assert complaint(url, loopback_http=loopback_http) == "must not have a host that ends in a number"
    assert not is_loopback(url)


@pytest.mark.parametrize("loopback_http", [False, True])
@pytest.mark.parametrize("url", UNPLAIN)
def test_what_is_not_plainly_an_https_url_is_refused(url: str, loopback_http: bool) -> None:
    """Above all what one parser may read otherwise than another."""
    assert complaint(url, loopback_http=loopback_http) == PLAIN
    assert not is_loopback(url)


@pytest.mark.parametrize("url", ["https://a_b.example/", "https://a..example/", "https://.example/", "https://a!b/"])
def test_a_host_is_made_of_letters_digits_dots_and_dashes(url: str) -> None:
    """Whatever else the parser lets pass."""
    assert complaint(url, loopback_http=True) in {"must have a host of letters, digits, dots and dashes", PLAIN}


@pytest.mark.parametrize(
    "url",
    [
        "https://münchen.example/x",
        "https://\uff11\uff12\uff17.0.0.1/x",
        "https://example.com/ü",
        "https://example。com",
    ],
)
def test_who_uses_other_letters_hears_of_punycode(url: str) -> None:
    """The host works once it is written so."""
    assert "punycode" in complaint(url, loopback_http=True)
    assert not is_loopback(url)


@pytest.mark.parametrize("url", [*LOOPBACK, *LOCAL, *NUMBERS, *UNPLAIN])
def test_no_phrase_holds_what_it_is_about(url: str) -> None:
    """It is a secret."""
    said = complaint(url, loopback_http=False)
    assert said.startswith("must ")
    assert not said.endswith(".")
    assert "slack" not in said
    assert "169" not in said


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
    if complaint(url, loopback_http=False):
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
