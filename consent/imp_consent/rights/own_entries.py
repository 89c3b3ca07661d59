"""A person's entries as that person reads them: the whole envelope and a sentence, and nobody else in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from imp_consent.ledger.entry import PersonEntry, Statement
from imp_consent.policy.bounced import is_bounce
from imp_consent.policy.closes import closed_by
from imp_consent.policy.declared import DeclaredPurpose
from imp_consent.rights import own_words
from imp_consent.rights.wording import DEFAULT, read_wording
from imp_core.clock import format_time
from imp_core.ports import Json

__all__ = ["OwnEntry", "kind_of", "own_entries", "sentence", "without_others"]

# Of the envelope: who typed it is an employee's business (CJEU C-579/21), a guardian another person, and so
# are the words that say who that is and what showed it.
_OTHERS: Final = frozenset(
    {
        "actor", "guardian", "guardian_key", "guardian_pseudonym", "guardian_token", "guardian_token_key", "pseudonym",
        "role", "verification",
    }
)  # fmt: skip
# Where they hold a number it is a subject's: the other side of a link.
_LINKS: Final = frozenset({"to", "from", "via", "device", "person", "subject", "linked_from"})
_NUMBER: Final = re.compile(r"[0-9a-f]{16}")
_AGREEING: Final = frozenset({"grant", "refuse", "withdraw"})
_OWN_ACTORS: Final = frozenset({"self", "guardian"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnEntry:
    """One entry: its number, a sentence, what it states and the rest of the record, without who else is named in it.

    Times are ISO 8601; `channel` None is every channel, `until` None for good. `superseded_by` is the correction that
    says it was wrong, None where none does. `closes` are the kinds of use that a no closes, by their traits; None:
    all of its purpose, or it is no such no. `purpose_data` is the data that its purpose declared when it was recorded;
    which data the notice named, the record says.
    """

    seq: int
    sentence: str
    type: str
    purpose: str
    channel: str | None
    at: str
    until: str | None
    recorded: str | None
    recorded_by: str
    notice: str | None
    superseded_by: int | None = None
    closes: tuple[str, ...] | None = None
    purpose_data: tuple[str, ...] = ()
    statement: Mapping[str, Json] = field(default_factory=dict)
    record: Mapping[str, Json] = field(default_factory=dict)


def own_entries(
    history: Sequence[PersonEntry],
    descriptions: Mapping[str, str],
    declared: Sequence[tuple[int, Mapping[str, DeclaredPurpose]]] = (),
) -> tuple[OwnEntry, ...]:
    """A person's entries, oldest first; `descriptions` are the purposes' own words by name.

    `declared` are the purposes as they were set, each from an entry of the log on, oldest first.
    """
    wrong = {entry.statement.corrects: entry.seq for entry in history if entry.statement.corrects is not None}
    return tuple(_own_entry(entry, descriptions, wrong.get(entry.seq), _data_of(entry, declared)) for entry in history)


def without_others(record: Mapping[str, Json]) -> dict[str, Json]:
    """The envelope without names of others, however deep they stand."""
    kept: dict[str, Json] = {}
    for name, value in record.items():
        if name in _OTHERS or (name in _LINKS and _is_subject(value)):
            continue
        kept[name] = _cleaned(value, in_link=name in _LINKS)
    return kept


def _cleaned(value: Json, *, in_link: bool) -> Json:
    if isinstance(value, Mapping):
        return without_others(value)
    if isinstance(value, list | tuple):
        return [_cleaned(item, in_link=in_link) for item in value if not (in_link and _is_subject(item))]
    return value


def kind_of(said: Mapping[str, Json], record: Mapping[str, Json]) -> str:
    """The type of an entry by its statement and envelope, or what tells it more closely: whose word it was."""
    type_, by = str(said["type"]), said.get("by")
    if is_bounce(type_, record):
        return "bounce"
    return f"{type_}-{by}" if type_ in _AGREEING and by == "guardian" else type_


def sentence(said: Statement, descriptions: Mapping[str, str], record: Mapping[str, Json] | None = None) -> str:
    """What an entry says, as one English sentence to the person."""
    return own_words.sentence(
        read_wording(DEFAULT),
        type_=kind_of(said.plain(), record or {}),
        purpose=said.purpose,
        channel=said.channel or None,
        until=None if said.until_us is None else format_time(said.until_us),
        closes=closed_by(said),
        description=descriptions.get(said.purpose),
    )


def _data_of(entry: PersonEntry, declared: Sequence[tuple[int, Mapping[str, DeclaredPurpose]]]) -> tuple[str, ...]:
    then = next((named for seq, named in reversed(declared) if seq < entry.seq), {})
    purpose = then.get(entry.statement.purpose)
    return () if purpose is None else purpose.data


def _own_entry(
    entry: PersonEntry, descriptions: Mapping[str, str], superseded_by: int | None, data: tuple[str, ...]
) -> OwnEntry:
    said, recorded = entry.statement, entry.payload.get("recorded_us")
    actor = entry.payload.get("actor")
    return OwnEntry(
        seq=entry.seq,
        sentence=sentence(said, descriptions, entry.payload),
        type=said.type,
        purpose=said.purpose,
        channel=said.channel or None,
        at=format_time(said.at_us),
        until=None if said.until_us is None else format_time(said.until_us),
        recorded=format_time(recorded) if isinstance(recorded, int) else None,
        recorded_by=actor if isinstance(actor, str) and actor in _OWN_ACTORS else "staff or a system of ours",
        notice=said.notice,
        superseded_by=superseded_by,
        closes=closed_by(said),
        purpose_data=data,
        statement=said.plain(),
        record=without_others(_without_proof(entry)),
    )


def _without_proof(entry: PersonEntry) -> Mapping[str, Json]:
    """The envelope; of a guardian's authorisation without where the proof of it lies, which is the guardian's."""
    if entry.statement.type != "guardian":
        return entry.payload
    return {name: value for name, value in entry.payload.items() if name != "evidence"}


def _is_subject(value: Json) -> bool:
    """Whether it is a subject's number, plain or as entries write it."""
    return isinstance(value, int) or (isinstance(value, str) and _NUMBER.fullmatch(value) is not None)
