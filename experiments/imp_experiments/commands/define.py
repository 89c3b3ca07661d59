"""`imp experiment new`, `validate`, `list` and `show`: the experiment file, before and after the start."""

from __future__ import annotations

import base64
import string
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import click

from imp_core.clock import DAY_US, format_time
from imp_core.command import emit, json_option, lines, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput, ImpError
from imp_core.workspace import write_atomically
from imp_experiments.commands.designed import Designed, designed, summary_of
from imp_experiments.design.experiment import Experiment, analysis_sha256
from imp_experiments.design.load import Loaded, experiment_path, load_experiment, registration_of
from imp_experiments.design.parse import check_purpose, parse_experiment
from imp_experiments.design.registration import Registration, find_registrations

__all__ = [
    "Created",
    "Listed",
    "Valid",
    "list_experiments",
    "new_experiment",
    "show_experiment",
    "validate_experiment",
]

_SALT_BYTES: Final = 15  # 120 random bits are 24 characters of base32
_TEMPLATE: Final = string.Template("""\
# An experiment. Check it with `imp experiment validate $name`; after `imp experiment start $name` the analysis is
# registered: only `traffic` and `hypothesis` may change. Every key there is: `imp experiment schema`.
name = "$name"
hypothesis = "What you expect, and why"
purpose = "$purpose"            # whose consent is asked, for every use
unit = "subject"
salt = "$salt"  # random: it decides who gets which variant
traffic = 1.0                   # share of units that take part; raising it moves nobody between variants
control = "control"

[plan]
horizon = "28d"                 # the verdict falls when this is over
alpha = 0.05
power = 0.8
mde = 0.05

[[variants]]
name = "control"
weight = 1

[[variants]]
name = "treatment"
weight = 1

[[metrics]]
name = "visit"
role = "primary"                # primary, secondary, guardrail (with margin = how much worse is acceptable)
kind = "proportion"             # proportion, mean, ratio, quantile
event = "visit"                 # the name of the events that count
value = "any"                   # any, count, amount, quantity
window = "14d"                  # from the unit's first exposure
scale = "relative"              # relative, absolute: whose p is the p
direction = "up"

[decision]
primary = "any"                 # any, all
guardrails = "noninferior"      # noninferior, no_harm
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A new experiment file."""

    name: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Valid:
    """An experiment file that can be started; `analysis_sha256` is what `start` would register.

    `design` is None where the variants are not the cells of factors; `warnings` are of what is allowed, seldom meant.
    """

    name: str
    path: str
    variants: dict[str, int]
    metrics: tuple[str, ...]
    analysis_sha256: str
    design: Designed | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One experiment: state is draft, started, changed (since the start), invalid or missing (its file)."""

    name: str
    state: str
    started: str | None
    problem: str | None


def new_experiment(ctx: Context, name: str, *, purpose: str = "experimentation") -> Created:
    """Write `experiments/NAME.toml` with a random salt.

    Raises:
        BadInput: the name or purpose cannot be taken, or there is such a file already.
    """
    path = experiment_path(ctx, name)
    if path.exists():
        raise BadInput(
            f"there is an experiment {name!r} already",
            where=str(path),
            mend="name another one, or change that one in its file",
        )
    check_purpose(purpose, where="--purpose")
    salt = base64.b32encode(ctx.randomness.token(_SALT_BYTES)).decode().lower()
    data = _TEMPLATE.substitute(name=name, purpose=purpose, salt=salt).encode()
    parse_experiment(data, file=path.name)
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, data)
    return Created(name=name, path=str(path))


def validate_experiment(ctx: Context, name_or_file: str) -> Valid:
    """Parse an experiment file strictly; it needs no ledger, and by path no workspace.

    Raises:
        BadInput: the file cannot be taken; it names the field.
    """
    loaded = load_experiment(ctx, name_or_file)
    return Valid(
        name=loaded.experiment.name,
        path=str(loaded.path),
        variants=loaded.experiment.weights,
        metrics=tuple(metric.name for metric in loaded.experiment.metrics),
        analysis_sha256=analysis_sha256(loaded.experiment),
        design=designed(loaded.experiment),
        warnings=tuple(_warnings(loaded.experiment)),
    )


def _warnings(experiment: Experiment) -> Iterator[str]:
    """What is allowed and yet seldom meant: a window that is over for few of those who come before the horizon."""
    horizon = experiment.plan.horizon_us
    for metric in experiment.metrics:
        left = horizon - metric.window_us
        if left < horizon / 4:
            yield (
                f"{metric.name}: of {horizon / DAY_US:.3g} days, only who comes in the first {left / DAY_US:.3g} counts"
                ", as windows must be over at the horizon; lengthen plan.horizon, or shorten the window"
            )


def list_experiments(ctx: Context) -> list[Listed]:
    """Every experiment that has a file or was started, by name. It writes nothing."""
    started = find_registrations(ctx.ledger)
    folder = ctx.workspace.experiments
    names = {path.stem for path in folder.glob("*.toml")} if folder.is_dir() else set()
    return [_listed(ctx, name, started.get(name)) for name in sorted(names | set(started))]


def show_experiment(ctx: Context, name: str) -> dict[str, Any]:
    """The definition with its defaults filled in, and its registration (None: not started). It writes nothing."""
    loaded = load_experiment(ctx, name)
    registration = registration_of(ctx, loaded.experiment.name)
    return {
        "path": str(loaded.path),
        "analysis_sha256": analysis_sha256(loaded.experiment),
        "registration": None if registration is None else asdict(registration),
        "definition": asdict(loaded.experiment),
        **({} if loaded.experiment.factors is None else {"design": designed(loaded.experiment)}),
    }


def _listed(ctx: Context, name: str, registration: Registration | None) -> Listed:
    started = None if registration is None else format_time(registration.started_us)
    problem = None
    try:
        loaded = load_experiment(ctx, name)
        state = _state(loaded, registration)
    except ImpError as error:
        state = "invalid" if (ctx.workspace.experiments / f"{name}.toml").exists() else "missing"
        problem = str(error)
    return Listed(name=name, state=state, started=started, problem=problem)


def _state(loaded: Loaded, registration: Registration | None) -> str:
    if registration is None:
        return "draft"
    return "started" if analysis_sha256(loaded.experiment) == registration.analysis_sha256 else "changed"


@click.command("new")
@click.argument("name")
@click.option("--purpose", default="experimentation", show_default=True, help="Whose consent is asked.")
@json_option
@pass_context
def new_command(ctx: Context, name: str, purpose: str, *, as_json: bool) -> None:
    """Write experiments/NAME.toml with a random salt and comments; edit it, then start it.

    Example: imp experiment new spring-email
    """
    created = new_experiment(ctx, name, purpose=purpose)
    emit(created, f"written: {created.path}\nnext: edit it, then imp experiment validate {name}", as_json=as_json)


@click.command("validate")
@click.argument("name_or_file", metavar="NAME|FILE")
@json_option
@pass_context
def validate_command(ctx: Context, name_or_file: str, *, as_json: bool) -> None:
    """Check an experiment file; errors name the field.

    Example: imp experiment validate spring-email
    """
    valid = validate_experiment(ctx, name_or_file)
    emit(valid, lambda: _valid_text(valid), as_json=as_json)


def _valid_text(valid: Valid) -> str:
    told = {"analysis sha256": valid.analysis_sha256} | (summary_of(valid.design) if valid.design is not None else {})
    return "\n".join([f"{valid.path}: in order", lines(told), *(f"warning: {one}" for one in valid.warnings)])


@click.command("list")
@json_option
@pass_context
def list_command(ctx: Context, *, as_json: bool) -> None:
    """List the workspace's experiments and where each stands.

    Example: imp experiment list
    """
    rows = list_experiments(ctx)
    text = "\n".join(
        f"{row.name:<24} {row.state:<8} {row.started or ''}" + (f" {row.problem}" if row.problem else "")
        for row in rows
    )
    emit({"experiments": [asdict(row) for row in rows]}, text or "no experiments yet", as_json=as_json)


@click.command("show")
@click.argument("name")
@json_option
@pass_context
def show_command(ctx: Context, name: str, *, as_json: bool) -> None:
    """Show one experiment with its defaults filled in, and its registration.

    Example: imp experiment show spring-email
    """
    shown = show_experiment(ctx, name)
    emit(shown, lambda: _shown_text(shown), as_json=as_json)


def _shown_text(shown: dict[str, Any]) -> str:
    definition, registration = shown["definition"], shown["registration"]
    started = "not started" if registration is None else format_time(registration["started_us"])
    plain = {key: value for key, value in definition.items() if isinstance(value, str | float | int) and value != ""}
    parts = {"file": shown["path"], "started": started, "analysis sha256": shown["analysis_sha256"], **plain}
    parts["variants"] = ", ".join(f"{variant['name']} ({variant['weight']})" for variant in definition["variants"])
    if shown.get("design") is not None:
        parts |= summary_of(shown["design"])
    parts["metrics"] = ", ".join(
        f"{metric['name']} ({metric['role']} {metric['kind']})" for metric in definition["metrics"]
    )
    return lines(parts)
