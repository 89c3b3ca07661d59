"""Campaign files and audiences that cannot be taken: said with file, place and mend, before anything is sent."""

from __future__ import annotations

import pytest

HEAD = 'channel = "post"\npurpose = "marketing.email"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("channel = ", "not a TOML file"),
        ('purpose = "marketing.email"\n[content]\ntext = "x"\n', "channel"),
        (HEAD, "[content]"),
        (HEAD + "[content]\n", "parts"),
        (HEAD + 'colour = "red"\n[content]\ntext = "x"\n', "unknown key"),
        (HEAD + 'step = "Two!"\n[content]\ntext = "x"\n', "not a step"),
        (HEAD + 'fields = ["email address"]\n[content]\ntext = "x"\n', "fields"),
        (HEAD + 'fields = ["identifier"]\n[content]\ntext = "x"\n', "identifiers"),
        (HEAD + '[variants.a]\ntext = "x"\n', "without an experiment"),
        (HEAD + 'experiment = "spring"\n[content]\ntext = "x"\n', "[variants.NAME]"),
        (HEAD + '[content]\nsubject = "x"\n', "the part text is missing"),
        (HEAD + '[content]\ntext = "x"\nhtml = "<p>"\n', "takes no part html"),
        (HEAD + f'[content]\ntext = "{"x" * 201}"\n', "201 characters"),
        (HEAD + '[content]\ntext = { file = "../imp.toml" }\n', "must lie in the folder"),
        (HEAD + '[content]\ntext = { file = "gone.txt" }\n', "cannot be read"),
        (HEAD + "[content]\ntext = 3\n", "must be a text"),
        (HEAD.replace("marketing.email", "marketing.nothing") + '[content]\ntext = "x"\n', "unknown purpose"),
        (HEAD.replace("marketing.email", "analytics") + '[content]\ntext = "x"\n', "does not declare the purpose"),
        (HEAD.replace("post", "email") + '[content]\ntext = "x"\n', "for the channel email"),
        (HEAD + '[content]\ntext = "forbidden words"\n', "bad-words"),
        (HEAD + 'experiment = "autumn"\n[variants.a]\ntext = "x"\n', "autumn"),
    ],
)
def test_a_campaign_that_cannot_be_taken_is_refused_with_its_place(shop, text, words):
    shop.everybody(1)
    shop.campaign(text)
    answer = shop.send(shop.people(1))
    assert answer.code == 2
    assert words in answer.err
    assert "campaigns" in answer.err or "autumn" in answer.err


@pytest.mark.parametrize("name", ["../imp", "Spring", "ann@example.com", "none", ""])
def test_a_name_that_is_no_campaign_is_refused_and_not_repeated_where_it_is_no_name(shop, name):
    answer = shop.send(shop.people(1), campaign=name)
    assert answer.code == 2
    assert "ann@example.com" not in answer.err


def test_content_may_lie_in_files_beside_the_campaign(shop):
    shop.everybody(1)
    shop.campaign(HEAD + '[content]\ntext = { file = "春天.txt" }\n')
    (shop.folder / "campaigns" / "春天.txt").write_text("春天来了", encoding="utf-8")
    shop.send(shop.people(1), "--execute").ok()
    assert shop.received()[0][4] == "春天来了"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "empty"),
        ("name\nAnn\n", "lacks a column email"),
        ("email\nann@example.com\n", "lacks the column name"),
        ("email,name,email\na@x.com,A,b@x.com\n", "twice"),
        ("email,name\n", "holds no row"),
    ],
)
def test_an_audience_that_cannot_be_read_is_refused_as_a_whole(shop, content, words):
    path = shop.folder / "audience.csv"
    path.write_text(content, encoding="utf-8")
    answer = shop.send(str(path), "--execute")
    assert answer.code == 2
    assert words in answer.err
    assert "ann@example.com" not in answer.err


def test_an_audience_of_another_encoding_is_said_so_and_read_when_named(shop):
    shop.everybody(1)
    path = shop.folder / "audience.csv"
    path.write_bytes("email,name\np0@example.com,王小明\n".encode("gb18030"))
    answer = shop.send(str(path))
    assert (answer.code, "--encoding gb18030" in answer.err) == (2, True)
    shop.send(str(path), "--encoding", "gb18030", "--execute").ok()
    assert shop.received()[0][3] == "王小明"


def test_an_audience_may_be_json_lines(shop):
    shop.everybody(2)
    path = shop.folder / "audience.jsonl"
    path.write_text('{"email": "p0@example.com", "name": "A"}\n{"name": "B"}\n', encoding="utf-8")
    answer = shop.send(str(path), "--execute")
    assert answer.code == 2
    assert "row 2" in answer.err


def test_a_channel_that_is_not_enabled_or_does_not_deliver_is_refused(shop):
    assert shop.imp("send", "email", "--audience", shop.people(1), "--campaign", "spring").code == 2
    shop.imp("plugin", "enable", "file").ok()
    answer = shop.imp("send", "file", "--audience", shop.people(1), "--campaign", "spring")
    assert answer.code == 2
    assert "does not deliver" in answer.err
