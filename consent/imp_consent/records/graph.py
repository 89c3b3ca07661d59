"""The nodes of a document by ISO/IEC TS 27560: records, receipts, and what they refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from imp_consent.ledger.entry import EVERY_CHANNEL, Statement
from imp_consent.policy.scope import DENYING, lineage
from imp_consent.records.facts import Facts
from imp_consent.records.node import SCHEMA, format_notice_node, format_party, format_record
from imp_consent.records.row import RecordRow
from imp_consent.records.terms import Terms, format_terms
from imp_core.clock import format_time

__all__ = ["TERMS", "receipt_nodes", "record_nodes", "shared_nodes", "terms_node"]

TERMS: Final = "urn:imp:terms"
Name = Callable[[Sequence[RecordRow]], str]  # the id of the record that these rows make


def record_nodes(rows: Iterable[RecordRow], facts: Facts, terms: Terms, name: Name) -> Iterator[dict[str, Any]]:
    """A record for each person, purpose and channel, a person's side by side; the rows of a person are adjacent.

    What closes a purpose from above, for all channels or for one of them, stands in that purpose's record too.
    """
    for _, found_rows in groupby(rows, key=lambda row: row.person):
        scopes: dict[tuple[str, str], list[RecordRow]] = {}
        theirs = list(found_rows)
        for row in theirs:
            scopes.setdefault((row.statement.purpose, row.statement.channel), []).append(row)
        for (purpose, channel), found in scopes.items():
            purposes = {purpose, *(name for row in found for name in row.statement.covers)}
            closing = [row for row in theirs if row not in found and _closes(row.statement, purposes, channel)]
            yield format_record(name(found), found, facts, terms, closing=closing)


def _closes(said: Statement, purposes: Iterable[str], channel: str) -> bool:
    """Whether it is a denial that covers some of a record's purposes, on its channel or one of its channels."""
    covered = any(said.purpose in lineage(purpose) for purpose in purposes)
    return said.type in DENYING and covered and (EVERY_CHANNEL in (said.channel, channel) or said.channel == channel)


def receipt_nodes(
    receipt_id: str, rows: Sequence[RecordRow], facts: Facts, terms: Terms, name: Name, *, created_us: int
) -> list[dict[str, Any]]:
    """A receipt for one person: a wrapper around their records, with the notices they were shown word for word."""
    records = list(record_nodes(rows, facts, terms, name))
    receipt = {
        "@id": f"urn:uuid:{receipt_id}",
        "@type": "dpv:ConsentReceipt",
        "dct:conformsTo": {"@id": f"{SCHEMA}receipt"},
        "dpv:hasIdentifier": receipt_id,
        "dct:created": {"@type": "xsd:dateTime", "@value": format_time(created_us)},
        "dpv:hasRecordOfActivity": [{"@id": record["@id"]} for record in records],
    }
    named = {notice["@id"] for record in records for notice in record["dpv:hasNotice"] if "@id" in notice}
    shared = [
        node for node in shared_nodes(facts, terms) if node["@type"] != "dpv:ConsentNotice" or node["@id"] in named
    ]
    return [receipt, *records, *shared]


def shared_nodes(facts: Facts, terms: Terms) -> Iterator[dict[str, Any]]:
    """What records refer to: the controller and every notice."""
    yield format_party(facts)
    for sha256, notice in terms.notices.items():
        yield format_notice_node(sha256, notice)


def terms_node(terms: Terms) -> dict[str, Any]:
    """Purposes and notices as another workspace takes them over."""
    return {"@id": TERMS, "@type": "imp:Terms", "imp:terms": format_terms(terms).decode()}
