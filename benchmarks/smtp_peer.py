"""An SMTP server that remembers: a line with the recipient for each message it takes. For tests of what was sent.

    python benchmarks/smtp_peer.py INBOX

It prints its port and serves until its standard input ends. A recipient is written down before the message is
acknowledged, as a server that keeps what it accepted does.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP


class Inbox:
    """Appends each accepted recipient to a file."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:  # noqa: ARG002, N802 (the library's names)
        """Take the message."""
        os.write(self._file, "".join(f"{address}\n" for address in envelope.rcpt_tos).encode())
        return "250 2.0.0 taken"


async def serve(path: Path) -> None:
    """Serve on a free port of this machine."""
    loop = asyncio.get_running_loop()
    inbox = Inbox(path)
    server = await loop.create_server(lambda: SMTP(inbox, enable_SMTPUTF8=True), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
