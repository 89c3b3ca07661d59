"""`imp consent signal consent-mode`: what a page may tell Google's tags of somebody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import click

from imp_consent.commands.arguments import read_identifier
from imp_consent.policy.channels import expect_channel
from imp_consent.policy.house import readable_house
from imp_consent.policy.purpose import read_purposes
from imp_consent.runtime import open_log
from imp_consent.signals.consent_mode import consent_states, format_states, read_mapping
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import LedgerBroken
from imp_core.event import RawId
from imp_core.gate import Action, Use

__all__ = ["ConsentMode", "consent_mode", "consent_mode_command"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentMode:
    """Each parameter's state, "granted" or "denied", and whether the ledger could be asked at all.

    `settings_read`: nothing in imp.toml is misspelt; else everything is denied, since which purposes a parameter needs
    may stand under the name that nothing reads.
    """

    states: Mapping[str, str]
    available: bool = True
    settings_read: bool = True


def consent_mode(ctx: Context, raw: RawId, *, channel: str | None = None) -> ConsentMode:
    """The Consent Mode v2 states of a person now. Unknown people and purposes, and a broken ledger, are denied.

    So is everybody while nothing reads some of imp.toml: what a page tells Google's tags permits.

    Raises:
        BadInput: the identifier or `[signals.consent_mode]` of imp.toml is malformed, or the channel unknown.
    """
    signals = ctx.workspace.config.get("signals", {})
    if ctx.unread_settings():
        return ConsentMode(states=consent_states({}, lambda _: False), settings_read=False)
    mapping = read_mapping(signals.get("consent_mode", {}) if isinstance(signals, Mapping) else signals)
    house, _ = readable_house(ctx.workspace.config)
    try:
        with open_log(ctx).read() as reader:
            expect_channel(reader, ctx.workspace, house, channel, where="--channel")
            subject, known, now_us = reader.find_subject(raw), set(read_purposes(reader)), ctx.clock.now_us()

            def permitted(purpose: str) -> bool:
                if subject is None or purpose not in known:
                    return False
                use = Use(purpose=purpose, action=Action.ACTIVATE, subject=subject, channel=channel)
                return ctx.gate.decide(use, at_us=now_us).permitted

            return ConsentMode(states=consent_states(mapping, permitted))
    except LedgerBroken:
        return ConsentMode(states=consent_states({}, lambda _: False), available=False)


@click.command("consent-mode")
@click.argument("identifier", metavar="KIND:VALUE|-")
@click.option("--channel", help="On which channel the tags run (default: a use without a channel).")
@json_option
@pass_context
def consent_mode_command(ctx: Context, *, identifier: str, channel: str | None, as_json: bool) -> None:
    """Print the states for gtag("consent", "update", …): granted only where the ledger permits every mapped purpose.

    Which purposes a parameter needs stands in imp.toml, [signals.consent_mode]; one without a line is denied, but
    analytics_storage, which needs analytics.

    Example: imp consent signal consent-mode member:123 --channel web
    """
    found = consent_mode(ctx, read_identifier(identifier), channel=channel)
    if not found.available:
        click.echo("warning: the ledger cannot be read: everything is denied", err=True)
    if not found.settings_read:
        click.echo("warning: until every setting in imp.toml is read everything is denied", err=True)
    emit(found, lambda: format_states(found.states), as_json=as_json)
