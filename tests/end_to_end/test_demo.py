"""`imp demo` through the real command line: its figures are those of the commands, and nothing of it is acted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_core.clock import SimulatedClock
from imp_core.context import Context
from imp_core.errors import BadInput, ImpError, LedgerBroken
from imp_demo.command import demo
from imp_demo.shop import PLANTED_VISITS
from imp_demo.stage import free_folder

PEOPLE = 3_000
# The demo's mail server listens on this machine.
pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]


def test_the_demo_tells_the_whole_story(imp: Callable[..., Any], tmp_path: Path) -> None:
    answer = imp("demo", "--dir", tmp_path / "demo", "--people", PEOPLE, "--json", "--seed", 7)
    told = answer.ok().json
    assert "warning" not in answer.err.lower(), "what is shown to newcomers is no example of what to mend"
    consent = told["consent"]["by_purpose"]
    assert set(consent) == {"experimentation", "analytics", "marketing.email"}
    assert all(sum(reasons.values()) == PEOPLE for reasons in consent.values())
    # whoever permitted something else is told that this was not part of it
    assert all(set(reasons) == {"given", "refused", "no_record", "purpose_not_covered"} for reasons in consent.values())
    mailing = told["mailing"]
    assert mailing["audience"] == sum(mailing["refused"].values()) + sum(mailing["sent"].values()) == PEOPLE
    assert mailing["received"] == mailing["contents"]
    assert set(mailing["contents"]) == {"plain", *PLANTED_VISITS}
    assert mailing["exposed"] >= told["email_test"]["matured"] + told["email_test"]["immature"]
    intake = told["intake"]
    assert intake["received"] == intake["admitted"] + sum(intake["denied"].values())
    arms = {(arm["metric"], arm["variant"]): arm for arm in told["email_test"]["arms"]}
    assert {place: arm["planted"] for place, arm in arms.items() if place[0] == "visit"} == {
        ("visit", variant): lift for variant, lift in PLANTED_VISITS.items()
    }
    assert all(arm["low"] < arm["estimate"] < arm["high"] for arm in arms.values())
    assert told["email_test"]["immature"] > 0
    assert told["broken"]["verdict"] == "invalid"
    assert told["broken"]["srm_p_value"] < 0.001
    leaving = told["leaving"]
    assert leaving["withdrew"] >= 10
    assert leaving["counted_after"] == leaving["counted_before"] - leaving["withdrew"]
    assert leaving["excluded_after"]["withdrawn"] == leaving["withdrew"] - 1
    assert (leaving["decision_after_withdrawal"], leaving["decision_after_erasure"]) == ("withdrawn", "no_record")
    assert told["proof"]["ok"] is True
    assert any("entry" in line for line in told["proof"]["found"])

    home, keys = told["workspace"], told["keys"]
    assert (home, keys) == (str(tmp_path / "demo" / "workspace"), str(tmp_path / "demo" / "keys"))
    status = imp("status", "--json", IMP_HOME=home, IMP_KEYS=keys).ok().json
    assert status["entries"] == told["proof"]["entries"]
    assert imp("audit", "verify", IMP_HOME=home, IMP_KEYS=keys).code == 0
    again = imp("experiment", "readout", "spring-email", "--json", IMP_HOME=home, IMP_KEYS=keys).ok().json
    assert again["excluded"]["withdrawn"] == leaving["excluded_after"]["withdrawn"]
    assert list((tmp_path / "demo" / "inputs").iterdir()) == [], "the shop's exports hold identifiers"


def test_the_demo_for_people_says_how_to_go_on(imp: Callable[..., Any], tmp_path: Path) -> None:
    answer = imp("demo", "--dir", tmp_path / "demo", "--people", 600).ok()
    for words in (
        "generated data",
        "refused at the gate",
        "planted",
        "invalid",
        "export IMP_HOME=",
        "export IMP_KEYS=",
    ):
        assert words in answer.out
    assert "member:C" not in answer.out
    assert "warning" not in (answer.out + answer.err).lower()
    again = imp("demo", "--dir", tmp_path / "demo", "--people", 600)
    assert (again.code, "not empty" in again.err) == (2, True), "whoever goes on in it keeps it"


def test_without_a_folder_named_each_demo_gets_its_own(tmp_path: Path) -> None:
    assert free_folder(tmp_path).name == "imp-demo"
    (tmp_path / "imp-demo").mkdir()
    (tmp_path / "imp-demo-2").mkdir()
    assert free_folder(tmp_path).name == "imp-demo-3"


def test_the_same_seed_tells_the_same_figures_under_other_keys(context: Context, tmp_path: Path) -> None:
    one, other = (demo(context, tmp_path / name, people=500, seed=3) for name in ("one", "other"))
    assert one.consent == other.consent
    assert one.intake == other.intake
    assert one.email_test.arms == other.email_test.arms
    assert one.proof.root != other.proof.root


def _raise(*_: object, **__: object) -> Any:
    raise LedgerBroken("broken on purpose")


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("imp_demo.story", "ingest"),
        ("imp_demo.mailing", "send"),
        ("imp_consent.plane.send.send", "send_chunk"),
        ("imp_demo.story", "import_file"),
        ("imp_consent.plane.view.ConsentView", "open"),
        ("imp_consent.gate.ConsentGate", "resolve"),
        ("imp_consent.gate.ConsentGate", "decide"),
        ("imp_experiments.runtime.WorkspaceAssigner", "assign"),
    ],
)
def test_the_demo_fails_where_a_part_of_it_does_not_work(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, name: str
) -> None:
    monkeypatch.setattr(f"{target}.{name}", _raise)
    with pytest.raises(ImpError, match="broken on purpose"):
        demo(context, tmp_path / "demo", people=500)


def test_the_demo_fails_behind_a_gate_that_denies_everything(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def breaks(*words: object, **_: object) -> Any:
        asked.append(words)
        raise LedgerBroken("broken on purpose")

    # Every answer in point form comes from here; the gate turns the breakage into a denial.
    monkeypatch.setattr("imp_consent.gate.point.read_answer", breaks)
    with pytest.raises(ImpError, match="too few people for a group to leave"):
        demo(context, tmp_path / "demo", people=500)
    assert len(asked) > 500, "each person's consent was asked of the gate itself"


def test_a_folder_that_holds_something_else_is_left_alone(context: Context, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(BadInput, match="not empty"):
        demo(context, tmp_path / "mine", people=500)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def test_too_few_people_are_refused_before_anything_is_written(context: Context, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="too few"):
        demo(context, tmp_path / "demo", people=10)
    assert not (tmp_path / "demo").exists()


def test_the_demo_leaves_the_callers_clock_alone(context: Context, clock: SimulatedClock, tmp_path: Path) -> None:
    before = clock.now_us()
    demo(context, tmp_path / "demo", people=500)
    assert clock.now_us() == before
