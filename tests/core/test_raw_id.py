"""A raw identifier lives from the call that brings it in to the keyed hash, and never shows itself."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import logging
import pickle
import pprint
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_core.command import to_json
from imp_core.errors import BadInput
from imp_core.event import EventType, RawEvent, RawId, Signal, SignalKind

ADDRESS = "zoe@example.com"
RAW = RawId("email", ADDRESS)
EVENT = RawEvent(
    type=EventType.OUTCOME,
    identifier=RAW,
    event_us=0,
    purpose="analytics",
    message_id=f"<1.{ADDRESS}>",
    session=ADDRESS,
    unit=ADDRESS,
    cluster=ADDRESS,
    ref=ADDRESS,
    trait_value=ADDRESS,
    props={"who": ADDRESS},
)


@dataclasses.dataclass(frozen=True)
class Result:
    who: RawId
    several: tuple[RawId, ...] = ()


def logged():
    stream = io.StringIO()
    record = logging.makeLogRecord({"msg": "%s %r", "args": (RAW, RAW)})
    logging.StreamHandler(stream).handle(record)
    return stream.getvalue()


def traced():
    try:
        raise ValueError(RAW)
    except ValueError as error:
        return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


@pytest.mark.parametrize(
    "show",
    [
        pytest.param(lambda: repr(RAW), id="repr"),
        pytest.param(lambda: str(RAW), id="str"),
        pytest.param(lambda: f"{RAW} {RAW!r} {RAW!s} {RAW!a} {RAW:>40}", id="f-string"),
        pytest.param(lambda: "{} {:s}".format(RAW, RAW), id="format"),  # noqa: UP032 (the other way to format)
        pytest.param(lambda: "%s %r" % (RAW, RAW), id="percent"),  # noqa: UP031 (the other way to format)
        pytest.param(lambda: repr([RAW, {RAW: RAW}, (RAW,)]), id="containers"),
        pytest.param(lambda: pprint.pformat(EVENT), id="pprint"),
        pytest.param(lambda: repr(EVENT), id="event"),
        pytest.param(
            lambda: repr(Signal(kind=SignalKind.STOP, identifier=RAW, event_us=0, channel="sms")), id="signal"
        ),
        pytest.param(lambda: repr(Result(RAW)), id="dataclass"),
        pytest.param(lambda: repr(dataclasses.asdict(Result(RAW, (RAW,)))), id="asdict"),
        pytest.param(lambda: to_json(Result(RAW, (RAW,))), id="json of a result"),
        pytest.param(lambda: json.dumps({"who": RAW}, default=str), id="json"),
        pytest.param(lambda: str(KeyError(RAW)) + repr(ValueError(RAW)), id="exceptions"),
        pytest.param(logged, id="log"),
        pytest.param(traced, id="traceback with locals"),
    ],
)
def test_a_raw_id_never_shows_its_value(show):
    shown = show()
    assert ADDRESS not in shown
    assert "example" not in shown


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_raw_id_cannot_be_pickled(protocol):
    for holder in (RAW, EVENT, [RAW]):
        with pytest.raises(TypeError, match="cannot be pickled") as caught:
            pickle.dumps(holder, protocol)
        assert ADDRESS not in str(caught.value)


def test_a_raw_id_does_not_change_and_copies_are_itself():
    with pytest.raises(AttributeError):
        RAW.value = "other"
    with pytest.raises(AttributeError):
        del RAW.value
    with pytest.raises(AttributeError):
        RAW.extra = 1
    assert copy.copy(RAW) is RAW
    assert copy.deepcopy(RAW) is RAW


def test_raw_ids_are_equal_by_kind_and_value():
    assert RawId.parse("email:zoe@example.com") == RAW
    assert len({RAW, RawId("email", ADDRESS), RawId("member", ADDRESS), RawId("email", "other")}) == 3
    assert RAW != ADDRESS


@pytest.mark.parametrize("text", ["", ":", "email:", "email: ", ":zoe@example.com", "zoe@example.com", " :x"])
def test_text_that_is_no_identifier_is_refused_without_repeating_it(text):
    with pytest.raises(BadInput, match="not an identifier") as caught:
        RawId.parse(text)
    assert ADDRESS not in str(caught.value)


def test_a_value_may_hold_colons_and_a_kind_has_one_spelling():
    raw = RawId.parse(" Member :a:b ")
    assert (raw.kind, raw.value) == ("member", "a:b ")


@given(st.text(min_size=12), st.text(min_size=12))
def test_neither_half_shows_where_the_two_were_confused(kind, value):
    shown = f"{RawId(kind, value)!r}{RawId(value, kind)}"
    assert value not in shown or value.isidentifier()
