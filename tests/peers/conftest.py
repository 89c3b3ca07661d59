"""Exports for auditors who are not ours, and the programs that the export's own README tells them to use."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from imp_consent.audit.export import export
from imp_consent.identity.keys import Keyring
from imp_consent.ledger.entry import Statement
from imp_consent.ledger.log import Log, create_log
from imp_consent.policy.project import project
from imp_core.clock import SimulatedClock, parse_time
from imp_core.event import RawId
from imp_core.randomness import SeededRandomness

NOW_US = parse_time("2026-03-01T12:00:00Z")


@dataclass(frozen=True)
class Peers:
    """An export in `folder`, the key an auditor trusts in `vkey`, and the README's programs by their names."""

    folder: Path
    vkey: Path
    programs: dict[str, str]

    def copy(self, folder: Path) -> Peers:
        """The same export somewhere else."""
        shutil.copytree(self.folder, folder)
        return Peers(folder, self.vkey, self.programs)


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Peers:
    """An export of 600 entries: full and partial tiles on two levels."""
    home = tmp_path_factory.mktemp("peers")
    create_log(home / "ledger.db", Keyring.create(home / "keys", "peers"), "peers")
    log = Log(
        home / "ledger.db",
        Keyring.open(home / "keys", "peers"),
        log_id="peers",
        clock=SimulatedClock(NOW_US),
        randomness=SeededRandomness(5),
        actor="tester",
        projection=project,
    )
    try:
        with log.write() as transaction:
            for number in range(599):
                if number % 3:
                    transaction.append_system("import", {"n": number, "name": "邮件"})
                    continue
                subject = transaction.subject_for(RawId("member", str(number % 60)))
                said = Statement(type="grant", purpose="analytics", channel="", at_us=NOW_US - number)
                transaction.append_person(subject, said, {"actor": "self"})
        export(log, home / "export")
        (home / "trusted.vkey").write_text(f"{log.verifier_key}\n", encoding="utf-8")
    finally:
        log.close()
    text = (home / "export" / "README.md").read_text(encoding="utf-8")
    programs = re.findall(r"Save as `([^`]+)`.*?^```\w+\n(.*?)^```$", text, re.M | re.S)
    return Peers(home / "export", home / "trusted.vkey", dict(programs))


@pytest.fixture
def harmed(shipped: Peers, tmp_path: Path) -> Callable[[str, int], Peers]:
    """A copy with one byte of one file flipped; the copy before it is removed."""

    def harm(name: str, at: int) -> Peers:
        shutil.rmtree(tmp_path / "export", ignore_errors=True)
        copy = shipped.copy(tmp_path / "export")
        data = bytearray((copy.folder / name).read_bytes())
        data[at] ^= 1
        (copy.folder / name).write_bytes(data)
        return copy

    return harm


Run = Callable[[Peers], subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def go(shipped: Peers, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The README's Go program, built with Debian's packages; a skip where they are absent, a failure in CI."""
    sources = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog")
    if not (shutil.which("go") and sources.is_dir()):
        reason = "no Go or no golang-golang-x-mod-dev"
        if os.environ.get("IMP_REQUIRE_GO") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("go")
    (folder / "verify.go").write_text(shipped.programs["verify.go"], encoding="utf-8")
    environ = os.environ | {
        "GO111MODULE": "off",
        "GOPATH": "/usr/share/gocode",
        "GOCACHE": str(folder / "cache"),
        "GOFLAGS": "",
    }
    subprocess.run(["go", "build", "-o", "verify", "verify.go"], cwd=folder, env=environ, check=True, timeout=300)
    return _runner([str(folder / "verify")], folder)


@pytest.fixture(scope="session")
def aics(shipped: Peers, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The README's Python program; IMP_AICS_PYTHON names a Python 3.12 or newer that has aics-tlog."""
    python = os.environ.get("IMP_AICS_PYTHON", "python3")
    found = shutil.which(python)
    if not found or subprocess.run([found, "-c", "import aics_tlog"], capture_output=True, check=False).returncode:
        pytest.skip("no Python with aics-tlog: set IMP_AICS_PYTHON")
    folder = tmp_path_factory.mktemp("aics")
    (folder / "verify_aics.py").write_text(shipped.programs["verify_aics.py"], encoding="utf-8")
    return _runner([found, str(folder / "verify_aics.py")], folder)


@pytest.fixture(scope="session")
def sigstore(shipped: Peers, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The README's Node.js program; IMP_SIGSTORE_MODULES names a node_modules that has @sigstore/verify."""
    modules = Path(os.environ.get("IMP_SIGSTORE_MODULES", "node_modules"))
    node = shutil.which("node")
    if not node or not (modules / "@sigstore" / "verify").is_dir():
        pytest.skip("no Node.js with @sigstore/verify: set IMP_SIGSTORE_MODULES")
    folder = tmp_path_factory.mktemp("sigstore")
    (folder / "verify.js").write_text(shipped.programs["verify.js"], encoding="utf-8")
    (folder / "node_modules").symlink_to(modules.resolve())
    return _runner([node, "--preserve-symlinks-main", str(folder / "verify.js")], folder)


def _runner(command: list[str], folder: Path) -> Run:
    def run(peers: Peers) -> subprocess.CompletedProcess[str]:
        words = [*command, str(peers.folder), str(peers.vkey)]
        return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=300)

    return run
