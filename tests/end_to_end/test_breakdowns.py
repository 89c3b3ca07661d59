"""Breakdowns through intake, gate, view and ledger: shown, kept as counts, refused where they would tell of few."""

from __future__ import annotations

from pathlib import Path

import pytest

from imp_consent.commands.audit import verify_workspace
from imp_consent.commands.ingest import ingest
from imp_consent.commands.init import init
from imp_consent.commands.record import record
from imp_core.clock import DAY_US, SimulatedClock, format_time
from imp_core.context import Context
from imp_core.errors import CheckFailed
from imp_core.event import RawId
from imp_core.plugin_commands import enable
from imp_experiments.commands.read_out import read_out
from imp_experiments.commands.start import start_experiment

DEFINITION = """
name = "parts"
hypothesis = "…"
purpose = "experimentation"
salt = "0011223344556677"
control = "a"
[plan]
horizon = "20d"
[[variants]]
name = "a"
[[variants]]
name = "b"
[[metrics]]
name = "visit"
kind = "proportion"
event = "visit"
window = "7d"
"""
CAMPAIGNS = {"spring": 20, "autumn": 14, "rare": 3, "once": 9}  # people of each variant


@pytest.fixture
def shop(context: Context, clock: SimulatedClock, tmp_path: Path) -> Context:
    zero = clock.now_us()
    init(context, context.directory, controller="Shop Ltd")
    enable(context, "file")
    (context.workspace.experiments / "parts.toml").write_text(DEFINITION)
    lines = ["type,identifier,at,purpose,id,name,experiment,variant,campaign\n"]
    for variant in "ab":
        for campaign, n in CAMPAIGNS.items():
            for number in range(n):
                who = f"{variant}{campaign}{number}"
                record(context, RawId("member", who), purpose="experimentation", state="given")
                day = format_time(zero + 2 * DAY_US)
                lines.append(f"exposure,member:{who},{day},experimentation,e{who},,parts,{variant},{campaign}\n")
                if number % 2:
                    day = format_time(zero + 3 * DAY_US)
                    lines.append(f"outcome,member:{who},{day},experimentation,o{who},visit,,,\n")
    start_experiment(context, "parts")
    clock.move_to(zero + 4 * DAY_US)
    path = tmp_path / "events.csv"
    path.write_text("".join(lines))
    ingest(context, "file", path)
    clock.move_to(zero + 30 * DAY_US)
    return context


def withdraw(shop: Context, n: int) -> None:
    for number in range(n):
        record(shop, RawId("member", f"bspring{number}"), purpose="experimentation", state="withdrawn")


def test_a_breakdown_is_shown_kept_and_later_held_against_what_was_released(shop: Context) -> None:
    done = read_out(shop, "parts", by=["campaign"])
    (found,) = done.readout.breakdowns
    assert {level.level: level.comparisons[0].n_variant for level in found.levels} == {
        "autumn": 14, "spring": 20, "(other)": 12,
    }  # fmt: skip
    (closed,) = [entry for entry in shop.ledger.entries("use-close") if entry.seq == done.close_seq]
    (kept,) = closed.fields["released"]
    assert sorted(units for cells in kept["levels"].values() for units in cells) == [[12, 12], [14, 14], [20, 20]]
    assert verify_workspace(shop).ok
    assert read_out(shop, "parts", by=["campaign"]).readout.breakdowns == done.readout.breakdowns
    withdraw(shop, 1)
    with pytest.raises(CheckFailed, match="too little has changed since ledger entry"):
        read_out(shop, "parts", by=["campaign"])
    assert read_out(shop, "parts").readout.breakdowns == ()
    assert verify_workspace(shop).ok


def test_where_k_people_left_a_level_it_is_shown_again(shop: Context) -> None:
    read_out(shop, "parts", by=["campaign"])
    withdraw(shop, 10)
    (found,) = read_out(shop, "parts", by=["campaign"]).readout.breakdowns
    spring = next(level for level in found.levels if level.level == "spring")
    assert (spring.comparisons[0].n_variant, spring.comparisons[0].n_control) == (10, 20)
    assert verify_workspace(shop).ok


def test_the_largest_breakdown_fits_into_an_entry(context: Context, shop: Context, tmp_path: Path) -> None:
    now = context.clock.now_us()
    lines = ["type,identifier,at,purpose,id,experiment,variant,campaign\n"]
    for variant in "ab":
        for number in range(400):
            who = f"{variant}more{number}"
            record(context, RawId("member", who), purpose="experimentation", state="given", at_us=now - 9 * DAY_US)
            day = format_time(now - 8 * DAY_US - DAY_US // 2)
            lines.append(f"exposure,member:{who},{day},experimentation,e{who},parts,{variant},c{number % 40}\n")
    path = tmp_path / "more.csv"
    path.write_text("".join(lines))
    ingest(context, "file", path)
    (found,) = read_out(shop, "parts", by=["campaign"]).readout.breakdowns
    assert len(found.levels) == 30
    assert verify_workspace(shop).ok
