"""The record of processing as Markdown, in the order of GDPR 30(1)."""

from __future__ import annotations

from collections.abc import Iterator

from imp_consent.report.laws import RecordedLaw
from imp_consent.report.markdown import bullets, plain, table
from imp_consent.report.processing import ProcessingRecord
from imp_consent.rights.kept import nothing_set
from imp_core.counting import some

__all__ = ["minors_lines", "people_text", "processing_markdown"]

_NOBODY_SAID = "not said yet"


def processing_markdown(record: ProcessingRecord) -> str:
    """The whole record."""
    return "\n".join(_lines(record)).rstrip() + "\n"


def _lines(record: ProcessingRecord) -> Iterator[str]:
    yield from (f"# Record of processing activities: {plain(record.controller)}", "")
    yield from (
        f"GDPR 30(1). Made {record.made} of {some(record.size, 'entry', 'entries')} of the log {record.log}. "
        "Filled in by machine from what is set up; whoever answers for the data completes and signs it.",
        "",
    )
    if record.missing:
        yield from ("**Not said yet.** Write it in imp.toml, and make this record again:", "")
        yield from bullets(record.missing, "")
    yield from ("## Controller (a)", "")
    said = (
        ("controller", record.controller),
        ("address", record.address),
        ("contact", record.contact),
        ("data protection officer", record.dpo),
        ("representative", record.representative),
        ("joint controllers", ", ".join(record.joint)),
    )
    yield from table(("what", "who"), said)
    yield from ("## Law", "")
    yield from table(("law", "of", "in", "holds for", "people"), map(_law, record.laws))
    yield from ("## Purposes (b)", "")
    yield from table(
        ("purpose", "what is done", "traits", "asked for by"),
        ((p.name, p.description, ", ".join(p.traits), ", ".join(p.notices)) for p in record.purposes),
    )
    yield from ("## People and data (c)", "", "People:", "")
    yield from bullets(record.people, _NOBODY_SAID)
    yield from minors_lines(record)
    yield from table(("purpose", "data"), ((p.name, ", ".join(p.data)) for p in record.purposes))
    yield from ("## Recipients (d)", "")
    yield from table(
        ("recipient", "role", "contact", "known from"),
        ((one.name, one.role, one.contact, one.source) for one in record.recipients),
    )
    yield from ("## Transfers to other countries (e)", "")
    yield from table(
        ("recipient", "country", "safeguard"), ((one.name, one.country, one.safeguard) for one in record.transfers)
    )
    yield from ("## Time limits for erasure (f)", "")
    yield from bullets(record.retention, nothing_set())
    yield from ("## Security (g)", "")
    yield from bullets(record.security, _NOBODY_SAID)


def minors_lines(record: ProcessingRecord) -> Iterator[str]:
    """Who is too young to decide alone: how many are recorded as such now, and from which age on which law asks it."""
    yield from ("Too young to decide alone, as recorded now:", "")
    yield from bullets(
        (f"{people_text(one.people)}, who need {one.needs}" for one in record.minors), "- nobody is recorded as such"
    )
    yield from ("By the laws above:", "")
    yield from bullets(dict.fromkeys(age for law in record.laws for age in law.ages), "- they name no age")


def people_text(people: int | None) -> str:
    """A count of people in words; None is few."""
    return "few people" if people is None else some(people, "person", "people")


def _law(law: RecordedLaw) -> tuple[str, str, str | None, str, str]:
    holds = "everybody of whom no other is named" if law.default else "those it was named for"
    people = "few" if law.people is None else f"{law.people:,}"
    return ", ".join(law.regimes), "; ".join(law.titles), law.jurisdiction, holds, people
