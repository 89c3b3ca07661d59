from __future__ import annotations

import math
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_core.errors import BadInput
from imp_experiments.design.assign import bucket_counts
from imp_experiments.design.factorial import (
    Design,
    Factor,
    Factorial,
    cell_name,
    factorial,
    parse_cell,
    variants_of,
)
from imp_experiments.design.fraction import LETTERS, fraction_of, letters_of

SUBJECT = Factor(name="subject", levels=("plain", "question"))
IMAGE = Factor(name="image", levels=("none", "photo", "drawing"))


def two_levels(count: int) -> list[Factor]:
    return [Factor(name=f"x{number}", levels=("-", "+")) for number in range(1, count + 1)]


def sign(run: tuple[int, ...], word: tuple[int, ...]) -> int:
    return math.prod(2 * run[index] - 1 for index in word)


# --- the cells and their names


def test_a_full_factorial_lists_its_cells_with_the_first_factor_varying_slowest() -> None:
    made = factorial([SUBJECT, IMAGE])
    assert made.variants == (
        "subject=plain,image=none",
        "subject=plain,image=photo",
        "subject=plain,image=drawing",
        "subject=question,image=none",
        "subject=question,image=photo",
        "subject=question,image=drawing",
    )
    assert made.control == "subject=plain,image=none"
    assert made.cells[4] == {"subject": "question", "image": "photo"}


words = st.text(min_size=1, max_size=6).filter(
    lambda text: text == text.strip() and not any(char in ",=*:" for char in text) and text.isprintable()
)


@given(st.lists(words, min_size=1, max_size=3, unique=True), st.lists(words, min_size=2, max_size=3, unique=True))
def test_a_cells_name_reads_back_as_its_levels_in_any_script(names: list[str], levels: list[str]) -> None:
    made = factorial([Factor(name=name, levels=tuple(levels)) for name in names])
    assert [parse_cell(cell_name(cell), made.factors) for cell in made.cells] == list(made.cells)
    assert len(set(made.variants)) == len(levels) ** len(names)


def test_chinese_names_are_names() -> None:
    made = factorial(
        [Factor(name="主题", levels=("疑问", "陈述")), Factor(name="图片", levels=("无", "有"))],
        Design(kind="full"),
    )
    assert made.variants[1] == "主题=疑问,图片=有"
    assert parse_cell("主题=陈述,图片=无", made.factors) == {"主题": "陈述", "图片": "无"}


@pytest.mark.parametrize(
    "name",
    ["", "subject=plain", "image=none,subject=plain", "subject=plain,image=nothing", "subject=plain,image=none,x=1"],
)
def test_a_name_that_is_no_cell_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="not a cell"):
        parse_cell(name, [SUBJECT, IMAGE])


@pytest.mark.parametrize(
    ("factors", "problem"),
    [
        ([], "1 to 16 factors"),
        (two_levels(17), "1 to 16 factors"),
        ([SUBJECT, SUBJECT], "two factors"),
        ([Factor(name="subject", levels=("plain",))], "two levels or more"),
        ([Factor(name="subject", levels=("plain", "plain"))], "two levels have one name"),
        ([Factor(name="subject", levels=("a,b", "c"))], "separator"),
        ([Factor(name="subject", levels=("a=b", "c"))], "separator"),
        ([Factor(name="sub*ject", levels=("a", "c"))], "separator"),
        ([Factor(name="subject", levels=("a\n", "c"))], "space"),
        ([Factor(name="subject", levels=("a\x00b", "c"))], "control character"),
        ([Factor(name="", levels=("a", "c"))], "text without space"),
        ([Factor(name="x" * 200, levels=("a", "c"))], "over 200"),
        (two_levels(10), "1,024 cells"),
    ],
)
def test_factors_that_make_no_design_are_refused(factors: list[Factor], problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        factorial(factors)


@pytest.mark.parametrize(
    ("factors", "design", "problem"),
    [
        (two_levels(3), Design(kind="some"), "no kind"),
        (two_levels(3), Design(kind="full", generators=("C=AB",)), "no generators"),
        (two_levels(3), Design(kind="fraction"), "needs generators"),
        ([*two_levels(2), IMAGE], Design(kind="fraction", generators=("B=AC",)), "more than two levels"),
    ],
)
def test_designs_that_contradict_themselves_are_refused(factors: list[Factor], design: Design, problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        factorial(factors, design)


# --- cells as variants


def test_cells_become_variants_that_share_the_buckets_equally() -> None:
    variants = variants_of(factorial([SUBJECT, IMAGE]))
    counts = bucket_counts({variant.name: variant.weight for variant in variants})
    assert sorted(counts.values()) == [1666, 1666, 1667, 1667, 1667, 1667]


def test_given_weights_stay_with_their_cells() -> None:
    made = factorial([SUBJECT, Factor(name="day", levels=("mon", "tue"))])
    weights = dict(zip(reversed(made.variants), (4, 3, 2, 0), strict=True))
    assert [variant.weight for variant in variants_of(made, weights)] == [0, 2, 3, 4]


@pytest.mark.parametrize(
    ("weights", "problem"),
    [
        ({"x1=-": 1}, "has no weight"),
        ({"x1=-": 1, "x1=+": 1, "x1=0": 1}, "not a cell"),
        ({"x1=-": -1, "x1=+": 1}, "whole number"),
        ({"x1=-": 1.5, "x1=+": 1}, "whole number"),
        ({"x1=-": True, "x1=+": 1}, "whole number"),
        ({"x1=-": 0, "x1=+": 1}, "at least two"),
    ],
)
def test_weights_that_cannot_be_are_refused(weights: dict[str, int], problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        variants_of(factorial(two_levels(1)), weights)


# --- fractions


def fraction(count: int, *generators: str) -> Factorial:
    return factorial(two_levels(count), Design(kind="fraction", generators=generators))


def test_a_half_fraction_runs_half_of_the_cells() -> None:
    made = fraction(3, "C=AB")
    assert made.variants == ("x1=-,x2=-,x3=+", "x1=-,x2=+,x3=-", "x1=+,x2=-,x3=-", "x1=+,x2=+,x3=+")
    assert made.control == "x1=-,x2=-,x3=+"
    assert made.fraction is not None
    assert made.fraction.resolution == 3
    assert [chain.letters for chain in made.fraction.chains] == ["A = BC", "B = AC", "C = AB"]
    assert made.fraction.chains[0].words == "x1 = x2*x3"
    assert not any(chain.clear for chain in made.fraction.chains)


def test_a_negative_generator_runs_the_other_half_and_turns_the_aliases_signs() -> None:
    made = fraction(3, "C=-AB")
    assert set(made.variants).isdisjoint(fraction(3, "C=AB").variants)
    assert made.fraction is not None
    assert made.fraction.defining_relation == "I = -ABC"
    assert [chain.letters for chain in made.fraction.chains] == ["A = -BC", "B = -AC", "C = -AB"]


@pytest.mark.parametrize("generator", ["D=ABC", " D = +ABC ", "x4=ABC", "x4=x1*x2*x3", "D=A*x2*C", "x4 = x3 * x1 * x2"])
def test_generators_are_written_in_letters_or_in_names(generator: str) -> None:
    assert fraction(4, generator) == Factorial(
        factors=tuple(two_levels(4)),
        design=Design(kind="fraction", generators=(generator,)),
        fraction=fraction_of(["x1", "x2", "x3", "x4"], ["D=ABC"]),
    )


@pytest.mark.parametrize(
    ("generators", "problem"),
    [
        (["D"], "not a generator"),
        (["D=AB=C"], "not a generator"),
        (["D="], "unknown factor"),
        (["=AB"], "unknown factor"),
        (["E=ABC"], "unknown factor"),
        (["D=ABI"], "unknown factor"),
        (["D=x1*y"], "not a factor"),
        (["D=x1*"], "not a factor"),
        (["D=abc"], "unknown factor"),
        (["AD=BC"], "one factor on its left"),
        (["D=ABD"], "both sides"),
        (["D=AAB"], "twice"),
        (["D=A*x1*B"], "twice"),
        (["D=A"], "aliased with each other"),
        (["C=AB", "D=AB"], "aliased with each other"),
        (["D=AB", "D=ABC"], "'x3' is aliased with the mean"),
        (["D=ABC", "D=ABC"], "follows from"),
        (["D=ABC", "C=ABD"], "follows from"),
        (["D=ABC", "D=-ABC"], "contradicts"),
    ],
)
def test_generators_that_cut_no_fraction_are_refused(generators: list[str], problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        fraction_of(["x1", "x2", "x3", "x4"], generators)


def test_a_letter_that_is_another_factors_name_is_refused() -> None:
    with pytest.raises(BadInput, match="another's letter"):
        fraction_of(["B", "A", "C"], ["C=A*B"])
    with pytest.raises(BadInput, match="two ways"):
        fraction_of(["x", "y", "AB", "z"], ["D=AB"])
    assert fraction_of(["A", "B", "C"], ["C=AB"]).resolution == 3


def test_letters_leave_out_i_which_is_the_mean() -> None:
    assert "I" not in LETTERS
    assert list(letters_of([f"x{number}" for number in range(10)]).values())[-2:] == ["J", "K"]


@st.composite
def fractions(draw: st.DrawFn) -> tuple[int, list[str]]:
    basic = draw(st.integers(2, 4))
    products = ["".join(word) for size in range(2, basic + 1) for word in combinations(LETTERS[:basic], size)]
    used = draw(st.lists(st.sampled_from(products), min_size=1, max_size=4, unique=True))
    signs = [draw(st.sampled_from(["", "-"])) for _ in used]
    return basic + len(used), [f"{LETTERS[basic + at]}={signs[at]}{word}" for at, word in enumerate(used)]


@given(fractions())
def test_aliases_are_exactly_the_effects_whose_columns_are_equal_over_the_runs(given: tuple[int, list[str]]) -> None:
    count, generators = given
    made = fraction_of([str(at) for at in range(count)], generators)
    assert len(made.runs) == len(set(made.runs)) == 2 ** (count - len(generators))
    every = [word for size in range(1, count + 1) for word in combinations(range(count), size)]
    constant = {word: sign(made.runs[0], word) for word in every if len({sign(run, word) for run in made.runs}) == 1}
    assert dict(made.relation) == constant
    columns: dict[tuple[int, ...], dict[tuple[str, ...], int]] = {}
    for word in every:
        if word not in constant:
            column = tuple(sign(run, word) for run in made.runs)
            first = column[0]
            named = tuple(str(at) for at in word)
            columns.setdefault(tuple(first * value for value in column), {})[named] = first
    found = {chain.first: {alias.factors: alias.sign for alias in chain.aliases} for chain in made.chains}
    wanted = {}
    for group in columns.values():
        first, *others = group  # dictionaries keep the order of `every`: shortest first
        wanted[first] = {other: group[first] * group[other] for other in others}
    assert found == wanted


def test_a_fraction_of_fifteen_factors_in_sixteen_runs_is_listed_whole() -> None:
    products = ["AB", "AC", "AD", "BC", "BD", "CD", "ABC", "ABD", "ACD", "BCD", "ABCD"]
    made = fraction_of([str(at) for at in range(15)], [f"{LETTERS[4 + at]}={word}" for at, word in enumerate(products)])
    assert (len(made.runs), len(made.chains), made.resolution) == (16, 15, 3)
    assert sum(1 + len(chain.aliases) for chain in made.chains) == 2**15 - 2**11
