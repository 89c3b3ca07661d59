"""The mapping file of a spend report: which column holds what, and how the platform writes days and numbers.

```
[spend]                            # field = column, or several of which the first that is there is read
day = "日期"
campaign = ["推广计划", "计划"]
cost = "消费"                       # "Amount spent ({currency})": the header names the currency
impressions = "展现"                # as clicks, content and currency: may be left out, or not be there
[defaults]                         # where no column says so
currency = "CNY"
tz = "Asia/Shanghai"
[file]                             # all may be left out
encoding = ["utf-8", "gb18030"]    # the first that fits; also "utf-16"
delimiter = ","
preamble = 10                      # so many lines may stand above the header
[format]
day = ["YYYY-MM-DD", "YYYY/M/D"]   # anything else in it stands for itself: "YYYY-MM-DD 00:00:00"
thousands = ","
decimal = "."
symbols = ["¥", "￥"]               # let pass before or behind an amount
empty = ["--"]                     # as good as nothing
unit = "0.01"                      # what the file counts cost in: 1, 0.01 or 0.000001 of the currency
[totals]
words = ["合计", "Total: *"]        # a row without a day that begins so is a total; "" is a row that says nothing
```
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from imp_channel_file.keys import UTF_8, choice, delimiter, encoding, known, refuse, strings, table
from imp_core.errors import BadInput

__all__ = ["CURRENCY_MARK", "SpendMapping", "parse_spend_mapping"]

CURRENCY_MARK: Final = "{currency}"
_TOP: Final = ("spend", "defaults", "file", "format", "totals")
_NEEDED: Final = ("day", "campaign", "cost")
_FIELDS: Final = (*_NEEDED, "content", "impressions", "clicks", "currency")
_CONSTANTS: Final = ("campaign", "currency", "tz")
_UNITS: Final = {unit: Decimal(unit) for unit in ("1", "0.01", "0.000001")}
_MOST_LINES: Final = 100
_DAY_PARTS: Final = {"YYYY": r"(?P<y>[0-9]{4})", "MM": r"(?P<m>[0-9]{2})", "DD": r"(?P<d>[0-9]{2})"}
_SHORT_PARTS: Final = {"M": r"(?P<m>[0-9]{1,2})", "D": r"(?P<d>[0-9]{1,2})"}
_PARTS: Final = {**_DAY_PARTS, **_SHORT_PARTS}
_DAY: Final = re.compile("|".join(_PARTS))


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendMapping:
    """How a spend report is read.

    `columns` are the names that each field's column may have; `days` what a day may look like, `written` in words;
    `number` what an amount looks like, its digits in the group `n`; `unit` what one of the file's units is worth.
    """

    columns: Mapping[str, Sequence[str]]
    defaults: Mapping[str, str]
    encodings: Sequence[str]
    delimiter: str | None
    preamble: int
    days: Sequence[re.Pattern[str]]
    written: str
    number: re.Pattern[str]
    thousands: str
    decimal: str
    empty: frozenset[str]
    unit: Decimal
    totals: re.Pattern[str] | None


def parse_spend_mapping(toml: str, *, where: str) -> SpendMapping:
    """Read a spend mapping from its text.

    Raises:
        BadInput: not TOML, not for spend, an unknown key, or something a key cannot be.
    """
    try:
        found = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"the mapping is not TOML: {error}", where=where) from None
    if "spend" not in found:
        raise BadInput("this mapping is not for spend: it has no table [spend]", where=where)
    known(found, _TOP, where)
    file, form = table(found, "file", where), table(found, "format", where)
    known(file, ("encoding", "delimiter", "preamble"), where, "file.")
    known(form, ("day", "thousands", "decimal", "symbols", "empty", "unit"), where, "format.")
    written = _several(form, "day", "format.day", where) or ["YYYY-MM-DD"]
    thousands, point = _mark(form, "thousands", "", where), _mark(form, "decimal", ".", where)
    return SpendMapping(
        columns=_columns(found, where),
        defaults=_defaults(found, where),
        encodings=tuple(encoding(name, where) for name in _several(file, "encoding", "file.encoding", where))
        or (UTF_8,),
        delimiter=delimiter(file.get("delimiter"), where),
        preamble=_lines(file.get("preamble", 0), where),
        days=tuple(_day_pattern(text, where) for text in written),
        written=" or ".join(written),
        number=_number_pattern(thousands, point, _several(form, "symbols", "format.symbols", where), where),
        thousands=thousands,
        decimal=point,
        empty=frozenset({"", *_several(form, "empty", "format.empty", where)}),
        unit=choice(form.get("unit", "1"), _UNITS, "format.unit", where),
        totals=_totals(found, where),
    )


def _columns(found: Mapping[str, Any], where: str) -> dict[str, list[str]]:
    given = table(found, "spend", where)
    known(given, _FIELDS, where, "spend.")
    columns = {name: _several(given, name, f"spend.{name}", where) for name in given}
    constant = table(found, "defaults", where)
    for name in _NEEDED:
        if not columns.get(name) and name not in constant:
            refuse(f"spend.{name}", "name its column", where)
    for name, several in columns.items():
        if name != "cost" and any(CURRENCY_MARK in column for column in several):
            refuse(f"spend.{name}", f"{CURRENCY_MARK} stands in the column of the cost only", where)
    return columns


def _defaults(found: Mapping[str, Any], where: str) -> dict[str, str]:
    given = strings(found, "defaults", where)
    known(given, _CONSTANTS, where, "defaults.")
    return given


def _several(given: Mapping[str, Any], key: str, name: str, where: str) -> list[str]:
    value = given.get(key, [])
    several = [value] if isinstance(value, str) else value
    if not isinstance(several, list) or not all(isinstance(item, str) and item for item in several):
        refuse(name, "must be a text or a list of texts", where)
    return list(several)


def _mark(form: Mapping[str, Any], key: str, default: str, where: str) -> str:
    value = form.get(key, default)
    if not isinstance(value, str) or len(value) > 1 or value.isalnum() or value in ("+", "-"):
        refuse(f"format.{key}", "must be one character that is no digit, letter or sign", where)
    return value


def _lines(value: object, where: str) -> int:
    if type(value) is not int or not 0 <= value <= _MOST_LINES:
        refuse("file.preamble", f"must be a number of lines from 0 to {_MOST_LINES}", where)
    return value


def _day_pattern(text: str, where: str) -> re.Pattern[str]:
    parts, rest = _DAY.findall(text), _DAY.split(text)
    if sorted({part[0] for part in parts}) != ["D", "M", "Y"] or len(parts) != len(_SHORT_PARTS) + 1:
        refuse("format.day", "must hold YYYY, MM or M, and DD or D, each once", where)
    pattern = "".join(re.escape(before) + _PARTS[part] for before, part in zip(rest, parts, strict=False))
    return re.compile(pattern + re.escape(rest[-1]))


def _number_pattern(thousands: str, point: str, symbols: Sequence[str], where: str) -> re.Pattern[str]:
    if not point or point == thousands:
        refuse("format.decimal", "must be one character, and another than thousands", where)
    whole = r"[0-9]{1,19}"
    if thousands:
        whole = rf"[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}}){{1,6}}|{whole}"
    digits = rf"(?P<n>(?:{whole})(?:{re.escape(point)}[0-9]{{0,20}})?)"
    symbol = rf"(?:{'|'.join(map(re.escape, symbols))})?" if symbols else ""
    return re.compile(rf"(?P<s>[+-]?)\s*{symbol}\s*(?P<t>[+-]?){digits}\s*{symbol}")


def _totals(found: Mapping[str, Any], where: str) -> re.Pattern[str] | None:
    given = table(found, "totals", where)
    known(given, ("words",), where, "totals.")
    words = given.get("words", [])
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        refuse("totals.words", "must be a list of texts", where)
    patterns = (re.escape(word[:-1]) + ".*" if word.endswith("*") else re.escape(word) for word in words)
    return re.compile("|".join(patterns), re.DOTALL) if words else None
