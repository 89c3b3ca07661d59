"""Where one channel may connect to: names as asked for, and the addresses they resolved to."""

from __future__ import annotations

import pytest

from imp_core.wall import egress as module
from imp_core.wall.egress import Egress
from imp_core.wall.host import normal_host


@pytest.fixture
def lookups(monkeypatch):
    """No lookup leaves this machine: what names resolve to, changed by the test."""
    answers: dict[str, set[str]] = {}
    monkeypatch.setattr(module, "_addresses", lambda host: answers.get(host, set()))
    return answers


def test_an_address_that_a_lookup_gave_stays_permitted_though_the_next_lookup_gives_another(lookups):
    one = Egress(["peer.example.com"])
    one.found("Peer.Example.com.", ("203.0.113.9", 25))
    lookups["peer.example.com"] = {"203.0.113.10"}
    one.reach(("203.0.113.9", 25))
    one.reach(("203.0.113.10", 25))
    with pytest.raises(PermissionError):
        one.reach(("203.0.113.11", 25))
    assert one.refused == "tried to connect to an undeclared host: 203.0.113.11"


def test_what_another_name_resolved_to_is_not_permitted(lookups):
    one = Egress(["peer.example.com"])
    one.found("evil.example.com", ("203.0.113.9", 25))
    with pytest.raises(PermissionError):
        one.reach(("203.0.113.9", 25))


def test_a_literal_address_is_permitted_only_where_it_is_declared(lookups):
    one = Egress(["203.0.113.9", "[2001:DB8::1]"])
    one.reach(("203.0.113.9", 25))
    one.reach(("2001:db8:0:0::1", 25, 0, 0))
    one.reach(("::ffff:203.0.113.9", 25, 0, 0))
    for address in (("203.0.113.10", 25), ("2001:db8::2", 25, 0, 0), "/run/socket", b"/run/socket", (5, 6), (), None):
        with pytest.raises(PermissionError):
            one.reach(address)


def test_the_first_refusal_is_the_one_that_is_told(lookups):
    one = Egress()
    for host in ("one.example.com", "two.example.com"):
        with pytest.raises(PermissionError):
            one.look_up(host)
    assert one.refused == "tried to connect to an undeclared host: one.example.com"


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("SMTP.Example.com.", "smtp.example.com"),
        (" [2001:DB8::0:1] ", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::FFFF:127.0.0.1", "127.0.0.1"),
        ("例子.com", "xn--fsqu00a.com"),
        ("127.1", "127.1"),
        ("", ""),
    ],
)
def test_a_host_has_one_spelling(written, normal):
    assert normal_host(written) == normal
