"""Fixtures of the tests of records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def project_text(project_folder: Path) -> Callable[[str], str]:
    """The text of a file of the project."""
    return lambda name: (project_folder / name).read_text(encoding="utf-8")
