"""What the rules of writing look at: the law, the purposes and the notice, and what the person said before."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from imp_consent.ledger.entry import EVERY_CHANNEL, Statement
from imp_consent.ledger.layout import FOREVER_SEQ
from imp_consent.policy.cuts import Cut, cuts_of
from imp_consent.policy.declared import DeclaredPurpose
from imp_consent.policy.meeting import NOBODY, is_over
from imp_consent.policy.notice import Notice, RegisteredNotice
from imp_consent.policy.rules import Age, Need, Rules
from imp_consent.policy.scope import corrected, lineage
from imp_core.errors import BadInput
from imp_core.ports import Json

__all__ = ["Case", "Told", "refusal"]


class Told(Protocol):
    """A person's earlier entry: its place, what it commits to, and its envelope."""

    @property
    def seq(self) -> int:
        """Position in the log."""
        ...

    @property
    def statement(self) -> Statement:
        """What it says."""
        ...

    @property
    def payload(self) -> Mapping[str, Json]:
        """Its envelope."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One saying's circumstances. `purposes` are all there are by name, `shown` the notice it rests on, if on any.

    `history` are the person's entries, oldest first; `cuts` the material changes that are known; `asked` the purposes
    that each notice names, by its hash. `strictest` are the rules of all regimes at once, for a no about which those
    that hold say nothing.
    """

    rules: Rules
    purposes: Mapping[str, DeclaredPurpose]
    shown: RegisteredNotice | None = None
    history: Sequence[Told] = ()
    cuts: Sequence[Cut] = ()
    strictest: Rules | None = None
    asked: Mapping[str, Collection[str]] = field(default_factory=dict)

    @property
    def notice(self) -> Notice | None:
        """The notice itself."""
        return self.shown.notice if self.shown else None

    def needs(self, purpose: str, at_us: int) -> Iterator[Need]:
        """What uses for a purpose need, of this person at this time."""
        traits = {*self.purposes[purpose].traits, *self.added(at_us)}
        return (need for need in self.rules.needs if need.concerns(traits))

    def added(self, at_us: int) -> frozenset[str]:
        """The traits that whatever is known of the person has besides, by their age at a time, whenever it was told.

        An age that adds something is told with the kind of consent it asks for. Of an age that was not told with such
        a one only the end is known: whoever is too young by any law may be so by this one.
        """
        ages = [age for age in self.rules.ages if age.adds]
        told = [told.statement for told in self.heard("minor") if ages and not told.statement.traits]
        of_these = {minor.at_us for minor in told if minor.consent}
        may_be = (minor for minor in told if minor.consent or minor.at_us not in of_these)
        young = any(not is_over(minor, at_us) for minor in may_be)
        return frozenset[str]().union(*(age.adds for age in ages if young))

    def forbidding(self, purpose: str, at_us: int) -> Age | None:
        """The age of these laws below which nobody agrees to a use, where somebody is a child who was not told of it.

        Whoever is too young by any law is below it, for all that is known. Who was told of it is closed by that entry.
        """
        traits = {*self.purposes[purpose].traits}
        ages = [age for age in self.rules.ages if age.needs == NOBODY and traits & age.traits]
        told = [told.statement for told in self.heard("minor") if ages and not is_over(told.statement, at_us)]
        known = any(minor.needs == NOBODY and traits & {*minor.traits} for minor in told)
        return ages[0] if told and not known else None

    def cut_after(self, purpose: str, at_us: int, *, bases: bool = False, seen: int | None = None) -> int | None:
        """The first time after another at which a purpose, or one above it, came to mean something else.

        With `bases` of itself, not only by what people are shown. What the entry `seen` says they had seen already.
        """
        cuts = (cut for cut in cuts_of(self.cuts, purpose, size=FOREVER_SEQ) if cut.bases or not bases)
        return min((cut.at_us for cut in cuts if cut.at_us > at_us and cut.seq != seen), default=None)

    def is_outdated(self, purpose: str, at_us: int) -> bool:
        """Whether the notice shown had a newer version by then, in which this purpose means something else."""
        shown = self.shown
        return shown is not None and any(
            cut.notice == shown.notice.name and cut.seq > shown.seq and cut.at_us <= at_us
            for cut in cuts_of(self.cuts, purpose, size=FOREVER_SEQ)
        )

    def heard(self, *types: str) -> Iterator[Told]:
        """The person's entries of these types that hold: none that was corrected since."""
        wrong = corrected(self.history)
        return (told for told in self.history if told.statement.type in types and told.seq not in wrong)

    def about(self, purpose: str, channel: str, *types: str) -> Iterator[Told]:
        """Those that say something of a purpose: said of it, of one above it, or of all; and of this channel or all."""
        named = lineage(purpose)
        for told in self.heard(*types):
            said = told.statement
            if said.purpose in named and (EVERY_CHANNEL in (channel, said.channel) or channel == said.channel):
                yield told


def refusal(what: str, source: str, *, where: str, mend: str | None = None) -> BadInput:
    """That something may not be written, and what law says so."""
    return BadInput(f"{what} ({source})" if source else what, where=where, mend=mend)
