"""What somebody said, not yet checked: the words from which a person's entry is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from imp_consent.ledger.entry import EVERY_CHANNEL
from imp_consent.policy.under import Under
from imp_core.ports import Json

__all__ = ["Saying"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """What is to become one person's entry. `type` is one of the ledger's types; times in UTC microseconds.

    `purpose` "*" is every purpose (only where something is denied or authorised), `channel` "" every channel. `notice`
    is a name or hash (None: for a grant, refusal or basis the newest that names the purpose). What is said ends at the
    earliest of `until_us`, `valid_for_days` and what the regimes say; None: they alone say it. `action` is what the
    person did to say so, in `steps` steps, `evidence` where the proof of it is. `grounds` are the conditions a basis
    or a lift rests on, each with what shows that it is met. `regimes` and `jurisdiction` are what was named (None: the
    door looks); `under` are the laws it stands under, once the door has looked.
    `traits` None is what the type and the regimes make of it. `shared`: the same act spoke of other purposes too, each
    with a choice of its own; `bundled`: without one. `language` is the notice's. `more` are further fields of the
    envelope; the others are those of `Statement`.
    """

    type: str
    purpose: str
    at_us: int
    channel: str = EVERY_CHANNEL
    notice: str | None = None
    valid_for_days: int | None = None
    until_us: int | None = None
    action: str | None = None
    evidence: str | None = None
    steps: int | None = None
    traits: tuple[str, ...] | None = None
    consent: str | None = None
    bundled: bool = False
    shared: bool = False
    language: str | None = None
    informed: bool = False
    by: str | None = None
    basis: str | None = None
    lifts: str | None = None
    needs: str | None = None
    corrects: int | None = None
    grounds: Mapping[str, str] = field(default_factory=dict)
    regimes: tuple[str, ...] | None = None
    jurisdiction: str | None = None
    under: Under | None = None
    more: Mapping[str, Json] = field(default_factory=dict)
