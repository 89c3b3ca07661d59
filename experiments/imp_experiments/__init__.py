"""Experiments of IMP: design, assignment, measurement and readouts.

`from imp_experiments import analyze` reads a file or data frame; it is imported when it is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imp_experiments.readout.analyze import analyze

__all__ = ["analyze"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 (whatever is asked for)
    if name == "analyze":
        return importlib.import_module("imp_experiments.readout.analyze").analyze
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
