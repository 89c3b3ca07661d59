"""Benchmarks and campaigns run outside of CI: that each can still be loaded is looked at in it."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PEERS = PROJECT / "benchmarks" / "peers"
MODULES = sorted(
    ".".join(path.relative_to(PROJECT).with_suffix("").parts)
    for path in (PROJECT / "benchmarks").rglob("*.py")
    if path.parent != PEERS
)


@pytest.mark.parametrize("name", MODULES)
def test_every_benchmark_and_campaign_can_be_loaded(name: str) -> None:
    assert import_module(name).__doc__, "and says what it measures"


@pytest.mark.parametrize("path", sorted(PEERS.glob("*.py")), ids=lambda path: path.name)
def test_every_peers_script_can_be_read_without_the_peer(path: Path) -> None:
    # each runs in an environment of its own, which has what it imports
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), "and says how it is run"
