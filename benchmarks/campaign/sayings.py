"""What people may say, drawn at random: every type of entry on a small calendar, so that ties and expiry are common."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from imp_consent.ledger.entry import Statement

__all__ = ["CHANNELS", "PURPOSES", "random_statement"]

CHANNELS = ("", "mail", "text")
PURPOSES = ("ads", "ads.mail", "ads.mail.news", "tests")
_TRAITS: tuple[tuple[str, ...], ...] = ((), (), ("direct-marketing",), ("sale",), ("direct-marketing", "sale"))
_BASES = ("contract", "legal-obligation", "public-task", "legitimate-interest", "soft-opt-in", "opt-out-notice")
_WEIGHTS = {
    "grant": 45, "withdraw": 14, "refuse": 9, "basis": 12, "object": 9, "signal": 8, "limit-sensitive": 5,
    "restrict": 4, "lift": 12, "minor": 5, "guardian": 8, "correction": 4, "link": 1, "unlink": 1, "request": 1,
    "lost": 1, "erase-requested": 1,
}  # fmt: skip
_ENDING = ("grant", "basis", "refuse", "minor", "guardian")


def random_statement(draw: random.Random, before: Sequence[int]) -> Statement:
    """One statement of somebody whose entries `before` have these seqs."""
    type_ = draw.choices([*_WEIGHTS], [*_WEIGHTS.values()])[0]
    if type_ == "correction" and not before:
        type_ = "grant"
    at = draw.randint(0, 12)
    whole = type_ in {"lost", "erase-requested"}
    ends = draw.random() < (0.5 if type_ in _ENDING else 0.1)
    purpose = "*" if whole else draw.choice(["ads"] * 3 + ["ads.mail"] * 4 + ["ads.mail.news", "tests", "*"])
    return Statement(
        type=type_,
        purpose=purpose,
        channel="" if whole else draw.choice(CHANNELS),
        at_us=at,
        until_us=at + draw.randint(0, 8) if ends else None,
        corrects=draw.choice(before) if type_ == "correction" else None,
        **_fields(draw, type_, purpose),
    )


def _fields(draw: random.Random, type_: str, purpose: str) -> dict[str, Any]:
    if type_ in {"grant", "basis"}:
        below = [name for name in PURPOSES if name.startswith(f"{purpose}.") and draw.random() < 0.5]
        more: dict[str, Any] = {"traits": draw.choice(_TRAITS), "covers": tuple(below), "bundled": draw.random() < 0.1}
        if type_ == "basis":
            return {**more, "basis": draw.choice(_BASES)}
        return {
            **more,
            "consent": draw.choice([None, None, "explicit", "separate"]),
            "informed": draw.random() < 0.5,
            "by": draw.choice([None, None, None, "guardian"]),
        }
    if type_ in {"object", "signal", "limit-sensitive"}:
        return {"traits": draw.choice(_TRAITS)}
    if type_ == "minor":
        kind = draw.choice([None, None, "separate"])
        return {"needs": draw.choice(["guardian", "guardian", "both", "own", "nobody"]), "consent": kind}
    if type_ == "refuse":
        return {"by": draw.choice([None, None, "guardian"])}
    return {"lifts": draw.choice(["restrict", "object", "limit-sensitive"])} if type_ == "lift" else {}
