"""A unit is counted whole or not at all: stories of single people through intake, gate, view and readout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.commands.erase import erase
from imp_consent.commands.ingest import ingest
from imp_consent.commands.init import init
from imp_consent.commands.record import record
from imp_core.clock import DAY_US, SimulatedClock, format_time
from imp_core.context import Context
from imp_core.errors import CheckFailed
from imp_core.event import RawId
from imp_core.gate import Action, Use
from imp_core.plugin_commands import enable
from imp_core.ports import Superseded
from imp_experiments.commands.read_out import read_out
from imp_experiments.commands.start import start_experiment
from imp_experiments.readout.readout import Readout

DEFINITION = """
name = "story"
hypothesis = "…"
purpose = "experimentation"
unit = "subject"
salt = "0011223344556677"
namespace = "story"
traffic = 1.0
trigger = "send.decided"
control = "a"
[plan]
horizon = "20d"
[[variants]]
name = "a"
weight = 1
[[variants]]
name = "b"
weight = 1
[[metrics]]
name = "visit"
role = "primary"
kind = "proportion"
event = "visit"
value = "any"
window = "7d"
"""
CROWD = 40  # people of each variant whose story is: given, exposed, every second one visits
HEADER = "type,identifier,at,purpose,id,name,experiment,variant\n"


class Story:
    """A workspace in which single things happen at single times, in days after the clock's first reading."""

    def __init__(self, context: Context, clock: SimulatedClock, folder: Path) -> None:
        self.context, self.clock, self.folder = context, clock, folder
        self.zero = clock.now_us()
        self.files = 0
        init(context, context.directory, controller="Story Ltd")
        enable(context, "file")
        (context.workspace.experiments / "story.toml").write_text(DEFINITION)

    def at(self, day: float) -> Story:
        self.clock.move_to(self.us(day))
        return self

    def us(self, day: float) -> int:
        return self.zero + int(day * DAY_US)

    def say(self, who: str, state: str, *, day: float | None = None, purpose: str = "experimentation") -> None:
        record(
            self.context,
            RawId("member", who),
            purpose=purpose,
            state=state,
            at_us=None if day is None else self.us(day),
        )

    def take_in(self, *rows: tuple[Any, ...]) -> Any:
        """Rows of (type, who, day, purpose, name or variant)."""
        self.files += 1
        path = self.folder / f"events-{self.files}.csv"
        lines = [HEADER]
        for number, (type_, who, day, purpose, what) in enumerate(rows):
            variant, name = (f"story,{what}", "") if type_ == "exposure" else (",", what)
            lines.append(
                f"{type_},member:{who},{format_time(self.us(day))},{purpose},{self.files}-{number},{name},{variant}\n"
            )
        path.write_text("".join(lines))
        return ingest(self.context, "file", path)

    def crowd(self) -> None:
        """The others: enough of them that figures are shown."""
        names = [(f"{variant}{number}", variant, number) for variant in "ab" for number in range(CROWD)]
        for who, _, _ in names:
            self.at(0).say(who, "given")
        rows = [("exposure", who, 2, "experimentation", variant) for who, variant, _ in names]
        rows += [("outcome", who, 3, "experimentation", "visit") for who, _, number in names if number % 2]
        self.at(4).take_in(*rows)

    def readout(self) -> Readout:
        return read_out(self.context, "story").readout


@pytest.fixture
def story(context: Context, clock: SimulatedClock, tmp_path: Path) -> Story:
    told = Story(context, clock, tmp_path)
    told.crowd()
    start_experiment(context, "story")
    return told


def counts(readout: Readout) -> tuple[int | None, int | None, float | None]:
    (compared,) = readout.comparisons
    return compared.n_variant, compared.n_control, compared.value_variant


def test_who_permits_throughout_is_counted(story: Story) -> None:
    story.at(1).say("ann", "given")
    story.at(5).take_in(
        ("exposure", "ann", 4, "experimentation", "b"), ("outcome", "ann", 4.5, "experimentation", "visit")
    )
    assert counts(story.at(20).readout()) == (CROWD + 1, CROWD, pytest.approx((CROWD / 2 + 1) / (CROWD + 1)))


def test_who_withdraws_and_gives_again_inside_the_window_is_out_not_zero(story: Story) -> None:
    people = [f"p{number}" for number in range(12)]
    for who in people:
        story.at(1).say(who, "given")
    story.at(5).take_in(*(("exposure", who, 4, "experimentation", "b") for who in people))
    assert counts(story.at(5.5).readout())[0] is not None
    for who in people:
        story.at(6).say(who, "withdrawn")
    for who in people:
        story.at(7).say(who, "given")
    story.at(8).take_in(*(("outcome", who, 7.5, "experimentation", "visit") for who in people))
    readout = story.at(20).readout()
    assert counts(readout) == (CROWD, CROWD, 0.5)
    assert readout.excluded["withdrawn"] == 12


def test_who_withdraws_and_gives_again_after_the_window_stays_in(story: Story) -> None:
    story.at(1).say("ann", "given")
    story.at(5).take_in(("exposure", "ann", 4, "experimentation", "b"))
    story.at(13).say("ann", "withdrawn")
    story.at(14).say("ann", "given")
    assert counts(story.at(20).readout())[0] == CROWD + 1


def test_a_late_grant_legitimises_nothing_that_was_taken_in_before(story: Story) -> None:
    """The exposure was taken in under another purpose; the permission to experiment came later, dated back."""
    people = [f"p{number}" for number in range(12)]
    for who in people:
        story.at(1).say(who, "given", purpose="analytics")
    story.at(5).take_in(*(("exposure", who, 4, "analytics", "b") for who in people))
    for who in people:
        story.at(6).say(who, "given", day=3)
    readout = story.at(20).readout()
    assert counts(readout)[0] == CROWD
    assert readout.excluded["purpose_not_covered"] == 12


def test_a_late_grant_does_not_let_a_unit_in_from_the_middle_of_its_story(story: Story) -> None:
    people = [f"p{number}" for number in range(12)]
    for who in people:
        story.at(1).say(who, "given", purpose="analytics")
    story.at(5).take_in(*(("exposure", who, 4, "analytics", "b") for who in people))
    for who in people:
        story.at(6).say(who, "given")
    story.at(8).take_in(*(("exposure", who, 7, "experimentation", "b") for who in people))
    readout = story.at(20).readout()
    assert counts(readout)[0] == CROWD
    assert readout.excluded["purpose_not_covered"] == 12


def test_nobody_unknown_is_stored_and_a_refusal_is_counted_by_reason(story: Story) -> None:
    for number in range(12):
        story.at(1).say(f"r{number}", "refused")
    strangers = [("exposure", f"s{number}", 4, "experimentation", "b") for number in range(15)]
    refusing = [("exposure", f"r{number}", 4, "experimentation", "b") for number in range(12)]
    taken = story.at(5).take_in(*strangers, *refusing)
    assert (taken.admitted, taken.denied) == (0, {"no_record": 15, "refused": 12})
    readout = story.at(20).readout()
    assert counts(readout)[0] == CROWD
    assert (readout.excluded["no_record"], readout.excluded["refused"]) == (15, 12)
    assert readout.health.srm.observed == {"a": CROWD, "b": CROWD + 27}
    assert story.context.gate.resolve(RawId("member", "s1")) is None


def test_who_withdraws_before_the_readout_is_out_and_who_is_erased_is_gone(story: Story) -> None:
    for number in range(12):
        story.at(1).say(f"w{number}", "given")
        story.at(1).say(f"e{number}", "given")
    rows = [("exposure", f"{kind}{number}", 4, "experimentation", "b") for kind in "we" for number in range(12)]
    story.at(5).take_in(*rows)
    for number in range(12):
        story.at(19).say(f"w{number}", "withdrawn")
    done = erase(story.context, [RawId("member", f"e{number}") for number in range(12)])
    assert (done.people, done.rows) == (12, 12)
    readout = story.at(20).readout()
    assert counts(readout) == (CROWD, CROWD, 0.5)
    assert (readout.excluded["withdrawn"], readout.excluded["erased"]) == (12, 12)
    assert readout.health.srm.observed == {"a": CROWD, "b": CROWD + 24}


def test_units_whose_window_is_not_over_wait(story: Story) -> None:
    for number in range(12):
        story.at(4).say(f"n{number}", "given")
    story.at(18).take_in(*(("exposure", f"n{number}", 17, "experimentation", "b") for number in range(12)))
    readout = story.at(20).readout()
    assert counts(readout)[0] == CROWD
    assert (readout.metrics[0].matured, readout.metrics[0].immature) == (2 * CROWD, 12)


class _Leaving:
    """A view in whose readings somebody withdraws between the scan and the close."""

    def __init__(self, view: Any, leave: Callable[[], None]) -> None:
        self._view, self._leave = view, leave

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)

    def open(self, *arguments: Any, **more: Any) -> Any:
        opened = self._view.open(*arguments, **more)
        self._leave()
        return opened


def test_a_withdrawal_while_a_readout_is_computed_makes_it_run_again(story: Story) -> None:
    story.at(20)
    leaving = iter(["a1"])

    def leave() -> None:
        for who in leaving:
            story.say(who, "withdrawn")

    story.context.__dict__["view"] = _Leaving(story.context.view, leave)
    assert counts(story.readout()) == (CROWD, CROWD - 1, 0.5)
    closes = [entry.fields for entry in story.context.ledger.entries("use-close")]
    assert [("abandoned" in fields, "readout" in fields) for fields in closes] == [(True, False), (False, True)]


def test_an_erasure_while_a_readout_is_computed_makes_it_run_again(story: Story) -> None:
    story.at(20)
    leaving = iter(["a1"])

    def leave() -> None:
        for who in leaving:
            erase(story.context, [RawId("member", who)])

    story.context.__dict__["view"] = _Leaving(story.context.view, leave)
    assert counts(story.readout()) == (CROWD, CROWD - 1, 0.5)
    closes = [entry.fields for entry in story.context.ledger.entries("use-close")]
    assert [("abandoned" in fields, "readout" in fields) for fields in closes] == [(True, False), (False, True)]


def test_a_readout_that_never_comes_to_rest_is_refused(story: Story) -> None:
    story.at(20)
    leaving = iter(["a1", "a2", "a3", "a4"])
    story.context.__dict__["view"] = _Leaving(story.context.view, lambda: story.say(next(leaving), "withdrawn"))
    with pytest.raises(CheckFailed, match="each time"):
        story.readout()
    assert not list(story.context.workspace.reports.glob("*.json"))


def test_an_erasure_while_a_use_is_open_takes_its_files_away(story: Story) -> None:
    opened = story.at(20).context.view.open(Use(purpose="experimentation", action=Action.ANALYSE))
    erase(story.context, [RawId("member", "a1")])
    with pytest.raises(Superseded):
        opened.close(readout_sha256="0" * 64, counts={})


PRE = DEFINITION.replace('name = "story"', 'name = "before"').replace(
    'kind = "proportion"\nevent = "visit"\nvalue = "any"', 'kind = "mean"\nevent = "visit"\nvalue = "count"\npre = "2d"'
)


def test_what_was_before_consent_is_unknown_to_a_real_readout_not_zero(story: Story) -> None:
    (story.context.workspace.experiments / "before.toml").write_text(PRE)
    rows = []
    for number in range(2 * CROWD):
        who, variant = f"e{number}", "ab"[number % 2]
        # a third of them gave consent only a day before
        story.at(8 if number % 3 else 9).say(who, "given")
        rows += [("visit", who, 9.5 + (number % 5) / 20)] * (number % 4)
        rows += [("", who, 10, variant), *[("visit", who, 10.5)] * (number % 5)]
    start_experiment(story.context, "before")
    story.files += 1
    path = story.folder / "before.csv"
    lines = [HEADER]
    for index, (name, who, day, *variant) in enumerate(rows):
        kind = "outcome" if name else "exposure"
        place = f"before,{variant[0]}" if variant else ","
        lines.append(f"{kind},member:{who},{format_time(story.us(day))},experimentation,x-{index},{name},{place}\n")
    path.write_text("".join(lines))
    ingest(story.at(11).context, "file", path)
    readout = read_out(story.at(20).context, "before").readout
    (compared,) = readout.comparisons
    assert (compared.n_variant, compared.n_control) == (CROWD, CROWD)
    assert "adjusted for visit (before)" in compared.method
    assert compared.variance_saved is not None
