"""Encodings in which tables of text are written, and which of them a file that is no UTF-8 is likely written in.

A single-byte encoding fits any file: read in a wrong one it gives names of nobody, and no fault. So none is tried out;
who gives the file says what it is, and is told what its bytes look like.
"""

from __future__ import annotations

import codecs
import re
from types import MappingProxyType
from typing import BinaryIO, Final

from imp_core.errors import BadInput

__all__ = ["ENCODINGS", "check_no_gb18030", "check_no_utf_8", "encoding_mend", "likely_encoding"]

# The names that settings take, and the codecs they stand for; a byte-order mark of UTF-8 is let pass.
ENCODINGS: Final = MappingProxyType(
    {
        "utf-8": "utf-8-sig",
        "gb18030": "gb18030",
        "utf-16": "utf-16",
        "cp1252": "cp1252",
        "cp1250": "cp1250",
        "iso-8859-1": "iso-8859-1",
        "iso-8859-15": "iso-8859-15",
        "cp1251": "cp1251",
        "koi8-r": "koi8-r",
        "euc-kr": "cp949",
        "shift_jis": "cp932",
        "euc-jp": "euc_jp",
        "big5": "big5hkscs",
        "cp1253": "cp1253",
        "cp1254": "cp1254",
        "cp1257": "cp1257",
        "mac-roman": "mac_roman",
        "cp850": "cp850",
    }
)
# Where bytes of UTF-8 often are characters too, by twos, other ones.
_DOUBLE_BYTE: Final = frozenset({"gb18030", "cp949", "cp932", "euc_jp", "big5hkscs"})
_SINGLE_BYTE: Final = frozenset(ENCODINGS.values()) - _DOUBLE_BYTE - {"utf-8-sig", "utf-16"}
# How many different characters beyond ASCII their bytes hold that are UTF-8 throughout, until that is no accident. In
# Chinese text a fifth of the characters could be letters of two bytes, one beside the other, so eight of them are less
# than one in a hundred thousand; of three bytes, as CJK is in UTF-8, in what people write hardly any.
_NO_ACCIDENT: Final = 8
_OF_THREE_BYTES: Final = 4
_BYTE_ORDER_MARK: Final = "\ufeff"
_CHUNK: Final = 1 << 16
_ABOUT: Final = MappingProxyType(
    {
        "gb18030": "Chinese text as spreadsheets there write it",
        "utf-16": "Unicode text of a spreadsheet",
        "cp1252": "text as spreadsheets of Western Europe and America write it; cp1250 is that of Central Europe",
    }
)
_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_BEYOND: Final = re.compile(r"[^\x00-\x7f]")
_LAST_OF_TWO_BYTES: Final = "\u07ff"
_HIGH: Final = re.compile(rb"[\x80-\xff]+")
_SIGNS: Final = frozenset(range(0x80, 0xA0)) - frozenset(b"\x8a\x8c\x8d\x8e\x8f\x9a\x9c\x9d\x9e\x9f")  # in cp125x
_WITHIN: Final = frozenset("\u2019\u2018\u2013\u2014\xad\xb7")  # signs that stand within words: l’amour, col·lecció
_PAIRS: Final = re.compile(rb"(?:[\xc2-\xdf][\x80-\xbf]){2,}")
_HIGH_BYTES: Final = bytes(range(0x80, 0x100))
_LONGEST_NAME: Final = 64
_HAN_MARK: Final = re.compile("[\u3000-\u303f\uff00-\uffef]")
_FEW: Final = 20  # Han characters: of so few in a file most have to be of the commonest, and one alone says nothing
_LEVEL_1: Final = range(0xB0, 0xD8)  # the first bytes of the characters that GB2312 holds for common
# What Chinese is written in: the commonest characters, those of lists of people, and family and given names. In Korean,
# Japanese or Russian bytes read as Chinese less than a tenth of the characters are of these, in Chinese ones half are.
_COMMON: Final = frozenset(
    "的一是不了人在有我他这中大国上个市省为来到时地出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都"
    "同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将"
    "两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立"
    "及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期德资命山金指克许"
    "统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取格望觉术"
    "领共确传师观清今切院让识候带导争运李刘陈杨赵黄周吴徐孙胡朱林郭罗梁宋郑谢韩唐冯董萧曹袁邓傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏"
    "钟汪田姜范石姚谭廖邹熊陆郝孔崔康毛邱秦江史顾侯邵孟龙段雷钱汤尹黎易武乔贺赖龚伟芳秀英敏静丽磊洋勇艳杰娟涛超霞刚桂玉红华兰云辉志庆宇"
    "欣雨佳梅琴燕玲婷倩雪琳慧嘉俊峰鹏飞浩博轩客户号编订单阅退撤签状态拒绝营销渠邮箱址街县村"
)


def likely_encoding(sample: bytes) -> str | None:
    """Which encoding bytes that are no UTF-8 look like: "gb18030", "utf-16" or "cp1252"; None: like none of them.

    In Western text bytes above ASCII stand alone or between two ASCII letters; in Chinese text by twos, side by side.
    """
    if sample.startswith(_MARKS) or b"\0" in sample:
        return "utf-16" if sample.startswith(_MARKS) or _is_wide(sample) else None
    runs = list(_HIGH.finditer(sample))
    if not runs:
        return None
    alone = sum(len(run[0]) for run in runs if _is_alone(run, sample))
    if alone * 2 < sum(len(run[0]) for run in runs):
        return "gb18030" if _is_chinese(sample) else None
    signs = sum(byte in _SIGNS for run in runs for byte in run[0])
    if signs * 2 >= sum(len(run[0]) for run in runs):  # Japanese, where an ASCII byte may follow each of these
        return None
    odd = sum(_is_odd(run, sample) for run in runs)
    return None if odd * 3 >= len(runs) or any(_is_utf_8(run[0]) for run in runs) else "cp1252"


def check_no_utf_8(content: BinaryIO, codec: str, *, where: str) -> None:
    """Expect that content which is declared to be in another encoding that reads it too is no UTF-8.

    In a single-byte encoding no byte is a fault, in a double-byte one of East Asia few are. Content of ASCII alone is
    the same in all. It is left at its start.

    Raises:
        BadInput: all of it is UTF-8, and not all of it ASCII; of a double-byte encoding, so much of it that this is no
            accident.
    """
    if codec not in _SINGLE_BYTE | _DOUBLE_BYTE:
        return
    found = _beyond_ascii(content)
    content.seek(0)
    if found and (codec in _SINGLE_BYTE or _is_no_accident(found)):
        raise BadInput("this is UTF-8, and not as it was declared", where=where, mend="leave the encoding out")


def check_no_gb18030(content: BinaryIO, declare: str, *, where: str) -> None:
    """Expect that content which nobody says is UTF-8 is no Chinese text that only happens to be it as well.

    So are the names 魏伟 or 姚强: two letters each in UTF-8, of scripts that hardly stand side by side. The content is
    left at its start.

    Raises:
        BadInput: all that is beyond ASCII is such names, most of them in common characters.
    """
    found = _only_pairs(content)
    content.seek(0)
    names = [run.decode("gb18030", errors="replace") for run in found or ()]
    characters = [char for name in names for char in name]
    if (
        characters
        and all(map(_is_level_1, characters))
        and sum(char in _COMMON for char in characters) * 2 > len(characters)
    ):
        both = f"{declare.format('utf-8')}, or {declare.format('gb18030')}"
        what = "this reads as UTF-8, and as Chinese names as spreadsheets there write them"
        raise BadInput(what, where=where, mend=f"say which of the two it is: {both}")


def _only_pairs(content: BinaryIO) -> set[bytes] | None:
    """What stands beyond ASCII, by words, where each is two or more letters of two bytes; None: something else is."""
    found, rest = set[bytes](), b""
    while chunk := content.read(_CHUNK):
        text = rest + chunk
        rest = text[len(text.rstrip(_HIGH_BYTES)) :]  # a word may go on in the next chunk
        words = set(_HIGH.findall(text[: len(text) - len(rest)]))
        if len(rest) > _LONGEST_NAME or not all(map(_PAIRS.fullmatch, words)):
            return None
        found |= words
    found |= {rest} - {b""}
    return found if all(map(_PAIRS.fullmatch, found)) else None


def encoding_mend(declare: str | None, likely: str | None, *, read_as: str = "utf-8-sig") -> str:
    """What to do with a file that is not in the encoding it is read in.

    `declare` is how another is declared, with {} for its name (None: it cannot be), `likely` the one it looks like.
    """
    if declare is None or (likely is not None and ENCODINGS[likely] == read_as):
        return "save it as UTF-8"
    if likely is None:
        names = ", ".join(name for name, codec in ENCODINGS.items() if codec != read_as)
        return f"save it as UTF-8, or say how it is written, by one of {names}: {declare.format('…')}"
    return f"save it as UTF-8, or say how it is written: {declare.format(likely)}; it looks like {_ABOUT[likely]}"


def _is_wide(sample: bytes) -> bool:
    """Whether every other byte of what is mostly ASCII is none, as in UTF-16 without its mark."""
    return max(sample[0::2].count(0), sample[1::2].count(0)) * 3 > len(sample)


def _is_alone(run: re.Match[bytes], sample: bytes) -> bool:
    begin, end = run.span()
    if end - begin == 1:
        return True
    return end - begin == 2 and sample[begin - 1 : begin].isalpha() and sample[end : end + 1].isalpha()  # noqa: PLR2004 (as in "Größe")


def _is_odd(run: re.Match[bytes], sample: bytes) -> bool:
    """Whether Western spreadsheets write no word so; Mac Roman's and DOS's words look like that there, as MŸller."""
    text = run[0].decode("cp1252", errors="replace")
    before, after = sample[run.start() - 1 : run.start()].decode(), sample[run.end() : run.end() + 1].decode()
    if "\ufffd" in text:
        return True
    if text[0].isupper() and before.isalpha():
        return before.islower() or after.islower()
    if before.islower() and after.islower():
        return not all(char.isalpha() or char in _WITHIN for char in text)
    return before.isupper() and after.isupper() and text.islower() and text != "ß"


def _is_chinese(sample: bytes) -> bool:
    """Whether what is above ASCII is Han as it is written: most of it common, a quarter of it of the commonest.

    Bytes of other scripts are Han too when they are read as such, and of a few names of theirs a quarter may be of the
    commonest. A sample may be cut inside a character.
    """
    text = sample.decode("gb18030", errors="replace")
    high = [char for char in text if not char.isascii() and not _HAN_MARK.fullmatch(char)]
    if high.count("\ufffd") > 1 or sum(map(_is_level_1, high)) * 2 <= len(high):
        return False
    common = sum(char in _COMMON for char in high)
    return common * 4 >= len(high) if len(high) >= _FEW else 1 < len(high) < common * 2


def _is_level_1(char: str) -> bool:
    code = char.encode("gb2312", errors="ignore")
    return bool(code) and code[0] in _LEVEL_1


def _beyond_ascii(content: BinaryIO) -> set[str]:
    """The characters beyond ASCII of content that is UTF-8; none where it is not."""
    decoder, found = codecs.getincrementaldecoder("utf-8")(), set[str]()
    try:
        while chunk := content.read(_CHUNK):
            found.update(_BEYOND.findall(decoder.decode(chunk)))
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return set()
    return found


def _is_no_accident(found: set[str]) -> bool:
    weights = (1 if char <= _LAST_OF_TWO_BYTES else _OF_THREE_BYTES for char in found)
    return _BYTE_ORDER_MARK in found or sum(weights) >= _NO_ACCIDENT


def _is_utf_8(run: bytes) -> bool:
    try:
        run.decode()
    except UnicodeDecodeError:
        return False
    return True
