"""What an import says of noes that it could not take, or that change nothing: those people count as before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from imp_consent.commands.aside import Fault
from imp_consent.commands.places import Places
from imp_consent.ledger.entry import EVERY_CHANNEL, PersonEntry, Statement
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import DENYING, lineage
from imp_core.counting import some

__all__ = ["left_out", "takes_nothing_back"]

_SAY_NO: Final = (
    "those people still count as they did before; mend what is wrong and import the file again, or record each of "
    "these: imp consent record"
)
_MAY: Final = "too little of them can be read; look at each, since a no that is left out takes nothing back"


def left_out(faults: Iterable[Fault], counted: str) -> list[str]:
    """What is said of rows that are left out and say no, or may; `counted` is what their places count."""
    noes, unclear = Places(), Places()
    for fault in sorted(faults, key=lambda one: one.place):
        if fault.says_no is not False:
            (noes if fault.says_no else unclear).add(fault.place)
    said = []
    if noes.count:
        those = some(noes.count, "faulty row says", "faulty rows say")
        said.append(f"{those} no {noes.text(counted)}: {_SAY_NO}")
    if unclear.count:
        those = some(unclear.count, "faulty row", "faulty rows")
        said.append(f"{those} may say no {unclear.text(counted)}: {_MAY}")
    return said


def takes_nothing_back(said: Saying, earlier: Sequence[PersonEntry]) -> bool:
    """Whether a no is older than a yes to the same thing, which nothing that was recorded since takes back."""
    statements = [entry.statement for entry in earlier]
    yeses = [one for one in statements if one.type == "grant" and one.at_us > said.at_us and _is_met(one, said)]
    return any(not any(_ends(no, yes) for no in statements) for yes in yeses)


def _is_met(yes: Statement, no: Saying) -> bool:
    about = any(no.purpose in lineage(named) for named in (yes.purpose, *yes.covers))
    return about and (no.channel in (EVERY_CHANNEL, yes.channel) or yes.channel == EVERY_CHANNEL)


def _ends(no: Statement, yes: Statement) -> bool:
    named = no.type in DENYING and no.purpose in lineage(yes.purpose)
    return named and no.at_us >= yes.at_us and no.channel in (EVERY_CHANNEL, yes.channel)
