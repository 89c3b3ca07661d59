"""Fixtures of the core's tests: the least that is a workspace."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def workspace(imp_environ):
    """The least that is a workspace: an `imp.toml`, no ledger."""
    folder = Path(imp_environ["IMP_HOME"])
    (folder / "imp.toml").write_text('[workspace]\nlog_id = "test-log"\ncontroller = "Test"\n', encoding="utf-8")
    return folder
