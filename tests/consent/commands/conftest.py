"""Fixtures of the command tests: a workspace with its keys, once per module copied for every test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imp_consent.commands.init import init
from imp_consent.ledger.entry import PersonEntry
from imp_consent.runtime import open_log
from imp_core.clock import SimulatedClock, parse_time
from imp_core.context import Context
from imp_core.event import RawId
from imp_core.randomness import SeededRandomness


@pytest.fixture(scope="session")
def _shop_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    environ = {"IMP_HOME": str(folder / "workspace"), "IMP_KEYS": str(folder / "keys"), "IMP_ACTOR": "tester"}
    context = Context(
        environ=environ,
        directory=folder,
        clock=SimulatedClock(parse_time("2026-03-01T12:00:00Z")),
        randomness=SeededRandomness(1),
    )
    init(context, folder / "workspace", controller="Shop Ltd")
    context.close()
    return folder


@pytest.fixture
def shop(_shop_template: Path, tmp_path: Path, context: Context) -> Iterator[Context]:
    """A new workspace of "Shop Ltd" as the command line and plain functions find it, at 2026-03-01T12:00:00Z."""
    for name in ("workspace", "keys"):
        shutil.copytree(_shop_template / name, tmp_path / name, dirs_exist_ok=True)
    yield context
    context.close()


@pytest.fixture
def size(shop: Context) -> Callable[[], int]:
    """The ledger's size now."""
    return lambda: open_log(shop).size


@pytest.fixture
def entries(shop: Context) -> Callable[[str], list[PersonEntry]]:
    """A person's entries, read without leaving a mark."""

    def read(word: str) -> list[PersonEntry]:
        with open_log(shop).read() as reader:
            subject = reader.find_subject(RawId.parse(word))
            return [] if subject is None else reader.history(subject)

    return read


@pytest.fixture
def system(shop: Context) -> Callable[[str], list[dict[str, Any]]]:
    """The fields of the system entries of one type."""

    def read(type_: str) -> list[dict[str, Any]]:
        with open_log(shop).read() as reader:
            return [dict(entry.fields) for entry in reader.system_entries(type_)]

    return read
