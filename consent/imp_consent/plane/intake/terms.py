"""On what terms events may come in through one channel, and which fields of an event break them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final

from imp_consent.plane.intake.plain import identifier_field, looks_like_identifier
from imp_consent.signals.inbound import Ear
from imp_core.errors import PluginBroken
from imp_core.event import EventType, RawEvent, RawId, RowFault, Signal, SignalKind
from imp_core.manifest import purpose_covered

__all__ = ["SUBJECT_UNIT", "Terms", "event_fault", "signal_fault", "tracks_untold"]

SUBJECT_UNIT: Final = "subject"
_EARLIEST_US = -62_135_596_800_000_000  # the year 1: what a calendar can write
_INT32 = 2**31
_CURRENCY = re.compile(r"[A-Z]{3}")
_PROVENANCES = frozenset({"declared", "observed", "inferred"})
# What would make a touchpoint without an identifier about somebody all the same.
_PERSONAL = ("session", "unit", "cluster", "ref", "trait_key", "trait_value")
_TEXTS = (
    "message_id", "purpose", "channel", "campaign", "content", "placement", "partner", "place", "name", "interaction",
    "stage", "session", "experiment", "variant", "unit_kind", "unit", "stratum", "cluster", "ref", "currency",
    "trait_key", "trait_value", "provenance",
)  # fmt: skip
_all_texts = attrgetter(*_TEXTS)

_MAIL: Final = "email"
_TRACKED: Final = frozenset({"open", "click"})
_NOT_NECESSARY: Final = "is for marketing or analytics: what is strictly necessary does not carry it"
_NOT_NECESSARY_TYPES: Final = frozenset({EventType.EXPOSURE, EventType.TRAIT})
_MARKETING: Final = (
    "campaign", "content", "placement", "partner", "interaction", "stage", "experiment", "phase", "variant", "stratum",
    "cluster", "trait_key", "trait_value",
)  # fmt: skip
_IDENTIFIER: Final = "looks like an identifier"
_Problem = tuple[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What may come in through one channel.

    `channel` is the channel's name, for which consent is asked where an event names none; `purposes` are those the
    workspace knows; `declared` those the channel's manifest declares for collecting, `kinds` the kinds of identifier it
    declares (None: it has no manifest); `props` the keys of properties that are kept. `ear` hears signals.
    `tracking` are the purposes that tell people their opens and clicks are followed (trait `tracking-individual`),
    `necessary` those for which a terminal is used because it is strictly necessary (traits `terminal`, `essential`).
    """

    channel: str
    purposes: frozenset[str]
    declared: frozenset[str] | None = None
    kinds: frozenset[str] | None = None
    props: frozenset[str] = frozenset()
    ear: Ear = field(default_factory=Ear)
    tracking: frozenset[str] = frozenset()
    necessary: frozenset[str] = frozenset()


def event_fault(event: RawEvent, terms: Terms, now_us: int) -> RowFault | None:
    """The first field of an event that cannot be taken, or None.

    Raises:
        PluginBroken: a field is not of its type.
    """
    try:
        if not _typed(event):
            raise TypeError
        problem = _text_problem(event)
    except TypeError:
        raise PluginBroken("the channel handed in an event of wrong types", where=terms.channel) from None
    for rule in _RULES:
        problem = problem or rule(event, terms, now_us)
    return None if problem is None else RowFault(row=event.row, field=problem[0], problem=problem[1])


def tracks_untold(event: RawEvent, terms: Terms) -> bool:
    """Whether an event follows one person's opens or clicks of e-mail for a purpose that does not say so.

    Consent to get mail is none to being watched reading it (CNIL, draft recommendation on tracking pixels, 2025). An
    event of nobody, which counts opens and no people, is not asked for more.
    """
    if event.identifier is None or event.interaction not in _TRACKED:
        return False
    return (event.channel or terms.channel) == _MAIL and event.purpose not in terms.tracking


def signal_fault(signal: Signal, terms: Terms, now_us: int) -> RowFault | None:
    """The first field of a signal that cannot be taken, or None.

    Raises:
        PluginBroken: a field is not of its type.
    """
    if not _typed_signal(signal):
        raise PluginBroken("the channel handed in a signal of wrong types", where=terms.channel)
    problem = _time_problem(signal.event_us, now_us) or _kind_problem(signal.identifier, terms)
    if problem is None and signal.purpose is not None and signal.purpose not in terms.purposes:
        problem = ("purpose", "unknown purpose")
    if problem is None and looks_like_identifier("channel", signal.channel):
        problem = ("channel", _IDENTIFIER)
    return None if problem is None else RowFault(row=signal.row, field=problem[0], problem=problem[1])


def _typed(event: Any) -> bool:  # noqa: ANN401 (a stranger's plugin may hand in anything)
    return (
        isinstance(event.type, EventType)
        and type(event.event_us) is int
        and type(event.row) is int
        and (event.identifier is None or isinstance(event.identifier, RawId))
        and (event.phase is None or type(event.phase) is int)
        # Arrow would cut a fraction off without a word.
        and (event.amount_micros is None or type(event.amount_micros) is int)
        and (event.quantity is None or type(event.quantity) is int)
        and (event.props is None or isinstance(event.props, Mapping))
    )


def _typed_signal(signal: Any) -> bool:  # noqa: ANN401 (as above)
    return (
        type(signal.event_us) is int
        and type(signal.row) is int
        and isinstance(signal.kind, SignalKind)
        and isinstance(signal.identifier, RawId)
        and isinstance(signal.channel, str)
        and isinstance(signal.purpose, str | None)
        and isinstance(signal.raw, str | None)
    )


def _text_problem(event: RawEvent) -> _Problem:
    # One join instead of a check a field: it raises TypeError for what is no text.
    try:
        "".join(filter(None, _all_texts(event))).encode()
    except UnicodeEncodeError:
        return next(name for name in _TEXTS if not _encodable(getattr(event, name))), "not text that can be written"
    return None


def _encodable(text: str | None) -> bool:
    try:
        (text or "").encode()
    except UnicodeEncodeError:
        return False
    return True


def _time_problem(event_us: int, now_us: int) -> _Problem:
    if event_us > now_us:
        return "at", "in the future"
    return ("at", "outside the calendar") if event_us < _EARLIEST_US else None


def _time(event: RawEvent, _: Terms, now_us: int) -> _Problem:
    return _time_problem(event.event_us, now_us)


def _purpose(event: RawEvent, terms: Terms, _: int) -> _Problem:
    if event.purpose not in terms.purposes:
        return "purpose", "unknown purpose"
    if terms.declared is not None and not purpose_covered(terms.declared, event.purpose):
        return "purpose", f"the channel {terms.channel} does not declare it for collecting"
    return None


def _kind_problem(identifier: RawId, terms: Terms) -> _Problem:
    if terms.kinds is not None and identifier.kind not in terms.kinds:
        return "identifier", "the channel does not declare this kind of identifier"
    return None


def _identity(event: RawEvent, terms: Terms, _: int) -> _Problem:
    if not event.message_id:
        return "id", "missing"
    if event.identifier is not None:
        return _kind_problem(event.identifier, terms)
    if event.type is not EventType.TOUCHPOINT:
        return "identifier", "missing"
    for name in _PERSONAL:
        if getattr(event, name) is not None:
            return name, "a touchpoint without an identifier cannot carry it"
    return None


def _exposure(event: RawEvent, _: Terms, __: int) -> _Problem:
    if event.type is EventType.EXPOSURE:
        if not event.experiment:
            return "experiment", "missing"
        if not event.variant:
            return "variant", "missing"
    if event.phase is not None and not 0 <= event.phase < _INT32:
        return "phase", "not a phase: a whole number from 0"
    if (event.unit_kind or SUBJECT_UNIT) != SUBJECT_UNIT and not event.unit:
        return "unit", "missing"
    return None


def _measure(event: RawEvent, _: Terms, __: int) -> _Problem:
    if event.currency is not None and not _CURRENCY.fullmatch(event.currency):
        return "currency", "not a currency code of three capitals (ISO 4217)"
    if event.type is EventType.TRAIT and not event.trait_key:
        return "trait_key", "missing"
    if event.provenance is not None and event.provenance not in _PROVENANCES:
        return "provenance", f"not one of {', '.join(sorted(_PROVENANCES))}"
    return None


def _necessary(event: RawEvent, terms: Terms, _: int) -> _Problem:
    """What is done without consent because it is strictly necessary serves nothing else (ePrivacy 5(3))."""
    if event.purpose not in terms.necessary:
        return None
    if event.type in _NOT_NECESSARY_TYPES:
        return "type", _NOT_NECESSARY
    field = next((name for name in _MARKETING if getattr(event, name) is not None), None)
    return None if field is None else (field, _NOT_NECESSARY)


def _plain(event: RawEvent, terms: Terms, _: int) -> _Problem:
    field = identifier_field(event, terms.props)
    return None if field is None else (field, _IDENTIFIER)


_RULES: Final[tuple[Callable[[RawEvent, Terms, int], _Problem], ...]] = (
    _time,
    _purpose,
    _identity,
    _exposure,
    _measure,
    _necessary,
    _plain,
)
