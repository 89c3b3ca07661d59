"""`imp consent`: the group; each command's module is imported when the command is called."""

from __future__ import annotations

from typing import Final

import click

from imp_consent.commands.lazy import LazyGroup

__all__ = ["consent"]

_COMMANDS: Final = {
    "access": ("imp_consent.commands.access:access_command", "Give a person a copy of everything held of them."),
    "basis": ("imp_consent.commands.basis:basis_command", "Record a basis other than consent."),
    "check": ("imp_consent.commands.check:check_command", "Ask the gate about one use; writes nothing."),
    "erase": ("imp_consent.commands.erase:erase_command", "Erase people; a dry run without --execute."),
    "export": ("imp_consent.commands.export_records:export_command", "Write records of consent to take elsewhere."),
    "guardian": ("imp_consent.commands.guardian:guardian_command", "Record a guardian's authorisation."),
    "history": ("imp_consent.commands.history:history_command", "Show what the ledger holds of a person."),
    "import": ("imp_consent.commands.importer:import_command", "Record consent from a file, all rows or none."),
    "lift": ("imp_consent.commands.objections:lift_command", "Lift a restriction, an objection or a limit."),
    "limit": ("imp_consent.commands.objections:limit_command", "Limit the use of sensitive data."),
    "link": ("imp_consent.commands.linking:link_command", "Let another identifier lead to a person."),
    "may-ask": ("imp_consent.commands.may_ask:may_ask_command", "Say whether a person may be asked again."),
    "minor": ("imp_consent.commands.minor:minor_command", "Record that somebody is too young to consent alone."),
    "notice": ("imp_consent.commands.notices:notice", "Add, list and show notices."),
    "object": (
        "imp_consent.commands.objections:object_command",
        "Record an objection (default: direct marketing).",
    ),
    "one-click": ("imp_consent.commands.one_click:one_click_command", "Answer a one-click unsubscribe request."),
    "portability": ("imp_consent.commands.portability:portability_command", "Give a person what they provided."),
    "proof": ("imp_consent.commands.proof:proof_command", "Write what shows an auditor that somebody consented."),
    "purpose": ("imp_consent.commands.purposes:purpose", "Add, change, list and show purposes."),
    "receipt": ("imp_consent.commands.receipt:receipt_command", "Give a person proofs of what the ledger holds."),
    "recipients": (
        "imp_consent.commands.recipients:recipients",
        "List whom to tell what became of data.",
    ),
    "record": ("imp_consent.commands.record:record_command", "Record what a person said about a purpose."),
    "rectify": ("imp_consent.commands.rectify:rectify_command", "Correct an entry: the old one counts no more."),
    "regime": ("imp_consent.commands.regimes:regime", "Add, list and show the law that holds."),
    "requests": ("imp_consent.commands.requests:requests", "List, open, answer and extend requests of people."),
    "restrict": ("imp_consent.commands.objections:restrict_command", "Restrict the use of data to storing it."),
    "retention": ("imp_consent.commands.retention:retention_command", "Remove what is past its period."),
    "signal": ("imp_consent.commands.signal:signal", "Record signals such as GPC; show what is honoured."),
    "tell": ("imp_consent.commands.tell:tell_command", "Tell channels to forget who was erased."),
    "unlink": ("imp_consent.commands.linking:unlink_command", "Let an identifier lead to a person no more."),
    "unsubscribe": ("imp_consent.commands.unsubscribe:unsubscribe_command", "Record clicked unsubscribe links."),
}


@click.group("consent", cls=LazyGroup, targets=_COMMANDS)
def consent() -> None:
    """Record, import, check and withdraw consent; erase people.

    Example: imp consent record member:123 --purpose analytics --state given
    """
