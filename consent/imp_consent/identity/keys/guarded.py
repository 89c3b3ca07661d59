"""A store that somebody else wrote: it may raise or answer anything, and what it says is never repeated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from imp_core.errors import ImpError, KeysUnusable
from imp_core.key_store import KeyStore

__all__ = ["GuardedKeys"]

T = TypeVar("T")


class GuardedKeys:
    """A registered provider's store (`imp_core.key_store.KeyStore`), its breakage named as ours."""

    def __init__(self, name: str, store: object) -> None:
        if not isinstance(store, KeyStore):
            raise KeysUnusable("the key provider returned no store of keys", where=f"key provider {name}")
        self._store = store
        self.place = f"key provider {name}"

    @property
    def writable(self) -> bool:
        """Whether it says that keys can be changed in it."""
        return self._guard(lambda: self._store.writable) is True

    def load(self) -> Mapping[str, bytes]:
        """Its keys.

        Raises:
            KeysUnusable: it broke, or answered something else.
        """
        found = self._guard(lambda: dict(self._store.load()))
        if not all(type(name) is str and type(data) is bytes for name, data in found.items()):
            raise KeysUnusable("the key provider answered something else than keys", where=self.place)
        if not found:
            raise KeysUnusable("there are no keys", where=self.place, mend="put them there with: imp keys copy")
        return found

    def store(self, name: str, data: bytes) -> None:
        """Keep a key in it.

        Raises:
            KeysUnusable: it broke.
        """
        self._guard(partial(self._store.store, name, data))

    def destroy(self, name: str) -> None:
        """Destroy a key in it.

        Raises:
            KeysUnusable: it broke.
        """
        self._guard(partial(self._store.destroy, name))

    def held(self) -> frozenset[str]:
        """The names of the keys in it; none where there are none yet.

        Raises:
            KeysUnusable: it broke.
        """
        return frozenset(self._guard(lambda: dict(self._store.load())))

    def _guard(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except ImpError as error:
            raise KeysUnusable(error.what, where=self.place, mend=error.mend) from None
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 (a stranger's code may raise anything, a key in its message)
            raise KeysUnusable(f"the key provider broke: {type(error).__name__}", where=self.place) from None
