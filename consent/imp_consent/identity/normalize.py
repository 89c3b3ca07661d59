"""One spelling per identifier, so that the same person is found again; and the loosest one, for opt-outs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from imp_core.errors import BadInput
from imp_core.event import RawId

__all__ = ["DEVICE_KINDS", "KINDS", "loosest", "normalise"]

_MAX_LENGTH = 254
_WHERE = "identifier"
_WHOLE = "write it whole, like ann@example.com"
_WITH_COUNTRY = "write it with its country code, like +8613800138000"
# Plain ASCII addresses, which most are, need no parser: every match is what email-validator would return.
_PLAIN_EMAIL = re.compile(
    r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z])"
)
_MAX_LOCAL = 64
_IMEI = re.compile(r"[0-9]{14,16}")


def normalise(raw: RawId) -> RawId:
    """The canonical spelling of an identifier.

    E-mail: trimmed, NFC, both parts casefolded. Phone: E.164. Member and device ids: trimmed, NFC. IDFA: upper case.
    IMEI: digits.

    Raises:
        BadInput: the kind is unknown or the value malformed. The value is not repeated.
    """
    rule = _RULES.get(raw.kind)
    if rule is None:
        # not repeated: where the kind was left out it may be the identifier itself
        raise BadInput("unknown kind of identifier", where=_WHERE, mend=f"known kinds: {', '.join(KINDS)}")
    value = unicodedata.normalize("NFC", raw.value.strip())
    if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):  # bytes that were not UTF-8
        raise BadInput(f"not a {raw.kind} identifier: not text in UTF-8", where=_WHERE, mend="save or type it as UTF-8")
    if not value or len(value) > _MAX_LENGTH or "\x00" in value:
        raise BadInput(
            f"not a {raw.kind} identifier: empty, too long or with a null character",
            where=_WHERE,
            mend=f"write it after the colon, in at most {_MAX_LENGTH} characters",
        )
    return RawId(raw.kind, rule(value))


def loosest(normalised: RawId) -> str:
    """The spelling under which opt-outs of variants of one identifier meet.

    E-mail: plus-tag and dots of the local part dropped, googlemail read as gmail. Others: casefolded.
    """
    if normalised.kind != "email":
        return normalised.value.casefold()
    local, _, domain = normalised.value.rpartition("@")
    local = local.partition("+")[0].replace(".", "") or local
    return f"{local}@{'gmail.com' if domain == 'googlemail.com' else domain}"


def _email(value: str) -> str:
    folded = value.casefold()
    if _PLAIN_EMAIL.fullmatch(folded) and folded.index("@") <= _MAX_LOCAL and not folded.endswith(".onion"):
        return folded
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 (slow to import, rarely needed)

    try:
        address = validate_email(folded, check_deliverability=False, globally_deliverable=False, strict=True)
    except EmailNotValidError:
        raise BadInput("not an e-mail address", where=_WHERE, mend=_WHOLE) from None
    if "." not in address.domain:  # only a host of somebody's own network
        raise BadInput("not an e-mail address", where=_WHERE, mend=_WHOLE)
    return address.normalized.casefold()


def _phone(value: str) -> str:
    import phonenumbers  # noqa: PLC0415 (slow to import)

    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        raise BadInput("not a phone number", where=_WHERE, mend=_WITH_COUNTRY) from None
    if not phonenumbers.is_possible_number(number):
        raise BadInput("not a possible phone number", where=_WHERE, mend=_WITH_COUNTRY)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _imei(value: str) -> str:
    digits = value.replace("-", "").replace(" ", "").lower()
    if not _IMEI.fullmatch(digits):
        raise BadInput(
            "not an IMEI: 14 to 16 digits",
            where=_WHERE,
            mend="write all of its digits, with blanks or dashes or without",
        )
    return digits


def _as_is(value: str) -> str:
    return value


_RULES: Final[dict[str, Callable[[str], str]]] = {
    "email": _email,
    "phone": _phone,
    "member": _as_is,
    "device": _as_is,
    "idfa": str.upper,
    "imei": _imei,
}
KINDS: Final = tuple(_RULES)
DEVICE_KINDS: Final = ("device", "idfa", "imei")  # of a browser or device, whoever uses it
