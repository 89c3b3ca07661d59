"""On which of a ledger's notices a saying rests: by name, by hash, by time, and in the language people read."""

from __future__ import annotations

from typing import Any

import pytest

from imp_consent.policy.notice import Notice, RegisteredNotice
from imp_consent.policy.notice_search import find_notice
from imp_consent.policy.saying import Saying
from imp_consent.policy.shown import Shown, predates
from imp_core.errors import BadInput

LAW = {"controller": "Shop Ltd", "withdrawal": "any time", "text": "…"}


def notice(
    seq: int, version: int = 1, language: str = "en", *, name: str = "shown", material: Any = None, **said: Any
) -> RegisteredNotice:
    """A notice that was registered at the time of its number."""
    words: dict[str, Any] = {"purposes": ("analytics",), **LAW, **said}
    made = Notice(name=name, version=version, language=language, **words)
    return RegisteredNotice(seq=seq, sha256=f"{seq:08x}" * 8, notice=made, at_us=seq, material=material)


def said(at_us: int = 1000, *, type_: str = "grant", purpose: str = "analytics", **more: Any) -> Saying:
    return Saying(type=type_, purpose=purpose, at_us=at_us, **more)


def chosen(notices: list[RegisteredNotice], saying: Saying) -> int | None:
    """The number of the notice it rests on."""
    found = Shown(notices).choose(saying)
    return None if found is None else found.seq


def test_what_was_said_rests_on_the_newest_text_registered_by_that_very_moment() -> None:
    notices = [notice(10), notice(20, 2, material=["analytics"]), notice(30, 3, material=["analytics"])]
    assert {at: chosen(notices, said(at)) for at in (10, 19, 20, 29, 30)} == {10: 10, 19: 10, 20: 20, 29: 20, 30: 30}
    assert chosen(notices, said(5)) == 10, "what is older than all of them rests on the oldest"
    assert chosen(notices, said(purpose="sales")) is None
    assert chosen([], said()) is None


def test_one_ledger_answers_each_question_anew_by_its_purpose_its_notice_and_its_language() -> None:
    shown = Shown([notice(1), notice(2, language="de"), notice(3, name="other", purposes=("sales",))])
    asked = [said(language="en"), said(language="de"), said(purpose="sales"), said(purpose="sales", notice="other")]
    assert [found and found.seq for found in map(shown.choose, asked * 2)] == [1, 2, 3, 3] * 2


def test_translations_of_one_version_stand_side_by_side_and_a_yes_says_which_was_read() -> None:
    notices = [notice(1), notice(2, language="zh-Hans")]
    with pytest.raises(BadInput, match=r"several languages \(en, zh-Hans\): in which was it shown") as refused:
        chosen(notices, said())
    assert (refused.value.where, refused.value.mend) == ("language", "one of: en, zh-Hans")
    with pytest.raises(BadInput, match="several languages"):
        chosen(notices, said(type_="basis", basis="opt-out-notice"))
    assert chosen(notices, said(type_="basis", basis="contract")) is None, "a contract is one in whatever language"
    assert chosen(notices, said(type_="refuse")) is None
    assert [chosen(notices, said(language=tag)) for tag in ("EN", "zh-hans")] == [1, 2]
    assert [chosen(notices, said(notice=notices[n].sha256[:8])) for n in (0, 1)] == [1, 2], "its hash says it too"
    with pytest.raises(BadInput, match="several languages"):
        chosen(notices, said(notice="shown"))


def test_who_names_a_language_that_is_not_there_is_told_those_that_are_a_near_one_first() -> None:
    notices = [notice(1), notice(2, language="zh-Hant"), notice(3, language="ZH-Hans"), notice(4, language="de")]
    mends = {}
    for language in ("en-GB", "ZH", "fr"):
        with pytest.raises(BadInput) as refused:
            chosen(notices, said(language=language))
        mends[language] = refused.value.mend
        with pytest.raises(BadInput) as asked:
            find_notice(notices, "shown", language=language)
        assert (asked.value.what, asked.value.mend) == (refused.value.what, refused.value.mend)
    assert mends == {
        "en-GB": "--language en; it is there in: en, ZH-Hans, de, zh-Hant",
        "ZH": "it is there in: ZH-Hans, zh-Hant, de, en",
        "fr": "it is there in: ZH-Hans, de, en, zh-Hant",
    }
    assert [find_notice(notices, "shown", language=tag).seq for tag in (None, "EN", "de", "zh-hans")] == [4, 1, 4, 3]


def test_one_language_spelt_in_two_ways_is_one_that_was_said() -> None:
    spelt = [notice(1, language="zh-Hans"), notice(2, language="zh-hans")]
    assert chosen(spelt, said(language="zh-HANS")) == 2


def test_a_short_name_is_no_hash_though_the_hash_of_its_text_begins_so() -> None:
    named = [notice(1, name="00"), notice(2, language="de", name="00")]
    with pytest.raises(BadInput, match="several languages"):
        chosen(named, said(notice="00"))
    assert predates(said(0, notice="00"), named[0])
    assert chosen(named, said(notice=named[0].sha256)) == 1


def test_an_editorial_version_replaces_none_and_one_of_substance_all_before_it() -> None:
    both = [notice(1), notice(2, language="de"), notice(3, 2, language="de", material=[])]
    with pytest.raises(BadInput, match=r"\(de, en\)"):
        chosen(both, said())
    assert chosen([*both, notice(4, 3, language="de", material=["analytics"])], said()) == 4
    assert chosen([*both, notice(4, 3, language="de", material=["*"])], said()) == 4, "what changes all changes this"
    with pytest.raises(BadInput, match=r"\(de, en\)"):
        chosen([*both, notice(4, 3, language="de", material=["sales"])], said())


def test_of_two_changes_in_substance_the_later_one_counts() -> None:
    twice = [notice(1), notice(2, 2, "de", material=["analytics"]), notice(3, 3, "fr", material=["analytics"])]
    assert chosen(twice, said()) == 3


def test_a_translation_of_the_version_that_changed_stands_beside_it() -> None:
    changed = [notice(1), notice(2, 2, material=["analytics"]), notice(3, 2, "de"), notice(4, 3, "de", material=[])]
    with pytest.raises(BadInput, match=r"\(de, en\)"):
        chosen(changed, said())
    assert chosen(changed, said(language="en")) == 2


def test_versions_of_another_notice_neither_replace_nor_stand_beside() -> None:
    notices = [notice(1, 7, "de", name="other", material=["analytics"]), notice(2), notice(3, name="third")]
    assert [chosen(notices[:n], said()) for n in (1, 2, 3)] == [1, 2, 3]
    assert [chosen(notices, said(notice=name)) for name in ("other", "shown", "third")] == [1, 2, 3]
    assert chosen([notices[0], notice(20), notice(21, name="other", version=8)], said(5, notice="shown")) == 20


def test_what_is_older_than_every_text_rests_on_the_first_ones_until_they_changed_in_substance() -> None:
    first = [notice(10), notice(20, language="de")]
    with pytest.raises(BadInput, match=r"\(de, en\)"):
        chosen(first, said(5))
    assert chosen(first, said(5, language="de")) == 20
    later = [notice(30, 2, "fr", material=[]), notice(40, 3, "it", material=["analytics"])]
    with pytest.raises(BadInput, match=r"\(de, en, fr\)"):
        chosen([*first, *later], said(5))
    again = [notice(50, 4, "es", material=["analytics"]), notice(60, 4, "pt")]
    with pytest.raises(BadInput, match=r"\(de, en, fr\)"):
        chosen([*first, *later, *again], said(5))
    assert chosen([notice(10), notice(20, 2, "de", material=["analytics"])], said(5)) == 10
    taken_over = [notice(10, 3, material=["analytics"]), notice(20, 4, "de", material=[])]
    with pytest.raises(BadInput, match=r"\(de, en\)"):
        chosen(taken_over, said(5))
    assert chosen([notice(10, 2, material=["analytics"]), notice(20, 1, "de")], said(5)) == 20, (
        "by version, not by time"
    )


@pytest.mark.parametrize(
    ("words", "problem", "where"),
    [
        ({"notice": "nope"}, "no notice has this name or hash", "notice"),
        ({"notice": "shown", "purpose": "sales"}, "does not name this purpose", "notice"),
        ({"language": "fr"}, "no such notice is in this language", "language"),
        ({"notice": "shown", "language": "fr"}, "no such notice is in this language", "language"),
    ],
)
def test_a_yes_that_names_what_there_is_not_is_refused_and_a_no_is_not(
    words: dict[str, Any], problem: str, where: str
) -> None:
    notices = [notice(1), notice(2, name="other", purposes=("sales",))]
    for _ in range(2):
        with pytest.raises(BadInput, match=problem) as refused:
            Shown(notices).choose(said(**words))
        assert refused.value.where == where
        assert refused.value.mend
    for type_ in ("refuse", "withdraw", "object"):
        assert chosen(notices, said(type_=type_, **words)) is None


def test_a_yes_is_older_than_its_text_unless_its_hash_says_that_it_was_this_text() -> None:
    text = notice(10)
    assert predates(said(9), text)
    assert predates(said(9, notice="shown"), text)
    assert predates(said(9, type_="basis", basis="opt-out-notice"), text)
    assert not predates(said(9, type_="basis", basis="contract"), text)
    assert not predates(said(10), text)
    assert not predates(said(11), text)
    assert not predates(said(9, notice=text.sha256[:8]), text)
    assert not predates(said(9, type_="refuse"), text)
    assert not predates(said(9), None)
