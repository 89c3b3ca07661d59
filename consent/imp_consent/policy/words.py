"""The precedence: what a person's words about one scope come to at one event time.

A yes (the newest grant, and the newest basis of each kind, for this channel and for all) permits unless it has run out
or a no closes it. Which no closes which yes, and which yes reopens after which no:

    restrict          closes everything, until it is lifted (GDPR 18)
    minor             closes what needs a guardian while none authorised it; "own" closes what rests on no yes of hers,
                      a guardian's yes, and hers from while a guardian was needed for the same traits, unless one still
                      is (CCPA §1798.120(c)); "both" closes what lacks either, a guardian's authorisation or a standing
                      yes of hers (GDPR 8(1); loi 78-17, 45); "nobody" closes what has its traits (ORS 646A.578). With a
                      kind of consent it closes a yes of a lesser kind (PIPL 28-29). A yes that it closes until she
                      comes of age stays closed: it never was one
    object            closes what rests on interests or public tasks (GDPR 21(1)), until it is lifted; with traits it is
                      about direct marketing (21(2)-(3)): closes whatever has them, until her own explicit yes
    withdraw, refuse  close all but what is necessary (GDPR 7(3)-(4)), until she agrees later: no other basis reopens
    limit-sensitive   closes all but what is necessary, until a later explicit yes or a lift (CCPA §1798.121)
    signal            closes whatever has its traits, until a yes after notice of the conflict (11 CCR §7025(c)(3))

A no for one channel is reopened by a yes for that channel only. At one event time a no outweighs a yes. Of several noes
of one kind the newest counts (of several ages, the one that lasts longest), and of several
reasons the strictest is named. A loss voids what opens, lifts and authorisations too. A guardian says yes for a child
only: of anybody else, nothing is heard of it. A guardian's refusal ends the authorisation, as a withdrawal does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from imp_consent.ledger.entry import EVERY_CHANNEL, EVERY_PURPOSE, Statement
from imp_consent.policy.decide import STRICTNESS, Reason
from imp_consent.policy.meeting import (
    GUARDED,
    NECESSARY,
    NOBODY,
    OWN,
    guarded,
    is_over,
    meet,
    outlasts,
    reaches,
    reopens,
    weaker,
)
from imp_consent.policy.scope import PERMITTING_TYPES, Fact

__all__ = ["DENIALS", "Lost", "Verdict", "Words"]

DENIALS: Final = {
    "refuse": Reason.REFUSED,
    "withdraw": Reason.WITHDRAWN,
    "object": Reason.OBJECTED,
    "restrict": Reason.RESTRICTED,
    "limit-sensitive": Reason.LIMITED,
    "signal": Reason.SIGNAL,
    "minor": Reason.UNDER_AGE,
}
_DIRECT_MARKETING: Final = "direct-marketing"
_BOTH: Final = "both"
_BEFORE: Final = -(2**63)


class Verdict(NamedTuple):
    """A reason and the seqs of the entries that decide it."""

    reason: str
    entries: tuple[int, ...]


class Lost(NamedTuple):
    """The newest `lost`, and the latest event time of any: what may have taken a yes back, nobody can read."""

    seq: int
    at_us: int

    def voids(self, yes: Fact) -> bool:
        """Whether what opens no longer holds: it was recorded before the loss, or is of an earlier event time."""
        return yes.seq < self.seq or yes.statement.at_us <= self.at_us


class _Answer(NamedTuple):
    """One reason that speaks against a use; the greatest of several is the one to name."""

    strictness: int
    at_us: int
    seq: int
    reason: str


class Words:
    """What was heard of a scope up to an event time: the newest of each kind, heard in the order of event times."""

    __slots__ = ("_guardians", "_heard_us", "_lifted_us", "_lost", "_nos", "_own", "_unripe", "_withdrawn_us", "_yeses")

    def __init__(self, lost: Lost | None) -> None:
        self._lost = lost
        self._yeses: dict[tuple[str, str | None, str], Fact] = {}
        self._own: dict[str, Fact] = {}  # the newest yes by herself, which a guardian's newer one does not replace
        self._nos: dict[tuple[object, ...], Fact] = {}
        self._guardians: list[Fact] = []  # of several, any that stands is enough
        self._lifted_us: dict[str | None, int] = {}
        self._withdrawn_us = self._heard_us = _BEFORE
        self._unripe: dict[int, list[Fact]] = {}  # yeses by their seq that an age closed to its end, and these ages

    def hear(self, fact: Fact) -> None:
        """Take in one more entry, none of an earlier event time than those before."""
        said = fact.statement
        if said.type in PERMITTING_TYPES:
            if said.by is not None and not any(guarded(no.statement, said) for no in self._nos.values()):
                return  # nobody else agrees for whoever is old enough
            self._yeses[said.type, said.basis, said.channel] = fact
            if said.type == "grant" and said.by is None:
                self._own[said.channel] = fact
        elif said.type in {"guardian", "lift"}:
            self._hear_opening(fact)
        else:
            self._hear_no(fact)

    def _hear_opening(self, fact: Fact) -> None:
        said = fact.statement
        if self._lost is not None and self._lost.voids(fact):
            return  # what it opened may have been closed again since
        if said.type == "guardian":
            self._guardians.append(fact)
        else:
            self._lifted_us[said.lifts] = said.at_us

    def _hear_no(self, fact: Fact) -> None:
        said = fact.statement
        kind = (said.type, said.channel, said.traits, said.needs, said.consent, said.purpose == EVERY_PURPOSE)
        before = self._nos.get(kind)
        if before is None or not outlasts(before.statement, said):
            self._nos[kind] = fact
        if said.type == "withdraw" or (said.type == "refuse" and said.by is not None):
            self._withdrawn_us = said.at_us

    def come_of_age(self, at_us: int) -> None:
        """Note which yeses an age closes to the last, of those that end by an event time; before what is said then."""
        minors = [no for no in self._nos.values() if no.statement.type == "minor"]
        for no in minors:
            until_us = no.statement.until_us
            if until_us is not None and self._heard_us < until_us <= at_us:
                for yes in self._grants():
                    if self._closes(no, yes, until_us - 1):
                        self._unripe.setdefault(yes.seq, []).append(no)
        self._heard_us = at_us

    def _grants(self) -> Iterable[Fact]:
        """Her own newest yeses and a guardian's newer ones, each once."""
        yeses = (*self._own.values(), *self._yeses.values())
        return {yes.seq: yes for yes in yeses if yes.statement.type == "grant"}.values()

    def verdict(self, at_us: int) -> Verdict:
        """What holds at an event time, once everything of that time was heard."""
        expired: list[Fact] = []
        against: list[_Answer] = []
        for yes in self._ordered_yeses():
            if is_over(yes.statement, at_us):
                expired.append(yes)
                continue
            found = [self._answer(no, at_us) for no in self._nos.values() if self._closes(no, yes, at_us)]
            found += [self._answer(no, at_us) for no in self._unripe.get(yes.seq, ())]
            if self._lost is not None and self._lost.voids(yes):
                found.append(_answer(Reason.LOST, self._lost.at_us, self._lost.seq))
            if not found:
                return self._permit(yes, at_us)
            against += found
        if not against:
            against = [self._answer(no, at_us) for no in self._nos.values() if self._stands(no, expired, at_us)]
            against += [_answer(Reason.EXPIRED, yes.statement.at_us, yes.seq) for yes in expired]
            if self._lost is not None and at_us >= self._lost.at_us:
                against.append(_answer(Reason.LOST, self._lost.at_us, self._lost.seq))
        if not against:
            return Verdict(Reason.NO_RECORD, ())
        strictest = max(against)
        return Verdict(strictest.reason, (strictest.seq,))

    def _ordered_yeses(self) -> list[Fact]:
        """Consent before other bases, words for this channel before words for all, the newest first."""
        if len(self._yeses) == 1:
            return list(self._yeses.values())
        return sorted(self._yeses.values(), key=_preference)

    def _permit(self, yes: Fact, at_us: int) -> Verdict:
        reason = Reason.GIVEN if yes.statement.type == "grant" else Reason.BASIS
        guardian = self._guardian(at_us) if self._guardians else None
        needed = guardian is not None and any(
            no.statement.type == "minor" and self._closes(no, yes, at_us, authorised=False) for no in self._nos.values()
        )
        if guardian is None or not needed:
            return Verdict(reason, (yes.seq,))
        own = self._own_yes(at_us) if yes.statement.by is not None and self._needs_both(yes.statement, at_us) else None
        return Verdict(reason, (yes.seq, guardian.seq) if own is None else (yes.seq, own.seq, guardian.seq))

    def _closes(self, no: Fact, yes: Fact, at_us: int, *, authorised: bool | None = None) -> bool:
        """Whether a yes that has not run out gives way to this no; `authorised` by a guardian, None: as it is."""
        said, meant = no.statement, yes.statement
        if said.traits and not meet(said, meant):
            return False
        if said.type == "minor":
            return self._minor_closes(said, meant, at_us, authorised=authorised)
        if said.type == "restrict":
            return not self._is_lifted(said)
        if not reaches(said, meant):
            return False
        if self._is_lifted(said) and not (said.type == "object" and _DIRECT_MARKETING in meant.traits):
            return False
        return not reopens(said, meant)

    def _minor_closes(self, said: Statement, meant: Statement, at_us: int, *, authorised: bool | None) -> bool:
        if is_over(said, at_us) or meant.basis in NECESSARY:
            return False
        if said.needs == NOBODY or (meant.type == "grant" and weaker(meant, said)):
            return True
        if said.needs == OWN:
            theirs = meant.by is not None or self._is_guardians(said, meant.at_us)
            return meant.type == "basis" or (theirs and not self._is_guardians(said, at_us))
        if said.needs == _BOTH and (meant.type == "basis" or meant.by is not None) and self._own_yes(at_us) is None:
            return True
        return self._guardian(at_us) is None if authorised is None else not authorised

    def _is_guardians(self, own: Statement, at_us: int) -> bool:
        """Whether she is so young yet that a guardian says yes to the very uses that will be her own to agree to."""
        minors = (no.statement for no in self._nos.values() if no.statement.type == "minor")
        return any(said.needs in GUARDED and said.traits == own.traits and not is_over(said, at_us) for said in minors)

    def _needs_both(self, meant: Statement, at_us: int) -> bool:
        """Whether the person is so young then that a guardian says yes to this together with her."""
        return any(minor.needs == _BOTH for minor in self._minors(meant, at_us))

    def _minors(self, meant: Statement, at_us: int) -> Iterator[Statement]:
        for no in self._nos.values():
            said = no.statement
            if said.type == "minor" and not is_over(said, at_us) and (not said.traits or meet(said, meant)):
                yield said

    def _own_yes(self, at_us: int) -> Fact | None:
        """A yes by herself that stands: not run out, not lost, and closed by nothing but her age."""
        noes = [no for no in self._nos.values() if no.statement.type != "minor"]
        for own in self._own.values():
            over = is_over(own.statement, at_us) or own.seq in self._unripe
            over = over or (self._lost is not None and self._lost.voids(own))
            if not over and not any(self._closes(no, own, at_us) for no in noes):
                return own
        return None

    def _is_lifted(self, said: Statement) -> bool:
        if said.type == "object" and said.traits:
            return False  # direct marketing: nothing but her own yes (GDPR 21(3))
        return self._lifted_us.get(said.type, _BEFORE) > said.at_us

    def _stands(self, no: Fact, expired: list[Fact], at_us: int) -> bool:
        """Whether a no answers where no yes is in force: none that ran out, for as many channels, came after it."""
        said = no.statement
        same = [yes for yes in expired if yes.statement.channel == said.channel]
        if same:
            return all(self._closes(no, yes, at_us) for yes in same)
        if self._is_lifted(said) or (said.traits and said.purpose == EVERY_PURPOSE):
            return False
        if said.type == "minor":
            closed = said.needs == NOBODY or (said.needs in GUARDED and self._guardian(at_us) is None)
            return closed and not is_over(said, at_us)
        return True

    def _guardian(self, at_us: int) -> Fact | None:
        """The guardian's authorisation in force: not run out, and nothing withdrawn since."""
        for fact in reversed(self._guardians):
            if not is_over(fact.statement, at_us) and fact.statement.at_us > self._withdrawn_us:
                return fact
        return None

    def _answer(self, no: Fact, at_us: int) -> _Answer:
        said = no.statement
        reason = DENIALS[said.type]
        if said.type in {"refuse", "withdraw"} and said.channel != EVERY_CHANNEL:
            reason = Reason.CHANNEL_OPT_OUT
        if said.type == "refuse" and is_over(said, at_us):
            reason = Reason.EXPIRED
        return _answer(reason, said.at_us, no.seq)


def _answer(reason: str, at_us: int, seq: int) -> _Answer:
    return _Answer(STRICTNESS[reason], at_us, seq, reason)


def _preference(yes: Fact) -> tuple[bool, bool, int, int]:
    said = yes.statement
    return said.type != "grant", said.channel == EVERY_CHANNEL, -said.at_us, -yes.seq
