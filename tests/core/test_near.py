"""What a misspelt word may have been meant to be: a name of the vocabulary, and never the word itself."""

from __future__ import annotations

import pytest

from imp_core.near import did_you_mean, nearest

KNOWN = ("analytics", "marketing.email", "营销.邮件", "Web")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("analytcs", "analytics"), ("ANALYTICS", "analytics"), ("marketing.emial", "marketing.email"),
        ("营销邮件", "营销.邮件"), ("web ", "Web"), ("zoe@example.com", None), ("", None), ("\udcff", None),
    ],
)  # fmt: skip
def test_the_name_that_looks_most_like_it(word: str, meant: str | None) -> None:
    assert nearest(word, KNOWN) == meant
    text = did_you_mean(word, KNOWN, "see: the list")
    assert text == ("see: the list" if meant is None else f"did you mean {meant}? see: the list")


def test_of_nothing_known_nothing_is_meant() -> None:
    assert nearest("analytics", ()) is None
