"""`imp experiment readout`: the gated path. Nothing is shown before the ledger holds the hash of what was computed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import click

from imp_core.command import emit, force_option, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput, CheckFailed, ImpError
from imp_core.gate import Action, Use
from imp_core.output import check_output, write_output
from imp_core.ports import Json, OpenedUse, Superseded
from imp_core.workspace import write_atomically
from imp_experiments.commands.dimensions import FORMS, check_dimensions, columns_among, variants_beside
from imp_experiments.design.experiment import Experiment
from imp_experiments.design.load import load_experiment, registration_of
from imp_experiments.design.registration import Registration, check_unchanged
from imp_experiments.measure.archive import needed
from imp_experiments.measure.days import open_zone
from imp_experiments.readout.by_registered import Dimensions
from imp_experiments.readout.format import format_readout, to_plain
from imp_experiments.readout.readout import Readout
from imp_experiments.readout.released import Released, released_of
from imp_experiments.readout.render import render_markdown, render_table
from imp_experiments.readout.run import run

__all__ = ["ReadOut", "read_out"]

# Once, and twice again where somebody withdrew meanwhile (`DATA.md`, "Readout").
_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOut:
    """A readout that the ledger has committed to: its bytes' SHA-256, the use's first and last entry, its file."""

    readout: Readout
    sha256: str
    use_seq: int
    close_seq: int
    path: Path


def read_out(ctx: Context, name: str, *, by: Sequence[str] = ()) -> ReadOut:
    """Open a use, compute, close it with the hash of the result, then write `reports/NAME-SEQ.json`.

    `by` are dimensions to break it down by, of `FORMS`.

    Raises:
        BadInput: there is no such experiment, it was not started, or there is no such dimension.
        CheckFailed: its definition has changed since the start, permissions kept changing under the readout, or a
            breakdown would, with what was released before, tell of fewer than k people.
    """
    check_dimensions(by)
    experiment = load_experiment(ctx, name).experiment
    registration = registration_of(ctx, experiment.name)
    if registration is None:
        raise BadInput(
            f"{experiment.name} is not started", mend=f"imp experiment start {experiment.name}", where=experiment.name
        )
    check_unchanged(experiment, registration)
    asked = Dimensions(names=by, beside=variants_beside(ctx, experiment, by))
    # everything that can be wrong before people's data is touched
    zone, reports = open_zone(ctx.workspace.timezone), _reports(ctx)
    for _ in range(_ATTEMPTS):
        dimensions = replace(asked, before=_before(ctx, registration)) if by else asked
        opened = _opened(ctx, experiment, registration, dimensions)
        found = None if opened is None else _attempt(ctx, opened, experiment, registration, dimensions, zone=zone)
        if opened is not None and found is not None:
            readout, data, close_seq = found
            path = reports / f"{experiment.name}-{opened.seq}.json"
            write_atomically(path, data)
            digest = hashlib.sha256(data).hexdigest()
            return ReadOut(readout=readout, sha256=digest, use_seq=opened.seq, close_seq=close_seq, path=path)
    raise CheckFailed(
        "people withdrew or were erased, or another readout was made, while this was computed, each time",
        mend="run it again when it is calmer",
        where=experiment.name,
    )


def _opened(
    ctx: Context, experiment: Experiment, registration: Registration, dimensions: Dimensions
) -> OpenedUse | None:
    """None where somebody was erased while it was opened: that use is closed already."""
    try:
        return ctx.view.open(
            Use(purpose=experiment.purpose, action=Action.ANALYSE),
            definition_seq=registration.seq,
            columns=sorted({*needed(experiment), *columns_among(dimensions.carried)}),
            with_permitted=any(metric.pre_us is not None for metric in experiment.metrics),
        )
    except Superseded:
        return None


def _attempt(
    ctx: Context,
    opened: OpenedUse,
    experiment: Experiment,
    registration: Registration,
    dimensions: Dimensions,
    *,
    zone: ZoneInfo,
) -> tuple[Readout, bytes, int] | None:
    """The readout, its bytes and the entry that closed the use; None where it is to be tried again."""
    try:
        return _computed(ctx, opened, experiment, registration, dimensions, zone=zone)
    except Superseded:
        opened.abandon()
        return None
    except ImpError:
        if opened.abandon():
            raise
        return None  # an erasure closed the use, and took away the files that were to be read
    except BaseException:
        opened.abandon()
        raise


def _computed(
    ctx: Context,
    opened: OpenedUse,
    experiment: Experiment,
    registration: Registration,
    dimensions: Dimensions,
    *,
    zone: ZoneInfo,
) -> tuple[Readout, bytes, int]:
    looks = _looks(ctx)
    ran = run(
        opened,
        ctx.view.enrolment(experiment.name),
        experiment,
        registration,
        looks=looks,
        dimensions=dimensions,
        zone=zone,
        k=ctx.workspace.k,
    )
    if dimensions.names and _before(ctx, registration) != dimensions.before:
        raise Superseded("another readout released levels meanwhile", mend="run it again")
    if ran.looks and _looks(ctx) != looks:
        raise Superseded("another readout used a look meanwhile", mend="run it again")
    data = format_readout(ran.readout)
    digest = hashlib.sha256(data).hexdigest()
    close_seq = opened.close(readout_sha256=digest, counts=ran.counts, looks=ran.looks, released=ran.released)
    return ran.readout, data, close_seq


def _before(ctx: Context, registration: Registration) -> list[Released]:
    return released_of(ctx.ledger.entries("use-close"), registration.name, registration.phase)


def _looks(ctx: Context) -> list[Mapping[str, Json]]:
    """Every look that the ledger keeps, oldest first."""
    found: list[Mapping[str, Json]] = []
    for entry in ctx.ledger.entries("use-close"):
        looks = entry.fields.get("looks")
        if isinstance(looks, Sequence) and not isinstance(looks, str):
            found += [look for look in looks if isinstance(look, Mapping)]
    return found


def _reports(ctx: Context) -> Path:
    folder = ctx.workspace.reports
    folder.mkdir(exist_ok=True)
    return folder


@click.command("readout")
@click.argument("name")
@click.option("--format", "shape", type=click.Choice(["table", "json", "markdown"]), default="table", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file too.")
@click.option("--by", multiple=True, metavar="DIMENSION", help=f"Break it down, exploratory: {', '.join(FORMS)}.")
@force_option
@json_option
@pass_context
def readout_command(
    ctx: Context, name: str, shape: str, out: Path | None, by: tuple[str, ...], *, force: bool, as_json: bool
) -> None:
    """Read an experiment out: the answer first, then health, then detail. Every use is in the ledger.

    Example: imp experiment readout spring-email --format markdown --out spring.md
    """
    target = None if out is None else check_output(ctx, out, force=force)
    done = read_out(ctx, name, by=by)
    shape = "json" if as_json else shape
    if target is not None:
        write_output(target, _text(done.readout, shape).encode())
    if shape == "json":
        emit(to_plain(done.readout), "", as_json=True)
    else:
        emit(done, lambda: f"{_text(done.readout, shape)}\n{_trail(done)}", as_json=False)


def _text(readout: Readout, shape: str) -> str:
    if shape == "json":
        return format_readout(readout).decode()
    return render_markdown(readout) if shape == "markdown" else render_table(readout)


def _trail(done: ReadOut) -> str:
    return f"ledger entries {done.use_seq} and {done.close_seq}; sha256 {done.sha256}; {done.path}"
