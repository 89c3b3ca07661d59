"""Which encoding the bytes of a file look like: what is told to who has to say it."""

from __future__ import annotations

from io import BytesIO

import pytest

from imp_core.encodings import ENCODINGS, check_no_gb18030, encoding_mend, likely_encoding
from imp_core.errors import BadInput

WESTERN = [
    "Müller",
    "Größe;Straße",
    "señor;niño",
    "é",
    "Ærø;Åland",
    "pääsiäinen",
    "Zoë;façade",
    "cœur",
    "“Größe”;Müller",
    "Österreich\r\nÜbung",
]
CHINESE = [
    "陈晓燕;诸葛亮;欧阳娜娜;慕容雪村;赵丽颖;陈嘉琪",
    "深圳市南山区科技园",
    "会员",
    "member:张三;member:李四",
    "北京路1号",
    "a张b;王小明",
    "退订\uff0c谢谢。",
]


@pytest.mark.parametrize("text", WESTERN)
@pytest.mark.parametrize("around", ["", "identifier;state\r\n"])
def test_western_text_is_never_taken_for_chinese(text: str, around: str) -> None:
    assert likely_encoding((around + text + "@example.com").encode("cp1252")) == "cp1252"


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("member:鈴木;member:加藤", "euc_jp"),
        ("member:林", "euc_jp"),
        ("member:张", "gb18030"),  # one sign says too little
        ("陳怡君;林志明", "big5"),
        ("Müller;Jürgen;Schäfer;Groß", "mac_roman"),
        ("François;Hélène;René", "mac_roman"),
        ("MÜLLER;JÜRGEN", "mac_roman"),
        ("Müller;Jürgen", "cp850"),
        ("Müller;Hélène", "cp437"),
        ("ИВАНОВ;ПЕТРОВ", "cp1251"),
    ],
)
def test_a_hint_that_would_lead_to_somebody_else_is_not_given(text: str, codec: str) -> None:
    assert likely_encoding(f"identifier,purpose\r\n{text},ads\r\n".encode(codec)) is None


@pytest.mark.parametrize(
    "text", ["l’amour;d’été;forêt;élève", "col·lecció", "Größe – naïve", "STRAßE 5;MÜLLER", "20 °C;Müller®", "Zoë"]
)
def test_words_that_western_spreadsheets_write_are_not_odd(text: str) -> None:
    assert likely_encoding(f"name\r\n{text}\r\n".encode("cp1252")) == "cp1252"


@pytest.mark.parametrize("name", sorted(ENCODINGS))
def test_each_encoding_that_can_be_declared_reads_what_it_wrote(name: str) -> None:
    codec, text = ENCODINGS[name], "identifier,purpose\nann,ads\n"
    assert text.encode(codec).decode(codec) == text
    assert name in encoding_mend("[{}]", None, read_as="none of them")


@pytest.mark.parametrize("text", CHINESE)
@pytest.mark.parametrize("codec", ["gbk", "gb18030"])
def test_chinese_text_is_told_from_western(text: str, codec: str) -> None:
    assert likely_encoding(f"identifier,purpose\r\n{text},ads\r\n".encode(codec)) == "gb18030"


def test_central_european_text_is_like_western_and_the_other_is_named_with_it() -> None:
    assert likely_encoding("Łódź;Dvořák;Kraków".encode("cp1250")) == "cp1252"
    assert "cp1250 is that of Central Europe" in encoding_mend("[{}]", "cp1252")


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_wide_text_is_told_by_its_mark_or_its_zeros(codec: str) -> None:
    assert likely_encoding("identifier,purpose\n".encode(codec)) == "utf-16"
    assert likely_encoding(b"\xff\xfe" + "会员".encode("utf-16-le")) == "utf-16"


@pytest.mark.parametrize(
    "sample",
    [b"", b"plain", b"a\0b plain text with one zero", "Müller".encode() + b";M\xfcller", bytes(range(128, 256)) * 3],
    ids=["nothing", "ASCII", "a zero", "UTF-8 and another in one file", "every byte"],
)
def test_what_looks_like_none_of_them_is_not_guessed(sample: bytes) -> None:
    assert likely_encoding(sample) is None


@pytest.mark.parametrize(
    ("text", "codecs"),
    [
        ("Иванов Пётр;Мария Кузнецова;Екатерина Попова", ["cp1251", "koi8-r"]),
        ("отписаться от рассылки;согласие", ["cp1251", "koi8-r"]),
        ("ИВАНОВ ПЁТР;МАРИЯ", ["cp1251", "koi8-r"]),
        ("김철수;이영희;박지민;최수진;정민호", ["euc-kr", "cp949"]),
        ("서울특별시 강남구;수신거부;동의함", ["euc-kr", "cp949"]),
        ("山田太郎;佐藤花子;鈴木一郎;田中健", ["shift_jis", "cp932", "euc-jp"]),
        ("山田", ["euc-jp", "shift_jis"]),
        ("お名前;メール;配信停止;同意;東京都新宿区", ["shift_jis", "cp932", "euc-jp"]),
    ],
)
def test_other_scripts_are_not_taken_for_chinese(text: str, codecs: list[str]) -> None:
    for codec in codecs:
        assert likely_encoding(f"identifier,purpose\r\n{text},ads\r\n".encode(codec)) is None, codec


def test_every_name_is_a_codec_that_reads_what_it_writes() -> None:
    for name, codec in ENCODINGS.items():
        assert "member:1".encode(codec).decode(codec) == "member:1", name


def test_who_has_a_file_is_told_how_to_declare_what_it_looks_like_and_nothing_where_that_is_what_it_was_read_as() -> (
    None
):
    assert encoding_mend("--encoding {}", "gb18030").startswith(
        "save it as UTF-8, or say how it is written: --encoding gb18030; it looks like Chinese text"
    )
    unsure = encoding_mend("--encoding {}", None)
    assert all(name in unsure for name in ENCODINGS if name != "utf-8")
    assert encoding_mend(None, "cp1252") == "save it as UTF-8"
    assert encoding_mend("--encoding {}", "gb18030", read_as="gb18030") == "save it as UTF-8"


@pytest.mark.parametrize("names", ["魏伟", "叶伟", "姚强", "史伟;石伟;薛平", "卢伟"])
@pytest.mark.parametrize("end", ["", ",ads\n", ",ads\n" * 30_000])
def test_chinese_names_that_are_utf_8_by_accident_are_asked_about(names: str, end: str) -> None:
    content = BytesIO(f"identifier,purpose\n{'a,b' * 9_000}\nmember:{names}{end}".encode("gb18030"))
    content.read().decode("utf-8")
    content.seek(0)
    with pytest.raises(BadInput) as asked:
        check_no_gb18030(content, "[{}]", where="f.csv")
    assert "[utf-8], or [gb18030]" in str(asked.value.mend)
    assert content.tell() == 0


@pytest.mark.parametrize(
    "text",
    ["", "plain", "Müller", "Noël", "Zoë;Benoît", "Иван Петров", "Тина", "Νίκος", "שלום", "محمد", "张三", "Łódź", "Đỗ"],
)
def test_utf_8_of_other_scripts_is_not_asked_about(text: str) -> None:
    check_no_gb18030(BytesIO(f"identifier,purpose\n{text},ads\n".encode()), "[{}]", where="f.csv")


@pytest.mark.parametrize("cut", range(-4, 5))
def test_a_name_is_one_wherever_it_is_read(cut: int) -> None:
    with pytest.raises(BadInput, match="reads as UTF-8, and as Chinese"):
        check_no_gb18030(BytesIO(b"x" * ((1 << 16) - cut) + "魏伟".encode("gb18030")), "[{}]", where="f.csv")
