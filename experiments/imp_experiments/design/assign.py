"""Assignment is a hash, not a table: two of them, so that a change of traffic moves nobody between variants.

`{namespace}:{unit}` gives the segment (who takes part), `{salt}:{unit}` the bucket (which variant). Each is the
first 15 hex digits of a SHA-256 as an integer, modulo 10,000; the same in Python, DuckDB, Spark and PostgreSQL
(`tests/vectors/assignment.json`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from imp_core.ports import Assignment
from imp_experiments.design.experiment import Experiment

__all__ = ["BUCKETS", "assign", "bucket_counts", "bucket_shares", "place"]

BUCKETS: Final = 10_000
_HEX_DIGITS: Final = 15


def place(prefix: str, unit: str) -> int:
    """Where a unit falls among the 10,000 places of a prefix (a namespace or a salt)."""
    return int(hashlib.sha256(f"{prefix}:{unit}".encode()).hexdigest()[:_HEX_DIGITS], 16) % BUCKETS


def bucket_counts(weights: Mapping[str, int]) -> dict[str, int]:
    """Whole buckets per variant by largest remainder (Hamilton); ties go to the variant named first.

    They add up to 10,000, and a variant of weight 0 gets none. The weights' sum must be above 0.
    """
    total = sum(weights.values())
    counts = {name: weight * BUCKETS // total for name, weight in weights.items()}
    left = BUCKETS - sum(counts.values())
    # sorted() is stable: among equal remainders the order of the file decides
    by_remainder = sorted(weights, key=lambda name: -(weights[name] * BUCKETS % total))
    for name in by_remainder[:left]:
        counts[name] += 1
    return counts


def bucket_shares(weights: Mapping[str, int]) -> dict[str, float]:
    """The share of units each variant really gets: whole buckets over 10,000."""
    return {name: count / BUCKETS for name, count in bucket_counts(weights).items()}


def assign(experiment: Experiment, unit: str, *, phase: int = 1) -> Assignment:
    """The variant owed to a unit; None where the unit falls outside the traffic share."""
    segment, bucket = place(experiment.namespace, unit), place(experiment.salt, unit)
    inside = segment < round(experiment.traffic * BUCKETS)
    return Assignment(
        experiment=experiment.name,
        phase=phase,
        variant=_variant_at(experiment.weights, bucket) if inside else None,
        segment=segment,
        bucket=bucket,
    )


def _variant_at(weights: Mapping[str, int], bucket: int) -> str:
    end = 0
    for name, count in bucket_counts(weights).items():
        end += count
        if bucket < end:
            return name
    raise AssertionError("the buckets of an experiment add up to all of them")
