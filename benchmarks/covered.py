"""Branch coverage of the parts that decide and prove: `imp_consent`'s policy, ledger and identity; 100 % is asked.

Runs only the tests that are about them, in one process, and exits with 1 where a line or branch is not reached. Usage:

uv run poe covered [PYTEST ARGUMENTS]
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_PROJECT = Path(__file__).resolve().parent.parent
_SETTINGS = Path(__file__).with_name("covered.cfg")
_TESTS = (
    "policy",
    "ledger",
    "identity",
    "law",
    "keys",
    "proof",
    "erase",
    "restore",
    "rights",
    "signals",
    "commands",
    "send",
    "outside",
    "plane",
)


def main(words: Sequence[str] | None = None) -> int:
    """Run the tests under coverage and report; 1 where something is not covered."""
    tests = [f"tests/consent/{name}" for name in _TESTS if (_PROJECT / "tests" / "consent" / name).is_dir()]
    pytest = ["-m", "pytest", "-q", "-p", "no:xdist", *tests, *(sys.argv[1:] if words is None else words)]
    tested = _coverage("run", *pytest)
    covered = _coverage("report")
    return int(bool(tested or covered))


def _coverage(verb: str, *words: str) -> int:
    command = [sys.executable, "-m", "coverage", verb, f"--rcfile={_SETTINGS}", *words]
    return subprocess.run(command, cwd=_PROJECT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
