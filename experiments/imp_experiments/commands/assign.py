"""`imp experiment assign`: print the variant a person is owed. Looking enrols nobody and writes nothing."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Final

import click

from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.event import RawId
from imp_core.gate import NO_RECORD, Action, Decision, DenyAll, Use
from imp_experiments.design.load import load_experiment

__all__ = ["Assigned", "assign_unit"]

OUTSIDE_TRAFFIC: Final = "outside_traffic"
SETTINGS_UNREAD: Final = "settings_unread"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """The variant to serve, and whether the person takes part. Segment and bucket are None where they do not.

    `reason`: the gate's, "outside_traffic", or "settings_unread": until everything in imp.toml is read nobody takes
    part. Who does not take part is served control and leaves no trace.
    """

    experiment: str
    variant: str
    in_experiment: bool
    reason: str
    phase: int | None = None
    segment: int | None = None
    bucket: int | None = None


def assign_unit(ctx: Context, name: str, raw: RawId) -> Assigned:
    """Ask the gate for the experiment's purpose, then the hash for the variant.

    Raises:
        BadInput: there is no such experiment, or the identifier is malformed.
        CheckFailed: the definition has changed since the start.
    """
    experiment = load_experiment(ctx, name).experiment
    subject = ctx.gate.resolve(raw)
    if ctx.unread_settings():
        return Assigned(
            experiment=experiment.name, variant=experiment.control, in_experiment=False, reason=SETTINGS_UNREAD
        )
    decision = _decide(ctx, experiment.purpose, subject)
    if subject is None or not decision.permitted:
        return Assigned(
            experiment=experiment.name, variant=experiment.control, in_experiment=False, reason=decision.reason
        )
    assignment = ctx.assigner.assign(experiment.name, str(subject))
    return Assigned(
        experiment=experiment.name,
        variant=assignment.variant or experiment.control,
        in_experiment=assignment.variant is not None,
        reason=decision.reason if assignment.variant is not None else OUTSIDE_TRAFFIC,
        phase=assignment.phase,
        segment=assignment.segment,
        bucket=assignment.bucket,
    )


def _decide(ctx: Context, purpose: str, subject: int | None) -> Decision:
    if subject is None and not isinstance(ctx.gate, DenyAll):
        return Decision(permitted=False, reason=NO_RECORD, source="GDPR 25(2)")
    use = Use(purpose=purpose, action=Action.ANALYSE, subject=subject)
    return ctx.gate.decide(use, at_us=ctx.clock.now_us())


@click.command("assign")
@click.argument("name")
@click.argument("identifier", metavar="KIND:VALUE|-")
@json_option
@pass_context
def assign_command(ctx: Context, name: str, identifier: str, *, as_json: bool) -> None:
    """Print the variant a person is owed ("-" reads the identifier from standard input).

    Example: imp experiment assign spring-email member:123
    """
    raw = RawId.parse(sys.stdin.readline().strip() if identifier == "-" else identifier)
    assigned = assign_unit(ctx, name, raw)
    place = "in the experiment" if assigned.in_experiment else f"outside the experiment ({assigned.reason})"
    emit(assigned, f"{assigned.variant}, {place}", as_json=as_json)
