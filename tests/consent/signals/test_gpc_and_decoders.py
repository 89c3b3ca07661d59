"""Strings of software: GPC's one value, and the seam for decoders that are not there yet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_consent.signals.decode import MAX_RAW, Decoders, Undecodable
from imp_consent.signals.gpc import DECODERS, format_gpc, parse_gpc
from imp_core.errors import BadInput


def test_the_value_1_and_no_other_asks_for_no_sale():
    assert parse_gpc(format_gpc())
    assert format_gpc() == "1"


@pytest.mark.parametrize(
    "value", [None, "", "0", " 1", "1 ", "1, 1", "1;a", "true", "?1", "01", "1\x00", "\uff11", "\u0661", "11", '"1"']
)
def test_every_other_value_is_as_if_the_field_were_absent(value):
    assert not parse_gpc(value)


@given(st.text(max_size=20).filter(lambda text: text != "1"))
def test_no_other_text_is_a_valid_signal(text):
    found = DECODERS.decode("gpc", text)
    assert (found.valid, found.asserts, dict(found.fields)) == (False, frozenset(), {})


def test_a_valid_signal_names_its_decoder_and_what_it_asserts():
    found = DECODERS.decode("gpc", "1")
    assert found.plain() == {
        "kind": "gpc", "raw": "1", "decoder": "gpc", "decoder_version": "1", "decoded": {"gpc": True},
        "asserts": ["gpc"], "valid": True, "problem": None,
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["tcf", "gpp"])
def test_a_string_without_a_decoder_is_kept_as_an_invalid_signal(kind):
    found = DECODERS.decode(kind, "DBABMA~CPXxRfAPXxRfAAfKABENB")
    assert found.raw == "DBABMA~CPXxRfAPXxRfAAfKABENB"
    assert (found.valid, found.decoder, found.asserts) == (False, "none", frozenset())
    assert found.problem == "no decoder for this kind of string"
    assert found.plain()["decoded"] is None


class _Gpp:
    name, version = "iab-gpp", "3.2"

    def decode(self, raw):
        if raw == "boom":
            raise ValueError("the string boom")
        if not raw.startswith("D"):
            raise Undecodable("not a GPP header", where="header")
        return {"sections": [7]}, frozenset({"gpc"})


def test_a_decoder_that_is_registered_reads_its_kind_and_leaves_the_others_as_they_were():
    more = DECODERS.plus("gpp", _Gpp())
    assert more.decode("gpp", "DBABMA").valid
    assert more.decode("gpp", "DBABMA").asserts == {"gpc"}
    assert (more.decode("gpp", "DBABMA").decoder, more.decode("gpp", "DBABMA").version) == ("iab-gpp", "3.2")
    assert not DECODERS.decode("gpp", "DBABMA").valid
    assert more.decode("gpc", "1").valid


@pytest.mark.parametrize(("raw", "problem"), [("x", "not a GPP header"), ("boom", "the decoder failed: ValueError")])
def test_what_a_decoder_refuses_or_breaks_on_is_an_invalid_signal_that_repeats_nothing(raw, problem):
    found = DECODERS.plus("gpp", _Gpp()).decode("gpp", raw)
    assert (found.valid, found.problem, dict(found.fields), found.asserts) == (False, problem, {}, frozenset())


@pytest.mark.parametrize(
    ("kind", "raw", "problem"),
    [
        ("cookie", "1", "unknown kind"),
        ("gpc", "1" * (MAX_RAW + 1), "longer than"),
        ("tcf", "\ud800", "not text"),
    ],
)
def test_what_is_no_signal_at_all_is_refused(kind, raw, problem):
    with pytest.raises(BadInput, match=problem):
        DECODERS.decode(kind, raw)


def test_no_decoder_is_registered_for_an_unknown_kind():
    with pytest.raises(BadInput, match="unknown kind"):
        Decoders({"cookie": _Gpp()})


def test_the_string_is_not_shown_by_its_repr():
    assert "secret" not in repr(DECODERS.decode("tcf", "secret"))
