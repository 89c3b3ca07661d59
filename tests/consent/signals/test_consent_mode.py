"""Google Consent Mode v2: granted only where every mapped purpose is permitted."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_consent.signals.consent_mode import PARAMETERS, consent_states, format_states, parse_states, read_mapping
from imp_core.errors import BadInput

ALL_DENIED = dict.fromkeys(PARAMETERS, "denied")


def test_a_parameter_is_granted_only_when_each_of_its_purposes_is_permitted():
    mapping = read_mapping({"ad_user_data": ["ads", "ads.share"], "ad_storage": ["ads"]})
    states = consent_states(mapping, {"ads": True, "ads.share": False, "analytics": True}.__getitem__)
    assert states == {**ALL_DENIED, "ad_storage": "granted", "analytics_storage": "granted"}


def test_what_nothing_is_mapped_to_is_denied_even_where_everything_is_permitted():
    granted = {name for name, state in consent_states(read_mapping({}), lambda _: True).items() if state == "granted"}
    assert granted == {"analytics_storage"}
    assert consent_states(dict.fromkeys(PARAMETERS, ()), lambda _: True) == ALL_DENIED


def test_the_text_is_what_a_tag_takes_and_reads_back():
    states = consent_states(read_mapping({"ad_storage": ["ads"]}), lambda _: True)
    text = format_states(states)
    assert text == (
        '{"ad_storage": "granted", "ad_user_data": "denied", "ad_personalization": "denied", '
        '"analytics_storage": "granted", "functionality_storage": "denied", "personalization_storage": "denied", '
        '"security_storage": "denied"}'
    )
    assert parse_states(text) == states


@pytest.mark.parametrize(
    "text", ["{}", '{"ad_storage": true}', '{"ad_storage": "Granted"}', '{"ad_storage": null, "x": "granted"}']
)
def test_whatever_is_not_exactly_granted_reads_as_denied(text):
    assert parse_states(text) == ALL_DENIED


@given(st.dictionaries(st.sampled_from([*PARAMETERS, "x"]), st.text(max_size=8)))
def test_nothing_unknown_is_ever_written_as_granted(states):
    written = json.loads(format_states(states))
    assert list(written) == list(PARAMETERS)
    assert {name for name, state in written.items() if state == "granted"} == {
        name for name in PARAMETERS if states.get(name) == "granted"
    }


@pytest.mark.parametrize("text", ["", "[]", "granted", "1", '{"ad_storage"', "[" * 100_000])
def test_what_is_no_object_is_refused(text):
    with pytest.raises(BadInput, match="not a JSON object"):
        parse_states(text)


@pytest.mark.parametrize(
    "table", [[], "x", {"ad_storag": ["ads"]}, {"ad_storage": "ads"}, {"ad_storage": [1]}, {"ad_storage": [""]}]
)
def test_a_mapping_that_says_something_else_is_refused(table):
    with pytest.raises(BadInput, match=r"signals\.consent_mode"):
        read_mapping(table)
