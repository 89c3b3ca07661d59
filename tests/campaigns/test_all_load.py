"""Benchmarks and campaigns run outside of CI: that each can still be loaded is looked at in it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
MODULES = sorted(
    ".".join(path.relative_to(PROJECT).with_suffix("").parts) for path in (PROJECT / "benchmarks").rglob("*.py")
)


@pytest.mark.parametrize("name", MODULES)
def test_every_benchmark_and_campaign_can_be_loaded(name: str) -> None:
    assert import_module(name).__doc__, "and says what it measures"
