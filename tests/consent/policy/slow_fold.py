"""A clerk with the law on the desk: answers one question by reading every line of a person's file again.

The oracle of the gate. It shares no code and no table with it, keeps nothing between two questions, and knows no
rectangle, no timeline, no order in which anything was made: every rule is a question asked of all lines. Read it beside
the rules of the gate (`policy/words.py`), not instead of them.
"""

from __future__ import annotations

from dataclasses import dataclass

STRICTER = [
    "given", "basis", "no_record", "purpose_not_covered", "expired", "notice_changed", "lost", "refused",
    "channel_opt_out", "signal", "limited", "withdrawn", "objected", "under_age", "restricted", "erased",
]  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A line of a person's file; `at` is when it happened, `until` when it ends."""

    seq: int
    type: str
    purpose: str
    channel: str
    at: int
    until: int | None = None
    covers: tuple[str, ...] = ()
    traits: tuple[str, ...] = ()
    consent: str | None = None
    bundled: bool = False
    informed: bool = False
    by: str | None = None
    basis: str | None = None
    lifts: str | None = None
    needs: str | None = None
    corrects: int | None = None


@dataclass(frozen=True)
class Change:
    """A notice that changed materially, for a purpose, from a time on; or with `itself` the purpose did."""

    seq: int
    purpose: str
    at: int
    itself: bool = False


@dataclass(frozen=True)
class Answer:
    """A reason and the line that decided, None where none did."""

    reason: str
    seq: int | None = None


class Clerk:
    """Answers about one person."""

    def __init__(self, file: list[Line], changes: list[Change] | None = None) -> None:
        self.file = file
        self.changes = changes or []

    def answer(self, purpose: str, channel: str, at: int, size: int) -> Answer:
        """What holds for a purpose on a channel ("" none) at a time, as the lines before `size` know it."""
        known = [line for line in self.file if line.seq < size]
        found = Answer("no_record")
        for word in family(purpose):
            if any(word in names(line) for line in known):
                found = Question(known, word, channel, at).answer()
                if word != purpose and found.reason in ("given", "basis", "no_record", "expired"):
                    found = Answer("no_record")  # a yes above covers what it lists, and that has a name of its own
                break
        if found.reason in ("given", "basis"):
            found = self.unless_changed(found, purpose, at, size)
        if found.reason == "no_record" and self.permits_another(known, purpose, at):
            return Answer("purpose_not_covered")
        return found

    def unless_changed(self, found: Answer, purpose: str, at: int, size: int) -> Answer:
        """A yes from before a material change does not hold after it; another basis, if the purpose itself changed."""
        assert found.seq is not None
        ended = [
            (change.at, change.seq)
            for change in self.changes
            if found.seq < change.seq < size and change.at <= at and change.purpose in family(purpose)
            if found.reason == "given" or change.itself
        ]
        return Answer("notice_changed", min(ended)[1]) if ended else found

    def permits_another(self, known: list[Line], purpose: str, at: int) -> bool:
        """Whether the person permits something else then, on whatever channel."""
        purposes = {word for line in known for word in names(line)} - {purpose, "*"}
        channels = {line.channel for line in known} | {""}
        return any(
            Question(known, other, channel, at).answer().reason in ("given", "basis")
            for other in purposes
            for channel in channels
        )


def family(purpose: str) -> list[str]:
    """A purpose, its parents, and everything."""
    words = [purpose]
    while "." in words[-1]:
        words.append(words[-1].rpartition(".")[0])
    return words if purpose == "*" else [*words, "*"]


def names(line: Line) -> set[str]:
    """The purposes a line gives a name to."""
    if line.type in ("grant", "basis"):
        return set() if line.bundled else {line.purpose, *line.covers} - {"*"}
    silent = ("lift", "guardian", "correction", "link", "unlink", "request")
    return set() if line.type in silent else {line.purpose}


class Question:
    """One purpose and channel at one time."""

    def __init__(self, known: list[Line], purpose: str, channel: str, at: int) -> None:
        self.known = known
        self.purpose = purpose
        self.channel = channel
        self.at = at
        wrong = [line.corrects for line in known if line.type == "correction" and (line.corrects or 0) < line.seq]
        lasting = ("lost", "erase-requested")
        meant = [line for line in known if line.seq not in wrong or line.type in lasting]
        here = [line for line in meant if line.channel in ("", channel)]
        self.lost = [line for line in here if line.type == "lost"]
        past = [line for line in here if line.at <= at]
        self.yes = [
            line
            for line in past
            if line.type in ("grant", "basis")
            and not line.bundled
            and purpose != "*"
            and (line.purpose == purpose or purpose in line.covers)
            and (line.by is None or self.said_for_a_child(line))
        ]
        self.other = [line for line in past if line.type not in ("grant", "basis") and line.purpose in family(purpose)]

    def answer(self) -> Answer:
        """The reason, and the line."""
        erased = [line.seq for line in self.known if line.type == "erase-requested"]
        if erased:
            return Answer("erased", min(erased))
        yes = [line for line in self.yes if not self.replaced(line)]
        current = [line for line in yes if not self.over(line)]
        expired = [line for line in yes if self.over(line)]
        opened = [line for line in current if not self.against(line)]
        if opened:
            best = min(opened, key=lambda o: (o.type == "basis", o.channel == "", -o.at, -o.seq))
            return Answer("given" if best.type == "grant" else "basis", best.seq)
        against = [answer for line in current for answer in self.against(line)]
        if not against:
            against = [self.named(no) for no in self.noes() if self.stands(no, expired)]
            against += [(STRICTER.index("expired"), line.at, line.seq) for line in expired]
            if self.lost and max(line.at for line in self.lost) <= self.at:
                against.append(self.loss())
        if not against:
            return Answer("no_record")
        rank, _, seq = max(against)
        return Answer(STRICTER[rank], seq)

    def over(self, line: Line) -> bool:
        """Whether it has run out."""
        return (line.until is not None and line.until <= self.at) or self.outgrown(line)

    def outgrown(self, line: Line) -> bool:
        """Whether a guardian said yes for as long as one is needed, and by one of the ages told that time is over."""
        ages = [age for age in self.other if age.type == "minor" and age.needs in ("guardian", "both")]
        about = [age for age in ages if not age.traits or set(age.traits) & set(line.traits)]
        tied = line.type == "grant" and line.needs == "guardian"
        return tied and any(age.until is not None and age.until <= self.at for age in about)

    def before(self, at: int, lines: list[Line]) -> Question:
        """The same question at an earlier time, of some of the lines."""
        return Question(lines, self.purpose, self.channel, at)

    def said_for_a_child(self, yes: Line) -> bool:
        """Whether an age was told by then at which a guardian speaks for the person."""
        told = [
            line
            for line in self.known
            if line.type in ("minor", "correction")
            and (line.type == "correction" or (line.at, line.seq) < (yes.at, yes.seq))
        ]
        then = self.before(yes.at, told)
        children = [no for no in then.noes() if no.type == "minor" and no.needs in ("guardian", "both")]
        children = [no for no in children if not then.over(no)]
        return any(not no.traits or set(no.traits) & set(yes.traits) for no in children)

    def never_ripe(self, yes: Line) -> list[Line]:
        """The ages over by now that closed a yes to their last moment."""
        ages = [line for line in self.other if line.type == "minor" and yes.type == "grant"]
        return [minor for minor in ages if self.closed_to_its_end(minor, yes)]

    def closed_to_its_end(self, minor: Line, yes: Line) -> bool:
        """Whether an age is over that still closed a yes in its last moment."""
        if minor.until is None or not max(minor.at, yes.at) < minor.until <= self.at:
            return False
        last = self.before(minor.until - 1, self.known)
        return minor in last.noes() and last.closes(minor, yes)

    def replaced(self, line: Line) -> bool:
        """Whether a newer yes of the same kind and breadth took its place."""
        return any(
            (other.type, other.basis, other.channel) == (line.type, line.basis, line.channel)
            and (other.at, other.seq) > (line.at, line.seq)
            for other in self.yes
        )

    def noes(self) -> list[Line]:
        """Lines that say no; of those that say the same, the newest."""
        kinds = ("refuse", "withdraw", "object", "restrict", "limit-sensitive", "signal", "minor")
        noes = [line for line in self.other if line.type in kinds]

        def same(one: Line, other: Line) -> bool:
            return (one.type, one.channel, one.traits, one.needs, one.consent, one.purpose == "*") == (
                other.type, other.channel, other.traits, other.needs, other.consent, other.purpose == "*",
            )  # fmt: skip

        def newer(one: Line, other: Line) -> bool:
            ends = [float("inf") if line.until is None else line.until for line in (one, other)]
            if one.type == "minor" and ends[0] != ends[1]:
                return ends[0] > ends[1]  # of two ages the more careful one
            return (one.at, one.seq) > (other.at, other.seq)

        return [no for no in noes if not any(same(no, other) and newer(other, no) for other in noes)]

    def voided(self, line: Line) -> bool:
        """Whether what opens may have been closed by something that was lost."""
        return any(line.seq < lost.seq or line.at <= lost.at for lost in self.lost)

    def younger(self, own: Line, at: int) -> bool:
        """Whether the same law, which names the same kinds of use, asks a guardian at a time."""
        ages = [line for line in self.noes() if line.type == "minor" and line.needs in ("guardian", "both")]
        return any(age.traits == own.traits and (age.until is None or age.until > at) for age in ages)

    def alone(self) -> bool:
        """Whether the person said yes without anybody else, and nothing but an age speaks against that yes."""
        own = [line for line in self.yes if line.type == "grant" and line.by is None]
        newest = [
            line
            for line in own
            if not any(o.channel == line.channel and (o.at, o.seq) > (line.at, line.seq) for o in own)
        ]
        return any(
            not self.over(line)
            and not self.voided(line)
            and not self.never_ripe(line)
            and not any(no.type != "minor" and self.closes(no, line) for no in self.noes())
            for line in newest
        )

    def against(self, yes: Line) -> list[tuple[int, int, int]]:
        """What speaks against a yes."""
        found = [self.named(no) for no in self.noes() if self.closes(no, yes)]
        found += [self.named(minor) for minor in self.never_ripe(yes)]
        if self.voided(yes):
            found.append(self.loss())
        return found

    def loss(self) -> tuple[int, int, int]:
        """The loss as a reason."""
        return STRICTER.index("lost"), max(line.at for line in self.lost), max(line.seq for line in self.lost)

    def named(self, no: Line) -> tuple[int, int, int]:
        """A no as a reason."""
        words = {
            "refuse": "refused", "withdraw": "withdrawn", "object": "objected", "restrict": "restricted",
            "limit-sensitive": "limited", "signal": "signal", "minor": "under_age",
        }  # fmt: skip
        word = words[no.type]
        if no.type == "refuse" and self.over(no):
            word = "expired"
        elif no.type in ("refuse", "withdraw") and no.channel:
            word = "channel_opt_out"
        return STRICTER.index(word), no.at, no.seq

    def guarded(self) -> bool:
        """Whether a guardian's authorisation is in force."""
        guardians = [line for line in self.other if line.type == "guardian" and not self.voided(line)]
        return any(
            not self.over(line) and not any(self.takes_back(o) and o.at >= line.at for o in self.other)
            for line in guardians
        )

    def takes_back(self, no: Line) -> bool:
        """Whether an authorisation ends with a no: any that takes back, and a guardian's refusal."""
        return no.type == "withdraw" or (no.type == "refuse" and no.by == "guardian")

    def lifted(self, no: Line) -> bool:
        """Whether a lift came after a no."""
        lifts = [o for o in self.other if o.type == "lift" and o.lifts == no.type and not self.voided(o)]
        return any(o.at > no.at for o in lifts)

    def closes(self, no: Line, yes: Line) -> bool:  # noqa: PLR0911 (a rule a line, as the law has it)
        """Whether a no closes a yes."""
        necessary = yes.basis in ("contract", "legal-obligation", "vital-interest", "public-task")
        if no.traits and not set(no.traits) & set(yes.traits):
            return False
        later = yes.at > no.at and no.channel in ("", yes.channel)
        strong = yes.type == "grant" and yes.consent in ("explicit", "separate")
        if no.type == "restrict":
            return not self.lifted(no)
        if no.type == "minor":
            if self.over(no) or necessary:
                return False
            kinds = (None, "explicit", "separate")
            less = yes.type == "grant" and kinds.index(yes.consent) < kinds.index(no.consent)
            if no.needs == "nobody" or less:
                return True
            if no.needs == "own":
                too_early = yes.by == "guardian" or self.younger(no, yes.at)
                return yes.type == "basis" or (too_early and not self.younger(no, self.at))
            if no.needs == "both" and not self.alone() and (yes.type == "basis" or yes.by == "guardian"):
                return True
            return not self.guarded()
        if no.type == "object" and no.traits:
            return not (later and strong and yes.by is None)
        if no.type == "object":
            rests = yes.type == "basis" and (not necessary or yes.basis == "public-task")
            return rests and ("direct-marketing" in yes.traits or not self.lifted(no))
        if no.type == "signal":
            reached = bool(no.traits) or not necessary
            return reached and not (later and yes.type == "grant" and yes.informed)
        if necessary:
            return False
        if no.type == "limit-sensitive":
            return not (later and strong) and not self.lifted(no)
        return not (later and yes.type == "grant")

    def stands(self, no: Line, expired: list[Line]) -> bool:
        """Whether a no is the answer where no yes is in force."""
        as_wide = [yes for yes in expired if yes.channel == no.channel]
        if as_wide:
            return all(self.closes(no, yes) for yes in as_wide)
        if no.traits and no.purpose == "*":
            return False
        if no.type == "minor":
            unanswered = no.needs in ("guardian", "both") and not self.guarded()
            return (no.needs == "nobody" or unanswered) and not self.over(no)
        liftable = no.type in ("restrict", "limit-sensitive") or (no.type == "object" and not no.traits)
        return not (liftable and self.lifted(no))
