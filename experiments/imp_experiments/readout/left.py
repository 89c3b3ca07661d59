"""Who is left out, by variant and reason: denied at intake, no longer permitted, out whole, erased since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import narwhals as nw

from imp_core.gate import NO_RECORD
from imp_core.suppress import any_hidden, hidden
from imp_experiments.measure.archive import Measurement
from imp_experiments.measure.units import TWO_VARIANTS, UNKNOWN_VARIANT, of_phase
from imp_experiments.readout.enrolled import ADMITTED, Enrolled

__all__ = ["Left", "Refused", "excluded_of", "left_of", "refused_of"]

_ERASED: Final = "erased"
# Always present in `excluded`, so that a reader can rely on the keys; other reasons appear when somebody has them.
_USUAL_REASONS: Final = ("withdrawn", "refused", "expired", _ERASED, NO_RECORD, TWO_VARIANTS)
# Why units are out that has nothing to do with consent.
_NOT_CONSENT: Final = (TWO_VARIANTS, UNKNOWN_VARIANT)

# Variant → reason → people whose exposures lie in the archive but do not pass now.
Refused = Mapping[str, Counter[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Units by variant: those that are in, and by reason those that consent kept out (`denied`) or that left (`out`).

    `rest` counts, by reason, those of the total in `excluded` whose variant is not known.
    """

    inside: Mapping[str, int]
    denied: Mapping[str, Mapping[str, int]]
    out: Mapping[str, Mapping[str, int]]
    rest: Mapping[str, int]

    def withheld(self, k: int) -> tuple[str, ...]:
        """The reasons of which a count by variant may not be told, or is not known, sorted."""
        reasons = {reason for rows in (self.denied, self.out) for row in rows.values() for reason in row}
        found = [reason for reason in reasons if any_hidden(hidden(n, k) for n in self._cells(reason))]
        return tuple(sorted({*found, *(reason for reason, n in self.rest.items() if n)}))

    def _cells(self, reason: str) -> Iterable[int]:
        return [row.get(reason, 0) for rows in (self.denied, self.out) for row in rows.values()]


def refused_of(native: Any, experiment: str, phase: int) -> Refused:  # noqa: ANN401 (any native frame Narwhals knows)
    """How many people's exposures of this experiment's phase do not pass now, by variant and reason."""
    rows = (
        nw.from_native(native)
        .lazy()
        .filter((nw.col("type") == "exposure") & (nw.col("experiment") == experiment))
        .filter(of_phase(phase))
        .select("variant", "reason", "subjects")
        .collect()
        .rows(named=True)
    )
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        counts.setdefault(row["variant"] or "", Counter())[row["reason"]] += int(row["subjects"])
    return counts


def excluded_of(measurement: Measurement, refused: Refused, met: Enrolled) -> dict[str, int]:
    """Units that are out, by reason."""
    counts = Counter(dict.fromkeys(_USUAL_REASONS, 0))
    counts.update(met.denied)
    counts[_ERASED] += _erased(measurement, refused, met)
    counts.update(_total(refused))
    counts.update(measurement.left_out)
    return dict(counts)


def left_of(measurement: Measurement, refused: Refused, met: Enrolled, names: Collection[str]) -> Left:
    """The same by variant, `names` and whatever else occurs; those in two variants are in none of it."""
    found = met.by_variant
    variants = sorted({*names, *found, *refused, *measurement.left_out_by})
    denied = {name: Counter(found.get(name, {})) for name in variants}
    out = {name: Counter(measurement.left_out_by.get(name, {})) + refused.get(name, Counter()) for name in variants}
    for name in variants:
        denied[name].pop(ADMITTED, None)
        for reason in _NOT_CONSENT:
            out[name].pop(reason, None)
    for name, n in _erased_by(measurement, refused, met, variants).items():
        out[name][_ERASED] += n
    told = sum(denied.values(), Counter()) + sum(out.values(), Counter())
    excluded = excluded_of(measurement, refused, met)
    return Left(
        inside={name: measurement.moments.count(name) for name in variants},
        denied=denied,
        out=out,
        rest={reason: n - told[reason] for reason, n in excluded.items() if reason not in _NOT_CONSENT},
    )


def _erased(measurement: Measurement, refused: Refused, met: Enrolled) -> int:
    """Nothing of an erased person is left to count: only that they once were enrolled."""
    return max(0, met.admitted - measurement.present - _total(refused).total())


def _erased_by(measurement: Measurement, refused: Refused, met: Enrolled, variants: Collection[str]) -> dict[str, int]:
    """Erased units by variant; nothing where they do not add up: units in two variants were enrolled in one of them."""
    gone = {
        name: max(
            0,
            met.by_variant.get(name, Counter())[ADMITTED]
            - measurement.present_by.get(name, 0)
            - refused.get(name, Counter()).total(),
        )
        for name in variants
    }
    several = measurement.present - sum(measurement.present_by.values())
    sure = not several and sum(gone.values()) == _erased(measurement, refused, met)
    return gone if sure else {}


def _total(refused: Refused) -> Counter[str]:
    return sum(refused.values(), Counter())
