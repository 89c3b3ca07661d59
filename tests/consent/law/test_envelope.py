"""The envelope of an entry: what is given, else the clock's and imp.toml's; ids of time and chance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imp_consent.policy.envelope import envelope, uuid7
from imp_consent.policy.house import House
from imp_core.clock import parse_time
from imp_core.context import Context

# RFC 9562, appendix A.6
TIME_US, ID = 1_645_557_742_000_000, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
HOUSE = House(regimes=("us-ca", "gdpr"), jurisdiction="US-CA", channels=frozenset())


def noise(first: int, last: int) -> bytes:
    """Eighty bits: twelve, six that no id shows, and sixty-two."""
    return (first << 68 | 0b101101 << 62 | last).to_bytes(10, "big")


def test_an_id_is_that_of_the_standards_example() -> None:
    assert uuid7(TIME_US + 999, noise(0xCC3, 0x18C4DC0C0C07398F)) == ID
    assert uuid7(TIME_US + 1_000, noise(0xCC3, 0x18C4DC0C0C07398F)) == ID.replace("79b0", "79b1")


def test_the_last_time_there_is_fits_an_id() -> None:
    last = uuid7(parse_time("9999-12-31T23:59:59Z"), b"\xff" * 10)
    assert last == "e677d21f-d818-7fff-bfff-ffffffffffff"


@pytest.fixture
def french(shop: Context, tmp_path: Path) -> Context:
    """A shop whose imp.toml names law and place."""
    with (tmp_path / "workspace" / "imp.toml").open("a", encoding="utf-8") as file:
        file.write('\n[policy]\nregimes = ["gdpr", "eprivacy"]\njurisdiction = "FR"\n')
    return shop


def fields(shop: Context, **words: Any) -> dict[str, Any]:
    return dict(envelope(shop, type_="withdraw", event_us=7, purpose="news", **words))


def test_what_is_not_given_is_the_clocks_and_imp_tomls(french: Context) -> None:
    found = fields(french)
    now_us = french.clock.now_us()
    assert (found["event_us"], found["recorded_us"]) == (7, now_us)
    assert int(found["event_id"].replace("-", "")[:12], 16) == now_us // 1_000
    assert (found["regime"], found["regimes"], found["jurisdiction"]) == ("gdpr+eprivacy", ["gdpr", "eprivacy"], "FR")
    assert (found["channel"], found["idempotency_key"]) == (None, found["event_id"])
    assert fields(french, channel="")["channel"] is None


def test_what_is_given_stands_there(french: Context) -> None:
    words = {"regimes": ("cn-pipl",), "jurisdiction": "CN", "channel": "email", "idempotency_key": "row 7"}
    found = fields(french, recorded_us=TIME_US, more={"evidence": "form 7"}, **words)
    assert (found["recorded_us"], found["event_id"][:13]) == (TIME_US, ID[:13])
    assert (found["regime"], found["regimes"], found["jurisdiction"]) == ("cn-pipl", ["cn-pipl"], "CN")
    assert (found["channel"], found["idempotency_key"], found["evidence"]) == ("email", "row 7", "form 7")


def test_a_house_that_was_read_already_is_not_read_again(french: Context) -> None:
    found = fields(french, house=HOUSE)
    assert (found["regimes"], found["jurisdiction"]) == (["us-ca", "gdpr"], "US-CA")
    assert fields(french, house=HOUSE, regimes=())["regimes"] == []


def test_every_entry_has_an_id_of_its_own_of_version_seven(french: Context) -> None:
    ids = {fields(french)["event_id"] for _ in range(50)}
    assert len(ids) == 50
    assert {(name[14], name[19] in "89ab") for name in ids} == {("7", True)}
