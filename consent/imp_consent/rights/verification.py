"""How surely it is known who asks: nothing is disclosed below the level a kind of request needs (GDPR 12(6)).

Whatever only takes permission away needs no verification: an opt-out, a withdrawal, an objection, a limit (CCPA regs
§§7026(d), 7060(b)). `imp.toml` may ask for more for the others, never for those:

    [rights.verification]
    access = "high"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from imp_core.errors import BadInput, CheckFailed

__all__ = ["KINDS", "LEVELS", "Verification", "check_requester", "check_verified", "needed_level"]

# none: nobody looked; contact: they answered from the address on record; high: several facts or a document, and theirs.
LEVELS: Final = ("none", "contact", "reasonable", "high")
_LEAST: Final[Mapping[str, str]] = {
    "access": "reasonable",
    "portability": "reasonable",
    "rectify": "reasonable",
    "erase": "contact",
}
# Nobody may be asked to prove who they are before a no of theirs counts.
_FREE: Final = ("limit", "object", "opt-out", "restrict", "withdraw")
KINDS: Final = tuple(sorted((*_LEAST, *_FREE)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """How surely it is known who asks, and what shows it: one line, kept encrypted with the person's entry."""

    level: str = "none"
    method: str | None = None


def needed_level(config: Mapping[str, Any], kind: str) -> str:
    """The level a kind of request needs in this workspace.

    Raises:
        BadInput: `[rights.verification]` is not a table of kinds and levels, asks for less than the least, or asks
            anything of who says no.
    """
    rights = config.get("rights", {})
    table = rights.get("verification", {}) if isinstance(rights, dict) else None
    where = "imp.toml: [rights.verification]"
    if not isinstance(table, dict):
        raise BadInput("not a table of kinds and levels", where=where, mend='write it like: access = "high"')
    for name, level in table.items():
        if name not in _LEAST or level not in LEVELS:
            mend = f"of {', '.join(sorted(_LEAST))}: one of {', '.join(LEVELS)}; whoever says no proves nothing"
            raise BadInput(f"{name!a} has no such level", where=where, mend=mend)
        if LEVELS.index(level) < LEVELS.index(_LEAST[name]):
            raise BadInput(f"{name} needs at least {_LEAST[name]}", where=where, mend=f'{name} = "{_LEAST[name]}"')
    return str(table.get(kind, _LEAST.get(kind, "none")))


def check_verified(config: Mapping[str, Any], kind: str, shown: Verification) -> None:
    """Refuse what needs to be surer of who asks; says nothing of whether anybody is known.

    Raises:
        CheckFailed: the level is below the one that this kind of request needs.
        BadInput: as `needed_level`; or there is no such level, or one above none without saying what shows it.
    """
    if shown.level not in LEVELS:
        raise BadInput("not a level of verification", where="--verified", mend=f"one of {', '.join(LEVELS)}")
    if shown.level != "none" and not _is_line(shown.method):
        raise BadInput("verified, but not how", where="--how", mend='say it in one line, such as "answered our letter"')
    needed = needed_level(config, kind)
    if LEVELS.index(shown.level) < LEVELS.index(needed):
        raise CheckFailed(
            f"it is not known surely enough who asks: {kind} needs the level {needed}",
            where="--verified",
            mend=f'verify who it is, then say so: --verified {needed} --how "what showed it"',
        )


def check_requester(config: Mapping[str, Any], kind: str, shown: Verification) -> None:
    """The same before a request is answered; of a no nothing is ever asked, whatever `imp.toml` says.

    Raises:
        As `check_verified`.
    """
    if kind not in _FREE:
        check_verified(config, kind, shown)


def _is_line(text: str | None) -> bool:
    return text is not None and text.isprintable() and 0 < len(text.strip()) <= 300  # noqa: PLR2004 (as other words of an entry)
