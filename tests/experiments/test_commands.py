from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from imp_core.cli import invoke
from imp_core.errors import BadInput, CheckFailed
from imp_core.event import RawId
from imp_core.gate import Action, DenyAll
from imp_experiments.commands.assign import assign_unit
from imp_experiments.commands.define import list_experiments, new_experiment, show_experiment, validate_experiment
from imp_experiments.commands.start import start_experiment
from imp_experiments.design.assign import place
from imp_experiments.runtime import open_assigner


@pytest.fixture
def run(bench: Any, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """`imp experiment …` in this process, on the bench's fakes."""

    def invoked(*arguments: str) -> tuple[int, str, str]:
        code = invoke(["experiment", *arguments], bench.ctx)
        out, err = capsys.readouterr()
        return code, out, err

    return invoked


def test_new_writes_a_file_that_validates_with_a_salt_of_its_own(bench: Any) -> None:
    one, two = new_experiment(bench.ctx, "one"), new_experiment(bench.ctx, "two", purpose="analytics")
    assert validate_experiment(bench.ctx, "one").variants == {"control": 1, "treatment": 1}
    shown = [show_experiment(bench.ctx, name)["definition"] for name in ("one", "two")]
    assert shown[0]["salt"] != shown[1]["salt"]
    assert len(shown[0]["salt"]) == 24
    assert (shown[0]["purpose"], shown[1]["purpose"]) == ("experimentation", "analytics")
    assert one.path != two.path


def test_new_never_overwrites(bench: Any) -> None:
    before = (bench.root / "experiments" / "test.toml").read_bytes()
    with pytest.raises(BadInput, match="already"):
        new_experiment(bench.ctx, "test")
    assert (bench.root / "experiments" / "test.toml").read_bytes() == before


@pytest.mark.parametrize("name", ["../evil", "Über", "a b", "", "x" * 65, "-x"])
def test_a_name_that_is_no_file_name_is_refused(bench: Any, name: str) -> None:
    with pytest.raises(BadInput):
        new_experiment(bench.ctx, name)
    assert [path.name for path in (bench.root / "experiments").iterdir()] == ["test.toml"]


def test_a_purpose_that_cannot_be_one_leaves_no_file(bench: Any) -> None:
    with pytest.raises(BadInput, match="not a purpose"):
        new_experiment(bench.ctx, "fresh", purpose='x"\ny = 1')
    assert not (bench.root / "experiments" / "fresh.toml").exists()


def test_validate_names_file_and_field(bench: Any, run: Any, definition: str) -> None:
    bench.write(definition.replace('window = "7d"', "window = 7"))
    code, _, err = run("validate", "test")
    assert code == 2
    assert "test.toml: [[metrics]] 1: window" in err


def test_validate_warns_of_a_window_that_is_over_for_hardly_anybody_at_the_horizon(
    imp_here: Any, definition: str
) -> None:
    file = imp_here.workspace / "test.toml"
    file.write_text(definition, encoding="utf-8")
    assert imp_here("experiment", "validate", "test.toml", "--json").ok().json["warnings"] == []
    file.write_text(definition.replace('window = "7d"', 'window = "19d"'), encoding="utf-8")
    told = imp_here("experiment", "validate", "test.toml").ok().out
    assert "warning: visit: of 20 days, only who comes in the first 1 counts" in told
    assert "lengthen plan.horizon, or shorten the window" in told


def test_validate_takes_a_path_without_a_workspace(imp_here: Any, definition: str) -> None:
    path = imp_here.workspace / "test.toml"
    path.write_text(definition, encoding="utf-8")
    answer = imp_here("experiment", "validate", "test.toml", "--json").ok()
    assert answer.json["metrics"] == ["visit"]
    assert len(answer.json["analysis_sha256"]) == 64


def test_a_name_inside_the_file_that_is_not_the_files_is_refused(bench: Any, definition: str) -> None:
    bench.write(definition, name="other")
    with pytest.raises(BadInput, match="not the file's"):
        validate_experiment(bench.ctx, "other")


def test_start_registers_hashes_salt_and_the_files_bytes(bench: Any) -> None:
    started = start_experiment(bench.ctx, "test")
    (entry,) = bench.ledger.written
    assert entry.type == "experiment"
    assert entry.fields == {
        "experiment": "test",
        "phase": 1,
        "purpose": "experimentation",
        "variants": ["a", "b"],
        "definition_sha256": started.definition_sha256,
        "analysis_sha256": validate_experiment(bench.ctx, "test").analysis_sha256,
        "salt": "k3x9qa7vdd",
        "started_us": bench.clock.now_us(),
    }
    stored = bench.ledger.documents[started.definition_sha256]
    assert stored == (bench.root / "experiments" / "test.toml").read_bytes()


def test_a_second_start_is_refused_even_with_other_weights(bench: Any, definition: str, run: Any) -> None:
    start_experiment(bench.ctx, "test")
    with pytest.raises(CheckFailed, match="was started"):
        start_experiment(bench.ctx, "test")
    bench.write(definition.replace('name = "b"', 'name = "b"\nweight = 2'))
    assert run("start", "test")[0] == 1
    assert len(bench.ledger.written) == 1


def test_an_experiment_for_a_purpose_that_nobody_can_consent_to_is_not_started(bench: Any, definition: str) -> None:
    bench.write(definition.replace('purpose = "experimentation"', 'purpose = "flying"'))
    with pytest.raises(BadInput, match="knows no such purpose"):
        start_experiment(bench.ctx, "test")
    assert bench.ledger.written == []


def test_an_invalid_definition_is_not_started(bench: Any, definition: str) -> None:
    bench.write(definition.replace("horizon", "horizn"))
    with pytest.raises(BadInput):
        start_experiment(bench.ctx, "test")
    assert bench.ledger.written == []


def test_list_tells_drafts_started_changed_invalid_and_missing_ones(bench: Any, definition: str) -> None:
    for name in ("changed", "gone", "running"):
        bench.write(definition.replace('"test"', f'"{name}"'), name=name)
        start_experiment(bench.ctx, name)
    bench.write(definition.replace('"test"', '"changed"').replace("7d", "6d"), name="changed")
    bench.write("name =", name="bad")
    (bench.root / "experiments" / "gone.toml").unlink()
    written = len(bench.ledger.written)
    assert {row.name: row.state for row in list_experiments(bench.ctx)} == {
        "bad": "invalid",
        "changed": "changed",
        "gone": "missing",
        "running": "started",
        "test": "draft",
    }
    assert len(bench.ledger.written) == written


def test_show_fills_in_defaults_and_the_registration(bench: Any, run: Any) -> None:
    assert show_experiment(bench.ctx, "test")["registration"] is None
    start_experiment(bench.ctx, "test")
    code, out, _ = run("show", "test", "--json")
    assert code == 0
    shown = json.loads(out)
    assert shown["registration"]["analysis_sha256"] == shown["analysis_sha256"]
    assert shown["definition"]["metrics"][0]["role"] == "primary"
    assert "started 2026-03-01T12:00:00Z" in " ".join(run("show", "test")[1].split())


@pytest.mark.parametrize("verb", ["validate", "show", "start", "readout"])
def test_an_unknown_experiment_is_bad_input(run: Any, verb: str) -> None:
    code, _, err = run(verb, "nothing")
    assert code == 2
    assert "no experiment 'nothing'" in err


# -- assignment -------------------------------------------------------------------------------------------------------


def test_a_permitted_person_is_told_the_hashes_variant_and_enrolled_nowhere(bench: Any) -> None:
    bench.gate.known = bench.gate.permitted = {7}
    assigned = assign_unit(bench.ctx, "test", RawId("member", "7"))
    assert assigned.in_experiment
    assert assigned.reason == "given"
    assert (assigned.segment, assigned.bucket) == (place("test", "7"), place("k3x9qa7vdd", "7"))
    assert assigned.variant == ("a" if place("k3x9qa7vdd", "7") < 5_000 else "b")
    ((use),) = bench.gate.asked
    assert (use.purpose, use.subject, use.action) == ("experimentation", 7, Action.ANALYSE)
    assert bench.ledger.written == []
    assert bench.view.uses == []


def test_without_permission_a_person_is_served_control_outside_the_experiment(bench: Any, run: Any) -> None:
    bench.gate.known = {7}
    assigned = assign_unit(bench.ctx, "test", RawId("member", "7"))
    assert (assigned.variant, assigned.in_experiment, assigned.reason) == ("a", False, "withdrawn")
    assert (assigned.segment, assigned.bucket) == (None, None)
    code, out, _ = run("assign", "test", "member:7")
    assert code == 0
    assert out == "a, outside the experiment (withdrawn)\n"


def test_an_unknown_person_and_a_missing_gate_have_their_own_reasons(bench: Any) -> None:
    assert assign_unit(bench.ctx, "test", RawId("member", "8")).reason == "no_record"
    bench.ctx.gate = DenyAll()
    assert assign_unit(bench.ctx, "test", RawId("member", "8")).reason == "ledger_unavailable"


def test_nobody_takes_part_while_nothing_reads_a_setting(bench: Any, run: Any) -> None:
    bench.gate.known = bench.gate.permitted = {7}
    path = bench.root / "imp.toml"
    sound = path.read_text(encoding="utf-8")
    path.write_text(f'{sound}\n[policy]\nregims = ["cn-pipl"]\n', encoding="utf-8")
    bench.ctx.__dict__.pop("workspace", None)
    code, out, err = run("assign", "test", "member:7")
    assert (code, out) == (0, "a, outside the experiment (settings_unread)\n")
    assert "warning: nothing reads imp.toml, [policy] regims" in err
    path.write_text(sound, encoding="utf-8")
    bench.ctx.__dict__.pop("workspace", None)
    assert assign_unit(bench.ctx, "test", RawId("member", "7")).in_experiment


def test_outside_the_traffic_share_a_permitted_person_is_served_control(bench: Any, definition: str) -> None:
    bench.write("traffic = 0.0001\n" + definition)
    outside = next(str(n) for n in range(100) if place("test", str(n)))
    bench.gate.known = bench.gate.permitted = {int(outside)}
    assigned = assign_unit(bench.ctx, "test", RawId("member", outside))
    assert (assigned.variant, assigned.in_experiment, assigned.reason) == ("a", False, "outside_traffic")


def test_the_identifier_may_come_from_standard_input_and_is_not_repeated(
    bench: Any, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io  # noqa: PLC0415 (a stand-in for the terminal)

    bench.gate.known = bench.gate.permitted = {777_777}
    monkeypatch.setattr("sys.stdin", io.StringIO("member:777777\n"))
    code, out, err = run("assign", "test", "-", "--json")
    assert code == 0
    assert json.loads(out)["in_experiment"] is True
    assert "777777" not in out + err


def test_the_assigner_refuses_a_definition_changed_since_the_start(bench: Any, definition: str) -> None:
    start_experiment(bench.ctx, "test")
    bench.write(definition.replace("k3x9qa7vdd", "another-salt"))
    with pytest.raises(CheckFailed, match="has changed"):
        open_assigner(bench.ctx).assign("test", "1")


def test_the_assigner_knows_the_phase_and_refuses_strangers(bench: Any) -> None:
    start_experiment(bench.ctx, "test")
    assert open_assigner(bench.ctx).assign("test", "1").phase == 1
    with pytest.raises(BadInput):
        open_assigner(bench.ctx).assign("nothing", "1")


# -- printing ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def readable(bench: Any, at_day: Callable[[float], int]) -> Any:
    bench.clock._now_us = at_day(0)
    start_experiment(bench.ctx, "test")
    for subject in range(400):
        bench.rows.expose(subject, "ab"[subject % 2], 1)
        if subject % 4 == 3 or subject % 16 == 0:
            bench.rows.outcome(subject, "visit", 2)
    bench.rows.enrol("a", 200)
    bench.rows.enrol("b", 200)
    bench.clock.move_to(at_day(59))
    return bench


def test_the_table_gives_the_answer_first_then_health_then_detail(readable: Any, run: Any) -> None:
    code, out, _ = run("readout", "test")
    assert code == 0
    assert out.startswith("test: SHIP - visit of b: better")
    parts = ["SHIP", "50.00%", "sample ratio: ok", "excluded: nobody", "consenting units", "ledger entries 100 and 101"]
    places = [out.index(part) for part in parts]
    assert places == sorted(places)
    assert readable.view.closings


def test_json_on_the_screen_is_what_the_ledger_committed_to(readable: Any, run: Any) -> None:
    _, out, _ = run("readout", "test", "--json")
    assert out.encode() == (readable.root / "reports" / "test-100.json").read_bytes()
    assert run("readout", "test", "--format", "json")[1].startswith("{")


def test_markdown_goes_to_a_file_where_asked(readable: Any, run: Any) -> None:
    code, _, _ = run("readout", "test", "--format", "markdown", "--out", "report.md")
    assert code == 0
    text = (readable.root / "report.md").read_text(encoding="utf-8")
    assert text.startswith("# test: SHIP")
    assert "| visit | b | 200 |" in text
    assert "## Health" in text


def test_a_folder_that_is_not_there_is_refused_before_anybodys_data_is_used(readable: Any, run: Any) -> None:
    code, _, err = run("readout", "test", "--out", "nowhere/report.md")
    assert code == 2
    assert "no such folder" in err
    assert readable.view.uses == []


def test_names_cannot_forge_the_table_or_the_markdown(readable: Any, definition: str, run: Any) -> None:
    hostile = r"b\u001b[31m|<script>"
    readable.write(definition.replace('name = "test"', 'name = "forged"').replace('"b"', f'"{hostile}"'), name="forged")
    start_experiment(readable.ctx, "forged")
    table, markdown = run("readout", "forged")[1], run("readout", "forged", "--format", "markdown")[1]
    assert "\x1b" not in table + markdown
    assert "<script>" not in markdown.replace(r"\<script\>", "")


# -- weight -----------------------------------------------------------------------------------------------------------


def imported_by(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


HEAVY = {"numpy", "scipy", "duckdb", "narwhals", "pandas", "polars", "pyarrow", "statsmodels", "rich"}


def test_the_entry_point_imports_only_core() -> None:
    modules = imported_by("import imp_experiments.plugin")
    assert not modules & HEAVY
    assert "imp_consent" not in modules


def test_analyze_is_imported_when_it_is_asked_for_and_never_statsmodels() -> None:
    assert not imported_by("import imp_experiments") & HEAVY
    heavy = imported_by("from imp_experiments import analyze") & {"statsmodels", "pandas", "polars", "imp_consent"}
    assert heavy == set()


def test_the_commands_help_imports_nothing_heavy() -> None:
    modules = imported_by(
        "from imp_core.cli import invoke\ninvoke(['experiment', '--help'])\ninvoke(['experiment', 'new', '--help'])"
    )
    assert not modules & HEAVY


@pytest.mark.parametrize("verb", ["new", "validate", "list", "show", "start", "assign", "readout", "analyze"])
def test_every_verb_has_an_example_in_its_help(run: Any, verb: str) -> None:
    code, out, _ = run(verb, "--help")
    assert code == 0
    assert f"Example: imp experiment {verb}" in " ".join(out.split())
    assert "--json" in out
