"""Whether what permits a use would also permit it under a law that is named: a person may have moved."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from imp_consent.ledger.entry import Statement
from imp_consent.policy.declared import DeclaredPurpose
from imp_consent.policy.rules import CONSENTS, Rules

__all__ = ["falls_short"]


def falls_short(
    said: Statement, purpose: DeclaredPurpose, rules: Rules, *, at_us: int, added: Collection[str] = ()
) -> list[str]:
    """What a yes, or another basis, lacks under these rules at an event time, each with its source; empty: nothing.

    It looks at what an entry says of itself: its kind and its age. Of the notice and of the act nothing is asked again.
    `added` are the traits that the person's data has there besides, by their age (`Case.added`).
    """
    traits = frozenset({*purpose.traits, *added})
    lacks = _of_basis if said.type == "basis" else _of_grant
    return list(lacks(said, traits, rules, at_us))


def _of_grant(said: Statement, traits: frozenset[str], rules: Rules, at_us: int) -> Iterator[str]:
    kind = CONSENTS.index(said.consent or CONSENTS[0])
    for need in rules.needs:
        if need.consent and need.concerns(traits) and kind < CONSENTS.index(need.consent):
            yield f"data with the trait {need.trait} needs {need.consent} consent ({need.source})"
    for rule in rules.valid_for:
        if rule.trait in {"*", *traits} and rule.period.after(said.at_us) <= at_us:
            yield f"a yes holds {rule.period} there ({rule.source})"


def _of_basis(said: Statement, traits: frozenset[str], rules: Rules, _: int) -> Iterator[str]:
    if said.basis not in (rules.bases or ()):
        yield f"no basis there is {said.basis} ({rules.sources.get('bases', 'no regime names any')})"
    for need in rules.needs:
        if need.bases is not None and need.concerns(traits) and said.basis not in need.bases:
            yield f"data with the trait {need.trait} is not used on the basis {said.basis} ({need.source})"
