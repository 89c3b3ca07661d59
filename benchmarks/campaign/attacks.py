"""What whoever has the keys can do, and what shows it: nothing on the premises, a checkpoint kept elsewhere at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.campaign.shop import Shop
from imp_consent.runtime import open_log
from imp_core.errors import ImpError

__all__ = ["attacks"]


def attacks(shop: Shop, folder: Path) -> list[str]:
    """Rollback, truncation and fork; what did not come out as it must, in words.

    Each is refused with a checkpoint pinned elsewhere. Without one, and with what lies outside the database taken
    along, none is noticed: that too is shown, because nobody could.
    """
    folder.mkdir()
    victim = shop.copy(folder / "victim")
    before = victim.copy(folder / "before")  # what an operator's backup of everything holds
    _append(victim, 7)
    pinned = folder / "pinned"
    pinned.write_text(_signed(victim), encoding="utf-8")
    _append(victim, 3)
    return [
        *_rollback(victim, before, folder, pinned),
        *_replaced("truncation", before.copy(folder / "cut"), pinned),
        *_replaced("a fork", _forked(before.copy(folder / "forked")), pinned),
    ]


def _rollback(victim: Shop, before: Shop, folder: Path, pinned: Path) -> Iterator[str]:
    """The database alone put back: the checkpoint outside shows it, and nothing can be read or written."""
    rolled = victim.copy(folder / "rolled")
    (rolled.root / "ledger.db").write_bytes((before.root / "ledger.db").read_bytes())
    for suffix in ("-wal", "-shm"):
        (rolled.root / f"ledger.db{suffix}").unlink(missing_ok=True)
    for what, tried in (("read", _size), ("write", lambda shop: _append(shop, 1)), ("sign", _signed)):
        try:
            tried(rolled)
        except ImpError:
            continue
        yield f"rollback of the database: it can be {what}"
    if rolled.verify().ok or rolled.verify(pinned=(pinned,)).ok:
        yield "rollback of the database: the audit finds nothing"


def _replaced(what: str, shop: Shop, pinned: Path) -> Iterator[str]:
    """Everything replaced, signed with the true keys."""
    if not shop.verify().ok:
        yield f"{what}: noticed without anything kept elsewhere, which is not possible"
    found = {problem.code for problem in shop.verify(pinned=(pinned,)).problems}
    if not found:
        yield f"{what}: the pinned checkpoint is not held against it"


def _forked(shop: Shop) -> Shop:
    """Another history from there on, longer than the true one."""
    _append(shop, 20)
    return shop


def _append(shop: Shop, count: int) -> None:
    with shop.opened() as ctx, open_log(ctx).write() as transaction:
        for number in range(count):
            transaction.append_system("access-request", {"number": number, "folder": shop.folder.name})


def _size(shop: Shop) -> int:
    with shop.opened() as ctx:
        return open_log(ctx).size


def _signed(shop: Shop) -> str:
    with shop.opened() as ctx:
        return open_log(ctx).checkpoint().note
