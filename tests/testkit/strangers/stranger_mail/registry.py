"""Which bad channel fails which check: by the check's name, makers of bad channels or of fixtures for the good one."""

from __future__ import annotations

MUTANTS: dict[str, list] = {}


def fails(check):
    def note(mutant):
        MUTANTS.setdefault(check, []).append(mutant)
        return mutant

    return note
