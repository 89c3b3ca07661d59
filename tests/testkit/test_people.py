"""Made-up people: many, each another, and recognised in whatever form a text shows them."""

from __future__ import annotations

import hashlib

import pytest

from imp_testkit.people import made_up, shows, shows_any


@pytest.mark.parametrize("kind", ["email", "phone", "device", "idfa", "imei", "member", "push_token"])
def test_a_batch_of_made_up_people_is_of_different_people(kind):
    values = [made_up(kind, n) for n in range(1200)]
    assert len(set(values)) == 1200
    assert not any(shows(values[1], value) for value in values[2:12])


@pytest.mark.parametrize(
    "text",
    [
        "to Ann@Mail.Example",
        "?to=ann%40mail.example",
        hashlib.sha256(b"ann@mail.example").hexdigest().upper(),
        hashlib.md5(b"ann@mail.example", usedforsecurity=False).hexdigest(),
    ],
)
def test_a_peer_knows_an_address_in_any_form(text):
    assert shows(f"POST {text} HTTP", "ann@mail.example")
    assert not shows(text, "bob@mail.example")


def test_a_number_is_known_without_its_plus_and_a_hash_is_not_a_raw_form():
    assert shows_any("447700900001", ["+447700900001"])
    assert not shows_any(hashlib.sha256(b"447700900001").hexdigest(), ["+447700900001"])
