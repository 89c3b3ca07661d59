"""For what imp.toml wants two persons: each of its two settings stands for itself."""

from __future__ import annotations

from typing import Any

import pytest

from imp_consent.policy.second_person import read_two_persons
from imp_core.errors import BadInput


@pytest.mark.parametrize(
    ("policy", "keys", "above", "text"),
    [
        ({}, False, None, "one person changes keys, and erases any number of people"),
        ({"two_persons": False}, False, None, "one person changes keys, and erases any number of people"),
        ({"two_persons": True}, True, 10, "two persons for changes of keys and erasing more than 10 people at a time"),
        ({"two_persons_above": 1}, False, 1, "two persons for erasing more than 1 person at a time"),
        ({"two_persons": False, "two_persons_above": 2}, False, 2, "for erasing more than 2 people at a time"),
        ({"two_persons": True, "two_persons_above": 100}, True, 100, "keys and erasing more than 100 people at a time"),
    ],
)
def test_each_setting_stands_for_itself_and_is_told_in_words(
    policy: dict[str, Any], keys: bool, above: int | None, text: str
) -> None:
    found = read_two_persons({"policy": policy})
    assert (found.keys, found.above) == (keys, above)
    assert found.text.endswith(text)
    assert not policy or read_two_persons({}) == read_two_persons({"policy": {}})


@pytest.mark.parametrize(
    ("policy", "where"),
    [
        ("x", "imp.toml"),
        ({"two_persons": "true"}, "imp.toml, [policy] two_persons"),
        ({"two_persons": 1}, "imp.toml, [policy] two_persons"),
        ({"two_persons_above": 0}, "imp.toml, [policy] two_persons_above"),
        ({"two_persons_above": -3}, "imp.toml, [policy] two_persons_above"),
        ({"two_persons_above": "10"}, "imp.toml, [policy] two_persons_above"),
        ({"two_persons_above": True}, "imp.toml, [policy] two_persons_above"),
        ({"two_persons": True, "two_persons_above": 1.5}, "imp.toml, [policy] two_persons_above"),
    ],
)
def test_what_is_neither_yes_nor_no_nor_a_number_is_refused_with_its_line(policy: Any, where: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_two_persons({"policy": policy})
    assert refused.value.where == where
    assert refused.value.mend
