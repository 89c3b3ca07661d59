"""Who acts: a name that can be read, and what another name must not look like."""
# ruff: noqa: RUF001 (letters that look like others are what is tested)

from __future__ import annotations

import pytest

from imp_core.actor import check_actor, same_actor
from imp_core.errors import BadInput


@pytest.mark.parametrize(
    "name", ["ann", "Ann Müller", "王小明", "علی‌رضا", "Иван", "deploy-bot/3", "ann@shop.example", "नीलम", "山田 太郎"]
)
def test_a_name_of_any_script_is_taken_as_it_is(name):
    assert check_actor(name, where="--actor") == name


def test_a_name_is_kept_composed_and_without_blanks_around_it():
    assert check_actor("  Zoe\u0308 \n", where="--actor") == "Zoë"


@pytest.mark.parametrize(
    "name",
    [
        "an\tn", "an\nn", "ann\x1b[2J", "ann\x00", "ann\x7f", "ann\u200b", "ann\u202e", "\u2066ann",
        "a\u00adnn", "ann\ufeff",
        "an\u2028n", "\ue000", "\udc80", "  ", "\u200d", "\u2800", "\ufe0f\u3164", "x" * 201,
    ],
)  # fmt: skip
def test_what_cannot_be_seen_is_refused_and_never_shown(name):
    with pytest.raises(BadInput) as refused:
        check_actor(name, where="--actor")
    assert refused.value.where == "--actor"
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann", "ANN"), ("ann", " Ann "), ("ann", "а\u006e\u006e"), ("ann", "ａｎｎ"), ("ann", "𝐚𝐧𝐧"),
        ("ann", "an\u200bn"),
        ("ann", "a\u202enn"), ("ann", "an\ufe0fn"), ("ann lee", "ann\u00a0lee"), ("ann lee", "annlee"), ("Ian", "lan"),
        ("bob", "b0b"), ("bernd", "bemd"), ("carl", "car1"), ("HANS", "НАΝЅ"), ("ｗang", "wang"), ("ann", "an\u3164n"),
        ("straße", "STRASSE"), ("Zoë", "Zoe\u0308"), ("асе", "ace"), ("王小明", "王小明\u200b"), ("王ann", "王аnn"),
        ("ann-lee", "ann‐lee"), ("ann-lee", "ann‑lee"), ("ann-lee", "Ann – Lee"), ("ann-lee", "ann—lee"),
        ("ann-lee", "ann−lee"), ("ann-lee", "ann－lee"), ("ann-lee", "ann﹣lee"), ("王-明", "王–明"),
        ("o'neil", "o’neil"), ("o'neil", "O‘Neil"), ("o'neil", "oʼneil"), ("o'neil", "o´neil"), ("o'neil", "o`neil"),
        ("o'neil", "o′neil"), ("o'neil", "o＇neil"), ("o'neil", "oꞌneil"), ('ann "a" lee', "ann “a” lee"),
        ("ann lee", "ann\u2009lee"), ("ann lee", "ann\u3000lee"), ("ann lee", "ann\u1680lee"),
        ("ann lee", "ann\u202flee"), ("ann lee", "ann\u2800lee"),
    ],
)  # fmt: skip
def test_names_that_look_the_same_are_the_same(one, other):
    assert same_actor(one, other)
    assert same_actor(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann", "ben"), ("王小明", "王小红"), ("王小明", "汪小明"), ("李雷", "李蕾"), ("Иван", "Игорь"),
        ("müller", "miller"),
        ("ann-1", "ann-2"), ("bot/1", "bot/2"), ("山田", "山口"), ("علی", "علیرضا"), ("土", "士"), ("未", "末"),
        ("ann-lee", "annlee"), ("ann-lee", "ann lee"), ("o'neil", "oneil"), ("o'neil", "óneil"), ("ann-lee", "ann_lee"),
    ],
)  # fmt: skip
def test_names_that_look_different_are_different(one, other):
    assert not same_actor(one, other)


def test_whoever_cannot_be_read_writes_nothing_however_they_are_named(imp_here, tmp_path, monkeypatch):
    monkeypatch.setenv("LOGNAME", "an\x1b[31mn")
    imp_here("init", tmp_path / "workspace", "--controller", "Shop Ltd").ok()
    said = ("consent", "record", "member:1", "--purpose", "analytics", "--state", "given")
    size = len(imp_here("audit", "entries", "0-99", "--json").ok().json["entries"])
    for refused in (
        imp_here("--actor", "ann\u202e", *said),
        imp_here(*said, IMP_ACTOR="an\tn"),
        imp_here(*said, IMP_ACTOR=" "),
        imp_here(*said, IMP_ACTOR=""),
    ):
        assert refused.code == 2
        assert "\x1b" not in refused.err
        assert "\u202e" not in refused.err
    assert len(imp_here("audit", "entries", "0-99", "--json").ok().json["entries"]) == size
    imp_here("--actor", "王小明", *said).ok()
