"""Whom the purposes named from an entry on, where the first document ever set, or none, held when it was written."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from imp_consent.policy.declared_since import DeclaredSince
from imp_consent.policy.purpose import DeclaredPurpose, Recipient, format_purposes


class Ledger:
    """Documents of purposes, each in its `policy` entry at 10, 20, …; in each, who gets the data of which purpose."""

    def __init__(self, *documents: dict[str, str | None]) -> None:
        self._documents = {str(number): _document(each) for number, each in enumerate(documents)}

    def system_entries(self, type_: str) -> list[Any]:
        assert type_ == "policy"
        return [SimpleNamespace(seq=10 * (int(key) + 1), fields={"purposes": key}) for key in self._documents]

    def document(self, sha256: str) -> bytes:
        return self._documents[sha256]


def _document(told: dict[str, str | None]) -> bytes:
    return format_purposes(
        DeclaredPurpose(
            name=name,
            description="Wir werben 新.",
            version=1,
            traits=("none",),
            recipient=None if who is None else Recipient(name=who, contact="dpo@a.example", method="prints", rights=""),
        )
        for name, who in told.items()
    )


def names(ledger: Ledger, purpose: str, seq: int) -> dict[str, bool]:
    return {name: got.still for name, got in DeclaredSince().recipients(ledger, purpose, seq).items()}  # type: ignore[arg-type]  # what it asks of a ledger


FIRST_AND_LAST = Ledger({"ads": "Acme 广告", "video": "Other"}, {"ads": None}, {"ads": "Third", "video": None})


@pytest.mark.parametrize(
    ("seq", "found"),
    [
        (5, {"Acme 广告": False, "Third": True}),
        (10, {"Acme 广告": False, "Third": True}),
        (11, {"Acme 广告": False, "Third": True}),
        (20, {"Acme 广告": False, "Third": True}),
        (21, {"Third": True}),
        (30, {"Third": True}),
        (31, {"Third": True}),
    ],
)
def test_whom_the_document_that_held_named_counts_and_whom_later_ones_name(seq: int, found: dict[str, bool]) -> None:
    assert names(FIRST_AND_LAST, "ads", seq) == found


@pytest.mark.parametrize(("seq", "found"), [(5, True), (11, False), (21, True), (31, True)])
def test_whom_another_purpose_alone_named_then_got_nothing_for_this_one(seq: int, found: bool) -> None:
    assert DeclaredSince().is_for(FIRST_AND_LAST, "Other", ("ads",), seq) is found  # type: ignore[arg-type]  # what it asks of a ledger


def test_where_nothing_was_declared_yet_whoever_the_notice_names_may_be_of_any_purpose() -> None:
    assert DeclaredSince().is_for(Ledger(), "Other", ("ads",), 5)  # type: ignore[arg-type]  # what it asks of a ledger
    assert names(Ledger(), "ads", 5) == {}
