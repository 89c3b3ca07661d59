"""A decision in sentences that a lay person understands: what decided, by which law, and what would change it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from imp_consent.ledger.entry import EVERY_PURPOSE, PersonEntry, Statement
from imp_consent.policy.bounced import BOUNCE_BESIDES, BOUNCE_CHANGES, BOUNCE_WHY, is_bounce
from imp_consent.policy.closes import closed_by, said_about
from imp_consent.policy.decide import Reason
from imp_consent.policy.openers import too_young
from imp_core.clock import format_time
from imp_core.gate import Decision
from imp_core.ports import SystemEntry

__all__ = ["Asked", "basis_words", "explain", "what_changes"]

_SAID: Final[Mapping[str, str]] = {
    "grant": "the person said yes to {about}",
    "refuse": "the person said no to {about}",
    "withdraw": "the person asked to stop {about}",
    "object": "the person objected to {about}",
    "restrict": "the person asked that their data be kept, but not used for {about}",
    "limit-sensitive": "the person asked to limit the use of {about}",
    "basis": "a legal basis other than consent was recorded for {about}",
    "guardian": "a parent or guardian gave authorisation for {about}",
    "minor": "the person was recorded as too young to decide alone on {about}",
    "signal": "the person's browser or device sent an opt-out signal against {about}",
    "lost": "what the person had said before of {about} was found to be lost with a damaged ledger",
    "erase-requested": "the person's erasure was asked for",
}
_BOUNCED: Final = "messages to the person could not be delivered"
_PERSON: Final = "the person"
_GUARDIAN: Final = "a parent or guardian, for the person,"
_OTHER: Final = "something was recorded about {about}"
_EVERYTHING: Final = "every use"
_SECOND_US: Final = 1_000_000
_WHY: Final[Mapping[str, str]] = {
    Reason.GIVEN: "A yes that still stands permits the use it names.",
    Reason.BASIS: "The law permits this use without consent on the basis that was recorded.",
    Reason.NO_RECORD: "Nothing that the person said covers this use, and without a record the answer is no.",
    Reason.PURPOSE_NOT_COVERED: "The person permits other purposes, but a yes counts only for the purposes it names.",
    Reason.EXPIRED: "A yes or no counts for a limited time, and that time is over.",
    Reason.NOTICE_CHANGED: "What the person said yes to, or another basis was for, has since changed in substance.",
    Reason.LOST: "What was lost may have been a withdrawal, so an older yes is not relied on.",
    Reason.REFUSED: "A no stands until the person says yes.",
    Reason.CHANNEL_OPT_OUT: "The person said no on this channel, and a no for a channel outlives a general yes.",
    Reason.SIGNAL: "An opt-out signal counts like the person's own no, also against an earlier yes.",
    Reason.LIMITED: "Sensitive data may be used only for what the person cannot be served without.",
    Reason.WITHDRAWN: "Consent can be taken back at any time, and nothing after that rests on it.",
    Reason.OBJECTED: "An objection stops the use from that moment on.",
    Reason.UNDER_AGE: "At this age the yes of a parent or guardian, a yes of the child's own, or both are needed.",
    Reason.RESTRICTED: "While use is restricted the data may be stored and nothing else.",
    Reason.ERASED: "Whoever is erased, or is about to be, is not asked about and not used.",
    Reason.LEDGER_UNAVAILABLE: "The ledger cannot be read or trusted now, and without it the answer is no.",
}
_CHANGES: Final[Mapping[str, str]] = {
    Reason.GIVEN: "It ends with a withdrawal, an objection, a restriction or an opt-out signal",
    Reason.BASIS: "It ends with an objection, a refusal or a restriction, as far as this basis gives way to them",
    Reason.NO_RECORD: "A yes for this purpose would change it.",
    Reason.PURPOSE_NOT_COVERED: "A yes for this purpose, or above it under a notice that lists it, would change it.",
    Reason.EXPIRED: "A new yes would change it.",
    Reason.NOTICE_CHANGED: "A yes under the new notice would change it.",
    Reason.LOST: "A new yes would change it.",
    Reason.REFUSED: "A later yes of the person would change it.",
    Reason.CHANNEL_OPT_OUT: "Only a later yes for this very channel would change it.",
    Reason.SIGNAL: "Only a later yes, after the person was told of the conflict with the signal, would change it.",
    Reason.LIMITED: "A later explicit yes of the person, or lifting the limit, would change it.",
    Reason.WITHDRAWN: "A later yes of the person would change it.",
    Reason.OBJECTED: (
        "About direct marketing, only a later explicit yes of the person's own would change it; about other uses, "
        "compelling grounds put on record."
    ),
    Reason.UNDER_AGE: "A guardian's authorisation on record, or the person's coming of age, would change it.",
    Reason.RESTRICTED: "Lifting the restriction, of which the person is told first, would change it.",
    Reason.ERASED: "Nothing would change it, unless the person comes back and says yes anew.",
    Reason.LEDGER_UNAVAILABLE: "Repairing the ledger would change it: see imp doctor.",
}
_VOID: Final = (
    "That yes opens nothing: it is on record as bundled, one act for several purposes without a choice for each."
)
_BUNDLED: Final = "Nothing else that the person said covers this use, and without a record the answer is no."
_UNBUNDLED: Final = "A yes for this purpose by a choice of its own would change it."
_BASES: Final[Mapping[str, str]] = {
    "contract": "a contract with the person",
    "legal-obligation": "a legal obligation",
    "vital-interest": "somebody's vital interest",
    "public-task": "a task in the public interest",
    "legitimate-interest": "a legitimate interest that was weighed",
    "soft-opt-in": "a sale of similar goods with an offer to opt out",
    "opt-out-notice": "a notice with an offer to opt out",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question to the gate: the purpose and what it says of itself, the channel (None: none), and both times.

    `at_us` is when the data is used, `known_us` as of when the ledger is read (None: now); UTC microseconds.
    `short_under` names the law that was asked about besides, where what permits the use would not do under it.
    `opens` says what would open it for somebody too young (`imp_consent.policy.openers`), where that was tried out.
    """

    purpose: str
    description: str
    channel: str | None
    at_us: int
    known_us: int | None = None
    short_under: str | None = None
    opens: str | None = None


def explain(
    asked: Asked,
    decided: Decision,
    entries: Sequence[PersonEntry],
    changed: SystemEntry | None = None,
    *,
    void: Mapping[int, str] | None = None,
    own: Decision | None = None,
) -> list[str]:
    """What was asked, the answer, what decided it since when, by which law, and what would change it.

    `entries` are the person's entries among those that decided, and those that are `void`: bundled consents, by their
    numbers with the law that makes them so. `changed` is the notice or policy that decided, `own` the person's no
    beside messages that came back (`imp_consent.policy.bounced.own_no`). Nothing of a person but what these entries say
    of time and purpose is repeated.
    """
    return list(_sentences(asked, decided, entries, changed, void or {}, own=own))


def basis_words(basis: str | None) -> str:
    """A basis other than consent, in words."""
    return _BASES.get(basis or "", basis or "another legal basis")


def what_changes(reason: str) -> str:
    """What would change an answer given for this reason, in a sentence."""
    return _CHANGES[reason]


def _sentences(
    asked: Asked,
    decided: Decision,
    entries: Sequence[PersonEntry],
    changed: SystemEntry | None,
    void: Mapping[int, str],
    *,
    own: Decision | None,
) -> Iterator[str]:
    known = "" if asked.known_us is None else f", as the ledger stood at {_time(asked.known_us)}"
    where = f"on the channel {asked.channel}" if asked.channel else "where no channel, such as email, is named"
    yield (
        f'Asked: may this person\'s data be used for {asked.purpose} ("{asked.description}") {where}, '
        f"at {_time(asked.at_us)}{known}?"
    )
    yield f"Answer: {_answer(asked, decided)}"
    if changed is not None:
        yield f"At {_time(changed.at_us)} the {changed.type} was changed in substance (entry {changed.seq})."
    for entry in entries:
        yield _entry(entry)
        if entry.seq in void:
            yield f"{_VOID}{f' (The law: {void[entry.seq]}.)' if void[entry.seq] else ''}"
    deciding = [entry for entry in entries if entry.seq in decided.entries]
    if any(is_bounce(entry.statement.type, entry.payload) for entry in deciding):
        yield from _bounced(decided, own)
        return
    young = too_young(entry.statement for entry in entries) if decided.reason == Reason.UNDER_AGE else None
    bundled = decided.reason == Reason.NO_RECORD and void
    yield f"{_BUNDLED if bundled else young or _WHY[decided.reason]} (The law: {decided.source}.)"
    yield _UNBUNDLED if bundled else asked.opens or _CHANGES[decided.reason] + _end(decided, entries)


def _bounced(decided: Decision, own: Decision | None) -> Iterator[str]:
    """Where messages came back; and beside it the person's own no, where one stands."""
    yield BOUNCE_WHY
    if own is None:
        yield BOUNCE_CHANGES
        return
    yield f"{_WHY[own.reason]} (The law: {decided.source}.)"
    yield f"{_CHANGES[own.reason]} {BOUNCE_BESIDES}"


def _answer(asked: Asked, decided: Decision) -> str:
    if asked.short_under is not None:
        return f"no under {asked.short_under}; under the law that was recorded the gate says yes ({decided.reason})."
    return f"{'yes' if decided.permitted else 'no'} ({decided.reason})."


def _entry(entry: PersonEntry) -> str:
    said = entry.statement
    where = f" on the channel {said.channel}" if said.channel else ""
    until = f", until {_time(said.until_us)}" if said.until_us is not None else ""
    more = f": {_BASES.get(said.basis, said.basis)}" if said.basis else ""
    recorded = entry.payload.get("recorded_us")
    late = isinstance(recorded, int) and _time(recorded) != _time(said.at_us)
    noted = f", recorded at {_time(recorded)}" if isinstance(recorded, int) and late else ""
    what = _SAID.get(said.type, _OTHER).format(about=_about(said))
    if is_bounce(said.type, entry.payload):
        what = _BOUNCED
    if said.by is not None:
        what = what.replace(_PERSON, _GUARDIAN)
    return f"At {_time(said.at_us)} {what}{where}{until}{more} (entry {entry.seq}{noted})."


def _about(said: Statement) -> str:
    if said.type == "restrict" and said.purpose == EVERY_PURPOSE:
        return "anything"
    if said.type == "limit-sensitive" and closed_by(said) is None:
        return "sensitive data" if said.purpose == EVERY_PURPOSE else f"sensitive data for {said.purpose}"
    return said_about(said, everything=_EVERYTHING)


def _time(time_us: int) -> str:
    """To the second: which of two came first in it, the entries' numbers say."""
    return format_time(time_us - time_us % _SECOND_US)


def _end(decided: Decision, entries: Sequence[PersonEntry]) -> str:
    if not decided.permitted:
        return ""
    ends = [entry.statement.until_us for entry in entries if entry.statement.until_us is not None]
    return f", or at {_time(min(ends))} by itself." if ends else "."
