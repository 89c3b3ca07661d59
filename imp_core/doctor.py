"""`imp doctor`: what is broken, where, and how to mend it. It writes nothing."""

from __future__ import annotations

from dataclasses import asdict

import click

from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import CheckFailed, ImpError
from imp_core.plugins import PluginState
from imp_core.ports import Check

__all__ = ["diagnose", "doctor"]

_WRONG = (PluginState.BROKEN, PluginState.CHANGED)


@click.command()
@json_option
@pass_context
def doctor(ctx: Context, *, as_json: bool) -> None:
    """Look at plugins, workspace, keys, ledger and checkpoint; exit code 1 where something is broken.

    Example: imp doctor
    """
    checks = diagnose(ctx)
    emit(
        {"ok": all(c.ok for c in checks), "checks": [asdict(c) for c in checks]},
        _text(checks),
        as_json=as_json,
    )
    if not all(check.ok for check in checks):
        raise click.exceptions.Exit(CheckFailed.exit_code)


def diagnose(ctx: Context) -> list[Check]:
    """Every check, in the order of dependence; a check that breaks is itself a finding."""
    ctx.plugins.probe()
    loaded = [status.name for status in ctx.plugins.statuses if status.state is PluginState.LOADED]
    checks = [Check(name="plugins", ok=bool(loaded), detail=f"loaded: {', '.join(loaded) or 'none'}")]
    for status in ctx.plugins.statuses:
        if status.state in _WRONG:
            detail = status.problem or status.state.value
            mend = status.remedy()
            if status.state is PluginState.BROKEN:
                mend = f"{mend}; or leave it out: imp --without {status.name} …"
            checks.append(Check(name=f"plugin {status.name}", ok=False, detail=detail, mend=mend))
    return [*checks, *_workspace_checks(ctx)]


def _workspace_checks(ctx: Context) -> list[Check]:
    checks: list[Check] = []
    try:
        checks.append(Check(name="workspace", ok=True, detail=str(ctx.workspace.root)))
        checks.extend(
            Check(name="settings", ok=False, detail=f"nothing reads {found.where}", mend=found.mend)
            for found in ctx.unread_settings()
        )
        checks.extend(ctx.ledger.diagnose())
    except ImpError as error:
        parts = error.diagnostics()
        detail = f"{parts['what']} ({parts['where']})" if "where" in parts else parts["what"]
        checks.append(Check(name=type(error).__name__, ok=False, detail=detail, mend=parts.get("mend")))
    except Exception as error:  # noqa: BLE001 (a diagnosis must not end where something is wrong)
        checks.append(Check(name="diagnosis", ok=False, detail=f"stopped by {type(error).__name__}"))
    return checks


def _text(checks: list[Check]) -> str:
    out: list[str] = []
    for check in checks:
        out.append(f"{'ok ' if check.ok else 'NOT OK'}  {check.name}: {check.detail}")
        if not check.ok and check.mend:
            out.append(f"        mend: {check.mend}")
    return "\n".join(out)
