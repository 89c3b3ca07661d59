"""UTF-8 that is declared to be in an older encoding of East Asia is seen; nothing that is written in one is refused."""

from __future__ import annotations

import io
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers.geodata import GEOCODE_DATA

from imp_core.encodings import check_no_utf_8
from imp_core.errors import BadInput

CODECS = {"zh": "gb18030", "ko": "cp949", "ja": "cp932"}
NAMES = {
    "zh": (
        "王芳 李伟 张敏 刘洋 陈静 杨丽 黄勇 赵磊 吴娜 周涛 徐军 孙艳 胡杰 朱娟 林超 何婷 郭霞 马秀英 罗桂兰 "
        "梁玉华 宋建国 郑志强 谢晓燕 韩雪梅 唐海燕 冯女士 欧阳娜娜 诸葛亮 司马相如 慕容雪村 女 男 联通 退订 "
        "同意 娅芳 媛媛 妮娅 门牌 订单 客户 已撤回 市场营销"
    ),
    "ko": (
        "김철수 이영희 박지성 최민수 정수연 강하늘 조인성 윤아름 장동건 임꺽정 한지민 오세훈 서태지 신동엽 "
        "권상우 황정민 안재욱 송중기 류현진 홍길동 전지현 고소영 문재인 손흥민 양희은 배수지 똠방 동의 거부 "
        "철회 수신거부 처리 추천 침대 마케팅"
    ),
    "ja": (
        "佐藤太郎 鈴木花子 高橋健一 田中美咲 伊藤翔 渡辺陽葵 山本結衣 中村優斗 小林大和 加藤悠 吉田凛 山田葵 "
        "①山田 髙島屋 配信停止 同意 拒否 さくら ひなた タナカ スズキ ﾔﾏﾀﾞ ﾀﾛｳ ｻﾄｳ ﾊﾅｺ ﾄｳｷｮｳ ﾆｲｶﾞﾀ ﾃｲｼ ﾄﾞｳｲ "
        "纐纈 鷗外 麗子 齋藤 邊見"
    ),
}


@cache
def words(language: str) -> tuple[str, ...]:
    """People's names and what they answer, and the places that telephone numbers belong to."""
    places = (texts.get(language, "") for texts in GEOCODE_DATA.values())
    found = {*NAMES[language].split(), *(place for place in places if not place.isascii())}
    return tuple(sorted(word for word in found if written(word, language)))


def written(word: str, language: str) -> bool:
    return word.encode(CODECS[language], errors="ignore").decode(CODECS[language]) == word


def file_of(said: list[str]) -> str:
    return "identifier,state\r\n" + "".join(f"member:{word},given\r\n" for word in said)


def is_refused(content: bytes, codec: str) -> bool:
    stream = io.BytesIO(content)
    try:
        check_no_utf_8(stream, codec, where="people.csv")
    except BadInput as error:
        return error.mend == "leave the encoding out"
    assert stream.tell() == 0, "it is read from its start"
    return False


@pytest.mark.parametrize("language", CODECS)
def test_no_word_alone_is_refused_in_the_encoding_it_is_written_in(language: str) -> None:
    assert len(words(language)) > 40
    codec = CODECS[language]
    assert [word for word in words(language) if is_refused(file_of([word] * 50).encode(codec), codec)] == []


@pytest.mark.parametrize("language", CODECS)
@given(st.data())
def test_no_file_of_words_is_refused_in_the_encoding_it_is_written_in(language: str, data: st.DataObject) -> None:
    said = data.draw(st.lists(st.sampled_from(words(language)), max_size=8))
    assert not is_refused(file_of(said).encode(CODECS[language]), CODECS[language])


@pytest.mark.parametrize("language", CODECS)
@given(st.data())
def test_a_file_of_utf_8_is_refused_whose_words_have_two_characters_or_more(language: str, data: st.DataObject) -> None:
    said = data.draw(st.lists(st.sampled_from(words(language)), min_size=1, max_size=8))
    beyond = {char for word in said for char in word if not char.isascii()}
    assert is_refused(file_of(said).encode(), CODECS[language]) == (len(beyond) > 1)


@pytest.mark.parametrize("codec", CODECS.values())
def test_a_byte_order_mark_of_utf_8_says_it_alone_and_ascii_is_read_as_declared(codec: str) -> None:
    assert is_refused(file_of(["1"]).encode("utf-8-sig"), codec)
    assert not is_refused(file_of(["1"]).encode(), codec)
    assert not is_refused("member:王芳".encode() + b"\xff", codec), "no UTF-8 throughout"
    assert is_refused(file_of(["Müller", "Jäger", "Größe", "Öhm", "Überall", "Ärmel", "René"]).encode(), codec)
