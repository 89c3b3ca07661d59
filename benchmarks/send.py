"""A large e-mail send through the real command line, killed at random, against an SMTP server that remembers.

It shows that nobody was sent to twice and nobody who was denied, that everybody of the audience is accounted for, the
peak memory, and the rate beside a floor measured in the same run: smtplib alone sending as many bytes over as many
connections to the same server. Usage:

    uv run python benchmarks/send.py [--people 100000] [--kills 10] [--seed 1] [--connections 4]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import smtplib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

HERE = Path(__file__).parent
CAMPAIGN = """
channel = "email"
purpose = "marketing.email"
fields = ["first_name"]
[content]
subject = "Spring is here"
text = "Hello {{ first_name }}, our spring catalogue is here. To hear no more of us: {{ unsubscribe_url }}"
"""


@contextmanager
def peer(inbox: Path) -> Iterator[int]:
    """The server; yields its port."""
    words = [sys.executable, str(HERE / "smtp_peer.py"), str(inbox)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


class Shop:
    """A workspace in a folder, and `imp` in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {**os.environ, "IMP_HOME": str(folder / "workspace"), "IMP_KEYS": str(folder / "keys")}
        self.inbox = folder / "inbox"
        self.peak = 0.0

    def start(self, *words: str) -> subprocess.Popen[str]:
        """One command line under way."""
        program = str(Path(sys.executable).with_name("imp"))
        pipe = subprocess.PIPE
        return subprocess.Popen([program, *words], env=self.environ, text=True, stdout=pipe, stderr=pipe)

    def run(self, *words: str) -> str:
        """One command line to its end; its output."""
        process = self.start(*words)
        watcher = threading.Thread(target=self.watch, args=(process,))
        watcher.start()
        out, err = process.communicate()
        watcher.join()
        if process.returncode not in (0, 1):
            raise SystemExit(f"imp {words[0]}: {err}")
        return out

    def watch(self, process: subprocess.Popen[str]) -> None:
        """Remember the most memory it ever held, in MiB."""
        while process.poll() is None:
            try:
                status = Path(f"/proc/{process.pid}/status").read_text()
            except OSError:
                return
            found = re.search(r"VmHWM:\s+(\d+) kB", status)
            if found:
                self.peak = max(self.peak, int(found[1]) / 1024)
            time.sleep(0.2)

    def received(self) -> int:
        """How many messages the server took; an address is of one length."""
        return self.inbox.stat().st_size // len(address(0) + "\n") if self.inbox.exists() else 0


def address(number: int) -> str:
    """Everybody's address has the same length."""
    return f"p{number:07d}@example.com"


def said(number: int) -> str | None:
    """What somebody said: of twenty, one never answered, one refused, one withdrew later."""
    return {7: None, 11: "refused", 13: "withdrawn"}.get(number % 20, "given")


def prepare(shop: Shop, people: int, port: int, connections: int) -> Path:
    """Workspace, consent, campaign, settings; returns the audience."""
    shop.run("init", shop.environ["IMP_HOME"], "--controller", "Benchmark")
    root = shop.folder / "workspace"
    asked = (datetime.now(UTC) - timedelta(days=9)).replace(microsecond=0)
    consent, audience = shop.folder / "consent.csv", shop.folder / "audience.csv"
    with consent.open("w") as file:
        file.write("identifier,purpose,state,at\n")
        for number in range(people):
            state = said(number)
            if state is not None:
                first = "given" if state == "withdrawn" else state
                file.write(f"email:{address(number)},marketing.email,{first},{asked.isoformat()}\n")
                if state == "withdrawn":
                    later = (asked + timedelta(days=1)).isoformat()
                    file.write(f"email:{address(number)},marketing.email,withdrawn,{later}\n")
    shop.run("consent", "import", str(consent))
    consent.unlink()
    with audience.open("w") as file:
        file.write("email,first_name\n")
        file.writelines(f"{address(number)},Sam\n" for number in range(people))
    (root / "campaigns").mkdir()
    (root / "campaigns" / "spring.toml").write_text(CAMPAIGN)
    with (root / "imp.toml").open("a") as file:
        file.write(
            f'\n[channels.email]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\nconnections = {connections}\n'
            'sender = "Shop <news@shop.example>"\nunsubscribe_url = "https://shop.example/u"\n'
        )
    shop.run("plugin", "enable", "email")
    return audience


def floor(port: int, messages: int, connections: int) -> float:
    """Messages a second of smtplib alone, with a message as long as ours."""
    text = ("Subject: Spring is here\r\nFrom: news@shop.example\r\n" + "X-Filler: " + "x" * 60 + "\r\n") * 1
    body = (text + "\r\n" + "Hello Sam, our spring catalogue is here. " * 20 + "\r\n").encode()

    def work(count: int) -> None:
        with smtplib.SMTP("127.0.0.1", port) as client:
            for number in range(count):
                client.sendmail("news@shop.example", [f"f{number:07d}@example.com"], body)

    threads = [threading.Thread(target=work, args=(messages // connections,)) for _ in range(connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return messages / (time.perf_counter() - began)


def kill_once(shop: Shop, words: tuple[str, ...], after: int) -> bool:
    """Start a send and kill it once the server has taken so many more; whether it was still alive."""
    process = shop.start(*words)
    goal = shop.received() + after
    watcher = threading.Thread(target=shop.watch, args=(process,))
    watcher.start()
    while process.poll() is None and shop.received() < goal:
        time.sleep(0.01)
    alive = process.poll() is None
    if alive:
        os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    watcher.join()
    return alive


def check(shop: Shop, people: int, result: dict, kills: int, connections: int) -> None:
    """Hold the server's inbox against the answer."""
    inbox = shop.inbox.read_text().split()
    permitted = {address(number) for number in range(people) if said(number) == "given"}
    doubtful = {address(row - 1) for row in result["in_doubt_rows"]}
    refused = sum(result["refused"].values())
    print(f"inbox {len(inbox):,}, twice {len(inbox) - len(set(inbox))}, denied {len(set(inbox) - permitted)}")
    print(f"in doubt {len(doubtful)}, of them in the inbox {len(doubtful & set(inbox))}, refused {refused:,}")
    assert len(inbox) == len(set(inbox)), "somebody was sent to twice"
    assert set(inbox) <= permitted, "somebody who was denied was sent to"
    assert len(set(inbox) | doubtful) + refused == people, "somebody is not accounted for"
    assert len(doubtful) <= kills * connections, "more in doubt than connections were open"


def main() -> None:
    """Prepare, kill, finish, check, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--connections", type=int, default=4)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(Path(folder))
        with peer(shop.inbox) as port, peer(shop.folder / "floor") as floor_port:
            audience = prepare(shop, asked.people, port, asked.connections)
            alone = floor(floor_port, min(asked.people, 5_000), asked.connections)
            words = ("send", "email", "--audience", str(audience), "--campaign", "spring", "--execute", "--json")
            shop.peak, kills, share = 0.0, 0, asked.people // (asked.kills + 2)
            began = time.perf_counter()
            while kills < asked.kills:
                if not kill_once(shop, words, chance.randrange(1, max(2, share))):
                    break
                kills += 1
            before = shop.received()
            last = time.perf_counter()
            result = json.loads(shop.run(*words))
            ended = time.perf_counter()
            print(f"{asked.people:,} recipients, killed {kills} times, {ended - began:.0f} s in all")
            check(shop, asked.people, result, kills, asked.connections)
            rate = (shop.received() - before) / (ended - last)
            print(f"last run {rate:,.0f} messages/s; smtplib alone {alone:,.0f}; ratio {rate / alone:.0%}")
            print(f"peak memory {shop.peak:,.0f} MiB")
            assert shop.peak < 500, "more than 500 MiB"
        print("verify:", shop.run("audit", "verify").splitlines()[0])


if __name__ == "__main__":
    main()
