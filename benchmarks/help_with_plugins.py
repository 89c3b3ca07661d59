"""CPU time of `imp --help` with many channel plugins enabled, in a process of its own each time.

Usage:

uv run python benchmarks/help_with_plugins.py [--plugins 50] [--runs 15]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

MANIFEST = """[plugin]
name = "{name}"
summary = "one of many"
spec_version = 1
identifiers = ["phone"]
hosts = ["{{host}}", "api.example.com"]
addresses = "resolve"
secrets = ["token"]

[purposes]
activate = ["marketing.sms"]
"""
PLUGIN = '''"""The entry point: imports nothing but imp_core until core asks for the channel."""

from __future__ import annotations

from collections.abc import Iterable

from imp_core.channel import Channel
from imp_core.hookspecs import CommandRef, hookimpl


@hookimpl
def imp_register_channel() -> Iterable[Channel]:
    """Bring the channel."""
    from {package}.channel import Channel

    return [Channel()]


@hookimpl
def imp_register_commands():
    """Bring a command."""
    return [CommandRef(name="{name}", target="{package}.commands:command", help="A command of {name}.")]
'''

CHANNEL = '''"""What only core's asking loads."""

from imp_core.channel import *


class Channel:
    """Declares what the manifest says."""

    info = ChannelInfo(
        name="{name}", version="1.0", identifiers=(IdentifierSpec(kind="phone"),),
        purposes={{"activate": ("marketing.sms",)}}, hosts=("{{host}}", "api.example.com"),
        supports={{"deliver": "full"}},
    )

    def check(self, ctx):
        """Fine."""
        return CheckResult(ok=True, detail="fine")

    def forget(self, ctx, batch):
        """Nobody."""
        return DeliveryReport(rows=[])

    def plan(self, ctx, batch):
        """One each."""
        return Plan(messages=len(batch.rows))

    def deliver(self, ctx, batch):
        """Nobody."""
        return DeliveryReport(rows=[])
'''


def install(folder: Path, name: str) -> None:
    """A plugin as an installer leaves it."""
    package = f"bench_{name}"
    home = folder / package
    home.mkdir()
    (home / "__init__.py").write_text("")
    (home / "plugin.py").write_text(PLUGIN.format(name=name, package=package))
    (home / "channel.py").write_text(CHANNEL.format(name=name))
    (home / "imp-plugin.toml").write_text(MANIFEST.format(name=name))
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: imp-channel-{name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[imp.plugins]\n{name} = {package}.plugin\n")


def cpu_ms(words: list[str], environ: dict[str, str]) -> float:
    """Milliseconds of CPU, user and system, of one command line."""
    program = Path(sys.executable).with_name("imp")
    with subprocess.Popen([str(program), *words], env=environ, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"imp {words[0]} failed")
    return (used.ru_utime + used.ru_stime) * 1000


def main() -> None:
    """Install, enable, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plugins", type=int, default=50)
    parser.add_argument("--runs", type=int, default=15)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "site").mkdir()
        environ = {
            **os.environ,
            "IMP_HOME": str(folder / "workspace"),
            "IMP_KEYS": str(folder / "keys"),
            "PYTHONPATH": str(folder / "site"),
        }
        cpu_ms(["init", str(folder / "workspace"), "--controller", "Benchmark"], environ)
        none = statistics.median(cpu_ms(["--help"], environ) for _ in range(chosen.runs))
        for number in range(chosen.plugins):
            install(folder / "site", f"many{number:02}")
            cpu_ms(["plugin", "enable", f"many{number:02}"], environ)
        runs = [cpu_ms(["--help"], environ) for _ in range(chosen.runs + 1)][1:]  # the first one compiles them
    print(f"imp --help, no channel enabled: {none:.0f} ms of CPU (median of {chosen.runs})")
    print(
        f"imp --help, {chosen.plugins} enabled: {statistics.median(runs):.0f} ms of CPU"
        f" (median of {chosen.runs}; {min(runs):.0f} to {max(runs):.0f})"
    )


if __name__ == "__main__":
    main()
