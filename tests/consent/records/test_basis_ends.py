"""What a record says of a basis whose purpose became another one."""

from __future__ import annotations

import pytest

from imp_consent.ledger.entry import PersonEntry, Statement
from imp_consent.policy.cuts import Cut
from imp_consent.records.select import Naming, rows_of


@pytest.mark.parametrize(("bases", "until"), [(True, 60), (False, None)])
def test_a_basis_ends_in_its_record_where_its_purpose_changed_and_not_where_a_notice_did(
    bases: bool, until: int | None
) -> None:
    said = Statement(type="basis", purpose="ads", channel="", at_us=10, basis="legitimate-interest")
    entry = PersonEntry(seq=3, subject=1, statement=said, payload={})
    rows = rows_of([entry], Naming(b"k" * 32), subject=1, identifier=None, cuts=[Cut("ads", 60, 7, bases=bases)])
    assert rows is not None
    assert [row.statement.until_us for row in rows] == [until]
