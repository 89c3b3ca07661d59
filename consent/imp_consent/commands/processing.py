"""`imp audit records`, `imp audit dpia`: the record of processing and the impact assessment, as far as known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from imp_consent.plane.enabled import manifests_enabled
from imp_consent.report.impact import CRITERIA, impact_markdown, met_by
from imp_consent.report.laws import RecordedMinors
from imp_consent.report.processing import ProcessingRecord, read_processing
from imp_consent.report.processing_page import processing_markdown
from imp_consent.runtime import open_log
from imp_core.command import emit, force_option, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import PluginBroken
from imp_core.outbound.open import channel_settings, hosts_here
from imp_core.output import check_output, write_output

__all__ = ["Impact", "dpia_command", "impact", "processing_record", "records_command"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What an impact assessment starts from: which criteria are met by which purposes, and the template itself.

    `minors` are the people recorded as too young to decide alone, who meet a criterion whatever the purpose.
    """

    criteria: dict[str, tuple[str, ...]]
    minors: tuple[RecordedMinors, ...]
    template: str


def processing_record(ctx: Context) -> ProcessingRecord:
    """The record of processing of the workspace, as of now; writes nothing.

    Raises:
        BadInput: a table of imp.toml is not what it must be.
    """
    with open_log(ctx).read() as reader:
        found = manifests_enabled(reader, ctx.workspace.plugin_pins)
        declared = {
            name: _hosts_installed(ctx, name) if manifest is None else manifest.hosts
            for name, manifest in found.items()
        }
        hosts: dict[str, Sequence[str] | None] = dict(declared)
        unset: list[tuple[str, str]] = []
        for name, asked in declared.items():
            if asked is not None:
                hosts[name], missing = hosts_here(asked, channel_settings(ctx, name), channel=name)
                unset += [(name, setting) for setting in missing]
        return read_processing(reader, ctx.workspace, hosts, unset=unset, now_us=ctx.clock.now_us())


def _hosts_installed(ctx: Context, name: str) -> Sequence[str] | None:
    """The hosts of a plugin that was pinned by hand, if it is installed as it is pinned; None: nobody knows them."""
    pinned = ctx.workspace.plugin_pins[name].get("manifest_sha256")
    try:
        found = [status.manifest() for status in ctx.plugins.statuses if status.name == name]
    except PluginBroken:
        return None
    return next((one.hosts for one in found if one is not None and one.sha256 == pinned), None)


def impact(ctx: Context) -> Impact:
    """The template of an impact assessment; raises as `processing_record`."""
    record = processing_record(ctx)
    return Impact(
        criteria={words: met_by(record, traits) for words, traits in CRITERIA},
        minors=record.minors,
        template=impact_markdown(record),
    )


_out = click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file.")


@click.command("records")
@_out
@force_option
@json_option
@pass_context
def records_command(ctx: Context, *, out: Path | None, force: bool, as_json: bool) -> None:
    """Make the record of processing activities (GDPR 30) from purposes, notices, channels and imp.toml, as Markdown.

    What nobody said yet stands at its beginning, with the line to write. It has the laws that people were recorded
    under, not only those of imp.toml, and how many are minors. It names nobody, and counts no few people.

    Example: imp audit records --out reports/records.md
    """
    record = processing_record(ctx)
    _tell(ctx, record, processing_markdown(record), out, force=force, as_json=as_json)


@click.command("dpia")
@_out
@force_option
@json_option
@pass_context
def dpia_command(ctx: Context, *, out: Path | None, force: bool, as_json: bool) -> None:
    """Make the template of a data protection impact assessment (GDPR 35), filled as far as the workspace knows.

    Example: imp audit dpia --out reports/dpia.md
    """
    found = impact(ctx)
    _tell(ctx, found, found.template, out, force=force, as_json=as_json)


def _tell(ctx: Context, result: object, text: str, out: Path | None, *, force: bool, as_json: bool) -> None:
    shown = text.rstrip("\n")
    if out is not None:
        target = check_output(ctx, out, force=force)
        write_output(target, text.encode())
        shown = str(target)
    emit(result, shown, as_json=as_json)
