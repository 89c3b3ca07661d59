"""Messages a second to a local SMTP server that counts and forgets, with and without DKIM.

Each is shown beside a floor measured in the same run: smtplib's own `sendmail` of the very messages the channel made,
over as many connections. The server (aiosmtpd) is a process of its own. Usage:

    uv run python benchmarks/mail.py [--messages 2000] [--connections 4] [--profile]
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import multiprocessing
import pstats
import smtplib
import tempfile
import threading
import time
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from imp_channel_email.channel import EmailChannel
from imp_core.channel import Batch, ChannelContext, Content, DeliveryStatus, Recipient
from imp_core.event import RawId
from imp_core.outbound.handout import Handout

ROWS = 500
SENDER = "news@shop.example"
TEXT = "Hello {{ first_name }}, spring is here: 春天到了.\n{{ unsubscribe_url }}\n" * 20
HTML = "<html><body>" + "<p>Hello {{ first_name }}, spring is here: 春天到了.</p>\n" * 40 + "</body></html>"


class Forgetful:
    """Counts, and keeps the messages only where it was asked to."""

    def __init__(self, kept: Queue[bytes]) -> None:
        self._kept = kept

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: ANN401, N802 (aiosmtpd's)
        """Count a message."""
        if session.host_name == "keep":
            self._kept.put(envelope.content)
        return "250 2.0.0 Ok"


def serve(port: Queue[int], kept: Queue[bytes]) -> None:
    """The server's process."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(Forgetful(kept), hostname="sink.test", loop=loop), "127.0.0.1", 0
        )
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def deliver(context: ChannelContext, messages: int) -> float:
    """Seconds the channel takes, in batches of `ROWS`."""
    channel = EmailChannel()
    parts = {"subject": "Frühling für {{ first_name }}", "text": TEXT, "html": HTML}
    took = 0.0
    for start in range(0, messages, ROWS):
        rows = [
            Recipient(
                handle=f"h{number}",
                key=f"{number:064x}",
                content="plain",
                fields={"first_name": f"Ann {number}"},
                unsubscribe=f"{'t' * 120}{number}",
            )
            for number in range(start, min(start + ROWS, messages))
        ]
        batch = Batch(
            id=f"b{start}",
            campaign="spring",
            step="1",
            purpose="marketing.email",
            contents={"plain": Content(name="plain", parts=parts)},
            rows=rows,
            expires_us=context.now_us + 30_000_000,
        )
        addresses = {row.handle: RawId("email", f"{row.handle}@example.com") for row in rows}
        handout = Handout(context, rows, addresses, purpose=batch.purpose, granted=True, fresh=lambda: True)
        began = time.perf_counter()
        report = channel.deliver(handout, batch)
        took += time.perf_counter() - began
        assert all(row.status is DeliveryStatus.ACCEPTED for row in report.rows)
    return took


def bare(port: int, data: list[bytes], connections: int) -> float:
    """Seconds smtplib takes for messages that are ready."""

    def work(mine: list[bytes]) -> None:
        with smtplib.SMTP("127.0.0.1", port, local_hostname="bare") as smtp:
            for number, item in enumerate(mine):
                smtp.sendmail(SENDER, f"h{number}@example.com", item)

    threads = [threading.Thread(target=work, args=(data[start::connections],)) for start in range(connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def key_file(folder: Path) -> str:
    """A new RSA key of 2048 bits."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path = folder / "dkim.pem"
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(path)


def compare(name: str, settings: dict[str, Any], secrets: dict[str, str], messages: int, kept: Queue[bytes]) -> None:
    """Measure the channel and the floor, and print both."""
    context = ChannelContext(settings=settings, secrets=secrets, now_us=time.time_ns() // 1000)
    keep = ChannelContext(settings={**settings, "sender": "news@keep"}, secrets=secrets, now_us=context.now_us)
    deliver(keep, 100)
    data = [kept.get(timeout=10) for _ in range(100)]
    floor = bare(int(settings["port"]), (data * (messages // 100 + 1))[:messages], int(settings["connections"]))
    took = deliver(context, messages)
    size = sum(map(len, data)) // len(data)
    print(
        f"{name:<10} {messages / took:>7,.0f} messages/s   sendmail alone {messages / floor:>7,.0f}/s"
        f"   ratio {floor / took:.2f}   ({size:,} bytes each)"
    )


def main() -> None:
    """Run the server, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--messages", type=int, default=2_000)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--profile", action="store_true", help="show where one connection's time goes")
    options = parser.parse_args()
    port: Queue[int] = multiprocessing.Queue()
    kept: Queue[bytes] = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(port, kept), daemon=True)
    server.start()
    settings: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port.get(timeout=10),
        "security": "none",
        "sender": f"Shop <{SENDER}>",
        "unsubscribe_url": "https://shop.example/u",
        "connections": 1 if options.profile else options.connections,
    }
    signed = {**settings, "dkim_domain": "shop.example", "dkim_selector": "s1"}
    with tempfile.TemporaryDirectory() as folder:
        secrets = {"dkim_key": key_file(Path(folder))}
        if options.profile:
            context = ChannelContext(settings=signed, secrets=secrets, now_us=time.time_ns() // 1000)
            with cProfile.Profile() as profile:
                deliver(context, options.messages)
            pstats.Stats(profile).sort_stats("cumulative").print_stats(45)
        else:
            compare("unsigned", settings, {}, options.messages, kept)
            compare("DKIM", signed, secrets, options.messages, kept)
    server.terminate()
    server.join()


if __name__ == "__main__":
    main()
