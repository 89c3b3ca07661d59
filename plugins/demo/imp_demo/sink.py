"""A mail server of the demo's own, on this machine only: it takes every message, counts it by its subject, forgets it.

Run as a process of its own (`python -m imp_demo.sink`): it prints the port it listens on, works until its standard
input ends, and then prints the counts as JSON.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from typing import Final

from imp_core.errors import ImpError

__all__ = ["HOST", "Sink", "mail_sink"]

HOST: Final = "127.0.0.1"
_PATIENCE: Final = 30  # seconds


@dataclass
class Sink:
    """A running mail server: its port, and, once it has stopped, how many messages it took by subject."""

    port: int
    process: subprocess.Popen[bytes]
    counts: dict[str, int] = field(default_factory=dict)

    def stop(self) -> dict[str, int]:
        """Stop it and hear what it counted.

        Raises:
            ImpError: it did not answer.
        """
        if not self.counts:
            try:
                out, _ = self.process.communicate(timeout=_PATIENCE)
                self.counts = json.loads(out)
            except (ValueError, subprocess.TimeoutExpired):
                raise ImpError("the mail server of the demo did not answer") from None
        return self.counts


@contextmanager
def mail_sink() -> Iterator[Sink]:
    """A mail server that lives as long as the block.

    Raises:
        ImpError: it cannot be started.
    """
    words = [sys.executable, "-m", "imp_demo.sink"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603 (our own module)
        try:
            first = process.stdout.readline() if process.stdout else b""
            if not first.strip().isdigit():
                raise ImpError("the mail server of the demo did not start", mend="install imp-core[all]")
            yield Sink(port=int(first), process=process)
        finally:
            process.kill()


class _Counter:
    def __init__(self) -> None:
        self.subjects: Counter[str] = Counter()

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:  # noqa: ARG002, N802 (the library's names)
        headers = BytesHeaderParser().parsebytes(getattr(envelope, "content", b""))
        self.subjects[str(make_header(decode_header(headers.get("Subject", ""))))] += 1
        return "250 2.0.0 counted and forgotten"


async def _serve() -> None:
    from aiosmtpd.smtp import SMTP  # noqa: PLC0415 (in the process of its own only)

    counter, loop = _Counter(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(counter, enable_SMTPUTF8=True), HOST, 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()
    sys.stdout.write(json.dumps(counter.subjects))


if __name__ == "__main__":
    asyncio.run(_serve())
