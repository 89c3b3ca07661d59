"""One day of spend, checked: ISO 8601 day, ISO 4217 currency, exact integer micros, no person in its words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Final, NamedTuple
from zoneinfo import available_timezones

from imp_consent.plane.intake.plain import looks_like_identifier
from imp_core.channel import SpendRow, Window
from imp_core.clock import DAY_US
from imp_core.event import RowFault

__all__ = ["SpendFact", "SpendKey", "read_fact"]

_MAX_TEXT: Final = 500
_EPOCH: Final = date(1970, 1, 1).toordinal()
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CODE: Final = re.compile(r"[A-Z]{3}")
_ZONE: Final = re.compile(r"[A-Za-z0-9_+/-]{1,64}")
_AHEAD_US: Final = 14 * 3_600_000_000  # where the day begins first (UTC+14)
_INT64: Final = 2**63
_PLACES, _DIGITS = 6, 12  # micros of up to a trillion
_LONGEST: Final = 60  # digits before and behind the point, zeros included
# ISO 4217, the currencies in use (list one, without funds and metals).
_CURRENCIES: Final = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF
CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD
HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD
MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN
PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY
TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""


class SpendKey(NamedTuple):
    """What names a row of spend in its channel: day (since 1970, in the zone `tz`), campaign, content ("": none)."""

    day: int
    tz: str
    campaign: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendFact:
    """What a row says: counts (None: not reported), cost in integer micros of an ISO 4217 currency."""

    key: SpendKey
    impressions: int | None
    clicks: int | None
    cost_micros: int
    currency: str
    row: int

    @property
    def values(self) -> tuple[int | None, int | None, int, str]:
        """What a revision may change."""
        return self.impressions, self.clicks, self.cost_micros, self.currency


class _Fault(Exception):
    def __init__(self, field: str, problem: str) -> None:
        super().__init__(field, problem)
        self.field, self.problem = field, problem


def read_fact(row: SpendRow, window: Window, *, now_us: int) -> SpendFact | RowFault:
    """A row as it is stored, or why it cannot be.

    A cost may be negative: platforms credit what they charged before. Counts may not.
    """
    try:
        return SpendFact(
            key=SpendKey(
                day=_day(row.day, window, now_us),
                tz=_zone(row.tz),
                campaign=_text("campaign", row.campaign),
                content=_text("content", row.content) if row.content else "",
            ),
            impressions=_count("impressions", row.impressions),
            clicks=_count("clicks", row.clicks),
            cost_micros=_micros(row.cost),
            currency=_currency(row.currency),
            row=row.row,
        )
    except _Fault as fault:
        return RowFault(row=row.row, field=fault.field, problem=fault.problem)


def _day(text: str, window: Window, now_us: int) -> int:
    try:
        found = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None:
        raise _Fault("day", "not a day in ISO 8601, like 2026-03-01")
    day = found.toordinal() - _EPOCH
    if day > (now_us + _AHEAD_US) // DAY_US:
        raise _Fault("day", "in the future")
    outside = (window.first_day is not None and text < window.first_day) or (
        window.last_day is not None and text > window.last_day
    )
    if outside:
        raise _Fault("day", "outside the days that were asked for")
    return day


def _zone(text: str) -> str:
    known = _zones()
    if not _ZONE.fullmatch(text) or (known and text not in known):
        raise _Fault("tz", "not a time zone's IANA name, like Asia/Shanghai")
    return text


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())  # empty where the system has none


def _text(field: str, text: str) -> str:
    if not text.strip() or len(text) > _MAX_TEXT or not text.isprintable():
        raise _Fault(field, f"not one line of 1 to {_MAX_TEXT} characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _Fault(field, "not text that can be written") from None
    if looks_like_identifier(field, text):
        raise _Fault(field, "looks like an identifier")
    return text


def _count(field: str, number: int | None) -> int | None:
    if number is not None and not 0 <= number < _INT64:
        raise _Fault(field, "not a whole number from 0")
    return number


def _micros(cost: Decimal) -> int:
    if not cost:
        return 0
    if not cost.is_finite() or cost.adjusted() >= _DIGITS:
        raise _Fault("cost", "not an amount of less than a trillion")
    sign, digits, exponent = cost.as_tuple()
    # looked at before anything is spelt out: a number may have a million digits
    if not isinstance(exponent, int) or exponent < -_LONGEST or len(digits) > _LONGEST:
        raise _Fault("cost", "more than six decimal places")
    whole, shift = int("".join(map(str, digits))), exponent + _PLACES
    micros, rest = divmod(whole, 10 ** max(-shift, 0))
    if rest:
        raise _Fault("cost", "more than six decimal places")
    micros = int(micros * 10 ** max(shift, 0))
    return -micros if sign else micros


def _currency(code: str) -> str:
    if not _CODE.fullmatch(code) or code not in _CURRENCIES:
        raise _Fault("currency", "not a currency in use (ISO 4217), like CNY")
    return code
