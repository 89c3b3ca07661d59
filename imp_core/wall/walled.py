"""One call of a plugin's, walled in: its threads are known, held to declared hosts, and heard."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from imp_core.wall import kin
from imp_core.wall.egress import Egress, install
from imp_core.wall.hush import Hush, restore_streams, route_streams

__all__ = ["walled"]


@contextmanager
def walled(
    family: kin.Family, egress: Egress, *, secret: Collection[str] = (), thread: threading.Thread | None = None
) -> Iterator[None]:
    """While it lasts, a family's threads may connect where `egress` says, and are heard without the `secret` texts.

    `thread` is the one the plugin runs in; None is this one, for the time being.
    """
    install()
    here = threading.current_thread()
    hush = Hush(route_streams(), secret)
    before = kin.adopt(here, family) if thread is None else None
    family.judge, family.ear, family.caller = egress, hush, None if thread is None else here.ident
    kin.in_call.append(family)
    ended = None
    try:
        yield
        ended = thread
    finally:
        kin.in_call.remove(family)
        family.judge = family.ear = family.caller = None
        if thread is None:
            kin.adopt(here, before)
        hush.finish()
        # As long as somebody of theirs may still speak, the streams stay routed; core's own threads notice nothing.
        if before is None and not kin.in_call and not kin.living(besides=ended):
            restore_streams()
