"""Regimes: the law as files. Each is TOML that people read, with the source of each rule; code knows none by name.

    format = "imp-regime/1"
    name, title, opt_in, source                          the regime itself
    [applies] to, home                                   where those are whom it protects; left out, or "*": anywhere;
                                                         home: where it is the law for everybody
    [actions] refused, passive, passive_words, passive_begins, numbered, harmless, known
                                                         what is no act of agreeing, and what is one
    [bundle] void   [bases] allowed   [objection] traits   [limit] traits   [erase] on
    [[condition]] basis, needs, traits                   what a basis rests on
    [[needs]] trait, consent, bases, says, unless, with  what a use of such data needs
    [[valid_for]] trait, period, refusals                [[reprompt]] trait, after, period
    [[age]] below, needs, guardian_yes_ends, adds        [[signal]] name, traits
    [[clock]] request, within, extension                 [[answer]] reasons: what else answers for them rest on
    [jurisdiction.FR] …                                  the same sections, each instead of the general one

Every section holds a `source` besides. The files are shipped in `regimes/`; a `policy` entry holds the hash of each
file that was in force, so that an answer can be reproduced with the law of its time.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache, reduce
from operator import or_
from pathlib import Path
from typing import Any, Final

from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.actions import Acts
from imp_consent.policy.jurisdictions import EVERYWHERE, check_jurisdiction, holds_in, is_code
from imp_consent.policy.purpose import format_purposes
from imp_consent.policy.regime_sections import SECTIONS, read_applies, read_rules
from imp_consent.policy.rules import Rules, combine
from imp_core.errors import BadInput, LedgerBroken
from imp_core.gate import Purpose
from imp_core.ports import Json

__all__ = [
    "DEFAULT_REGIMES",
    "Regime",
    "Regimes",
    "packaged",
    "parse_regime",
    "read_regimes",
    "register_regimes",
]

# Where imp.toml names none in [policy].
DEFAULT_REGIMES: Final = ("gdpr", "eprivacy")
_FIELD: Final = "regimes"
_FORMAT: Final = "imp-regime/1"
_FOLDER: Final = Path(__file__).with_name("regimes")
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_TOP: Final = frozenset({"format", "name", "title", "opt_in", "source", "applies", "jurisdiction"})
_MAX_BYTES: Final = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """One file of law: its name and title, its exact bytes, and the rules in general and by jurisdiction.

    `applies` are the places whose people it protects, "*" where it goes by something else than where they are; `home`
    those where it is the law of the land.
    """

    name: str
    title: str
    text: bytes
    general: Rules
    jurisdictions: Mapping[str, Rules]
    applies: tuple[str, ...] = (EVERYWHERE,)
    home: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """The hash of the file."""
        return hashlib.sha256(self.text).hexdigest()

    def rules(self, jurisdiction: str | None) -> Rules:
        """What holds in a jurisdiction, for a region it does not name in its country; else what holds in general."""
        code = jurisdiction or ""
        country = self.jurisdictions.get(code.partition("-")[0], self.general)
        return self.jurisdictions.get(code, country)


@dataclass(frozen=True, slots=True)
class Regimes:
    """The regimes that are known: the text of each by its name. One is read when it is asked for."""

    texts: Mapping[str, bytes]

    def __iter__(self) -> Iterator[Regime]:
        """Each of them, by name."""
        return (self.regime(name) for name in sorted(self.texts))

    def regime(self, name: str) -> Regime:
        """One of them.

        Raises:
            BadInput: there is none of this name.
            LedgerBroken: it cannot be read any more.
        """
        if name not in self.texts:
            raise BadInput("unknown regime", where="regime", mend=f"one of {', '.join(sorted(self.texts))}")
        try:
            return _parsed(self.texts[name])
        except BadInput as error:
            raise LedgerBroken(f"a regime that cannot be read: {error.what}", where=f"regime {name}") from None

    def check(self, names: Iterable[str], jurisdiction: str | None) -> None:
        """Look whether there is such a jurisdiction and any of these regimes can hold there.

        Raises:
            BadInput: there is no such jurisdiction, or, where one is named, no such regime, or they contradict each
                other. Without a jurisdiction nothing is looked at: `rules` says that there is no such regime.
        """
        if jurisdiction is None:
            return
        check_jurisdiction(jurisdiction, {code for regime in self for code in (*regime.jurisdictions, *regime.applies)})
        wanted = [self.regime(name) for name in names]
        places = list(dict.fromkeys(place for regime in wanted for place in regime.applies))
        if wanted and not holds_in(places, jurisdiction):  # of several the strictest counts: one that holds is enough
            named = ", ".join(regime.name for regime in wanted)
            what = f"the law {named} does not hold" if len(wanted) == 1 else f"none of the laws {named} holds"
            raise BadInput(
                f"{what} for people in {jurisdiction}",
                where="regime",
                mend=f"it holds in {', '.join(places)}; name the law that holds in {jurisdiction}, or default",
            )

    def at_home(self, jurisdiction: str) -> tuple[str, ...]:
        """Those that are the law of a place, by name; none where none that is known says so."""
        country = jurisdiction.partition("-")[0]
        return tuple(regime.name for regime in self if not {jurisdiction, country}.isdisjoint(regime.home))

    def rules(self, names: Iterable[str] | None = None, jurisdiction: str | None = None) -> Rules:
        """What these regimes (None: GDPR and ePrivacy) together demand in a jurisdiction; `check` is for what is said.

        Raises:
            BadInput: there is no such regime, none is named, or it has not the form of a jurisdiction's code.
        """
        if jurisdiction is not None and not is_code(jurisdiction):
            check_jurisdiction(jurisdiction)
        wanted = tuple(dict.fromkeys(DEFAULT_REGIMES if names is None else names))
        if not wanted:
            raise BadInput("no regime is named", where="regime", mend="see: imp consent regime list")
        found = combine([self.regime(name).rules(jurisdiction) for name in wanted])
        return _with_actions(found, [found, *(regime.general for regime in (*self, *packaged()))])

    def rules_of_no(self, names: Iterable[str] | None, jurisdiction: str | None) -> Rules:
        """The same for a no that was recorded: the strictest where what was named with it is none (any more)."""
        try:
            return self.rules(names, jurisdiction)
        except BadInput:
            return self.strictest()

    def strictest(self) -> Rules:
        """All that are known at once: what a no closes where the regime that was meant is not known."""
        return combine([regime.general for regime in self])


def parse_regime(text: bytes, *, where: str = "regime", stored: bool = False) -> Regime:
    """Read a file of law; one that is `stored` was in force, and is read though two of its tables speak of one thing.

    Raises:
        BadInput: it is not TOML of this format, or says something that is not known; `where` and the section are named.
    """
    try:
        document: dict[str, Any] = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(
            f"not a TOML file: {error}"[:200], where=where, mend="see: imp consent regime show gdpr"
        ) from None
    if document.get("format") != _FORMAT or len(text) > _MAX_BYTES:
        raise BadInput("not a regime", where=where, mend=f'it begins with: format = "{_FORMAT}"')
    name, title, jurisdictions = (document.get(key) for key in ("name", "title", "jurisdiction"))
    if not (isinstance(name, str) and _NAME.fullmatch(name) and isinstance(title, str) and title.isprintable()):
        raise BadInput("a regime without a name or title", where=where, mend="lower-case words, such as gdpr")
    if not isinstance(document.get("opt_in"), bool):
        raise BadInput("opt_in is missing", where=where, mend="opt_in = true, or false")
    unknown = document.keys() - SECTIONS - _TOP
    if unknown:
        raise BadInput("an unknown section", where=where, mend=f"known are: {', '.join(sorted(SECTIONS))}")
    applies, home = read_applies(document.get("applies"), where=where)
    own = {key: value for key, value in document.items() if key != "jurisdiction"}
    return Regime(
        name=name,
        title=title,
        text=text,
        general=read_rules(own, name, None, where=where, stored=stored),
        jurisdictions={
            code: read_rules({**own, **sections}, name, code, where=f"{where}, jurisdiction {code}", stored=stored)
            for code, sections in _by_jurisdiction(jurisdictions or {}, where)
        },
        applies=applies or (EVERYWHERE,),
        home=home,
    )


@cache
def packaged() -> Regimes:
    """The regimes that are shipped with this version."""
    return Regimes({path.stem: path.read_bytes() for path in sorted(_FOLDER.glob("*.toml"))})


def register_regimes(
    transaction: Transaction, regimes: Iterable[Regime], *, purposes: Iterable[Purpose] | None = None
) -> int:
    """Make these the regimes from now on: a `policy` entry names each file by its hash; returns its seq.

    With `purposes` the same entry makes them the purposes, as a new ledger's first entry does.
    """
    ordered = sorted(regimes, key=lambda regime: regime.name)
    fields: dict[str, Json] = {_FIELD: {regime.name: regime.sha256 for regime in ordered}}
    documents = [regime.text for regime in ordered]
    if purposes is not None:
        documents.append(format_purposes(purposes))
        fields["purposes"] = hashlib.sha256(documents[-1]).hexdigest()
    return transaction.append_system("policy", fields, documents=documents)


def read_regimes(reader: Reader) -> Regimes:
    """The regimes that hold now; those shipped with this version where the ledger names none.

    Raises:
        LedgerBroken: a file is missing or changed.
    """
    named: object = None
    for entry in reader.system_entries("policy"):
        named = entry.fields.get(_FIELD, named)
    if not isinstance(named, Mapping):
        return packaged()
    return Regimes({str(name): reader.document(str(sha256)) for name, sha256 in named.items()})


def _with_actions(rules: Rules, every: Sequence[Rules]) -> Rules:
    """The same, where no word of any regime for what is no act of agreeing passes for one under another's name.

    So too of those shipped with this version, which the ledger may not name. It refuses a yes at the door and nothing
    else: no answer of the gate and nothing that is recorded rests on these words, so what is in the ledger is decided
    as it was, by the regimes that its `policy` entries name by hash.
    """
    spoken = [one for one in every if one.refused_actions]
    acts = reduce(or_, (one.acts for one in every), Acts())
    source = rules.sources.get("actions") or next((one.sources.get("actions", "") for one in spoken), "")
    return replace(rules, acts=acts, sources={**rules.sources, "actions": source})


@lru_cache(maxsize=64)
def _parsed(text: bytes) -> Regime:
    return parse_regime(text, stored=True)


def _by_jurisdiction(found: object, where: str) -> list[tuple[str, dict[str, Any]]]:
    if not isinstance(found, dict):
        raise BadInput("jurisdiction is not a table", where=where, mend="write it as [[jurisdiction.FR.age]]")
    for code, sections in found.items():
        if not is_code(code) or not isinstance(sections, dict) or sections.keys() - SECTIONS:
            raise BadInput(
                "not a jurisdiction, or an unknown section in one",
                where=f"{where}, jurisdiction {code[:20]}",
                mend=f"a code such as FR or US-CA, and of the sections: {', '.join(sorted(SECTIONS))}",
            )
    return list(found.items())
