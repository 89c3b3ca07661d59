"""What `imp consent check --explain` puts into sentences: the entries that decided, and those that say more of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from imp_consent.ledger.entry import EVERY_CHANNEL, PersonEntry
from imp_consent.ledger.reader import Reader
from imp_consent.policy.explain import Asked, explain
from imp_consent.policy.of_age import end_of_age
from imp_consent.policy.regime import read_regimes
from imp_consent.policy.scope import concerns, corrected
from imp_consent.policy.sources import source_of_part
from imp_core.gate import Decision

__all__ = ["explanation"]


def explanation(
    reader: Reader, asked: Asked, history: Sequence[PersonEntry], found: Decision, own: Decision | None = None
) -> list[str]:
    """The sentences about an answer, by a person's entries as far as they were known.

    `own` is the person's no where messages that came back decide (`imp_consent.policy.bounced.own_no`).

    Raises:
        LedgerBroken: an entry of the system has no known form.
    """
    void = _void(reader, asked, history) if not found.permitted else {}
    about = [entry for entry in history if concerns(entry.statement, asked.purpose)]
    said = {fact.seq: fact.statement for fact in end_of_age(about, corrected(history))}
    shown = {*found.entries, *void, *(own.entries if own else ())}
    entries = [
        replace(entry, statement=said.get(entry.seq, entry.statement)) for entry in history if entry.seq in shown
    ]
    changes = (entry for type_ in ("notice", "policy") for entry in reader.system_entries(type_))
    changed = next((entry for entry in changes if entry.seq in found.entries), None)
    return explain(asked, found, entries, changed, void=void, own=own)


def _void(reader: Reader, asked: Asked, history: Sequence[PersonEntry]) -> dict[int, str]:
    """The bundled consents that are about the purpose, by number, each with the law by which it opens nothing."""
    wrong = corrected(history)
    return {
        entry.seq: source_of_part(entry, "bundle", read_regimes(reader))
        for entry in history
        if entry.statement.bundled
        and entry.seq not in wrong
        and entry.statement.at_us <= asked.at_us
        and asked.purpose in (entry.statement.purpose, *entry.statement.covers)
        and entry.statement.channel in (EVERY_CHANNEL, asked.channel)
    }
