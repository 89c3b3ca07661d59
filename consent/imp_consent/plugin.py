"""The entry point of imp-consent: registers commands and the runtime. Imports nothing but imp_core."""

from __future__ import annotations

from imp_core.hookspecs import CommandRef, RuntimeProvider, hookimpl

__all__ = ["imp_register_commands", "imp_register_runtime"]


@hookimpl
def imp_register_commands() -> list[CommandRef]:
    """The commands of consent, audit and intake."""
    return [
        CommandRef(
            name="init",
            target="imp_consent.commands.init:init_command",
            help="Create a workspace, its keys and its ledger.",
        ),
        CommandRef(
            name="status", target="imp_consent.commands.status:status_command", help="Show what a workspace holds."
        ),
        CommandRef(
            name="consent",
            target="imp_consent.commands.consent:consent",
            help="Record, import, check and withdraw consent; erase people.",
        ),
        CommandRef(
            name="audit", target="imp_consent.commands.audit:audit", help="Verify the ledger and sign checkpoints."
        ),
        CommandRef(
            name="approve",
            target="imp_consent.commands.approve:approve_command",
            help="Approve, as a second person, what another one asked to do.",
        ),
        CommandRef(
            name="keys",
            target="imp_consent.commands.keys:keys",
            help="List, rotate, wrap and retire the ledger's keys.",
        ),
        CommandRef(
            name="ingest",
            target="imp_consent.commands.ingest:ingest_command",
            help="Take in events through a channel, past the gate.",
        ),
        CommandRef(
            name="compact",
            target="imp_consent.commands.compact:compact_command",
            help="Put the inbox into the archive, and small files together.",
        ),
        CommandRef(
            name="send",
            target="imp_consent.commands.send:send_command",
            help="Send a campaign to an audience, past the gate.",
        ),
        CommandRef(
            name="spend", target="imp_consent.commands.spend:spend", help="Take in and list what channels cost."
        ),
        CommandRef(
            name="backup",
            target="imp_consent.commands.backup:backup_command",
            help="Copy the ledger's database to a file.",
        ),
        CommandRef(
            name="restore",
            target="imp_consent.commands.restore:restore_command",
            help="Put the ledger back from a backup; a dry run without --execute.",
        ),
    ]


@hookimpl
def imp_register_runtime() -> list[RuntimeProvider]:
    """Gate, view, ledger and signals."""
    return [
        RuntimeProvider(kind="gate", name="consent", target="imp_consent.runtime:open_gate"),
        RuntimeProvider(kind="view", name="consent", target="imp_consent.runtime:open_view"),
        RuntimeProvider(kind="ledger", name="consent", target="imp_consent.runtime:open_ledger"),
        RuntimeProvider(kind="signals", name="consent", target="imp_consent.runtime:open_signals"),
    ]
