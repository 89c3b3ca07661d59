"""Every name that IMP reads in `imp.toml`, and what stands there that nothing reads: most likely a misspelt one.

A misspelt name would silently leave the default in force, such as another law. So until it is mended no yes is
recorded and nothing is sent or analysed, and every command says so; whoever says no, or wants to be erased, never waits
for that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, NamedTuple

__all__ = ["KNOWN", "Unread", "meant", "shown", "unread_in"]

# By table: its names; None: whatever stands there is a plugin's, or is looked at by name where it is read.
KNOWN: Final[Mapping[str, frozenset[str] | None]] = {
    "archive": frozenset({"props"}),
    "channels": None,
    "keys": frozenset({"provider"}),
    "plugins": None,
    "policy": frozenset({"channels", "jurisdiction", "regime", "regimes", "two_persons", "two_persons_above"}),
    "privacy": frozenset({"k"}),
    "processing": frozenset({"dpo", "joint", "people", "recipient", "representative", "security"}),
    "processing.recipient": frozenset({"contact", "country", "host", "name", "role", "safeguard"}),
    "records": frozenset({"address", "contact", "retention", "rights", "storage"}),
    "retention": frozenset({"archive", "evidence", "requests"}),
    "retention.archive": frozenset({"exposure", "outcome", "touchpoint", "trait"}),
    "rights": frozenset({"verification"}),
    "rights.verification": frozenset({"access", "erase", "portability", "rectify"}),
    "runtime": None,
    "signals": frozenset({"consent_mode", "opt_out_purpose", "opt_out_words"}),
    "signals.consent_mode": frozenset(
        {
            "ad_personalization",
            "ad_storage",
            "ad_user_data",
            "analytics_storage",
            "functionality_storage",
            "personalization_storage",
            "security_storage",
        }
    ),
    "workspace": frozenset({"controller", "log_id", "timezone"}),
}
_SHOWN: Final = 40


class Unread(NamedTuple):
    """A name that nothing reads: where it stands, and what it may have been meant to be."""

    where: str
    mend: str


def unread_in(config: Mapping[str, Any], *, plugins: Collection[str] = ()) -> Iterator[Unread]:
    """What nothing reads, in the order of the file. A table named like a plugin (`plugins`, or pinned) is its own."""
    free = {*plugins, *_table(config.get("plugins"))}
    for name, value in config.items():
        if name in KNOWN:
            yield from _below(name, value)
        elif name not in free:
            where = f"[{shown(name)}]" if isinstance(value, dict | list) else shown(name)
            yield Unread(f"imp.toml, {where}", meant(name, None, is_table=isinstance(value, dict)))


def _below(path: str, value: object) -> Iterator[Unread]:
    known = KNOWN[path]
    if isinstance(value, list):  # [[path]]
        for one in value:
            yield from _below(path, one)
    elif known is not None:  # what is no table is refused where it is read
        for name, below in _table(value).items():
            if name not in known:
                yield Unread(f"imp.toml, [{path}] {shown(name)}", meant(name, path))
            elif f"{path}.{name}" in KNOWN:
                yield from _below(f"{path}.{name}", below)


def meant(name: str, path: str | None, *, is_table: bool = False) -> str:
    """What a name that nothing reads may have been meant to be in a table (None: at the top); else what is known."""
    import difflib  # noqa: PLC0415 (most files are read without a mistake, and it takes milliseconds)

    here = [table for table in KNOWN if "." not in table] if path is None else sorted(KNOWN[path] or ())
    elsewhere = [] if is_table else [f"[{table}] {name}" for table, names in KNOWN.items() if names and name in names]
    if elsewhere:
        return f"did you mean {elsewhere[0]}"
    close = difflib.get_close_matches(name.lower(), here, n=1)
    if close:
        return f"did you mean {close[0] if path else f'[{close[0]}]'}"
    return f"{f'[{path}]' if path else 'it'} knows: {', '.join(here)}; remove what is none of them"


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def shown(name: str) -> str:
    """A name as a message may repeat it."""
    short = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…"
    return short if short.isprintable() else ascii(short)
