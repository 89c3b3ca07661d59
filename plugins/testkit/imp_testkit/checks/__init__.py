"""The rules of the contract, each a check; a file holds those of one thing a channel does."""

from __future__ import annotations

from typing import Final

from imp_testkit.check import Check
from imp_testkit.checks import (
    addresses,
    answering,
    audiences,
    declaring,
    delivering,
    failing,
    inbound,
    leaking,
    leaving,
    limits,
    planning,
    spending,
)

__all__ = ["CHECKS"]

_FILES = (
    declaring, answering, planning, delivering, limits, failing, addresses, leaking, leaving, audiences, inbound,
    spending,
)  # fmt: skip
CHECKS: Final[tuple[Check, ...]] = tuple(
    found for file in _FILES for found in vars(file).values() if isinstance(found, Check)
)
