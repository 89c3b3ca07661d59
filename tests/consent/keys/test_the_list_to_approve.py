"""The second person sees whom they let be erased: a list is compared with what was asked, which names nobody."""

from __future__ import annotations

import pytest

LIST = ("member:2", "member:0", "member:1")
ERASE = ("consent", "erase", *LIST, "--execute")
CHILD = (
    "consent", "guardian", "member:9", "--guardian", "email:gran@example.com", "--evidence", "form 12",
    "--role", "parent", "--verification", "passport", "--purpose", "analytics",
)  # fmt: skip


@pytest.fixture
def shop(imp_here, tmp_path):
    """Five members, of whom one person may erase two."""
    imp_here("init", tmp_path / "workspace", "--controller", "Shop Ltd").ok()
    for who in range(5):
        imp_here("consent", "record", f"member:{who}", "--purpose", "analytics", "--state", "given").ok()
    with (tmp_path / "workspace" / "imp.toml").open("a") as file:
        file.write("\n[policy]\ntwo_persons_above = 2\n")
    return imp_here


@pytest.fixture
def seq(shop):
    """The entry by which ann asked to erase three."""
    asked = shop(*ERASE, IMP_ACTOR="ann")
    assert (asked.code, "--of FILE" in asked.err) == (1, True)
    return str(waiting(shop)[0]["seq"])


def waiting(imp):
    return imp("approve", "--json").ok().json["waiting"]


def ben(imp, *words, lines=()):
    return imp("approve", *words, input="\n".join(lines), IMP_ACTOR="ben")


def test_the_list_that_was_asked_for_is_approved_in_whatever_order(shop, seq, tmp_path):
    (tmp_path / "list.txt").write_text("member:0\n\nmember:1\nmember:2\nmember:1\n")
    done = ben(shop, seq, "--of", tmp_path / "list.txt").ok()
    assert "approved: erase 3 people, which ann asked for, of exactly the 3 people listed" in done.out
    assert waiting(shop)[0]["approved_by"] == "ben"
    shop(*ERASE, IMP_ACTOR="ann").ok()


def test_a_list_that_begins_with_a_byte_order_mark_is_the_same_list(shop, seq, tmp_path):
    text = "\ufeffmember:0\r\nmember:1\r\nmember:2\r\n"
    (tmp_path / "list.txt").write_bytes(text.encode())
    for words, lines in ((("--of", tmp_path / "list.txt"), ()), (("--of", "-"), text.splitlines())):
        assert ben(shop, seq, *words, "--check", "--json", lines=lines).ok().json["same"] is True


@pytest.mark.parametrize(
    "lines",
    [
        ("member:0", "member:1"),
        ("member:0", "member:1", "member:2", "member:3"),
        ("member:0", "member:1", "member:3"),
        ("member:0", "member:1", "member:nobody"),
        ("phone:+8613800138000",),
        (),
    ],
)
@pytest.mark.parametrize("more", [(), ("--check",)])
def test_more_less_or_others_are_not_the_list_and_nothing_is_approved(shop, seq, lines, more):
    refused = ben(shop, seq, "--of", "-", *more, lines=lines)
    assert (refused.code, "this is not the list" in refused.out) == (1, True)
    assert not any(line in refused.out + refused.err for line in lines)
    assert waiting(shop)[0]["approved_by"] is None
    assert shop(*ERASE, IMP_ACTOR="ann").code == 1


def test_a_look_alone_approves_nothing(shop, seq):
    looked = ben(shop, seq, "--of", "-", "--check", "--json", lines=(*LIST, "member:nobody")).ok().json
    assert looked == {"seq": int(seq), "same": True, "asked_people": 3, "listed_people": 3, "unknown": [4]}
    assert waiting(shop)[0]["approved_by"] is None
    said = ben(shop, seq, "--of", "-", "--check", lines=(*LIST, "member:nobody")).ok().out
    assert said == "this is the list: 3 people, nobody more, less or else; nobody is known by 1 line of it\n"


def test_who_asked_may_look_and_not_approve(shop, seq):
    words = ("approve", seq, "--of", "-")
    text = "\n".join(LIST)
    assert shop(*words, "--check", input=text, IMP_ACTOR="ann").code == 0
    refused = shop(*words, input=text, IMP_ACTOR="ann")
    assert (refused.code, "who asks cannot approve" in refused.err) == (1, True)


def test_a_guardian_who_is_nobody_else_here_counts_in_the_list(shop):
    shop(*CHILD).ok()
    people = ("member:0", "member:1", "email:gran@example.com")
    asked = shop("consent", "erase", *people, "--execute", IMP_ACTOR="ann")
    assert (asked.code, "erase 3 people" in asked.err) == (1, True)
    seq = str(waiting(shop)[0]["seq"])
    looked = ben(shop, seq, "--of", "-", "--json", lines=people[:2])
    assert (looked.code, looked.json["listed_people"], looked.json["unknown"]) == (1, 2, [])
    assert ben(shop, seq, "--of", "-", "--json", lines=people).ok().json["compared"]["listed_people"] == 3


@pytest.mark.parametrize(
    ("words", "lines", "told"),
    [
        (("--of", "-"), (), "a list is compared with one entry"),
        (("--check",), (), "a list is compared with one entry"),
        (("4711", "--of", "-"), LIST, "nothing waits for approval by this number"),
        (("SEQ", "--check"), (), "a list is compared with one entry"),
        (("SEQ", "--of", "nofile.txt"), (), "the file cannot be read as text"),
        (("SEQ", "--of", "-"), ("member:0", "zoe"), "where: line 2"),
        (("SEQ", "--of", "-"), ("member:0", "", "email:zoe"), "where: line 3"),
    ],
)
def test_what_is_no_list_or_of_no_entry_is_refused(shop, seq, words, lines, told):
    refused = ben(shop, *(seq if word == "SEQ" else word for word in words), lines=lines)
    assert (refused.code, told in refused.err, "zoe" in refused.err) == (2, True, False)
    assert waiting(shop)[0]["approved_by"] is None


def test_a_change_of_keys_has_no_list(shop, tmp_path):
    config = tmp_path / "workspace" / "imp.toml"
    config.write_text(config.read_text() + "two_persons = true\n")
    shop("keys", "rotate", "pepper", "--execute", IMP_ACTOR="ann")
    refused = ben(shop, str(waiting(shop)[0]["seq"]), "--of", "-", lines=LIST)
    assert (refused.code, "this asks for no erasure" in refused.err) == (2, True)


def test_the_help_says_when_two_are_needed(shop):
    said = " ".join(shop("approve", "--help").ok().out.split())
    assert "two_persons_above" in said
    assert "--of list.txt" in said
