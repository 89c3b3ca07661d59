"""A data protection impact assessment (GDPR 35(7)) with what the workspace knows filled in, and the rest to answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from imp_consent.report.laws import CONSENT
from imp_consent.report.markdown import bullets, plain, table
from imp_consent.report.processing import ProcessingRecord, RecordedPurpose
from imp_consent.report.processing_page import minors_lines, people_text

__all__ = ["CRITERIA", "impact_markdown", "met_by"]

VULNERABLE: Final = "vulnerable people, such as children"
ANSWER: Final = "_to be answered_"
# The nine criteria of WP248 rev.01 (endorsed by the EDPB): two met, as a rule, ask for an assessment. With the traits
# of purposes that meet each; where no trait can tell, people answer.
CRITERIA: Final[tuple[tuple[str, frozenset[str]], ...]] = (
    ("evaluation or scoring, profiling", frozenset({"profiling", "targeted-advertising"})),
    ("automated decisions with legal or similar effect", frozenset({"automated-decision"})),
    ("systematic monitoring", frozenset({"tracking-individual", "terminal"})),
    ("sensitive or highly personal data", frozenset({"special-category", "sensitive"})),
    ("data on a large scale", frozenset()),
    ("data sets matched or combined", frozenset({"sharing", "sale", "public-data"})),
    (VULNERABLE, frozenset()),
    ("new technology or organisation", frozenset()),
    ("people kept from a right, service or contract", frozenset({"financial-incentive"})),
)
# Risk to people, and what the product does against it; how likely and severe it is here people answer.
_RISKS: Final = (
    (
        "data is used for what nobody agreed to",
        "the gate denies by default, in both times; each use leaves an entry; uses that a late no concerns are flagged",
    ),
    ("somebody is recognised in counts", "counts of few people, and those that would tell them, are not shown"),
    ("a copy of the data gets out", "no identifier in clear; what people said is encrypted; keys lie apart"),
    ("a key gets out", "docs/breach.md says for each key what it tells and what to run"),
    (
        "a withdrawal or erasure comes late, or comes back with a restore",
        "denied from the entry on; tombstones beside the keys erase again after a restore; request clocks",
    ),
    ("records are changed to hide a use", "a signed Merkle log that outsiders verify; a pinned checkpoint"),
    ("a channel keeps or passes on what it got", "its own pseudonyms, hosts it declared; told to forget, until it has"),
    (
        "a child agrees to what it does not understand",
        "who is recorded as too young is denied until a guardian agreed, or they themselves, as each law asks; what a "
        "guardian agreed to ends at the age where the law says so; nobody is taken for a child who is not recorded",
    ),
    ("one person alone does harm", "two persons for keys and for erasing many, where it is set"),
)


def met_by(record: ProcessingRecord, traits: frozenset[str]) -> tuple[str, ...]:
    """The purposes that meet a criterion by one of these traits."""
    return tuple(purpose.name for purpose in record.purposes if traits & set(purpose.traits))


def impact_markdown(record: ProcessingRecord) -> str:
    """The whole template."""
    return "\n".join(_lines(record)).rstrip() + "\n"


def _lines(record: ProcessingRecord) -> Iterator[str]:
    yield from (f"# Data protection impact assessment: {plain(record.controller)}", "")
    yield from (
        f"GDPR 35. Made {record.made} of the log {record.log}. What the workspace knows is filled in; what is marked "
        f"{ANSWER} only people can answer. This is a template, not an assessment.",
        "",
    )
    yield from ("## Is one needed?", "")
    yield from table(("criterion (WP248 rev.01)", "met by"), _criteria(record))
    yield from (f"Decision, and why: {ANSWER}", "", "## What is done (35(7)(a))", "")
    yield from table(
        ("purpose", "what is done", "data", "recipients"),
        (
            (purpose.name, purpose.description, ", ".join(purpose.data), ", ".join(purpose.recipients))
            for purpose in record.purposes
        ),
    )
    yield from (f"Whose data: {plain(', '.join(record.people)) or ANSWER}", "")
    yield from minors_lines(record)
    yield from ("Kept for:", "")
    yield from bullets(record.retention, f"- {ANSWER}")
    yield from ("Recipients:", "")
    yield from bullets((f"{one.name} ({one.role}; {one.source})" for one in record.recipients), "- none are known")
    yield from ("## Is it necessary and proportionate? (35(7)(b))", "")
    for purpose in record.purposes:
        yield from (f"### {plain(purpose.name)}", "")
        yield f"- legal basis: {_basis(purpose)}"
        yield f"- could it be done with less data, or without: {ANSWER}"
        yield from (f"- how people are told, and say no: {ANSWER}", "")
    yield from ("## Risks to people, and measures (35(7)(c), (d))", "")
    yield "| risk | measure of the product | likelihood | severity | further measure |"
    yield "|---|---|---|---|---|"
    yield from (f"| {plain(risk)} | {plain(measure)} | {ANSWER} | {ANSWER} | {ANSWER} |" for risk, measure in _RISKS)
    yield from ("", "## Who was asked", "")
    yield f"- data protection officer ({plain(record.dpo) if record.dpo else ANSWER}), advice of (35(2)): {ANSWER}"
    yield f"- views of the people concerned (35(9)): {ANSWER}"
    yield from (f"- supervisory authority, where high risk remains (36): {ANSWER}", "")
    yield from ("## Decision", "", f"- by, on: {ANSWER}", f"- to be reviewed by, or when: {ANSWER}")


def _basis(purpose: RecordedPurpose) -> str:
    """What was recorded that it rests on; of what nobody recorded yet, which it is and why only people can say."""
    notices = plain(", ".join(purpose.notices))
    if not purpose.bases:
        return f"{ANSWER} (none was recorded yet{f'; the notice is {notices}' if notices else ''})"
    told = [f"{one}, asked for by {notices}" if one == CONSENT and notices else one for one in purpose.bases]
    return f"{'; '.join(told)}, recorded per person; why, and what else: {ANSWER}"


def _criteria(record: ProcessingRecord) -> Iterator[tuple[str, str]]:
    for words, traits in CRITERIA:
        met = [_young(record)] if words == VULNERABLE and record.minors else met_by(record, traits)
        yield words, ", ".join(met) if met else "no purpose says so" if traits else "to be answered"


def _young(record: ProcessingRecord) -> str:
    told = "; ".join(f"{people_text(one.people)} who need {one.needs}" for one in record.minors)
    return f"recorded as minors: {told}"
