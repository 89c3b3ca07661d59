"""`imp audit report`: a period's consent, uses, requests, keys and verification as one HTML page, and as JSON."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import click

from imp_consent.audit.verify import Verification, verify
from imp_consent.commands.period import period, period_options
from imp_consent.report import Report, build_report
from imp_consent.runtime import open_keyring, open_log
from imp_core.command import emit, force_option, json_option, pass_context, progress
from imp_core.context import Context
from imp_core.counting import some
from imp_core.errors import BadInput, CheckFailed
from imp_core.output import check_output, write_output

__all__ = ["WrittenReport", "audit_report", "report_command", "write_report"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenReport:
    """Where a report was written, and the SHA-256 (hex) of the page."""

    path: str
    sha256: str


def audit_report(ctx: Context, *, from_us: int | None = None, to_us: int | None = None) -> Report:
    """The report of a period (None: since the first entry, up to now); verifies the workspace. Writes nothing.

    Raises:
        BadInput: the period is empty or has not begun.
        LedgerBroken: the ledger cannot be read.
    """
    with progress("verified") as shown:
        checked: Verification = verify(ctx.workspace, open_keyring(ctx), count=shown.advance)
    with open_log(ctx).read() as reader:
        newest = reader.sql.execute("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1").fetchone()
        note = None if newest is None else str(newest[0])
        now_us = ctx.clock.now_us()
        return build_report(reader, ctx.workspace, checked, note, from_us=from_us, to_us=to_us, now_us=now_us)


def write_report(ctx: Context, report: Report, out: Path, *, force: bool = False) -> WrittenReport:
    """Write a report's page (0600); `force` replaces a file that is there.

    Raises:
        BadInput: the place is none to write to, or there is something.
    """
    from imp_consent.report.page import render_report  # noqa: PLC0415 (no other command of the audit needs templates)

    target = check_output(ctx, out, force=force)
    data = render_report(report).encode()
    write_output(target, data)
    return WrittenReport(path=str(target), sha256=hashlib.sha256(data).hexdigest())


@click.command("report")
@period_options
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the page to this file.")
@force_option
@json_option
@pass_context
def report_command(
    ctx: Context, *, begins: str | None, ends: str | None, out: Path | None, force: bool, as_json: bool
) -> None:
    """Report on a period: consent by purpose, uses and denials, requests, keys, notices, retention, verification.

    The page is one file that loads nothing and needs no script; --json prints the same figures. It names nobody, and
    counts below k are not in it. Exit code 1 where verification found problems: the report is written all the same.

    Example: imp audit report --from 2026-01-01 --to 2026-03-31 --out reports/2026-q1.html
    """
    from_us, to_us = period(begins, ends)
    if out is None and not as_json:
        raise BadInput("nowhere to write the report", where="--out", mend="name a file with --out, or print --json")
    if out is not None:
        check_output(ctx, out, force=force)
    report = audit_report(ctx, from_us=from_us, to_us=to_us)
    written = None if out is None else write_report(ctx, report, out, force=force)
    emit(report, lambda: _text(report, written), as_json=as_json)
    if not report.verification.ok:
        raise click.exceptions.Exit(CheckFailed.exit_code)


def _text(report: Report, written: WrittenReport | None) -> str:
    open_ = sum(request.outcome is None for request in report.requests)
    verified = "everything agrees" if report.verification.ok else some(len(report.verification.problems), "problem")
    said = [
        f"{report.begins} to {report.ends}: {some(len(report.consent), 'purpose')}, "
        f"{some(sum(u.uses for u in report.uses), 'use')}, "
        f"{len(report.flagged)} to review, {some(len(report.requests), 'request')} ({open_} open); verified: {verified}"
    ]
    return "\n".join([*said, *([f"{written.path}  sha256 {written.sha256}"] if written else [])])
