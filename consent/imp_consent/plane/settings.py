"""What a workspace set for itself, as the doctor tells it: a slip is found before somebody needs what it stands for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from imp_consent.plane.schedule import readable_schedule
from imp_consent.policy.second_person import read_two_persons
from imp_core.counting import some
from imp_core.errors import BadInput
from imp_core.ports import Check

__all__ = ["settings_checks"]


def settings_checks(config: Mapping[str, Any]) -> Iterator[Check]:
    """For how long what is kept, and what needs two persons."""
    yield _retention(config)
    yield _two_persons(config)


def _retention(config: Mapping[str, Any]) -> Check:
    schedule, faults = readable_schedule(config)
    if faults:
        detail = "; ".join(f"{fault.where}: {fault.what}" for fault in faults)
        mend = "; ".join(f"{fault.where}: {fault.mend}" for fault in faults)
        return Check(name="retention", ok=False, detail=f"nothing past its period is removed: {detail}", mend=mend)
    periods = "; ".join(f"{name}: {some(days, 'day')}" for name, days in schedule.named() if days is not None)
    return Check(name="retention", ok=True, detail=periods or "no period is set")


def _two_persons(config: Mapping[str, Any]) -> Check:
    try:
        return Check(name="two persons", ok=True, detail=read_two_persons(config).text)
    except BadInput as error:
        refused = "no key is changed and nobody erased with others until it is mended"
        return Check(name="two persons", ok=False, detail=f"{error.where}: {error.what}; {refused}", mend=error.mend)
