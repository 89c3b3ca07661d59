"""Pseudonyms and subjects' secrets against independent implementations, and what does not open."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from imp_consent.identity.pseudonym import channel_pseudonym, event_key, loose_token, pseudonymize, reference_key
from imp_consent.identity.secrets import KeyEncryption, SubjectSecrets, hkdf
from imp_core.errors import LedgerBroken
from imp_core.event import RawId

KEY = bytes(range(32))


@given(st.binary(min_size=16, max_size=64), st.binary(max_size=40))
def test_hkdf_is_that_of_rfc_5869(key: bytes, info: bytes) -> None:
    assert hkdf(key, info) == HKDF(SHA256(), 32, None, info).derive(key)


def test_r55_a_pseudonym_is_the_keyed_hash_of_kind_and_value() -> None:
    expected = hmac.new(KEY, b"email\x00ann@example.com", hashlib.sha256).digest()[:16]
    assert pseudonymize(KEY, RawId("email", "ann@example.com")) == expected
    assert pseudonymize(KEY, RawId("member", "ann@example.com")) != expected
    assert pseudonymize(bytes(32), RawId("email", "ann@example.com")) != expected


def test_r55_no_two_channels_know_a_subject_by_the_same_name() -> None:
    names = {channel_pseudonym(KEY, channel, subject) for channel in ("email", "sms", "ads") for subject in range(50)}
    assert len(names) == 150


def test_event_order_and_loose_keys_do_not_meet() -> None:
    tokens = {
        event_key(KEY, "email", "x"),
        event_key(KEY, "sms", "x"),
        reference_key(KEY, "x"),
        loose_token(KEY, RawId("member", "x")),
    }
    assert len(tokens) == 4


def test_links_and_blinds_of_one_subject_all_differ() -> None:
    secrets = SubjectSecrets(1, KEY)
    assert len({*(secrets.link(i) for i in range(100)), *(secrets.blind(i) for i in range(100))}) == 200


def test_a_subject_and_its_key_open_only_under_their_own_key() -> None:
    mine, other = KeyEncryption("a", KEY), KeyEncryption("b", bytes(32))
    assert mine.unwrap(mine.wrap(KEY)) == KEY
    assert mine.open_subject(mine.seal_subject(2**62 + 1)) == 2**62 + 1
    assert mine.seal_subject(7) == mine.seal_subject(7)
    for sealed in (mine.wrap(KEY), b"", b"\x00" * 40):
        with pytest.raises(LedgerBroken, match="key does not open"):
            other.unwrap(sealed)
    for sealed in (mine.seal_subject(7), b"", b"\x00" * 24):
        with pytest.raises(LedgerBroken, match="mapping does not open"):
            other.open_subject(sealed)


def test_secrets_never_show_their_key() -> None:
    assert KEY.hex() not in repr(SubjectSecrets(1, KEY))
    assert repr(KEY) not in repr(SubjectSecrets(1, KEY))


def test_everything_of_a_subject_is_derived_from_its_key_by_name_however_often_it_is_asked_for() -> None:
    secrets, other = SubjectSecrets(1, KEY), SubjectSecrets(1, KEY)
    assert [secrets.link_key for _ in range(2)] == [hkdf(KEY, b"link")] * 2
    assert secrets.link_and_blind(3) == (other.link(3), other.blind(3)) == (secrets.link(3), secrets.blind(3))
    for mine, info in ((secrets.payloads, b"payload"), (secrets.inbox, b"inbox")):
        assert AESGCM(hkdf(KEY, info)).decrypt(bytes(12), mine.encrypt(bytes(12), b"said", b"leaf"), b"leaf") == b"said"
    assert (secrets.payloads, secrets.inbox) == (secrets.payloads, secrets.inbox), "made once"
