"""Every use of people's data as the log tells it: what was taken in, analysed and sent, by whom and for what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from imp_consent.ledger.reader import Reader
from imp_core.gate import Action
from imp_core.ports import Json, SystemEntry

__all__ = ["ABANDONED", "ANALYSTS", "DONE", "OPEN", "RecordedUse", "UseFilter", "read_uses"]

# Who reads through the view, and by which type of entry its definition is known.
_ANALYST: Final = {"experiment": "experiments"}
_VIEW: Final = "view"
ANALYSTS: Final = frozenset(_ANALYST.values())  # who analyses, beside the channels
DONE: Final = "done"
OPEN: Final = "open"
ABANDONED: Final = "abandoned"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedUse:
    """A use: `seq` marks it, `close_seq` ends it (None: it is one entry, or still open).

    `plugin` is the channel or the part of the product that used the data, `about` the experiment or campaign, `known`
    the ledger's size that the gate decided by. `permitted` counts rows, units or messages (None: nobody said how many),
    `denied` those refused, by reason. `state` is "done", "open" (under way, or what did it died) or "abandoned".
    """

    seq: int
    close_seq: int | None
    at_us: int
    action: str
    plugin: str
    purposes: tuple[str, ...]
    channel: str | None
    actor: str
    about: str | None
    known: int
    permitted: int | None
    denied: Mapping[str, int] = field(default_factory=dict)
    state: str = DONE
    batch: int | None = None

    @property
    def seqs(self) -> tuple[int, ...]:
        """The entries that tell of it."""
        return (self.seq,) if self.close_seq is None else (self.seq, self.close_seq)


@dataclass(frozen=True, slots=True, kw_only=True)
class UseFilter:
    """Which uses are meant: record time [from_us, to_us), a purpose and all below it, a plugin. None: any."""

    from_us: int | None = None
    to_us: int | None = None
    purpose: str | None = None
    plugin: str | None = None

    def takes(self, use: RecordedUse) -> bool:
        """Whether a use is among them."""
        return (
            (self.from_us is None or use.at_us >= self.from_us)
            and (self.to_us is None or use.at_us < self.to_us)
            and (self.plugin is None or use.plugin == self.plugin)
            and (self.purpose is None or any(f"{name}.".startswith(f"{self.purpose}.") for name in use.purposes))
        )


def read_uses(reader: Reader, wanted: UseFilter | None = None) -> list[RecordedUse]:
    """The uses a filter takes, oldest first."""
    found = [*_collected(reader), *_viewed(reader), *_sent(reader)]
    return sorted((use for use in found if wanted is None or wanted.takes(use)), key=lambda use: use.seq)


def _collected(reader: Reader) -> Iterator[RecordedUse]:
    for entry in reader.system_entries("collect"):
        fields, channel = entry.fields, _text(entry.fields.get("channel"))
        yield RecordedUse(
            seq=entry.seq,
            close_seq=None,
            at_us=entry.at_us,
            action=str(Action.COLLECT),
            plugin=channel or _VIEW,
            purposes=_texts(fields.get("purposes")),
            channel=channel,
            actor=entry.actor,
            about=None,
            known=_number(fields.get("known"), entry.seq),
            permitted=_count(fields.get("n")),
            denied=_counts(fields.get("denied")),
            batch=_count(fields.get("batch")),
        )


def _viewed(reader: Reader) -> Iterator[RecordedUse]:
    ends = _ends(reader.system_entries("use-close"), "use")
    definitions = {entry.seq: entry for type_ in _ANALYST for entry in reader.system_entries(type_)}
    for entry in reader.system_entries("use-open"):
        fields, close = entry.fields, ends.get(entry.seq)
        defined = definitions.get(_number(fields.get("definition"), -1))
        counts = _counts(close.fields.get("counts")) if close else {}
        yield RecordedUse(
            seq=entry.seq,
            close_seq=close.seq if close else None,
            at_us=entry.at_us,
            action=str(fields.get("action", Action.ANALYSE)),
            plugin=_ANALYST[defined.type] if defined else _VIEW,
            purposes=_texts([fields.get("purpose")]),
            channel=_text(fields.get("channel")),
            actor=entry.actor,
            about=_text(defined.fields.get(defined.type)) if defined else None,
            known=_number(fields.get("n"), entry.seq),
            permitted=counts.get("units"),
            denied={name: n for name, n in counts.items() if name != "units"},
            state=_state(close),
        )


def _sent(reader: Reader) -> Iterator[RecordedUse]:
    ends = _ends(reader.system_entries("send-close"), "intent")
    for entry in reader.system_entries("send-intent"):
        fields, close = entry.fields, ends.get(entry.seq)
        channel = _text(fields.get("channel"))
        yield RecordedUse(
            seq=entry.seq,
            close_seq=close.seq if close else None,
            at_us=entry.at_us,
            action=str(Action.ACTIVATE),
            plugin=channel or _VIEW,
            purposes=_texts([fields.get("purpose")]),
            channel=channel,
            actor=entry.actor,
            about=_text(fields.get("campaign")),
            known=_number(fields.get("known"), entry.seq),
            permitted=_count(fields.get("n")),
            denied=_counts(fields.get("denied")),
            state=_state(close),
        )


def _state(close: SystemEntry | None) -> str:
    if close is None:
        return OPEN
    return ABANDONED if close.fields.get("abandoned") else DONE


def _ends(entries: Iterable[SystemEntry], of: str) -> dict[object, SystemEntry]:
    """The entries that close others, by the number of the one that each closes; the first counts."""
    found: dict[object, SystemEntry] = {}
    for entry in entries:
        found.setdefault(entry.fields.get(of), entry)
    return found


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None


def _texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list | tuple) else ()


def _count(value: Json) -> int | None:
    return value if isinstance(value, int) else None


def _number(value: Json, otherwise: int) -> int:
    return value if isinstance(value, int) else otherwise


def _counts(value: object) -> dict[str, int]:
    if not isinstance(value, Mapping):
        return {}
    return {str(name): n for name, n in value.items() if isinstance(n, int) and n}
