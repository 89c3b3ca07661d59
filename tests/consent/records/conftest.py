"""Fixtures of the tests of records: shops of one controller, each with a ledger and keys of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from imp_consent.commands.init import init
from imp_core.clock import SimulatedClock, parse_time
from imp_core.context import Context
from imp_core.randomness import SeededRandomness

NOW = "2026-03-01T12:00:00Z"
RECORDS = """
[policy]
jurisdiction = "IE"

[records]
address = "1 High Street, Dublin"
contact = "privacy@shop.example"
storage = ["IE"]
retention = "P3Y"

[retention]
evidence = 30
"""


@pytest.fixture
def project_text(project_folder: Path) -> Callable[[str], str]:
    """The text of a file of the project."""
    return lambda name: (project_folder / name).read_text(encoding="utf-8")


def _opened(folder: Path) -> Context:
    environ = {"IMP_HOME": str(folder / "workspace"), "IMP_KEYS": str(folder / "keys"), "IMP_ACTOR": "tester"}
    return Context(
        environ=environ,
        directory=folder,
        clock=SimulatedClock(parse_time(NOW)),
        randomness=SeededRandomness(1),
    )


@pytest.fixture(scope="session")
def _shops(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two workspaces that know nobody, of the same controller, each with keys of its own."""
    made = []
    for name in ("one", "other"):
        folder = tmp_path_factory.mktemp(name)
        context = _opened(folder)
        init(context, folder / "workspace", controller="Shop Ltd")
        with (folder / "workspace" / "imp.toml").open("a", encoding="utf-8") as file:
            file.write(RECORDS)
        context.close()
        made.append(folder)
    return made[0], made[1]


@pytest.fixture
def two_shops(_shops: tuple[Path, Path]) -> Iterator[Callable[[], tuple[Context, Context]]]:
    """Makes a new pair of them at 2026-03-01T12:00:00Z."""
    with ExitStack() as stack:

        def make() -> tuple[Context, Context]:
            folder = Path(stack.enter_context(TemporaryDirectory()))
            contexts = []
            for template in _shops:
                shutil.copytree(template, folder / template.name)
                context = _opened(folder / template.name)
                stack.callback(context.close)
                contexts.append(context)
            return contexts[0], contexts[1]

        yield make


@pytest.fixture
def shop(two_shops: Callable[[], tuple[Context, Context]]) -> Context:
    """One of them."""
    return two_shops()[0]
