from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_experiments.design.assign import BUCKETS, assign, bucket_counts, bucket_shares, place
from imp_experiments.design.experiment import Experiment
from imp_experiments.design.parse import parse_experiment

VARIANTS = '[[variants]]\nname = "a"\n[[variants]]\nname = "b"\n'


def experiment(definition: str, weights: dict[str, int] | None = None, traffic: float = 1.0) -> Experiment:
    if weights is not None:
        written = "".join(f'[[variants]]\nname = "{name}"\nweight = {n}\n' for name, n in weights.items())
        assert VARIANTS in definition
        definition = definition.replace(VARIANTS, written)
    return parse_experiment(f"traffic = {traffic}\n{definition}".encode(), file="test.toml")


def test_golden_places_hold(project_folder: Path) -> None:
    vectors = json.loads((project_folder / "tests" / "vectors" / "assignment.json").read_text(encoding="utf-8"))
    assert len(vectors["places"]) >= 10
    for case in vectors["places"]:
        assert place(case["prefix"], case["unit"]) == case["place"], case


@given(prefix=st.text(max_size=20), units=st.lists(st.text(max_size=20), min_size=1, max_size=5))
def test_duckdb_computes_the_same_places(prefix: str, units: list[str]) -> None:
    texts = [unit.replace("\0", "") for unit in units]
    clean = prefix.replace("\0", "")
    with duckdb.connect() as connection:
        for unit in texts:
            (found,) = connection.execute(
                "SELECT ('0x' || sha256(? || ?)[1:15])::bigint % 10000", [f"{clean}:", unit]
            ).fetchone() or (None,)
            assert found == place(clean, unit)


def test_variants_get_the_shares_of_their_weights(definition: str) -> None:
    made = experiment(definition, {"a": 1, "b": 2, "c": 1})
    n = 40_000
    found = Counter(assign(made, str(unit)).variant for unit in range(n))
    for name, share in bucket_shares(made.weights).items():
        # five standard errors: one false alarm in two million
        assert abs(found[name] / n - share) < 5 * (share * (1 - share) / n) ** 0.5


def test_a_ramp_of_traffic_moves_nobody_between_variants(definition: str) -> None:
    narrow, wide = experiment(definition, traffic=0.1), experiment(definition, traffic=0.5)
    before = {unit: assign(narrow, str(unit)).variant for unit in range(20_000)}
    after = {unit: assign(wide, str(unit)).variant for unit in range(20_000)}
    inside = {unit for unit, variant in before.items() if variant is not None}
    assert 1_800 < len(inside) < 2_200
    assert all(after[unit] == before[unit] for unit in inside)
    assert 9_600 < sum(variant is not None for variant in after.values()) < 10_400


def test_segment_and_variant_are_independent(definition: str) -> None:
    made = experiment(definition, traffic=0.1)
    found = Counter(assign(made, str(unit)).variant for unit in range(60_000))
    inside = found["a"] + found["b"]
    assert abs(found["a"] / inside - 0.5) < 5 * (0.25 / inside) ** 0.5


def test_a_variant_of_weight_zero_gets_nothing(definition: str) -> None:
    made = experiment(definition, {"a": 1, "b": 1, "c": 0})
    assert bucket_counts(made.weights) == {"a": 5_000, "b": 5_000, "c": 0}
    assert {assign(made, str(unit)).variant for unit in range(5_000)} == {"a", "b"}


def test_another_salt_assigns_independently(definition: str) -> None:
    one, two = experiment(definition), experiment(definition.replace("k3x9qa7vdd", "another-salt"))
    same = sum(assign(one, str(unit)).variant == assign(two, str(unit)).variant for unit in range(20_000))
    assert abs(same / 20_000 - 0.5) < 0.02


@given(st.dictionaries(st.text(min_size=1, max_size=4), st.integers(0, 10_000), min_size=1, max_size=12))
def test_buckets_add_up_and_miss_the_exact_share_by_less_than_one(weights: dict[str, int]) -> None:
    total = sum(weights.values())
    if total == 0:
        return
    counts = bucket_counts(weights)
    assert sum(counts.values()) == BUCKETS
    for name, weight in weights.items():
        assert abs(counts[name] - BUCKETS * weight / total) < 1
        assert weight or not counts[name]


@pytest.mark.parametrize(
    ("weights", "expected"),
    [({"a": 1, "b": 1, "c": 1}, (3_334, 3_333, 3_333)), ({"a": 1, "b": 2, "c": 4}, (1_429, 2_857, 5_714))],
)
def test_the_largest_remainder_gets_the_bucket_that_is_left(weights: dict[str, int], expected: tuple[int, ...]) -> None:
    assert tuple(bucket_counts(weights).values()) == expected
