"""A piece of work recorded call by call: strace(1) on a process of its own, and the disk as it was before."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.campaign import children
from benchmarks.campaign.platter import Platter
from benchmarks.campaign.shop import Shop
from benchmarks.campaign.trace import Call, attach, parse_trace, tracing

__all__ = ["Recording", "record"]


@dataclass(frozen=True, slots=True)
class Recording:
    """What was called, and the disk before it."""

    calls: Sequence[Call]
    platter: Platter

    def kept(self, *, forget_syncs: bool) -> Recording:
        """The same; on a disk that forgets to sync, no call makes anything certain."""
        if not forget_syncs:
            return self
        return replace(self, calls=[call for call in self.calls if call.name not in {"fsync", "fdatasync"}])


def record(shop: Shop, output: Path, work: Callable[[], object]) -> Recording:
    """Let a process do this to a shop under strace, which writes to `output`.

    Raises:
        Crashed: the work failed.
        OSError: strace failed.
    """
    platter = Platter((shop.root, shop.keys))
    waiting, going = os.pipe()

    def held() -> None:
        os.close(going)
        os.read(waiting, 1)
        work()

    child = children.start(held)
    os.close(waiting)
    tracer = attach(child, tracing(output))
    os.write(going, b"!")
    os.close(going)
    child.join()
    _, said = tracer.communicate()
    if tracer.returncode:
        raise OSError(f"strace failed: {said.decode(errors='replace')}")
    return Recording(list(parse_trace(output.read_text(encoding="ascii").splitlines())), platter)
