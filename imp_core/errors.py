"""The error tree: every breakage names the fact, the place and the way to mend it.

A *refusal* (the gate says no) is a value, `imp_core.gate.Decision`, never an exception. No message may hold a raw
identifier: rows are named by number, fields by name.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "BadInput",
    "CheckFailed",
    "ImpError",
    "KeysUnusable",
    "LedgerBroken",
    "PluginBroken",
    "WorkspaceMissing",
]


class ImpError(Exception):
    """Something broke: `what` is the fact, `where` the place, `mend` what the reader can do about it."""

    exit_code: ClassVar[int] = 3

    def __init__(self, what: str, *, where: str | None = None, mend: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.mend = mend

    def diagnostics(self) -> dict[str, str]:
        """What, where and mend, for people and for `--json`; absent parts are left out."""
        parts = {"what": self.what, "where": self.where, "mend": self.mend}
        return {name: text for name, text in parts.items() if text}

    def __str__(self) -> str:
        return "; ".join(self.diagnostics().values())


class BadInput(ImpError):
    """The caller's words, file or row cannot be taken (exit code 2)."""

    exit_code = 2


class WorkspaceMissing(BadInput):
    """No workspace was found from here upwards, nor named by IMP_HOME (exit code 2)."""


class CheckFailed(ImpError):
    """The command ran and its answer is no: a refused action or a failed verification (exit code 1)."""

    exit_code = 1


class KeysUnusable(ImpError):
    """A key is missing, malformed or readable by others; nothing was created in its place (exit code 3)."""


class LedgerBroken(ImpError):
    """The ledger or the archive contradicts itself, its keys or its checkpoint (exit code 3)."""


class PluginBroken(ImpError):
    """A plugin raised, returned the wrong type or is not what was enabled (exit code 3)."""
