"""Under which laws an entry stands: one place's or several, and why these."""

from __future__ import annotations

from dataclasses import dataclass

from imp_consent.policy.recorded import Law

__all__ = ["Under"]


@dataclass(frozen=True, slots=True)
class Under:
    """The laws that hold for one saying together, each in its place; the first says where the entry is recorded.

    `why`: where they are from, for whoever records it (None: they are those that were named, or imp.toml's for a yes).
    `known`: whether anything but imp.toml says so.
    """

    laws: tuple[Law, ...]
    why: str | None = None
    known: bool = True
