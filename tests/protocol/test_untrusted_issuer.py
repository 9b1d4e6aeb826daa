"""Issuers that a user typed in (rows D12, D13)."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from flask_oauthclient.protocol.errors import MetadataError
from flask_oauthclient.protocol.oauth2.metadata import check_untrusted_issuer

REFUSED = {
    "D13": [
        *("127.0.0.1", "[::1]", "0.0.0.0", "10.0.0.1", "169.254.169.254", "[fd00::1]"),
        *("2130706433", "[::ffff:127.0.0.1]", "localhost.", "[::]"),
    ],
    "loopback": [
        *("localhost", "LOCALHOST", "foo.localhost", "foo.localhost.", "127.1", "127.0.0.1."),
        *("127.0.0.2", "127.255.255.255", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]"),
    ],
    "private": [
        *("10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1"),
        *("192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "0.1.2.3"),
        *("[fc00::1]", "[fdff::1]", "[::ffff:10.0.0.1]", "[2001:db8::1]", "[100::1]"),
    ],
    "link-local": [
        "169.254.0.1",
        "[fe80::1]",
        "[febf::1]",
        "[fec0::1]",
        "[::ffff:169.254.169.254]",
    ],
    "multicast": ["224.0.0.1", "239.255.255.255", "[ff02::1]", "[ff0e::1]"],
    "reserved": ["240.0.0.1", "255.255.255.255"],
    "ipv4-in-ipv6": [
        *("[::127.0.0.1]", "[::7f00:1]", "[::a9fe:a9fe]", "[64:ff9b::7f00:1]"),
        *("[64:ff9b::169.254.169.254]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]"),
        *("[2002:a9fe:a9fe::1]", "[::ffff:0:127.0.0.1]", "[2001:0:7f00:1::1]", "[::ffff:8.8.8.8]"),
    ],
    "in-disguise": [
        *("0x7f000001", "017700000001", "0177.0.0.1", "0x7f.0.0.1", "127.0.0.0x1", "0x7f.1"),
        *("127.0.0.01", "1.2.3", "1", "256.256.256.256", "1.2.3.4.5", "%31%32%37.0.0.1"),
        *(
            "127%2e0%2e0%2e1",
            "a.localhos%74",
            "\uff11\uff12\uff17.0.0.1",
            "127\u30020\u30020\u30021",
        ),
        *("foo\u3002localhost", "a.foo\u3002localhost", "a.\uff4cocalhost", "\u2460.example"),
    ],
    "names-of-a-local-network": [
        *("router", "intranet", "printer.local", "db.internal", "metadata.google.internal"),
        *("nas.lan", "gw.home", "gw.home.arpa", "host.localdomain", "a.corp", "a.intranet"),
        *("a.private", "METADATA.GOOGLE.INTERNAL", "printer.local."),
    ],
    "no-names": [
        *("-a.test", "a-.test", "a..test", ".test", "a_b.test", "*.test", "a.test,b.test"),
        *("a" * 64 + ".test", ".".join(["abcdefgh"] * 40), "a.te$t", "a.1test"),
    ],
}
HOSTS = [pytest.param(host, id=f"{row}-{host}") for row in REFUSED for host in REFUSED[row]]


def refused(issuer: Any, allowed: bool = True) -> str:
    """The code with which an issuer is refused."""
    with pytest.raises(MetadataError) as caught:
        check_untrusted_issuer(issuer, lambda _: allowed)
    return caught.value.error


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("rest", ["", ":8443", "/tenant"])
def test_hosts_that_are_not_public(host: str, rest: str) -> None:
    assert refused(f"https://{host}{rest}") in ("issuer_not_allowed", "invalid_metadata")


@pytest.mark.parametrize(
    "host",
    [
        *("op.test", "accounts.google.com", "xn--bcher-kva.example", "8.8.8.8", "1.1.1.1"),
        *("OP.Test", "op.test.", "a-b.c-d.test", "localhost.test", "internal.op.test", "a.x1"),
        *("[2606:4700:4700::1111]", "[2a00:1450:4001::1]", "192.88.98.1", "172.32.0.1"),
    ],
)
@pytest.mark.parametrize("rest", ["", "/", ":8443/tenant"])
def test_hosts_that_are_public(host: str, rest: str) -> None:
    check_untrusted_issuer(f"https://{host}{rest}", lambda _: True)


@pytest.mark.parametrize(
    "issuer",
    [
        "https://op.test?x=1",
        "https://op.test#x",
        "https://user@op.test",
        "https://op.test\\@127.0.0.1",
        "https://op.test\t",
        "https://[::1",
        "https://[::1]x",
        "https://op.test:port",
        "file:///etc/passwd",
        "gopher://op.test",
        "javascript:alert(1)",
        "op.test",
        "//op.test",
        "",
        None,
        5,
        ["https://op.test"],
        {"a": 1},
    ],
)
def test_what_is_no_issuer_at_all(issuer: Any) -> None:
    assert refused(issuer) == "invalid_metadata"


@pytest.mark.parametrize("host", ["op.test", "127.0.0.1", "localhost"])
def test_plain_http_is_never_allowed(host: str) -> None:
    assert refused(f"http://{host}") == "issuer_not_allowed"


@pytest.mark.parametrize("issuer", ["https://op.test", "https://127.0.0.1", "nonsense", "", None])
def test_d12_allow_list_is_asked_first(issuer: Any) -> None:
    assert refused(issuer, allowed=False) == "issuer_not_allowed"


def test_d12_allow_list_sees_what_the_user_typed() -> None:
    seen: list[str] = []
    check_untrusted_issuer("https://OP.test/", lambda issuer: not seen.append(issuer))

    assert seen == ["https://OP.test/"]


@pytest.mark.parametrize("network", ["10.0.0.0/8", "127.0.0.0/8", "192.168.0.0/16", "fd00::/8"])
def test_whole_networks(network: str) -> None:
    block = ipaddress.ip_network(network)
    step = block.num_addresses // 50
    for number in range(0, block.num_addresses, step):
        address = block[number]
        host = f"[{address}]" if address.version == 6 else str(address)
        assert refused(f"https://{host}") == "issuer_not_allowed"
