"""The names a new plugin goes by, all made of the one its author chose."""

from __future__ import annotations

import re
from dataclasses import dataclass

from imp_core.errors import BadInput
from imp_core.event import IDENTIFIER_KINDS
from imp_core.installed import ALWAYS_ON, discover

__all__ = ["Names", "check_kind", "choose_names"]

_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_LONGEST = 32
# The framework's own channels and words, installed here or not.
_TAKEN = frozenset({"core", "doctor", "email", "file", "plugin", "testkit"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """`sms-acme`, `imp-channel-sms-acme`, `imp_channel_sms_acme`, `SmsAcme` and `IMP_SMS_ACME_API_KEY`."""

    name: str
    distribution: str
    package: str
    cls: str
    secret_variable: str


def choose_names(name: str) -> Names:
    """Every name of a plugin called `name`.

    Raises:
        BadInput: it cannot be a plugin's name, or is one already. It is not repeated: it may be anything.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise BadInput(
            "not a plugin's name",
            mend=f"small letters and digits in words joined by -, at most {_LONGEST}: sms-acme",
            where="NAME",
        )
    own = {distribution.removeprefix("imp-") for distribution in ALWAYS_ON}
    if name in _TAKEN | own | {status.name for status in discover()}:
        raise BadInput(
            "a plugin or a part of the framework has this name already", mend="see: imp plugin list", where="NAME"
        )
    words = name.split("-")
    return Names(
        name=name,
        distribution=f"imp-channel-{name}",
        package=f"imp_channel_{'_'.join(words)}",
        cls="".join(word.capitalize() for word in words),
        secret_variable=f"IMP_{'_'.join(words).upper()}_API_KEY",
    )


def check_kind(kind: str) -> str:
    """The kind of identifier itself.

    Raises:
        BadInput: people cannot be known by it. It is not repeated: it may be anything.
    """
    if kind not in IDENTIFIER_KINDS:
        mend = f"choose one: {', '.join(IDENTIFIER_KINDS)}"
        raise BadInput("not a kind of identifier", where="--identifier", mend=mend)
    return kind
