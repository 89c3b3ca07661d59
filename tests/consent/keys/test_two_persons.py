"""Two persons for keys and for erasing many: who asks cannot approve, and an approval is good once, for that alone."""

from __future__ import annotations

import pytest

from imp_core.clock import DAY_US


@pytest.fixture
def shop(imp_here, tmp_path):
    """Five members, in a workspace that wants two persons for keys and for erasing more than two people."""
    imp_here("init", tmp_path / "workspace", "--controller", "Shop Ltd").ok()
    for who in range(5):
        imp_here("consent", "record", f"member:{who}", "--purpose", "analytics", "--state", "given").ok()
    config = tmp_path / "workspace" / "imp.toml"
    config.write_text(config.read_text() + "\n[policy]\ntwo_persons = true\ntwo_persons_above = 2\n")
    return imp_here


def ann(imp, *words):
    return imp(*words, IMP_ACTOR="ann")


def ben(imp, *words):
    return imp(*words, IMP_ACTOR="ben")


def waiting(imp):
    return imp("approve", "--json").ok().json["waiting"]


ROTATE = ("keys", "rotate", "pepper", "--execute")
ERASE = ("consent", "erase", "member:0", "member:1", "member:2", "--execute")


def test_a_change_of_keys_waits_for_a_second_person_and_is_done_once_approved(shop):
    asked = ann(shop, *ROTATE)
    assert asked.code == 1
    assert "two persons are needed" in asked.err
    (waits,) = waiting(shop)
    assert (waits["deed"], waits["actor"], waits["approved_by"]) == ("keys rotate pepper", "ann", None)
    ben(shop, "approve", str(waits["seq"])).ok()
    assert waiting(shop)[0]["approved_by"] == "ben"
    ann(shop, *ROTATE).ok()
    assert waiting(shop) == []


def test_the_answer_to_an_approval_names_who_approved(shop):
    ann(shop, *ROTATE)
    done = ben(shop, "approve", str(waiting(shop)[0]["seq"]), "--json").ok().json
    assert (done["actor"], done["approved_by"]) == ("ann", "ben")
    assert done["approved_by"] == waiting(shop)[0]["approved_by"]


def test_an_approval_is_good_for_one_time(shop):
    ann(shop, *ROTATE)
    ben(shop, "approve", str(waiting(shop)[0]["seq"])).ok()
    ann(shop, *ROTATE).ok()
    again = ann(shop, *ROTATE)
    assert again.code == 1
    assert len(waiting(shop)) == 1


@pytest.mark.parametrize("actor", ["ann", "ANN", " Ann ", "\u0430nn", "\uff41nn", "a n n"])
def test_who_asks_cannot_approve(shop, actor):
    ann(shop, *ROTATE)
    seq = str(waiting(shop)[0]["seq"])
    refused = shop("approve", seq, IMP_ACTOR=actor)
    assert refused.code == 1
    assert "who asks cannot approve" in refused.err
    assert ann(shop, *ROTATE).code == 1


@pytest.mark.parametrize("actor", ["ann\u200b", "\u202eann", "an\x00n", "an\u2060n"])
def test_who_cannot_be_read_approves_nothing(shop, actor):
    ann(shop, *ROTATE)
    assert shop("approve", str(waiting(shop)[0]["seq"]), IMP_ACTOR=actor).code == 2
    assert waiting(shop)[0]["approved_by"] is None


def test_two_people_of_chinese_names_are_two(shop):
    asked = shop(*ROTATE, IMP_ACTOR="王小明")
    assert asked.code == 1
    seq = str(waiting(shop)[0]["seq"])
    assert shop("approve", seq, IMP_ACTOR="王小明").code == 1
    shop("approve", seq, IMP_ACTOR="王小红").ok()
    shop(*ROTATE, IMP_ACTOR="王小明").ok()


def test_an_approval_of_one_thing_opens_no_other(shop):
    ann(shop, *ROTATE)
    ben(shop, "approve", str(waiting(shop)[0]["seq"])).ok()
    for words in (("keys", "rotate", "kek", "--execute"), ("keys", "wrap", "pepper", "--execute"), ERASE):
        assert ann(shop, *words).code == 1


@pytest.mark.parametrize(
    "words",
    [
        ("keys", "rotate", "kek", "--execute"),
        ("keys", "rotate", "row", "--execute"),
        ("keys", "rotate", "sign", "--execute"),
        ("keys", "wrap", "supp", "--execute"),
        ("keys", "export", "--execute"),
    ],
)
def test_every_change_of_keys_needs_two(shop, words):
    before = shop("keys", "list", "--json").ok().json
    assert ann(shop, *words).code == 1
    assert shop("keys", "list", "--json").ok().json == before


def test_nobody_alone_erases_more_people_than_the_workspace_lets_them(shop):
    assert ann(shop, *ERASE).code == 1
    assert "given" in shop("consent", "check", "member:0", "--purpose", "analytics").out
    (waits,) = waiting(shop)
    assert (waits["deed"], waits["people"]) == ("erase 3 people", 3)
    ben(shop, "approve", str(waits["seq"])).ok()
    assert ann(shop, "consent", "erase", "member:0", "member:1", "member:3", "--execute").code == 1, "others than asked"
    ann(shop, *ERASE).ok()
    assert shop("consent", "check", "member:0", "--purpose", "analytics").code == 1


def test_few_people_are_erased_by_one_person(shop):
    ann(shop, "consent", "erase", "member:0", "member:1", "--execute").ok()


def key_entries(imp):
    return imp("audit", "entries", "--type", "key", "--json").ok().json["entries"]


def test_r29_a_persons_own_erasure_waits_for_nobody_and_the_log_says_why_a_key_was_changed_by_one(shop, tmp_path):
    ann(shop, "consent", "erase", "member:0", "--execute").ok()
    assert waiting(shop) == []
    (entry,) = key_entries(shop)
    told = {name: entry["fields"][name] for name in ("purpose", "action", "because", "people")}
    assert told == {"purpose": "kek", "action": "rotate", "because": "erasure", "people": 1}
    shop("audit", "report", "--out", tmp_path / "report.html").ok()
    why = "the last step of an erasure, which one person may carry out"
    assert why in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert shop("audit", "verify").code == 0


def test_an_erasure_that_nobody_carried_out_changes_no_key(shop):
    ann(shop, "consent", "erase", "--resume").ok()
    assert key_entries(shop) == []
    assert ann(shop, "keys", "rotate", "kek", "--execute").code == 1


def test_a_change_of_keys_that_two_asked_for_claims_no_erasure(shop):
    ann(shop, "keys", "rotate", "kek", "--execute")
    ben(shop, "approve", str(waiting(shop)[0]["seq"])).ok()
    ann(shop, "keys", "rotate", "kek", "--execute").ok()
    (entry,) = key_entries(shop)
    assert "because" not in entry["fields"]


def test_where_nobody_says_how_many_are_many_one_person_erases_ten(shop, tmp_path):
    config = tmp_path / "workspace" / "imp.toml"
    config.write_text(config.read_text().replace("two_persons_above = 2\n", ""))
    for who in range(5, 12):
        shop("consent", "record", f"member:{who}", "--purpose", "analytics", "--state", "given").ok()
    many = [f"member:{who}" for who in range(11)]
    assert ann(shop, "consent", "erase", *many, "--execute").code == 1
    assert waiting(shop)[0]["people"] == 11
    ann(shop, "consent", "erase", *many[1:], "--execute").ok()


def test_a_dry_run_asks_for_nothing(shop):
    ann(shop, "keys", "rotate", "pepper").ok()
    ann(shop, *ERASE[:-1]).ok()
    assert waiting(shop) == []


def test_what_cannot_be_done_is_refused_before_anybody_is_asked(shop):
    for words in (
        ("keys", "rotate", "supp"),
        ("keys", "rotate", "lamp"),
        ("keys", "retire", "0000"),
        ("keys", "wrap", "kek"),
    ):
        assert ann(shop, *words, "--execute").code in (1, 2)
    assert waiting(shop) == []


def test_an_approval_that_nobody_used_in_seven_days_is_void(shop, clock):
    ann(shop, *ROTATE)
    seq = str(waiting(shop)[0]["seq"])
    ben(shop, "approve", seq).ok()
    clock.move_to(clock.now_us() + 7 * DAY_US)
    assert waiting(shop) == []
    assert ann(shop, *ROTATE).code == 1
    assert ben(shop, "approve", seq).code == 2


@pytest.mark.parametrize("seq", ["0", "99999", "x", "-1"])
def test_what_waits_for_nothing_cannot_be_approved(shop, seq):
    assert ben(shop, "approve", seq).code == 2


def test_nothing_is_approved_twice(shop):
    ann(shop, *ROTATE)
    seq = str(waiting(shop)[0]["seq"])
    ben(shop, "approve", seq).ok()
    assert shop("approve", seq, IMP_ACTOR="cid").code == 1


def test_the_log_has_who_asked_who_approved_and_what_and_no_subject(shop):
    ann(shop, *ERASE)
    ben(shop, "approve", str(waiting(shop)[0]["seq"])).ok()
    ann(shop, *ERASE).ok()
    entries = shop("audit", "entries", "--type", "approval", "--json").ok().json["entries"]
    assert [(entry["actor"], entry["fields"]["step"]) for entry in entries] == [
        ("ann", "asked"), ("ben", "given"), ("ann", "used"),
    ]  # fmt: skip
    asked, given, used = (entry["fields"] for entry in entries)
    assert given["sha256"] == asked["sha256"]
    assert given["request"] == used["request"] == entries[0]["seq"]
    assert set(asked) == {"step", "deed", "nonce", "sha256", "people"}
    assert shop("audit", "verify").code == 0


def test_without_the_setting_one_person_does(shop, tmp_path):
    config = tmp_path / "workspace" / "imp.toml"
    config.write_text(config.read_text().replace("two_persons = true\ntwo_persons_above = 2\n", ""))
    ann(shop, *ROTATE).ok()
    ann(shop, *ERASE).ok()


@pytest.mark.parametrize("wrong", ['two_persons = "yes"', "two_persons = true\ntwo_persons_above = 0"])
def test_a_setting_that_is_none_is_refused_and_nothing_done(shop, tmp_path, wrong):
    config = tmp_path / "workspace" / "imp.toml"
    config.write_text(config.read_text().replace("two_persons = true\ntwo_persons_above = 2", wrong))
    assert ann(shop, *ROTATE).code == 2
    assert ann(shop, *ERASE).code == 2
