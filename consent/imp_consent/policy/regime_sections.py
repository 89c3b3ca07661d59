"""The sections of a regime's file, read strictly: a misspelt key or unknown trait would be law that nobody obeys."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from operator import or_
from types import MappingProxyType
from typing import Any, Final

from imp_consent.ledger.entry import PERSON_TYPES
from imp_consent.policy.actions import Acts
from imp_consent.policy.decide import Reason
from imp_consent.policy.jurisdictions import EVERYWHERE, holds_in, is_code
from imp_consent.policy.meeting import GUARDED
from imp_consent.policy.period import Period
from imp_consent.policy.purpose import TRAITS
from imp_consent.policy.rules import (
    ANY,
    BASES,
    CONSENTS,
    Age,
    Clock,
    Condition,
    Lift,
    Need,
    Reprompt,
    Rules,
    Validity,
    both_clocks,
    both_sources,
    merged,
)
from imp_consent.policy.says import SAYS
from imp_core.errors import BadInput

__all__ = ["SECTIONS", "read_applies", "read_rules"]

_SINGLE: Final = {
    "actions": ("refused", "passive", "passive_words", "known", "numbered", "passive_begins", "harmless"),
    "bundle": ("void",),
    "bases": ("allowed",),
    "objection": ("traits",),
    "limit": ("traits",),
    "erase": ("on",),
}
_REPEATED: Final = {
    "condition": ("basis", "needs", "traits"),
    "needs": ("trait", "consent", "bases", "says", "unless", "with"),
    "valid_for": ("trait", "period", "refusals"),
    "reprompt": ("trait", "after", "period"),
    "age": ("below", "needs", "traits", "guardian_yes_ends", "adds"),
    "lift": ("type", "needs"),
    "signal": ("name", "traits"),
    "clock": ("request", "within", "extension"),
    "answer": ("reasons",),
}
_NAMED: Final = {
    "signal": "name",
    "clock": "request",
    "answer": "reasons",
}  # what no two tables of a section may speak of
SECTIONS: Final = frozenset(_SINGLE) | frozenset(_REPEATED)
_REASONS: Final = frozenset(map(str, Reason))
_LIFTED: Final = ("restrict", "object", "limit-sensitive")
_NEEDS: Final = ("guardian", "own", "both", "nobody")
_OLDEST: Final = 25
_MAX_WORD: Final = 300


def read_rules(
    document: Mapping[str, Any], name: str, jurisdiction: str | None, *, where: str, stored: bool = False
) -> Rules:
    """The rules that a regime's sections make.

    Of a law that is `stored` two tables may speak of one thing, as none told them not to: it is held to both.

    Raises:
        BadInput: a section says something that is not known, or lacks what it must say.
    """
    one = {section: _Table(document.get(section), section, _SINGLE[section], where) for section in _SINGLE}
    many = {section: _tables(document.get(section, []), section, where) for section in _REPEATED}
    for section, key in () if stored else _NAMED.items():
        _check_once(many[section], key)
    return Rules(
        names=(name,),
        jurisdiction=jurisdiction,
        opt_in=bool(document["opt_in"]),
        acts=Acts(*(frozenset(one["actions"].words(key)) for key in _SINGLE["actions"])),
        bundled_void=one["bundle"].flag("void"),
        bases=frozenset(one["bases"].words("allowed", of=BASES)) if "bases" in document else None,
        conditions=tuple(map(_condition, many["condition"])),
        needs=tuple(map(_need, many["needs"])),
        valid_for=tuple(map(_validity, many["valid_for"])),
        reprompt=tuple(map(_reprompt, many["reprompt"])),
        ages=_ages(many["age"]),
        lifts=tuple(map(_lift, many["lift"])),
        objection_traits=frozenset(one["objection"].words("traits", of=TRAITS)),
        signal_traits=MappingProxyType(
            merged(((table.word("name"), frozenset(table.words("traits", of=TRAITS))) for table in many["signal"]), or_)
        ),
        limit_traits=frozenset(one["limit"].words("traits", of=TRAITS)),
        clocks=MappingProxyType(
            merged(((table.word("request"), _clock(table)) for table in many["clock"]), both_clocks)
        ),
        erase_on=frozenset(one["erase"].words("on")),
        sources=MappingProxyType(
            {"opt_in": str(document.get("source", ""))[:_MAX_WORD]}
            | {section: table.source for section, table in one.items() if section in document}
            | merged(
                ((why, table.source) for table in many["answer"] for why in table.words("reasons", of=_REASONS)),
                both_sources,
            )
        ),
    )


def read_applies(section: object, *, where: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The places a regime's section [applies] names, and those that are its home; none where it is left out.

    Where it is not said, its home are the places it names, if it names any.

    Raises:
        BadInput: it is no such section, or names none or what is no code of a place.
    """
    if section is None:
        return (), ()
    table = _Table(section, "applies", ("to", "home"), where)
    places = table.words("to")
    if not places or not all(place == EVERYWHERE or is_code(place) for place in places):
        raise table.fault("to is not a list of jurisdictions", 'to = ["FR", "US-CA"], or ["*"]: anywhere')
    home = table.words("home") or tuple(place for place in places if place != EVERYWHERE)
    if not all(is_code(place) and holds_in(places, place) for place in home):
        raise table.fault("home is not a list of jurisdictions in which it holds", 'home = ["FR", "US-CA"]')
    return places, home


class _Table:
    """One section: its values by name, each of the type it must have."""

    def __init__(self, values: object, section: str, known: Collection[str], where: str) -> None:
        self._place = f"{where} [{section}]"
        self._values: dict[str, Any] = {} if values is None else values  # type: ignore[assignment]
        if not isinstance(values, dict | None) or self._values.keys() - set(known) - {"source"}:
            raise self.fault("a section with a key that is not known", f"known are: {', '.join(known)}, source")
        if values is not None and not self.source:
            raise self.fault("a rule without its source", 'source = "the law\'s article"')

    @property
    def source(self) -> str:
        """What the rule rests on."""
        source = self._values.get("source", "")
        return source if isinstance(source, str) and source.isprintable() else ""

    def fault(self, what: str, mend: str | None = None) -> BadInput:
        """What is wrong with this section."""
        return BadInput(what, where=self._place, mend=mend)

    def word(self, key: str, *, of: Collection[str] | None = None) -> str:
        """A text that must be there."""
        value = self._values.get(key)
        if not isinstance(value, str) or not value or len(value) > _MAX_WORD or (of is not None and value not in of):
            raise self.fault(f"{key} is missing or unknown", None if of is None else f"one of {', '.join(sorted(of))}")
        return value

    def maybe(self, key: str, *, of: Collection[str] | None = None) -> str | None:
        """A text, if it is there."""
        return self.word(key, of=of) if key in self._values else None

    def words(self, key: str, *, of: Collection[str] | None = None) -> tuple[str, ...]:
        """A list of texts; empty where it is left out."""
        values = self._values.get(key, [])
        good = isinstance(values, list) and all(isinstance(value, str) and value for value in values)
        if not good or (of is not None and set(values) - set(of)):
            raise self.fault(
                f"{key} is not a list of known words", None if of is None else f"of {', '.join(sorted(of))}"
            )
        return tuple(values)

    def has(self, key: str) -> bool:
        """Whether it says anything of it."""
        return key in self._values

    def flag(self, key: str) -> bool:
        """True or false; false where it is left out."""
        value = self._values.get(key, False)
        if not isinstance(value, bool):
            raise self.fault(f"{key} is neither true nor false")
        return value

    def number(self, key: str, *, most: int) -> int:
        """A whole number from 1."""
        value = self._values.get(key)
        if type(value) is not int or not 1 <= value <= most:
            raise self.fault(f"{key} is not a whole number from 1 to {most}")
        return value

    def period(self, key: str) -> Period:
        """A period."""
        try:
            return Period.parse(self.word(key))
        except BadInput as error:
            raise self.fault(f"{key}: {error.what}", error.mend) from None


def _tables(values: object, section: str, where: str) -> list[_Table]:
    if not isinstance(values, list):
        raise BadInput("not a list of tables", where=f"{where} [[{section}]]", mend=f"write it as [[{section}]]")
    return [_Table(value, section, _REPEATED[section], where) for value in values]


def _check_once(tables: Iterable[_Table], key: str) -> None:
    """Of two tables that speak of one thing the later would be the law, and nobody told.

    Raises:
        BadInput: two do.
    """
    seen = set[str]()
    for table in tables:
        named = set(table.words(key) if key == "reasons" else (table.word(key),))
        if seen & named:
            raise table.fault(
                f"{key} names what an earlier table of this section names", "say all of it in one table, or as two laws"
            )
        seen |= named


def _condition(table: _Table) -> Condition:
    return Condition(
        basis=table.word("basis", of=BASES),
        needs=table.words("needs"),
        traits=frozenset(table.words("traits", of=TRAITS)),
        source=table.source,
    )


def _need(table: _Table) -> Need:
    return Need(
        trait=table.word("trait", of=TRAITS),
        consent=table.maybe("consent", of=CONSENTS),
        bases=frozenset(table.words("bases", of=BASES)) if table.has("bases") else None,
        says=table.words("says", of=SAYS),
        unless=frozenset(table.words("unless", of=TRAITS)),
        having=frozenset(table.words("with", of=TRAITS)),
        source=table.source,
    )


def _validity(table: _Table) -> Validity:
    return Validity(
        trait=_trait(table), period=table.period("period"), refusals=table.flag("refusals"), source=table.source
    )


def _reprompt(table: _Table) -> Reprompt:
    after = frozenset(table.words("after", of=PERSON_TYPES))
    return Reprompt(trait=_trait(table), after=after, period=table.period("period"), source=table.source)


def _ages(tables: Iterable[_Table]) -> tuple[Age, ...]:
    """The ages of one law; for uses that are a person's own to agree to from an age on, guardians speak till then."""
    ages = [_age(table) for table in tables]
    own = [age for age in ages if age.needs == "own" and age.traits]
    guarded = [age for age in ages if age.needs in GUARDED and not age.traits]
    younger = [replace(age, traits=late.traits) for late in own for age in guarded if age.below < late.below]
    return (*ages, *younger)


def _age(table: _Table) -> Age:
    return Age(
        below=table.number("below", most=_OLDEST),
        needs=table.word("needs", of=_NEEDS),
        traits=frozenset(table.words("traits", of=TRAITS)),
        guardian_yes_ends=table.flag("guardian_yes_ends"),
        adds=frozenset(table.words("adds", of=TRAITS)),
        source=table.source,
    )


def _lift(table: _Table) -> Lift:
    return Lift(type=table.word("type", of=_LIFTED), needs=table.words("needs"), source=table.source)


def _clock(table: _Table) -> Clock:
    extension = table.period("extension") if table.has("extension") else None
    return Clock(within=table.period("within"), extension=extension, source=table.source)


def _trait(table: _Table) -> str:
    return table.word("trait", of={ANY, *TRAITS})
