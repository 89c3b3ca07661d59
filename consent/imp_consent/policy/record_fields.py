"""What the envelope of an entry says besides what every entry's does: the fields of its type (ISO/IEC TS 27560)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from imp_consent.ledger.entry import EVERY_CHANNEL, EVERY_PURPOSE, PersonEntry, Statement
from imp_consent.policy.declared import DeclaredPurpose
from imp_consent.policy.notice import RegisteredNotice
from imp_consent.policy.rules import Rules
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import lineage
from imp_core.ports import Json

__all__ = ["record_fields"]

_OF_CONSENT: Final = frozenset({"grant", "refuse"})
_SUPERSEDED: Final = 20


def record_fields(
    said: Saying,
    statement: Statement,
    *,
    shown: RegisteredNotice | None,
    about: RegisteredNotice | None = None,
    rules: Rules,
    purposes: Mapping[str, DeclaredPurpose],
    history: Sequence[PersonEntry],
) -> dict[str, Json]:
    """The fields of a saying's type; `history` is needed of a withdrawal only, which names the grants it ends.

    `about` is a notice that says what data is used and who gets it, though nobody says that it was shown.
    """
    more: dict[str, Json] = {"evidence": said.evidence, "affirmative_action": said.action}
    if shown is not None:
        more |= _of_notice(shown)
    elif about is not None:
        more |= _of_processing(about)
    if said.grounds:
        more["grounds"] = dict(said.grounds)
    if said.shared:
        more["shared"] = True
    wait_us = _ask_again_us(said, rules, purposes)
    if wait_us is not None:
        more["ask_again_us"] = wait_us
    if statement.type == "withdraw":
        return more | {"supersedes": _superseded(said, history), "steps": said.steps}
    if statement.type in _OF_CONSENT:
        more |= {
            "consent_type": statement.consent or "expressed",
            "bundled": said.bundled,
            "valid_for_days": said.valid_for_days,
            "withdrawal_method": "as the notice says",
        }
    return more if said.steps is None else more | {"steps": said.steps}


def _of_notice(shown: RegisteredNotice) -> dict[str, Json]:
    words = shown.notice
    named: dict[str, Json] = {
        "name": words.name,
        "version": words.version,
        "language": words.language,
        "sha256": shown.sha256,
    }
    return {"notice": named, **_of_processing(shown)}


def _of_processing(found: RegisteredNotice) -> dict[str, Json]:
    return {"data_categories": list(found.notice.data), "recipients": list(found.notice.recipients)}


def _ask_again_us(said: Saying, rules: Rules, purposes: Mapping[str, DeclaredPurpose]) -> int | None:
    """Until when nobody asks this person again; None: the regimes do not say."""
    traits = {trait for name, purpose in purposes.items() if said.purpose in lineage(name) for trait in purpose.traits}
    waits = rules.wait(said.type, traits)
    return max((rule.period.after(said.at_us) for rule in waits), default=None)


def _superseded(said: Saying, history: Sequence[PersonEntry]) -> list[int]:
    """The newest grants that a withdrawal ends."""
    ended = [
        entry.seq
        for entry in history
        if entry.statement.type == "grant"
        and said.purpose in (EVERY_PURPOSE, *lineage(entry.statement.purpose))
        and said.channel in (EVERY_CHANNEL, entry.statement.channel)
        and entry.statement.at_us <= said.at_us
    ]
    return ended[-_SUPERSEDED:]
