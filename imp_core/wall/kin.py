"""Which threads are a plugin's: the one core calls it in, and whatever threads were started from those.

A thread is marked on its own object by the thread that starts it, so that what a plugin left running is still known
when its call is long over. Threads started behind the back of `threading` cannot be: those are never core's.
"""

from __future__ import annotations

import threading
from typing import Final, Protocol

__all__ = ["Ear", "Family", "adopt", "current", "in_call", "living", "mark_started_threads", "put_down_to", "speaker"]

_MARK: Final = "_imp_family"


class Judge(Protocol):
    """Says where a family's threads may connect to."""

    def look_up(self, name: object) -> None:
        """A name is about to be looked up.

        Raises:
            PermissionError: it may not.
        """
        ...

    def reach(self, address: object) -> None:
        """An address is about to be connected to, or sent something.

        Raises:
            PermissionError: it may not.
        """
        ...

    def start(self, what: str) -> None:
        """A process is about to be started.

        Raises:
            PermissionError: always.
        """
        ...

    def found(self, name: object, address: object) -> None:
        """A name was looked up, and this is one of its addresses."""
        ...


class Ear(Protocol):
    """Hears what a family's threads print and log."""

    def write(self, text: str) -> None:
        """Some text, not necessarily a line."""
        ...

    def clean(self, text: str) -> str:
        """A text without what must not come out, cut where it is too long to be shown."""
        ...

    def clean_whole(self, text: str) -> str:
        """The same of a text of any length."""
        ...


class Family:
    """A plugin's threads of one life. Outside of a call they may connect to nothing and nobody hears them."""

    __slots__ = ("caller", "ear", "judge")

    def __init__(self) -> None:
        self.judge: Judge | None = None
        self.ear: Ear | None = None
        # The thread that waits for the answer: what runs in it meanwhile (a finalizer, say) is not core's.
        self.caller: int | None = None


_STRAY: Final = Family()
in_call: Final[list[Family]] = []


def current() -> Family | None:
    """The family of this thread; None where it is core's own, or nobody knows whose."""
    family: Family | None = vars(threading.current_thread()).get(_MARK)
    return family


def adopt(thread: threading.Thread, family: Family | None) -> Family | None:
    """Make a thread part of a family, or (None) of none any more; returns whose it was."""
    before: Family | None = vars(thread).pop(_MARK, None)
    if family is not None:
        vars(thread)[_MARK] = family
    return before


def speaker() -> Family | None:
    """The family whose words this thread's are."""
    family = current()
    if family is None and in_call and _is_foreign():
        return in_call[-1]
    return family


def put_down_to() -> Family | None:
    """The family that whatever this thread does is put down to.

    What runs in the thread that waits for a plugin's answer meanwhile (a finalizer, say) is that plugin's, and a thread
    that nobody knows is somebody's who may not.
    """
    family = current()
    if family is not None:
        return family
    if _is_foreign():
        return in_call[-1] if in_call else _STRAY
    here = threading.get_ident()
    return next((other for other in in_call if other.caller == here), None)


def mark_started_threads() -> None:
    """From now on a thread that a plugin's thread starts is of its family."""
    start = threading.Thread.start

    def marked(self: threading.Thread) -> None:
        family = current()
        if family is not None:
            adopt(self, family)
        start(self)

    # No audit event tells of a thread's start in every Python there is.
    threading.Thread.start = marked  # type: ignore[method-assign]


def _is_foreign() -> bool:
    return type(threading.current_thread()) is threading._DummyThread  # noqa: SLF001 (it has no other name)


def living(besides: threading.Thread | None) -> bool:
    """Whether any other thread of a plugin's is alive."""
    return any(_MARK in vars(thread) for thread in threading.enumerate() if thread is not besides)
