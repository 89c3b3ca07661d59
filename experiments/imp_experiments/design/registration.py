"""The pre-registration: what `imp experiment start` puts into the ledger, and how it is found again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from imp_core.errors import CheckFailed, LedgerBroken
from imp_core.ports import Json, Ledger, SystemEntry
from imp_experiments.design.experiment import Experiment, analysis_sha256

__all__ = ["ENTRY_TYPE", "FIRST_PHASE", "Registration", "check_unchanged", "find_registrations", "registration_fields"]

ENTRY_TYPE: Final = "experiment"
FIRST_PHASE: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """An experiment's start: the entry's seq, the hashes of file and analysis (hex SHA-256), salt and time."""

    seq: int
    name: str
    phase: int
    definition_sha256: str
    analysis_sha256: str
    salt: str
    started_us: int


def registration_fields(experiment: Experiment, data: bytes, *, started_us: int) -> dict[str, Json]:
    """The fields of the `experiment` entry; `data` is the file's bytes, stored as a document beside it."""
    return {
        "experiment": experiment.name,
        "phase": FIRST_PHASE,
        "purpose": experiment.purpose,
        "variants": list(experiment.weights),
        "definition_sha256": hashlib.sha256(data).hexdigest(),
        "analysis_sha256": analysis_sha256(experiment),
        "salt": experiment.salt,
        "started_us": started_us,
    }


def find_registrations(ledger: Ledger) -> dict[str, Registration]:
    """Every started experiment by name, at its latest phase.

    Raises:
        LedgerBroken: an entry of this type lacks a field.
    """
    return {registration.name: registration for registration in map(_registration, ledger.entries(ENTRY_TYPE))}


def check_unchanged(experiment: Experiment, registration: Registration) -> None:
    """Hold the file against what was registered.

    Raises:
        CheckFailed: a field that decides the analysis has changed since the start; it gives both hashes.
    """
    now = analysis_sha256(experiment)
    if now != registration.analysis_sha256:
        raise CheckFailed(
            f"the definition has changed since the start: registered {registration.analysis_sha256}, now {now}",
            where=f"experiments/{experiment.name}.toml",
            mend="put the registered definition back; a change of weights or metrics needs an experiment of its own",
        )


def _registration(entry: SystemEntry) -> Registration:
    fields: Mapping[str, Json] = entry.fields
    texts = {name: fields.get(name) for name in ("experiment", "definition_sha256", "analysis_sha256", "salt")}
    phase, started_us = fields.get("phase"), fields.get("started_us")
    if not all(isinstance(text, str) for text in texts.values()) or not isinstance(phase, int):
        raise LedgerBroken("an experiment's entry lacks a field", where=f"entry {entry.seq}")
    if not isinstance(started_us, int):
        raise LedgerBroken("an experiment's entry lacks its start", where=f"entry {entry.seq}")
    return Registration(
        seq=entry.seq,
        name=str(texts["experiment"]),
        phase=phase,
        definition_sha256=str(texts["definition_sha256"]),
        analysis_sha256=str(texts["analysis_sha256"]),
        salt=str(texts["salt"]),
        started_us=started_us,
    )
