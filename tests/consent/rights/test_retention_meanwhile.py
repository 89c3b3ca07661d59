"""`imp consent retention --execute` takes its time, and who says something in it that keeps their evidence stays."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.audit.verify import Verification, verify
from imp_consent.commands import retention as command
from imp_consent.commands.retention import retention
from imp_consent.plane.remove import pending
from imp_consent.runtime import open_log
from imp_core.clock import DAY_US, SimulatedClock, parse_time
from imp_core.context import Context
from imp_core.event import RawId
from imp_core.randomness import SeededRandomness

Line = Any
Setting = Callable[[str], None]
Meanwhile = Callable[[Callable[[], object]], None]
ANN, BEN, KIM = "email:ann@example.com", "member:ben", "member:kim"
NOW_US = parse_time("2026-03-01T12:00:00Z")
ANALYTICS = ("--purpose", "analytics")
GUARDIAN = ("--role", "mother", "--verification", "ID card", *ANALYTICS, "--jurisdiction", "DE")


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """What is given happens once the people were looked for, while rows are removed."""

    def put(deed: Callable[[], object]) -> None:
        whole = command.remove_rows

        def during(*args: Any) -> Any:
            deed()
            return whole(*args)

        monkeypatch.setattr(command, "remove_rows", during)

    return put


def refuse(line: Line, *people: str) -> None:
    for who in people:
        line("consent", "record", who, *ANALYTICS, "--state", "withdrawn").ok()


def entries(line: Line, who: str) -> list[Any]:
    found: list[Any] = line("consent", "history", who, "--json").json["entries"]
    return found


@pytest.mark.parametrize(
    "words",
    [
        ("record", ANN, *ANALYTICS, "--state", "given"),
        ("record", ANN, *ANALYTICS, "--state", "refused"),
        ("restrict", ANN, "--grounds", "a claim in court"),
        ("requests", "open", "access", ANN),
    ],
)
def test_r60_who_says_something_while_it_runs_stays_and_the_others_go(
    shop: Line, setting: Setting, clock: SimulatedClock, meanwhile: Meanwhile, verified: Callable[[], Verification],
    words: tuple[str, ...],
) -> None:  # fmt: skip
    setting("[retention]\nevidence = 100")
    refuse(shop, ANN, BEN)
    clock.move_to(NOW_US + 101 * DAY_US)
    meanwhile(lambda: shop("consent", *words).ok())
    done = shop("consent", "retention", "--execute", "--json").ok().json
    assert (done["people"], done["kept_meanwhile"]) == (1, 1)
    assert len(entries(shop, ANN)) >= 3
    assert entries(shop, BEN) == []
    code = shop("consent", "check", ANN, *ANALYTICS).code
    assert code == (0 if "given" in words else 1)
    verified()


def test_where_everybody_says_something_meanwhile_nobody_goes_and_nothing_is_noted_of_it(
    shop: Line, setting: Setting, clock: SimulatedClock, meanwhile: Meanwhile, context: Context
) -> None:
    setting("[retention]\nevidence = 100")
    refuse(shop, ANN)
    clock.move_to(NOW_US + 101 * DAY_US)
    meanwhile(lambda: shop("consent", "record", ANN, *ANALYTICS, "--state", "given").ok())
    done = shop("consent", "retention", "--execute").ok().out
    assert "the evidence of 0 people" in done
    assert "kept: 1 person of whom something was recorded meanwhile" in done
    with open_log(context).read() as reader:
        assert not [*reader.system_entries("retention"), *reader.system_entries("erased")]


def test_r29_a_guardian_stays_where_the_child_says_something_or_an_authorisation_comes_meanwhile(
    family: Line, setting: Setting, clock: SimulatedClock, meanwhile: Meanwhile, verified: Callable[[], Verification]
) -> None:
    setting("[retention]\nevidence = 30")
    refuse(family, ANN, BEN)
    end = (*ANALYTICS, "--state", "withdrawn", "--jurisdiction", "DE")
    family("consent", "record", KIM, *end, "--by-guardian").ok()
    clock.move_to(NOW_US + 100 * DAY_US)
    assert family("consent", "retention", "--json").ok().json["people"] == 3, "Ann, the child she stands for, and Ben"

    def both() -> None:
        family("consent", "record", KIM, *ANALYTICS, "--state", "withdrawn", "--jurisdiction", "DE").ok()
        family("consent", "guardian", "member:new", "--guardian", BEN, *GUARDIAN).ok()

    meanwhile(both)
    done = family("consent", "retention", "--execute", "--json").ok().json
    assert (done["people"], done["kept_meanwhile"]) == (0, 3)
    assert (done["guardians"], done["authorisations"]) == (2, 2)
    assert all(entries(family, who) for who in (ANN, BEN, KIM))
    verified()


def test_an_approval_of_more_people_holds_for_those_who_are_left(
    shop: Line, setting: Setting, clock: SimulatedClock, meanwhile: Meanwhile
) -> None:
    path = shop.workspace / "imp.toml"
    text = path.read_text(encoding="utf-8")
    assert "[policy]" not in text
    setting("[policy]\ntwo_persons_above = 1\n[retention]\nevidence = 100")
    refuse(shop, ANN, BEN)
    clock.move_to(NOW_US + 101 * DAY_US)
    asked = shop("consent", "retention", "--execute")
    assert asked.code == 1
    assert len(entries(shop, BEN)) == 2
    seq = asked.err.split("imp approve ")[1].split()[0]
    shop("--actor", "Olga Other", "approve", seq).ok()
    meanwhile(lambda: shop("consent", "record", ANN, *ANALYTICS, "--state", "given").ok())
    done = shop("consent", "retention", "--execute", "--json").ok().json
    assert (done["people"], done["kept_meanwhile"]) == (1, 1)
    assert shop("consent", "check", ANN, *ANALYTICS).code == 0


def _at(folder: Path) -> Context:
    return Context(
        environ={"IMP_HOME": str(folder / "workspace"), "IMP_KEYS": str(folder / "keys"), "IMP_ACTOR": "tester"},
        directory=folder,
        clock=SimulatedClock(NOW_US + 101 * DAY_US),
        randomness=SeededRandomness(5),
    )


def test_killed_at_a_step_of_an_erasure_the_next_run_ends_it_and_it_is_noted_once(
    shop: Line, setting: Setting, killer: Any, tmp_path: Path
) -> None:
    setting("[retention]\nevidence = 100")
    refuse(shop, ANN)

    def copy(name: str) -> Path:
        target = tmp_path / "places" / name
        shutil.rmtree(target, ignore_errors=True)
        for part in ("workspace", "keys"):
            shutil.copytree(tmp_path / part, target / part)
        return target

    def work(folder: Path) -> None:
        ctx = _at(folder)
        retention(ctx, execute=True)
        ctx.close()

    whole = copy("whole")
    points = killer.points(lambda: work(whole))
    for point in [n for n, what in enumerate(points) if what in {"COMMIT", "rename", "unlink"}]:
        folder = copy("killed")
        killer.kill_before(point, lambda folder=folder: work(folder))
        work(folder)
        ctx = _at(folder)
        assert pending(open_log(ctx)) == 0, f"killed before {point}, {points[point]}, then again"
        with open_log(ctx).read() as reader:
            assert reader.find_subject(RawId.parse(ANN)) is None
            assert [entry.fields["people"] for entry in reader.system_entries("retention")] == [1]
        assert verify(ctx.workspace, open_log(ctx).keyring).problems == ()
        ctx.close()


def test_r60_the_dry_run_after_a_kill_says_what_is_under_way_and_what_finishes_it(
    shop: Line, setting: Setting, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting("[retention]\nevidence = 100")
    refuse(shop, ANN, BEN)
    clock.move_to(NOW_US + 101 * DAY_US)

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(command, "resume", killed)
        assert shop("consent", "retention", "--execute").code != 0
    said = shop("consent", "retention").ok().out
    assert "nothing is past its period\n2 erasures are under way: --execute finishes what was begun" in said
    assert shop("consent", "retention", "--json").ok().json["under_way"] == 2
    assert "under way" not in shop("consent", "retention", "--execute").ok().out
    assert "under way" not in shop("consent", "retention").ok().out
