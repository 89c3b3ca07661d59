"""What was answered of changes of keys, against the log and the ring: each is an entry, and no key is one too many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.campaign.acks import Attempt
from benchmarks.campaign.key_deeds import KEY_CHANGES
from imp_consent.ledger.reader import Reader

__all__ = ["keys_lost"]

_REPLACES = ("rotate", "wrap")
_DESTROYED = ("kek", "row")  # with the change that replaces them


def keys_lost(reader: Reader, attempts: Sequence[Attempt]) -> Iterator[str]:
    """Whatever of an answered change is not so: its entry, the key in use after it, and what it destroyed."""
    entries = {entry.seq: entry.fields for entry in reader.system_entries("key")}
    for attempt in attempts:
        if attempt.deed in KEY_CHANGES and attempt.answer is not None:
            yield from _change(reader, attempt.deed, attempt.answer, entries.get(attempt.answer["seq"], {}))
    yield from _chain(reader, list(entries.values()))


def _change(reader: Reader, deed: str, answer: Mapping[str, object], fields: Mapping[str, object]) -> Iterator[str]:
    purpose, action = KEY_CHANGES[deed]
    told: dict[str, object] = {"purpose": purpose, "action": action}
    told |= {"id": answer["previous"]} if action == "retire" else {"id": answer["id"], "previous": answer["previous"]}
    if any(fields.get(name) != value for name, value in told.items()):
        yield f"{deed}: answered {answer}, entry {answer['seq']} says {fields}"
    old = [key for key in reader.keyring.keys if (key.purpose, key.id) == (purpose, answer["previous"])]
    if old and (purpose in _DESTROYED or action == "retire"):
        yield f"{deed}: the key it destroyed is still in the ring"
    if purpose == "sign" and any(key.secret for key in old):
        yield f"{deed}: the key it replaced can still sign"


def _chain(reader: Reader, entries: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """Each key was replaced by the next, and the last of each purpose is in use."""
    in_use = reader.keyring.in_use()
    last: dict[str, object] = {}
    for fields in entries:
        if fields.get("action") not in _REPLACES:
            continue
        purpose = str(fields["purpose"])
        if last.get(purpose, fields["previous"]) != fields["previous"]:
            yield f"a {purpose} key was replaced that was not in use: {fields['previous']}"
        last[purpose] = fields["id"]
    for purpose, key_id in last.items():
        if in_use[purpose] != key_id:
            yield f"the {purpose} key in use is {in_use[purpose]}, the log says {key_id}"
