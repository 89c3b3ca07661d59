"""What runs of a plugin in the main thread: stopped where it hangs, and never mistaken for the operator's ^C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

__all__ = ["Hung", "Watch", "watched"]

_AGAIN_SECONDS = 1.0
_HAS_ALARM: Final = hasattr(signal, "setitimer")


class Hung(BaseException):
    """Raised into a plugin that takes too long; again every second, for one that catches it."""


class Watch:
    """What happened meanwhile: whether the operator interrupted."""

    def __init__(self) -> None:
        self.interrupted = False

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """The operator's ^C."""
        self.interrupted = True
        signal.default_int_handler(number, frame)


@contextmanager
def watched(seconds: float) -> Iterator[Watch]:
    """Raise `Hung` into what runs longer; in other threads than the main one nothing can be raised, and nothing is.

    A deadline or a handler of the host's own stays in force instead.
    """
    watch = Watch()
    if threading.current_thread() is not threading.main_thread():
        yield watch
        return
    listening = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if listening:
        signal.signal(signal.SIGINT, watch.interrupt)
    alarmed = _HAS_ALARM and signal.getitimer(signal.ITIMER_REAL)[0] == 0.0
    before = signal.signal(signal.SIGALRM, _hung) if alarmed else None
    if alarmed:
        signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_SECONDS)
    try:
        yield watch
    finally:
        if alarmed:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, before)
        if listening:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        elif callable(signal.getsignal(signal.SIGINT)):
            watch.interrupted = True  # a handler of somebody else's: nobody can tell whose interrupt it was


def _hung(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 (as handlers are called)
    raise Hung
