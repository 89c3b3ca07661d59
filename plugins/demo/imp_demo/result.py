"""What the demo shows; every figure comes from the object a command returned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["ArmResult", "Broken", "Consented", "DemoResult", "EmailTest", "Intake", "Leaving", "Mailing", "Proof"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consented:
    """Answers by purpose: asked people, and how many gave, refused or left the question open."""

    people: int
    by_purpose: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Events offered, admitted, and refused by reason, over all files."""

    files: int
    received: int
    admitted: int
    denied: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailing:
    """The waves of the e-mail test: everybody of the audiences, refused by reason, sent by status and by variant.

    `received` is what the mail server counted by variant.
    """

    waves: int = 0
    audience: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    sent: Mapping[str, int] = field(default_factory=dict)
    contents: Mapping[str, int] = field(default_factory=dict)
    exposed: int = 0
    received: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult:
    """One metric of one variant against control, on the relative scale; `planted` is what the shop was built with.

    `covers` says whether the interval holds the planted lift; None where nothing can be compared.
    """

    metric: str
    variant: str
    n: int | None
    planted: float
    estimate: float | None
    low: float | None
    high: float | None
    p_value: float | None
    covers: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailTest:
    """The three-arm test as read out: the arms, matured and immature units, excluded units by reason, the verdict."""

    verdict: str
    reason: str
    srm_p_value: float | None
    matured: int | None
    immature: int | None
    excluded: Mapping[str, int | None]
    arms: tuple[ArmResult, ...]
    report: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The experiment whose page lost exposures."""

    verdict: str
    reason: str
    srm_p_value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """A group withdraws, one of them is erased: what changed, and what is left of the erased."""

    withdrew: int
    decision_after_withdrawal: str
    erased_people: int
    leaves_unlinkable: int
    rows_removed: int
    decision_after_erasure: str
    counted_before: int | None
    counted_after: int | None
    excluded_after: Mapping[str, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The ledger verified as it is, and a copy in which one byte was flipped."""

    entries: int
    root: str
    ok: bool
    flipped: str
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """The whole demo, on generated data."""

    generated: bool
    seed: int
    workspace: str
    keys: str
    consent: Consented
    mailing: Mailing
    intake: Intake
    email_test: EmailTest
    broken: Broken
    leaving: Leaving
    proof: Proof
    seconds: float
