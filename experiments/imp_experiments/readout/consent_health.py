"""Consent health of an archive: are refusals and departures as frequent in every variant? Told of counts that may be.

A p of counts gives small counts back: there are few whole numbers that have it. So it is made only of counts that are
0, or k and more, by variant and reason; a reason with another count is left out of it, and named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from imp_core.gate import NO_RECORD
from imp_core.suppress import any_hidden, hidden
from imp_experiments.readout.checks import two_digits
from imp_experiments.readout.left import Left
from imp_experiments.readout.readout import Check
from imp_experiments.stats.health.consent import ConsentHealth, ConsentRate, consent_health

__all__ = ["JudgedConsent", "judge_consent"]

NAME: Final = "consent"
_VERDICTS: Final = {"differs": "warning"}


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedConsent:
    """The check, and what it told of.

    `assigned` counts by variant the units that met the experiment, as far as they were compared: those in, out and
    denied. `gap` says in words why these are not all (None: they are). `withheld` are the reasons left out of it, and
    `remainder` counts by variant those of the sample ratio that are in no count compared (empty: nothing was tested).
    """

    check: Check
    assigned: Mapping[str, int]
    gap: str | None
    withheld: tuple[str, ...]
    remainder: Mapping[str, int]

    def tells(self, k: int) -> bool:
        """Whether counts by variant beside this check would tell one of 1 to k - 1; a named reason tells too."""
        return bool(self.withheld) or any_hidden(hidden(n, k) for n in self.remainder.values())

    @property
    def differs(self) -> bool:
        """Whether consent differs between variants."""
        return self.check.verdict == "warning"


def judge_consent(
    left: Left,
    observed: Mapping[str, int],
    uncompared: Sequence[int],
    *,
    variants: Sequence[str],
    repeating: bool,
    clustered: bool = False,
    k: int,
) -> JudgedConsent:
    """Compare `variants`; `uncompared` counts units that are in and yet in no comparison, by metric and variant.

    Of units in clusters (`clustered`), which come and go together, rates are told and nothing is tested.

    Where people without any record may be counted more than once (`repeating`), they are left out.
    """
    withheld = left.withheld(k)
    if any_hidden(hidden(n, k) for n in (*left.inside.values(), *uncompared)):
        text = f"fewer than {k} units of a variant are in, or in and not compared yet: p would tell how many"
        return _untested(text, withheld)
    apart = {*withheld, NO_RECORD} if repeating else set(withheld)
    denied = {name: _without(left.denied[name], apart) for name in variants}
    out = {name: _without(left.out[name], withheld) for name in variants}
    enrolled = {name: left.inside[name] + sum(out[name].values()) for name in variants}
    found = consent_health(enrolled, denied, out)
    if found.p_value is None:
        nobody = not any(sum(row.values()) for row in (*denied.values(), *out.values()))
        text = "nobody who could be compared was kept out or left" if nobody else found.reason or ""
        return _untested(_with_withheld(text, withheld, k), withheld)
    assigned = {name: enrolled[name] + sum(denied[name].values()) for name in variants}
    return JudgedConsent(
        check=Check(
            name=NAME,
            about="",
            verdict="not tested" if clustered else _VERDICTS.get(found.verdict, found.verdict),
            text=_with_withheld(_text(found, clustered=clustered), withheld, k),
            p_value=None if clustered else two_digits(found.p_value),
        ),
        assigned=assigned,
        gap=_gap(left, withheld, repeating=repeating, k=k),
        withheld=withheld,
        remainder={name: n - assigned.get(name, 0) for name, n in observed.items()},
    )


def _gap(left: Left, withheld: Sequence[str], *, repeating: bool, k: int) -> str | None:
    if withheld:
        return f"{', '.join(withheld)}: a variant has {_few(k)}"
    recorded = sum(row.get(NO_RECORD, 0) for row in left.denied.values())
    return "people without any record may be counted more than once" if repeating and recorded else None


def _untested(text: str, withheld: tuple[str, ...]) -> JudgedConsent:
    check = Check(name=NAME, about="", verdict="not tested", text=text)
    return JudgedConsent(check=check, assigned={}, gap=text, withheld=withheld, remainder={})


def _without(row: Mapping[str, int], apart: Sequence[str] | set[str]) -> dict[str, int]:
    return {reason: n for reason, n in row.items() if reason not in apart}


def _text(found: ConsentHealth, *, clustered: bool) -> str:
    parts = [_rate("kept out at once", found.denied), _rate("left since", found.out)]
    told = "; ".join(part for part in parts if part)
    if clustered:
        return f"people of a cluster come and go together, so that no p is given: {told}"
    if found.verdict == "differs":
        return f"consent differs between variants, and so may those who are counted: {told}"
    return f"refusals and departures are as frequent in every variant: {told}"


def _rate(what: str, rate: ConsentRate) -> str:
    if rate.p_adjusted is None:
        return ""
    shares = ", ".join(f"{name} {one.rate:.1%}" for name, one in rate.rates.items() if one.rate is not None)
    return f"{what}: {shares}"


def _with_withheld(text: str, withheld: Sequence[str], k: int) -> str:
    if not withheld:
        return text
    return f"{text}; not compared, because a variant has {_few(k)}: {', '.join(withheld)}"


def _few(k: int) -> str:
    return f"fewer than {k} of them, or how many is not known"
