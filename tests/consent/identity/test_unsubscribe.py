"""Unsubscribe tokens: what opens, what does not, and that they tell nothing to whoever holds one."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_consent.identity.keys import FolderKeys, Key, Keyring, KeyState
from imp_consent.identity.unsubscribe import Unsubscribe, open_token, seal_token
from imp_core.errors import BadInput

KEY = Key(purpose="channel", id="0a1b2c3d", epoch=1, state=KeyState.ACTIVE, secret=bytes(range(32)))
OTHER = Key(purpose="channel", id="55667788", epoch=1, state=KeyState.ACTIVE, secret=bytes(range(32, 64)))
AT = 1_772_366_400_000_000  # 2026-03-01T12:00:00Z
GOLDEN = "uChssPfdKnv6sRqeHvdMsJMZjFRJBpEnkHyZoKxuP-iaunk5AcZMKaHUbOp-C1zUpx3-82AmUX5bgYRLMP4a05PZhhl2q8PaI"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
names = st.from_regex(r"[a-z0-9_.-]{1,64}", fullmatch=True)


def ring(*keys: Key) -> Keyring:
    return Keyring(folder=Path("keys"), log_id="log-1", store=FolderKeys(Path("keys")), keys=keys)


RING = ring(KEY)


def seal(subject: int = 2**62 + 1, purpose: str = "marketing.email", channel: str = "email", key: Key = KEY) -> str:
    return seal_token(key, subject=subject, purpose=purpose, channel=channel, issued_us=AT)


def test_a_token_is_these_characters_for_good() -> None:
    assert seal() == GOLDEN
    found = open_token(RING, GOLDEN)
    assert found == Unsubscribe(subject=2**62 + 1, purpose="marketing.email", channel="email", issued_us=AT)


@given(st.integers(1, 2**63 - 1), names, names, st.integers(0, 2**62))
def test_what_was_sealed_is_what_opens(subject: int, purpose: str, channel: str, issued_us: int) -> None:
    token = seal_token(KEY, subject=subject, purpose=purpose, channel=channel, issued_us=issued_us)
    assert re.fullmatch(r"u([A-Za-z0-9_-]{96}|[A-Za-z0-9_-]{144}|[A-Za-z0-9_-]{192})", token)
    assert open_token(RING, token) == Unsubscribe(
        subject=subject, purpose=purpose, channel=channel, issued_us=issued_us
    )


@pytest.mark.parametrize("token", [GOLDEN, seal(purpose="p" * 64, channel="c" * 64)], ids=["short", "longest"])
def test_a_change_of_any_character_to_any_other_is_refused(token: str) -> None:
    for place, was in enumerate(token):
        for letter in LETTERS if len(token) == len(GOLDEN) else LETTERS[:4]:
            if letter != was:
                with pytest.raises(BadInput):
                    open_token(RING, token[:place] + letter + token[place + 1 :])


@pytest.mark.parametrize(
    "token",
    ["", "x", GOLDEN[:-1], GOLDEN[4:], GOLDEN[:-4], GOLDEN + "AAAA", GOLDEN + "\n", f" {GOLDEN}", GOLDEN + "=" * 4,
     GOLDEN.replace("-", "+"), GOLDEN * 3, "é" * 96, "u" + base64.urlsafe_b64encode(bytes(72)).decode(),
     GOLDEN[1:], "v" + GOLDEN[1:]],
)  # fmt: skip
def test_what_is_no_token_is_refused_without_being_repeated(token: str) -> None:
    with pytest.raises(BadInput) as caught:
        open_token(RING, token)
    assert str(caught.value) == "not an unsubscribe token of this ledger; token; copy the whole link, as it was sent"


def test_another_ledgers_token_is_refused_even_under_a_key_of_the_same_id() -> None:
    for key in (OTHER, replace(OTHER, id=KEY.id)):
        with pytest.raises(BadInput):
            open_token(RING, seal(key=key))


def test_a_key_of_another_purpose_opens_nothing() -> None:
    with pytest.raises(BadInput):
        open_token(ring(replace(KEY, purpose="idem")), GOLDEN)


def test_a_token_opens_after_its_key_was_retired() -> None:
    rotated = ring(OTHER, replace(KEY, state=KeyState.RETIRED))
    assert open_token(rotated, GOLDEN).channel == "email"


def test_a_token_names_nobody_and_nothing() -> None:
    token = seal(subject=7)
    data = base64.urlsafe_b64decode(token[1:])
    for word in (b"marketing", b"email", (7).to_bytes(8, "big"), AT.to_bytes(8, "big")):
        assert word not in data
    assert "email" not in token
    assert "7" not in repr(open_token(RING, token)).replace(str(AT), "")


def test_tokens_of_any_subject_and_any_usual_purpose_are_of_one_length_and_share_only_the_keys_id() -> None:
    tokens = [seal(1), seal(2), seal(2**63 - 1), seal(1, purpose="essential", channel="sms")]
    assert {len(token) for token in tokens} == {97}
    assert {token[:6] for token in tokens} == {GOLDEN[:6]}
    for place in range(7, 90):
        shared = {tuple(token[place : place + 4]) for token in tokens}
        assert len(shared) == len(tokens)


@pytest.mark.parametrize("name", ["", "Marketing", "a b", "é", "a=b", "a/b", "x" * 65])
def test_a_name_that_cannot_stand_in_a_record_is_refused_before_it_is_sent(name: str) -> None:
    with pytest.raises(BadInput, match="not a name of a purpose"):
        seal(purpose=name)
    with pytest.raises(BadInput, match="not a name of a channel"):
        seal(channel=name)
