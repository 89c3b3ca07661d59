"""A multivariate experiment from its file to its readout, on the fake workbench."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from imp_core.cli import invoke
from imp_core.errors import BadInput
from imp_core.event import RawId
from imp_experiments.commands.assign import assign_unit
from imp_experiments.commands.define import show_experiment, validate_experiment
from imp_experiments.commands.designed import show_design
from imp_experiments.commands.start import start_experiment
from imp_experiments.design.experiment import Experiment, analysis_sha256
from imp_experiments.design.parse import parse_experiment

HEAD = """
name = "test"
purpose = "experimentation"
salt = "k3x9qa7vdd"
"""
TAIL = """
[plan]
horizon = "20d"
[[metrics]]
name = "visit"
kind = "proportion"
event = "visit"
window = "7d"
scale = "absolute"
"""
TWO = """
[[factors]]
name = "subject"
levels = ["plain", "question"]
[[factors]]
name = "image"
levels = ["none", "photo"]
"""
FOUR = (
    TWO
    + """
[[factors]]
name = "sender"
levels = ["shop", "anna"]
[[factors]]
name = "day"
levels = ["tue", "sun"]
[design]
kind = "fraction"
generators = ["D=ABC"]
"""
)
CELLS = [f"subject={subject},image={image}" for subject in ("plain", "question") for image in ("none", "photo")]


def parse(text: str) -> Experiment:
    return parse_experiment(text.encode(), file="test.toml")


@pytest.fixture
def filled(bench: Any, at_day: Callable[[float], int]) -> Callable[..., Any]:
    """A started experiment of two factors with `counts` units a cell, of whom these shares visit; day 59.5."""

    def run(counts: tuple[int, ...] = (200,) * 4, shares: tuple[float, ...] = (0.2, 0.3, 0.4, 0.7)) -> Any:
        bench.write(HEAD + TWO + TAIL)
        bench.clock._now_us = at_day(0)
        start_experiment(bench.ctx, "test")
        subject = 0
        for cell, n, share in zip(CELLS, counts, shares, strict=True):
            for index in range(n):
                subject += 1
                bench.rows.expose(subject, cell, 1)
                if index < share * n:
                    bench.rows.outcome(subject, "visit", 2)
            bench.rows.enrol(cell, n)
        bench.clock.move_to(at_day(59.5))
        return bench

    return run


# -- the file ---------------------------------------------------------------------------------------------------------


def test_the_cells_of_the_factors_are_the_variants() -> None:
    experiment = parse(HEAD + TWO + TAIL)
    assert experiment.weights == dict.fromkeys(CELLS, 1)
    assert experiment.control == CELLS[0]
    assert parse(HEAD + f'control = "{CELLS[3]}"' + TWO + TAIL).control == CELLS[3]


def test_a_fraction_runs_the_cells_its_generators_leave() -> None:
    experiment = parse(HEAD + FOUR + TAIL)
    assert len(experiment.variants) == 8
    signs = [[1 if "=" + high in name else -1 for high in ("question", "photo", "anna", "sun")]
             for name in experiment.weights]  # fmt: skip
    assert all(a * b * c == d for a, b, c, d in signs)


def test_the_design_is_registered_and_that_of_old_files_is_what_it_was(definition: str) -> None:
    # as the version before factors gave it
    assert analysis_sha256(parse(definition)) == "09cd2a3fb13f9de8c76700f044b9b63b7977b56857893106d1bd6ded54e30596"
    texts = (TWO, TWO + '[design]\nkind = "full"\n', TWO.replace('"none", "photo"', '"photo", "none"'))
    one, written_out, turned = (analysis_sha256(parse(HEAD + text + TAIL)) for text in texts)
    assert one == written_out
    assert one != turned


BAD = [
    ("name = \"image\"", "name = \"subject\"", "test.toml: factors", "two factors have one name"),
    ('["none", "photo"]', '["none"]', "test.toml: factors: image", "two levels or more"),
    ('["none", "photo"]', '["none", "a, b"]', "test.toml: factors: image", "separator"),
    ('["none", "photo"]', '["none", 3]', "[[factors]] 2: levels", "list of texts"),
    ('levels = ["none", "photo"]', "", "[[factors]] 2: levels", "missing"),
    ('["none", "photo"]', '["none", "photo", "video"]', "test.toml: factors", "more than two levels"),
    ('generators = ["D=ABC"]', "", "test.toml: factors", "needs generators"),
    ('generators = ["D=ABC"]', 'generators = ["D=A"]', "test.toml: factors", "aliased with each other"),
    ('generators = ["D=ABC"]', 'generators = ["D=ABX"]', "test.toml: factors", "unknown factor"),
    ('kind = "fraction"', 'kind = "full"', "test.toml: factors", "a full design has no generators"),
    ('kind = "fraction"', 'kind = "half"', "[design]: kind", "must be one of"),
    ('kind = "fraction"', 'kind = "fraction"\nrun = 8', "[design]: run", "unknown key"),
    ("[design]", "[[variants]]\nname = \"a\"\n[design]", "test.toml: variants", "beside factors"),
    ("purpose", "control = \"subject=plain\"\npurpose", "test.toml: control", "not the name of a variant"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "where", "what"), BAD)
def test_a_bad_factor_is_refused_by_file_and_field(old: str, new: str, where: str, what: str) -> None:
    text = HEAD + FOUR + TAIL
    assert old in text
    with pytest.raises(BadInput) as caught:
        parse(text.replace(old, new, 1))
    assert where in str(caught.value.where)
    assert what in caught.value.what


def test_one_factor_and_a_thousand_cells_and_more_are_refused() -> None:
    with pytest.raises(BadInput, match="only one factor"):
        parse(HEAD + '[[factors]]\nname = "a"\nlevels = ["x", "y"]\n' + TAIL)
    many = "".join(f'[[factors]]\nname = "f{at}"\nlevels = ["x", "y"]\n' for at in range(10))
    with pytest.raises(BadInput, match="1,024 cells"):
        parse(HEAD + many + TAIL)
    with pytest.raises(BadInput, match="there are no factors"):
        parse(HEAD + "[design]\n" + TAIL)


# -- commands ---------------------------------------------------------------------------------------------------------


def test_design_shows_cells_resolution_and_alias_chains(bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    bench.write(HEAD + FOUR + TAIL)
    found = show_design(bench.ctx, "test")
    assert (found.runs, found.resolution, found.defining_relation) == (8, 4, "I = ABCD")
    assert [chain.letters for chain in found.aliases[-3:]] == ["AB = CD", "AC = BD", "AD = BC"]
    assert sum(cell.share for cell in found.cells) == pytest.approx(1)
    assert invoke(["experiment", "design", "test"], bench.ctx) == 0
    text = capsys.readouterr().out
    assert "AB = CD  (subject*image = sender*day)" in text
    assert "A = BCD *" in text
    assert invoke(["experiment", "design", "test", "--json"], bench.ctx) == 0
    assert '"resolution": 4' in capsys.readouterr().out
    for verb in ("validate", "show"):
        assert invoke(["experiment", verb, "test"], bench.ctx) == 0
        text = capsys.readouterr().out
        assert "I = ABCD" in text
        assert "A = BCD" in text


def test_an_experiment_without_factors_has_no_design(bench: Any) -> None:
    with pytest.raises(BadInput, match="has no factors"):
        show_design(bench.ctx, "test")
    assert validate_experiment(bench.ctx, "test").design is None
    assert "design" not in show_experiment(bench.ctx, "test")


def test_people_are_assigned_to_cells(filled: Callable[..., Any]) -> None:
    bench = filled()
    bench.gate.known.update(range(200))
    bench.gate.permitted.update(range(200))
    variants = {assign_unit(bench.ctx, "test", RawId("member", str(number))).variant for number in range(200)}
    assert variants == set(CELLS)


# -- the readout ------------------------------------------------------------------------------------------------------


def test_the_readout_has_effects_per_metric_and_judges_cells(filled: Callable[..., Any], told: Any) -> None:
    plain = told(filled())
    section = plain["factorial"]
    assert [factor["name"] for factor in section["factors"]] == ["subject", "image"]
    (metric,) = section["metrics"]
    found = {effect["label"]: effect["absolute"]["estimate"] for effect in metric["effects"]}
    assert found == pytest.approx(
        {
            "subject: question - plain": 0.3,
            "image: photo - none": 0.2,
            "subject: question - plain × image: photo - none": (0.7 - 0.4) - (0.3 - 0.2),
        }
    )
    assert [cell["n"] for cell in metric["cells"]] == [200] * 4
    assert metric["best"]["best"] == CELLS[3]
    assert plain["verdict"]["value"] == "ship"
    assert plain["verdict"]["hypotheses"] == 3
    assert CELLS[3] in plain["verdict"]["variants"]
    assert any("effects of factors and the best cell decide nothing" in note for note in plain["notes"])
    assert f"of these cells {CELLS[3]} leads, shown to be the best" in plain["verdict"]["reason"]


def test_a_level_that_is_shown_where_no_cell_is_is_told(filled: Callable[..., Any], told: Any) -> None:
    plain = told(filled((250,) * 4, (0.2, 0.2, 0.292, 0.292)))
    assert plain["verdict"]["value"] == "do not ship"
    assert {test["outcome"] for test in plain["verdict"]["tests"]} == {"not shown"}
    reason = plain["verdict"]["reason"]
    assert reason.startswith("no primary metric is shown to be better; on the average of the other factors")
    assert "corrected for 2 main effects): visit, subject: question - plain is better +9.20 pp [" in reason
    assert "image" not in reason
    assert "a single cell has too few units" in reason
    (effect, *_) = plain["factorial"]["metrics"][0]["effects"]
    assert f"p = {2 * effect['p_value']:.4f}" in reason


@pytest.mark.parametrize("share", [0.252, 0.256, 0.260, 0.264, 0.268, 0.272])
def test_a_level_is_told_where_its_corrected_p_is_below_alpha(
    filled: Callable[..., Any], told: Any, share: float
) -> None:
    plain = told(filled((250,) * 4, (0.2, 0.2, share, share)))
    p_value = plain["factorial"]["metrics"][0]["effects"][0]["p_value"]
    assert ("subject: question - plain is better" in plain["verdict"]["reason"]) == (2 * p_value < 0.05)


def test_before_there_is_a_verdict_no_level_is_told(
    filled: Callable[..., Any], told: Any, at_day: Callable[[float], int]
) -> None:
    bench = filled()
    bench.clock._now_us = at_day(12)
    assert "average" not in told(bench)["verdict"]["reason"]


def test_before_the_horizon_no_effect_is_told(
    filled: Callable[..., Any], told: Any, at_day: Callable[[float], int]
) -> None:
    bench = filled()
    bench.clock._now_us = at_day(12)
    plain = told(bench)
    assert "factorial" not in plain
    assert any("told once, when the horizon is over" in note for note in plain["notes"])


@pytest.mark.parametrize("few", [1, 9])
def test_a_cell_of_fewer_than_k_hides_every_figure_of_the_factors(
    filled: Callable[..., Any], told: Any, few: int
) -> None:
    plain = told(filled((200, 200, 200, few)))
    (metric,) = plain["factorial"]["metrics"]
    assert (metric["effects"], metric["tests"], metric["best"], metric["n"]) == ([], [], None, None)
    assert [condition["code"] for condition in metric["conditions"]] == ["fewer_than_k"]
    assert metric["cells"][3]["n"] is None
    assert {(cell["value"], cell["se"]) for cell in metric["cells"]} == {(None, None)}


def test_a_cell_that_nobody_met_is_missing(filled: Callable[..., Any], told: Any) -> None:
    (metric,) = told(filled((200, 200, 200, 0)))["factorial"]["metrics"]
    assert metric["missing"] == [CELLS[3]]
    assert metric["estimable_order"] == 1
    assert all(effect["absolute"] is None for effect in metric["effects"] if len(effect["term"]) > 1)


def test_nobody_at_all_gives_no_effect(filled: Callable[..., Any], told: Any) -> None:
    (metric,) = told(filled((0, 0, 0, 0)))["factorial"]["metrics"]
    assert [condition["code"] for condition in metric["conditions"]] == ["no_units"]


def test_a_fraction_tells_chains_and_never_an_effect_alone(
    bench: Any, told: Any, at_day: Callable[[float], int]
) -> None:
    bench.write(HEAD + FOUR + TAIL)
    bench.clock._now_us = at_day(0)
    start_experiment(bench.ctx, "test")
    subject = itertools.count(1)
    for cell in parse(HEAD + FOUR + TAIL).weights:
        for index in range(50):
            number = next(subject)
            bench.rows.expose(number, cell, 1)
            if index < (20 if "question" in cell else 10):
                bench.rows.outcome(number, "visit", 2)
        bench.rows.enrol(cell, 50)
    bench.clock.move_to(at_day(59.5))
    section = told(bench)["factorial"]
    assert (section["resolution"], section["defining_relation"]) == (4, "I = ABCD")
    effects = section["metrics"][0]["effects"]
    assert [effect["chain"]["letters"] for effect in effects] == [
        *("A = BCD", "B = ACD", "C = ABD", "D = ABC", "AB = CD", "AC = BD", "AD = BC")
    ]
    assert effects[0]["absolute"]["estimate"] == pytest.approx(0.2)
    assert effects[4]["label"] == "subject*image = sender*day"
