"""`imp experiment start`: the definition goes into the ledger before anybody can look at results."""

from __future__ import annotations

from dataclasses import dataclass

import click

from imp_core.clock import format_time
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput, CheckFailed
from imp_experiments.design.load import load_experiment, registration_of
from imp_experiments.design.registration import ENTRY_TYPE, registration_fields

__all__ = ["Started", "start_experiment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A started experiment: the ledger entry's seq, and what it commits to."""

    name: str
    seq: int
    phase: int
    definition_sha256: str
    analysis_sha256: str
    started: str


def start_experiment(ctx: Context, name: str) -> Started:
    """Validate the file, store its bytes and append the `experiment` entry.

    Raises:
        BadInput: there is no such experiment, its file cannot be taken, or its purpose is unknown.
        CheckFailed: it was started before.
    """
    loaded = load_experiment(ctx, name)
    earlier = registration_of(ctx, loaded.experiment.name)
    if earlier is not None:
        raise CheckFailed(
            f"{loaded.experiment.name} was started {format_time(earlier.started_us)} (entry {earlier.seq})",
            mend="phases with new weights come later: start an experiment of another name",
            where=loaded.experiment.name,
        )
    if not ctx.gate.knows(loaded.experiment.purpose):
        raise BadInput(
            "the workspace knows no such purpose, so nobody can have consented to it",
            where=f"{loaded.path}: purpose",
            mend="see: imp consent purpose list",
        )
    now_us = ctx.clock.now_us()
    fields = registration_fields(loaded.experiment, loaded.data, started_us=now_us)
    seq = ctx.ledger.append(ENTRY_TYPE, fields, documents=[loaded.data])
    return Started(
        name=loaded.experiment.name,
        seq=seq,
        phase=1,
        definition_sha256=str(fields["definition_sha256"]),
        analysis_sha256=str(fields["analysis_sha256"]),
        started=format_time(now_us),
    )


@click.command("start")
@click.argument("name")
@json_option
@pass_context
def start_command(ctx: Context, name: str, *, as_json: bool) -> None:
    """Register an experiment in the ledger and start it; from then on its analysis must not change.

    Example: imp experiment start spring-email
    """
    started = start_experiment(ctx, name)
    text = f"{started.name} started {started.started}: entry {started.seq}, analysis sha256 {started.analysis_sha256}"
    emit(started, text, as_json=as_json)
