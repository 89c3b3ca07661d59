"""What an erasure would do, and what it did, as values and as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imp_consent.commands.erase_restricted import restricted_text
from imp_consent.commands.erased import authorised_text, erased_text, in_backups_text, notify_text, unknown_text
from imp_consent.commands.of_nobody import NOBODY, answered_text, left_open_text
from imp_consent.commands.tell import TellResult, told_text
from imp_consent.commands.under_way import under_way_text
from imp_consent.plane.outbox import Told
from imp_consent.plane.remove import Erased
from imp_core.counting import some

__all__ = ["ErasePlan", "ErasedAndTold", "erasure_text", "plan_text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasePlan:
    """What an erasure would do: whether anybody is known, and how many entries would become unlinkable.

    `unknown` are the identifiers by which nobody is known, by their places among those given, the first being 1.
    `to_notify` are recipients that are no channels: you tell them yourself, as nobody knows later of whom (GDPR 19).
    `devices` are linked to them and stay known, each by its own identifier: only the link ends. `answers` is the open
    request that was named, of whom nothing is held; `left_open` is what else they asked, which this does not answer.
    `authorisations` are entries of others that name them as guardian and stay, without leading to them. By the entries
    `restricted` the use of their data is restricted; `unasked` are those of people who did not ask for this.
    """

    known: bool
    entries: int
    pending: int
    unknown: tuple[int, ...] = ()
    to_notify: tuple[str, ...] = ()
    devices: int = 0
    answers: str | None = None
    left_open: tuple[str, ...] = ()
    authorisations: int = 0
    restricted: tuple[int, ...] = ()
    unasked: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedAndTold(Erased):
    """What an erasure did, and which channels were told; `problem` is why they could not be.

    `unknown` are the identifiers by which nobody is known, as in `ErasePlan`. `keys_fixed` names where the keys are
    kept if they cannot be changed there: nothing done here makes backups unreadable then. `to_notify` are recipients
    that are no channels, `left_open` requests, as in `ErasePlan`; `answered` are those for erasure that this answers.
    """

    told: Sequence[Told] = ()
    problem: str | None = None
    unknown: tuple[int, ...] = ()
    keys_fixed: str | None = None
    to_notify: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    left_open: tuple[str, ...] = ()


def erasure_text(done: ErasedAndTold, *, named: bool) -> str:
    """What an erasure did, as text; `named`: people were named, and it was no mere resuming."""
    if named and not done.people and done.authorisations:
        return f"{NOBODY}{authorised_text(done.authorisations)}"
    if done.answered and not done.people:
        return answered_text(done.answered[0])
    text = erased_text(done) + authorised_text(done.authorisations) + left_open_text(done.left_open)
    text += in_backups_text(done.in_backups, done.keys_fixed)
    text += under_way_text(done.in_flight)
    if done.told:
        text += "\n" + told_text(TellResult(channels=done.told, dry_run=False))
    text += notify_text(done.to_notify)
    if done.problem or any(told.due for told in done.told):
        text += f"\n{done.problem or 'not every channel has answered'}: tell them again with imp consent tell"
    return text


def plan_text(plan: ErasePlan, of: int) -> str:
    """What an erasure of so many identifiers would do, as text."""
    if not plan.known and plan.authorisations:
        return f"{NOBODY}{authorised_text(plan.authorisations, would=True)}"
    if not plan.known:
        return NOBODY if plan.answers is None else answered_text(plan.answers, would=True)
    text = (
        f"would make {some(plan.entries, 'entry', 'entries')} unlinkable and remove every row; run again with --execute"
    )
    text += authorised_text(plan.authorisations, would=True) + unknown_text(plan.unknown, of)
    text += f"\nrecipients that you will have to tell: {', '.join(plan.to_notify)}" if plan.to_notify else ""
    text += restricted_text(plan.restricted, plan.unasked) + left_open_text(plan.left_open)
    text += f"\nlinked devices that stay known by their own identifiers: {plan.devices}" if plan.devices else ""
    return text
