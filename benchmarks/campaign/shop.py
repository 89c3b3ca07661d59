"""A small workspace to do harm to: made once, copied for each trial, and opened as the commands open it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from imp_consent.audit.verify import Verification
from imp_consent.commands.audit import verify_workspace
from imp_consent.commands.init import init
from imp_core.clock import SECOND_US, Clock, SystemClock
from imp_core.context import Context

__all__ = ["LATER_US", "Shop", "new_shop"]

LATER_US = 2 * 3600 * SECOND_US  # by then every lease has run out


class _Ahead:
    """The machine's clock, so many microseconds ahead."""

    def __init__(self, ahead_us: int) -> None:
        self._clock, self._ahead_us = SystemClock(), ahead_us

    def now_us(self) -> int:
        """Then, in UTC microseconds."""
        return self._clock.now_us() + self._ahead_us


@dataclass(frozen=True, slots=True)
class Shop:
    """A folder with a workspace and, apart from it, its keys and what is kept outside the database."""

    folder: Path

    @property
    def root(self) -> Path:
        """The workspace."""
        return self.folder / "workspace"

    @property
    def keys(self) -> Path:
        """The keys, and the outside folder."""
        return self.folder / "keys"

    def context(self, *, ahead_us: int = 0, actor: str = "campaign") -> Context:
        """As one command sees it; the caller closes it."""
        clock: Clock = _Ahead(ahead_us) if ahead_us else SystemClock()
        environ = {"IMP_HOME": str(self.root), "IMP_KEYS": str(self.keys)}
        return Context(environ=environ, directory=self.folder, clock=clock, chosen_actor=actor)

    @contextmanager
    def opened(self, *, ahead_us: int = 0, actor: str = "campaign") -> Iterator[Context]:
        """The same, closed at the end of the block."""
        ctx = self.context(ahead_us=ahead_us, actor=actor)
        try:
            yield ctx
        finally:
            ctx.close()

    def copy(self, folder: Path) -> Shop:
        """The same shop in another folder, which must not exist."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Shop(folder)

    def remove(self) -> None:
        """Take it away."""
        shutil.rmtree(self.folder)

    def verify(self, *, pinned: tuple[Path, ...] = ()) -> Verification:
        """`imp audit verify`."""
        with self.opened() as ctx:
            return verify_workspace(ctx, pinned=pinned)


def new_shop(folder: Path) -> Shop:
    """`imp init`."""
    shop = Shop(folder)
    folder.mkdir(parents=True, exist_ok=True)
    ctx = Context(environ={"IMP_KEYS": str(shop.keys)}, directory=folder, chosen_actor="campaign")
    init(ctx, shop.root, controller="Campaign")
    ctx.close()
    return shop
