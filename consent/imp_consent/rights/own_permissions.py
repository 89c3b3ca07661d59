"""What may be done with a person's data now, by purposes, and on which channels not, as their copy says it.

The words of the page are rows of its table; the same in access.json is `Permission`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from imp_consent.gate import denied_on_channels
from imp_consent.ledger.entry import EVERY_CHANNEL, PersonEntry
from imp_consent.ledger.reader import Reader
from imp_consent.policy.bounced import is_bounce, own_no
from imp_consent.policy.decide import Reason
from imp_consent.policy.declared import DeclaredPurpose
from imp_consent.policy.openers import opener
from imp_consent.policy.scope import Scope
from imp_consent.rights.plain import minute
from imp_consent.rights.wording import Wording
from imp_core.clock import format_time
from imp_core.gate import Action, Decision, Gate, Use

__all__ = ["Permission", "StillDenied", "own_permissions", "permission_rows"]

_UNDELIVERED: Final = "undelivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class StillDenied:
    """Why a channel is left out of a yes: the gate's reason, since when (ISO 8601), and the entries that say so.

    `undelivered`: nobody said no, but messages came back from there.
    """

    reason: str
    since: str | None
    entries: tuple[int, ...]
    undelivered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """What the gate answers now for a purpose (without a channel): whether the data may be used, and why.

    `source` is the law, of those that the entries which decided were recorded under. `data` is what the purpose
    declares now. `missing` is what would open it for somebody under age, one of `imp_consent.policy.openers.OPENERS`;
    None where they are not, or nothing would. `by` is "guardian" where the yes is a guardian's alone. `still_denied_on`
    are the channels on which it is no, though it is yes without one.
    """

    purpose: str
    description: str
    permitted: bool
    reason: str
    source: str
    entries: tuple[int, ...]
    data: tuple[str, ...] = ()
    missing: str | None = None
    by: str | None = None
    still_denied_on: Mapping[str, StillDenied] = field(default_factory=dict)


def own_permissions(
    reader: Reader,
    gate: Gate,
    subject: int,
    *,
    purposes: Mapping[str, DeclaredPurpose],
    history: Sequence[PersonEntry],
    law: Callable[[Decision], str],
    now_us: int,
) -> tuple[Permission, ...]:
    """The answers about every purpose there is, by their names.

    Raises:
        LedgerBroken: what the gate reads was changed by other hands.
    """
    found: list[Permission] = []
    for name, purpose in sorted(purposes.items()):
        answer = gate.decide(Use(purpose=name, action=Action.COLLECT, subject=subject), at_us=now_us)
        young = answer.reason == Reason.UNDER_AGE
        denied = denied_on_channels(reader, subject, name, at_us=now_us)
        found.append(
            Permission(
                purpose=name,
                description=purpose.description,
                permitted=answer.permitted,
                reason=answer.reason,
                source=law(answer),
                entries=answer.entries,
                data=purpose.data,
                missing=opener(history, purpose, EVERY_CHANNEL, now_us) if young else None,
                by=_by(entry for entry in history if entry.seq in answer.entries),
                still_denied_on={
                    channel: _still_denied(history, one, own_no(history, one, Scope(name, channel), at_us=now_us))
                    for channel, one in denied.items()
                },
            )
        )
    return tuple(found)


def permission_rows(words: Wording, permissions: Iterable[Permission]) -> list[tuple[str, ...]]:
    """What a page says of each: purpose, what it is, data, whether it may be, because of what, and by which law."""
    return [
        (one.purpose, one.description, ", ".join(one.data), _may(words, one), _because(words, one), one.source)
        for one in permissions
    ]


def _by(deciding: Iterable[PersonEntry]) -> str | None:
    yeses = [entry.statement.by for entry in deciding if entry.statement.type == "grant"]
    return yeses[0] if yeses and all(yeses) else None


def _still_denied(history: Sequence[PersonEntry], found: Decision, own: Decision | None) -> StillDenied:
    """Why a channel is left out; where messages came back, by the person's own no there, if one stands."""
    decides = own or found
    deciding = [entry for entry in history if entry.seq in decides.entries]
    return StillDenied(
        reason=str(decides.reason),
        since=format_time(deciding[-1].statement.at_us) if deciding else None,
        entries=decides.entries,
        undelivered=any(is_bounce(one.statement.type, one.payload) for one in deciding),
    )


def _may(words: Wording, one: Permission) -> str:
    may = words.say("values", "yes" if one.permitted else "no")
    return (
        words.say("page", "except", may=may, channels=words.several(one.still_denied_on))
        if one.still_denied_on
        else may
    )


def _because(words: Wording, one: Permission) -> str:
    found = _reason(words, one.reason, one.missing or one.by)
    for channel, no in one.still_denied_on.items():
        why = _reason(words, _UNDELIVERED if no.undelivered else no.reason)
        found = words.say("page", "stopped", because=found, channel=channel, reason=why, since=minute(no.since or ""))
    return found


def _reason(words: Wording, reason: str, more: str | None = None) -> str:
    return words.maybe("reasons", reason if more is None else f"{reason}-{more}", reason)
