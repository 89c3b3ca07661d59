"""What the statutes say of children, row by row, and the gate in each of its forms says the same.

`children_by_the_law.toml` was written from the texts of the laws and names the article in each row. It knows no rule of
IMP's: what is misread here and by the clerk of `tests/consent/policy/slow_fold.py` alike is seen there. Each row is one
person; all of them live in one ledger, in which everything is recorded on its day by the functions behind the commands.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pytest

from imp_consent.commands.basis import record_basis
from imp_consent.commands.guardian import record_guardian
from imp_consent.commands.init import init
from imp_consent.commands.minor import record_minor
from imp_consent.commands.notices import add_notice
from imp_consent.commands.objections import limit
from imp_consent.commands.purposes import add_purpose
from imp_consent.commands.record import record
from imp_consent.gate import decide_in, decide_many
from imp_consent.gate.frames import PASSING_SQL, rectangles
from imp_consent.gate.stage import stage
from imp_consent.ledger.log import Log
from imp_consent.ledger.reader import Reader
from imp_consent.policy.declared import Recipient
from imp_consent.rights.asking import Asked
from imp_consent.rights.limits import Limit
from imp_consent.runtime import open_gate, open_log
from imp_core.clock import DAY_US, SECOND_US, SimulatedClock, parse_time
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId
from imp_core.gate import Action, Use
from imp_core.randomness import SeededRandomness

TABLE = tomllib.loads(Path(__file__).with_name("children_by_the_law.toml").read_text(encoding="utf-8"))
BORN = date(2018, 5, 17)  # all of them: eight years old in the first year of the ledger
MINUTE_US = 60 * SECOND_US
FORMS = 6  # in which the gate is asked: one by one, in rows, as a set; on the day, as known then, as known at the end
VERDICTS = {"yes": True, "no": False, "kept": False, "leaks": True}
# How each law is named at the commands, apart from the place.
NAMES = {"GDPR": ("gdpr", "eprivacy"), "PIPL": ("cn-pipl",), "CCPA": ("us-ca",), "US": ("us-opt-out",)}
STATES_OF_THE_USA = re.compile("US-[A-Z]{2}")
USES = {
    "news": "none",
    "offers": "direct-marketing",
    "sale": "sale",
    "sharing": "sharing",
    "ads": "targeted-advertising",
    "health": "special-category",
    "finance": "sensitive",
    "handing-over": "transfer-handler",
}
ACME = Recipient(name="ACME", contact="dpo@acme.test", method="prints it on cards", rights="write to dpo@acme.test")


class Law(NamedTuple):
    """Which laws hold for somebody: "DE", "US-CA", "CN"; with others besides, "FR + PIPL"; unknown, "?"."""

    regimes: tuple[str, ...]
    jurisdiction: str | None

    @classmethod
    def read(cls, text: str) -> Law:
        if text == "?":
            return cls(("default",), None)
        place, *others = text.split(" + ")
        home = {"CN": "PIPL", "US-CA": "CCPA"}.get(place, "US" if STATES_OF_THE_USA.fullmatch(place) else "GDPR")
        return cls(tuple(dict.fromkeys(name for law in (home, *others) for name in NAMES[law])), place)

    def words(self) -> dict[str, Any]:
        return {"regimes": self.regimes, "jurisdiction": self.jurisdiction}


class Question(NamedTuple):
    """At which age it is asked, as the table writes it, and what the answer is."""

    age: str
    verdict: str


@dataclass(frozen=True)
class Row:
    """One person of the table."""

    law: str
    use: str
    happened: str
    asked: str
    article: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.law}, {self.use}: {self.happened}"

    def acts(self) -> Iterator[tuple[int, str]]:
        """What was done, and when."""
        for at_one_age in self.happened.split("; "):
            age, _, acts = at_one_age.partition(" ")
            for place, act in enumerate(acts.split(", ")):
                yield moment(age) + place * MINUTE_US - (3600 * SECOND_US if age.endswith("-") else 0), act

    def questions(self) -> list[Question]:
        return [Question(*asked.split(" ")) for asked in self.asked.split(", ")]


def moment(age: str) -> int:
    """When somebody is "12" or "12.5" years old, some days after the birthday; "12=" is the moment, "12-" just before.

    It is noon UTC of the birthday, when that day has begun everywhere.
    """
    found = re.fullmatch(r"(\d+)(=|-|\.\d)?", age)
    assert found is not None, age
    years, part = found.groups()
    noon = datetime(BORN.year + int(years), BORN.month, BORN.day, 12, tzinfo=UTC)
    at_us = int(noon.timestamp()) * SECOND_US
    if part in ("=", "-"):
        return at_us - (part == "-")
    return at_us + (30 + int(float(part or 0) * 300)) * DAY_US


def asked_at(age: str) -> int:
    return moment(age) + (0 if age[-1] in "=-" else 3600 * SECOND_US)


def of_ages() -> Iterator[Row]:
    """The rows that every age of the law of a state stands for."""
    for place, age, article in TABLE["guardian"]:
        before, law = age - 1, (place, "news")
        known = f"{before} age known"
        yield Row(*law, f"{known}, child yes", f"{before} no, {age}- no, {age}= no, 20 no", article)
        yield Row(*law, f"{age}= age known, child yes", f"{age} yes, 20 yes", article)
        asked = f"{before} yes, {age}- yes, {age}= yes, 20 yes"
        yield Row(*law, f"{known}, guardian authorises, guardian yes", asked, article)
    for place, age, article in TABLE["both"]:
        before, law = age - 1, (place, "news")
        known = f"{before} age known"
        yield Row(*law, f"{known}, child yes", f"{before} no, {age} no, 20 no", article)
        yield Row(*law, f"{age}= age known, child yes", f"{age} yes", article)
        alone = f"{known}, guardian authorises, guardian yes"
        yield Row(*law, alone, f"{before} no, {age}- no, {age}= no, 20 no", article)
        yield Row(*law, f"{known}, guardian authorises, child yes", f"{before} yes, {age} yes, 20 yes", article)


def of_ages_in_the_usa() -> Iterator[Row]:
    """The same of the ages of its states."""
    ended = "from thirteen on the law would be content with a notice; IMP ends what a parent agreed to"
    for place, article in TABLE["parent"]:
        law = (place, "news")
        yield Row(*law, "12 notice given, age known", "12 no, 13- no", article)
        asked = "12 yes, 13- yes, 13= kept"
        yield Row(*law, "12 age known, guardian authorises, guardian yes", asked, article, ended)
        yield Row(*law, "13= notice given, age known", "13 yes, 20 yes", article)
    for place, age, article in TABLE["own"]:
        last = age - 1
        known = f"{last} notice given, age known"
        by_guardian = "guardian authorises, guardian yes (refused)"
        for use in ("sale", "ads"):
            yield Row(place, use, known, f"{last} no, {age}- no", article)
        yield Row(place, "sale", f"{known}, child yes", f"{last} yes, {age}- yes, {age}= yes", article)
        yield Row(place, "sale", f"{known}, {by_guardian}", f"{last} no, {age}- no", article)
        yield Row(place, "sale", f"{age}= notice given, age known", f"{age} yes, 20 yes", article)
        yield Row(place, "sale", "13= age known, child yes", f"13 yes, {age}- yes, 20 yes", article)
    for place, age, article in TABLE["forbidden"]:
        last = age - 1
        for use in ("sale", "ads"):
            yield Row(place, use, f"{last} notice given, age known", f"{last} no, {age}- no", article)
            happened = f"{last} notice given, age known, child yes"
            yield Row(place, use, happened, f"{last} no, {age}- no", article)
        yield Row(place, "sale", "12 age known, guardian authorises, guardian yes", "12 no", article)
        yield Row(place, "sale", "12 age known, guardian authorises, child yes", "12 no, 13= no", article)
        yield Row(place, "sale", f"{age}= notice given, age known", f"{age} yes", article)


ROWS = [*of_ages(), *of_ages_in_the_usa(), *(Row(*line) for part in TABLE["part"] for line in part["rows"])]


@dataclass
class Town:
    """Everybody of the table in one ledger; `answers` whether it is permitted, by row, question and form.

    `amiss` are the acts of a row that were refused or taken against what the table says.
    """

    context: Context
    clock: SimulatedClock
    answers: dict[tuple[int, int], dict[str, bool]] = field(default_factory=lambda: defaultdict(dict))
    amiss: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))

    def live(self) -> None:
        """Let it all happen in the order of time, and ask where the table asks."""
        acts = [(at_us, who, act) for who, row in enumerate(ROWS) for at_us, act in row.acts()]
        asked: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for who, row in enumerate(ROWS):
            for place, question in enumerate(row.questions()):
                asked[asked_at(question.age)].append((who, place))
        acts.sort(key=lambda act: act[0])
        sizes: dict[int, int] = {}
        for at_us in sorted({act[0] for act in acts} | asked.keys()):
            self.clock.move_to(at_us)
            with at_once(open_log(self.context)):
                while acts and acts[0][0] == at_us:
                    _, who, act = acts.pop(0)
                    self.do(who, act)
            gate = open_gate(self.context)
            for who, place in asked.get(at_us, ()):
                one = Use(purpose=ROWS[who].use, action=Action.ANALYSE, subject=gate.resolve(person(who)))
                self.answers[who, place]["in point form, on the day"] = gate.decide(one, at_us=at_us).permitted
            sizes[at_us] = open_log(self.context).size
        with open_log(self.context).read() as reader, duckdb.connect(config={"threads": 1}) as connection:
            for at_us, questions in asked.items():
                for known, size in (("as known then", sizes[at_us]), ("as known at the end", reader.size)):
                    self.ask(reader, connection, at_us, size, known, questions)

    def do(self, who: int, act: str) -> None:
        """Record one act; the door refuses those, and only those, of which the table says so."""
        row, refused = ROWS[who], act.endswith(" (refused)")
        words, _, law = act.removesuffix(" (refused)").partition(" under ")
        try:
            record_act(self.context, person(who), row.use, words, Law.read(law or row.law).words())
        except BadInput as error:
            if not refused:
                self.amiss[who].append(f"{act}: {error}")
        else:
            if refused:
                self.amiss[who].append(f"{act}: was taken")

    def ask(
        self, reader: Reader, connection: Any, at_us: int, size: int, known: str, questions: list[tuple[int, int]]
    ) -> None:
        """Ask about everybody at once, use by use, in each of the gate's forms."""
        for use in {ROWS[who].use for who, _ in questions}:
            about = [(who, place) for who, place in questions if ROWS[who].use == use]
            subjects = [reader.find_subject(person(who)) for who, _ in about]
            for (who, place), subject in zip(about, subjects, strict=True):
                one = Use(purpose=use, action=Action.ANALYSE, subject=subject)
                answer = decide_in(reader, one, at_us=at_us, known_at=size)
                self.answers[who, place][f"in point form, {known}"] = answer.permitted
            times = [at_us] * len(about)
            many = decide_many(reader, subjects, times, purpose=use, channel=None, now_us=at_us, size=size)
            for question, permitted in zip(about, many.permitted, strict=True):
                self.answers[question][f"in rows, {known}"] = permitted
            if known == "as known then":  # the slowest of them
                passing = in_set_form(reader, connection, use, subjects, at_us, size)
                for place, question in enumerate(about):
                    self.answers[question][f"as a set, {known}"] = place in passing


@contextmanager
def at_once(log: Log) -> Iterator[None]:
    """Let what is recorded at one moment be one transaction, as the rows of an imported file are: it is quicker.

    So is imp.toml not looked through for each of them.
    """
    with log.write() as transaction, pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "write", lambda: nullcontext(transaction))
        patch.setattr(Context, "expect_known_settings", lambda _: None)
        yield


def in_set_form(
    reader: Reader, connection: Any, use: str, subjects: list[int | None], at_us: int, size: int
) -> set[int]:
    """The places of those who pass."""
    columns = {"place": range(len(subjects)), "subject": subjects}
    same = {"event_us": at_us, "intake_seq": size}
    made = {name: pa.array(list(values), pa.int64()) for name, values in columns.items()}
    made |= {name: pa.array([value] * len(subjects), pa.int64()) for name, value in same.items()}
    connection.register("archive_row", pa.table(made))
    stage(connection, rectangles(reader, use, size=size), read_us=at_us, n=size)
    return {place for (place,) in connection.execute(f"SELECT place FROM ({PASSING_SQL})").fetchall()}


def person(who: int) -> RawId:
    return RawId("member", str(who))


def years_at(at_us: int) -> int:
    return next(years for years in range(100) if moment(f"{years + 1}=") > at_us)


NAMED: dict[str, Any] = {"guardian": RawId("email", "ann@example.com"), "role": "mother", "verification": "ID card"}
STATES = {"yes": "given", "refuses": "refused", "withdraws": "withdrawn"}
KINDS = {"explicitly": "explicit", "separately": "separate"}


def record_act(ctx: Context, who: RawId, use: str, act: str, law: dict[str, Any]) -> None:
    """What somebody did, as the table says it."""
    actor, verb, *more = act.split(" ")
    purpose = "*" if "everything" in more else more[-1] if "for" in more else use
    by = {"by": "guardian"} if actor == "guardian" else {}
    if act == "age told in years":
        record_minor(ctx, who, age=years_at(ctx.clock.now_us()), **law)
    elif act.startswith("age known"):
        as_of = {"at_us": moment(more[-1])} if more else {}
        record_minor(ctx, who, born=BORN, **as_of, **law)
    elif act == "notice given":
        record_basis(ctx, who, purpose=use, basis="opt-out-notice", **law)
    elif act == "interests weighed":
        record_basis(
            ctx, who, purpose=use, basis="legitimate-interest", grounds={"assessment": "LIA 12"}, evidence="x", **law
        )
    elif act == "child objects":
        limit(ctx, who, Limit(kind="object", marketing=True), Asked(kind="object"))
    elif verb == "authorises":
        for_days = {"valid_for_days": 365} if more == ["a", "year"] else {}
        record_guardian(ctx, who, purpose=purpose, **NAMED, **for_days, **law)
    elif verb == "yes":
        kind = {"consent": KINDS[more[0]]} if more else {}
        proof = f"act of {ctx.clock.now_us()}"
        record(ctx, who, purpose=use, state="given", action="click", evidence=proof, **kind, **by, **law)
    else:
        record(ctx, who, purpose=purpose, state=STATES[verb], **by)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    environ = {"IMP_HOME": str(folder / "workspace"), "IMP_KEYS": str(folder / "keys"), "IMP_ACTOR": "tester"}
    clock = SimulatedClock(parse_time("2026-03-01T12:00:00Z"))
    context = Context(environ=environ, directory=folder, clock=clock, randomness=SeededRandomness(1))
    init(context, folder / "workspace", controller="Shop Ltd")
    for name, trait in USES.items():
        said = {"traits": (trait,), "necessity": "Nobody could be served without it.", "data": ("name",)}
        said |= {"recipient": ACME} if trait == "transfer-handler" else {}
        add_purpose(context, name, f"We do {name}.", declared=said)
    text = folder / "shown.txt"
    text.write_text(
        f"Shop Ltd asks you for {', '.join(USES)}, with your name. {ACME.name} {ACME.method}: {ACME.contact}."
        " Write to us.\n\nYou can withdraw your consent at any time.",
        encoding="utf-8",
    )
    add_notice(context, text, name="shown", purposes=tuple(USES), recipients=(ACME.name,))
    made = Town(context, clock)
    made.live()
    yield made
    context.close()


def requirement(row: Row) -> int:
    """Which of them a row is about: sale and advertising in the USA 17, whatever is under Chinese law 20, else 16."""
    if row.law.startswith("US-") and row.use in ("sale", "sharing", "ads"):
        return 17
    return 20 if "PIPL" in row.law or row.law.startswith("CN") else 16


def differing(town: Town, about: int) -> list[str]:
    """What was not as the table says, in a line for each, of the rows about a requirement."""
    found = []
    for who, row in enumerate(ROWS):
        if requirement(row) != about:
            continue
        found += [f"{row}: {what}" for what in town.amiss[who]]
        for place, question in enumerate(row.questions()):
            said = town.answers[who, place]
            assert len(said) == FORMS
            wrong = [form for form, permitted in said.items() if permitted != VERDICTS[question.verdict]]
            if wrong:
                not_so = f"at {question.age} not {question.verdict} ({row.article}): {'; '.join(wrong)}"
                found.append(f"{row}: {not_so}")
    return found


def test_r16_who_agrees_for_a_child_or_with_one_is_as_the_statutes_say(town: Town) -> None:
    assert differing(town, 16) == []


def test_r17_whose_yes_sells_the_data_of_young_americans_is_as_the_statutes_say(town: Town) -> None:
    assert differing(town, 17) == []


def test_r20_what_chinese_law_asks_for_a_child_it_asks_beside_other_laws_too(town: Town) -> None:
    assert differing(town, 20) == []


def test_where_law_and_gate_differ_the_table_says_why() -> None:
    assert [str(row) for row in ROWS if bool(row.why) != bool({"kept", "leaks"} & verdicts(row))] == []
    assert all(row.article and verdicts(row) <= VERDICTS.keys() for row in ROWS)


def verdicts(row: Row) -> set[str]:
    return {question.verdict for question in row.questions()}
