"""The rows of the requirements that the gate keeps, each asked of the gate itself on a real ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from imp_consent.gate import ConsentGate, decide_many
from imp_consent.ledger.entry import Statement
from imp_consent.ledger.log import Log
from imp_consent.ledger.transaction import Transaction
from imp_core.event import RawId
from imp_core.gate import Action, Use

Trial = Callable[[], AbstractContextManager[Transaction]]
MAIL = "marketing.email"
MARKETING = ("direct-marketing", "electronic-mail")


class Person:
    """Somebody in a ledger: says things, and is asked about."""

    def __init__(self, transaction: Transaction, gate: ConsentGate) -> None:
        self.transaction = transaction
        self.gate = gate
        self.subject = transaction.subject_for(RawId("member", "1"))

    def say(
        self, type_: str, purpose: str = MAIL, *, at: int, channel: str = "", until: int | None = None, **more: Any
    ):
        said = Statement(type=type_, purpose=purpose, channel=channel, at_us=at, until_us=until, **more)
        return self.transaction.append_person(self.subject, said, {})

    def change_notice(self, *purposes: str, at: int) -> int:
        now_us, self.transaction.now_us = self.transaction.now_us, at
        seq = self.transaction.append_system("notice", {"name": "n", "material": list(purposes)})
        self.transaction.now_us = now_us
        return seq

    def ask(self, purpose: str = MAIL, *, at: int, channel: str | None = None, known: int | None = None) -> str:
        """The reason, the same in the point form and in the form for many; whether it permits, by its name."""
        use = Use(purpose=purpose, action=Action.COLLECT, subject=self.subject, channel=channel)
        decided = self.gate.decide(use, at_us=at, known_at=known)
        many = decide_many(
            self.transaction, [self.subject], [at], purpose=purpose, channel=channel, now_us=at, size=known
        )
        assert (many.reasons, many.permitted) == ([decided.reason], [decided.permitted])
        assert decided.permitted == (decided.reason in ("given", "basis"))
        assert decided.source
        return decided.reason

    def entries(self, purpose: str = MAIL, *, at: int) -> tuple[int, ...]:
        use = Use(purpose=purpose, action=Action.COLLECT, subject=self.subject)
        return self.gate.decide(use, at_us=at).entries


@pytest.fixture
def ann(trial: Trial, log: Log) -> Iterator[Person]:
    with trial() as transaction:
        yield Person(transaction, ConsentGate(lambda: log))


def test_r04_a_yes_for_one_purpose_is_none_for_its_sibling_nor_for_a_child_the_notice_does_not_list(
    ann: Person,
) -> None:
    ann.say("grant", "marketing", at=10, covers=(MAIL,))
    assert ann.ask("marketing", at=20) == "given"
    assert ann.ask(MAIL, at=20) == "given"
    assert ann.ask("marketing.sms", at=20) == "purpose_not_covered"
    assert ann.ask("analytics", at=20) == "purpose_not_covered"
    assert ann.ask("analytics", at=5) == "no_record", "nothing was permitted then"
    ann.say("withdraw", "marketing", at=30)
    assert ann.ask(MAIL, at=40) == "withdrawn", "a no covers what is below"
    assert ann.ask("marketing.sms", at=40) == "withdrawn"
    assert ann.ask("analytics", at=40) == "no_record"


def test_r05_several_purposes_bundled_in_one_act_are_not_granted(ann: Person) -> None:
    ann.say("withdraw", at=5)
    for purpose in (MAIL, "analytics"):
        ann.say("grant", purpose, at=10, bundled=True)
    assert (ann.ask(MAIL, at=20), ann.ask("analytics", at=20)) == ("withdrawn", "no_record")


def test_r08_after_a_withdrawal_every_call_is_denied_and_r09_a_use_before_it_stays_lawful(ann: Person) -> None:
    ann.say("grant", at=10)
    seq = ann.say("withdraw", at=20)
    assert [ann.ask(at=at) for at in (19, 20, 21, 10**15)] == ["given", "withdrawn", "withdrawn", "withdrawn"]
    assert ann.entries(at=20) == (seq,)


def test_r09_what_was_permitted_when_it_was_used_stays_permitted_as_known_before_and_after(ann: Person) -> None:
    ann.say("grant", at=10)
    before = ann.transaction.size
    ann.say("withdraw", at=20)
    assert ann.ask(at=15) == ann.ask(at=15, known=before) == ann.ask(at=25, known=before) == "given"
    assert ann.ask(at=25) == "withdrawn"


@pytest.mark.parametrize("basis", ["contract", "legal-obligation", "vital-interest", "public-task"])
def test_r12_what_is_necessary_goes_on_after_a_withdrawal(ann: Person, basis: str) -> None:
    ann.say("basis", "essential", at=5, basis=basis, traits=("essential",))
    ann.say("grant", at=5)
    ann.say("withdraw", "*", at=10)
    ann.say("refuse", "essential", at=11)
    assert ann.ask("essential", at=20) == "basis", "the service does not depend on the marketing"
    assert ann.ask(at=20) == "withdrawn"


@pytest.mark.parametrize("basis", ["legitimate-interest", "soft-opt-in", "opt-out-notice"])
def test_r12_a_withdrawal_closes_what_is_not_necessary(ann: Person, basis: str) -> None:
    ann.say("basis", at=5, basis=basis)
    assert ann.ask(at=9) == "basis"
    ann.say("withdraw", at=10)
    assert ann.ask(at=20) == "withdrawn"


def test_r14_validity_ends_without_a_writer(ann: Person) -> None:
    ann.say("grant", at=10, until=20)
    ann.say("basis", "analytics", at=10, until=30, basis="legitimate-interest")
    size = ann.transaction.size
    assert [ann.ask(at=at) for at in (10, 19, 20, 25)] == ["given", "given", "expired", "expired"]
    assert [ann.ask("analytics", at=at) for at in (29, 30)] == ["basis", "expired"]
    assert ann.transaction.size == size


def test_r15_a_material_notice_ends_older_consent_for_what_changed_and_an_editorial_one_nothing(ann: Person) -> None:
    ann.say("grant", at=10)
    ann.say("grant", "analytics", at=10)
    ann.say("basis", "essential", at=10, basis="contract")
    ann.transaction.append_system("notice", {"name": "n", "material": []})
    assert ann.ask(at=40) == "given"
    before = ann.transaction.size
    cut = ann.change_notice("marketing", "essential", at=30)
    assert [ann.ask(at=at) for at in (29, 30)] == ["given", "notice_changed"], "of the event times after it"
    assert ann.entries(at=40)[0] == cut
    assert ann.ask("analytics", at=40) == "given"
    assert ann.ask("essential", at=40) == "basis", "rests on no notice"
    assert ann.ask(at=40, known=before) == "given"
    ann.say("grant", at=50)
    assert [ann.ask(at=at) for at in (49, 50)] == ["notice_changed", "given"], "until consent is given again"
    ann.say("withdraw", at=60)
    assert ann.ask(at=70) == "withdrawn", "a no stays what it is"


def test_r16_a_child_without_a_guardian_is_denied_until_of_age(ann: Person) -> None:
    ann.say("minor", "*", at=0, until=100, needs="guardian")
    ann.say("grant", at=10)
    ann.say("basis", "essential", at=10, basis="contract")
    assert (ann.ask(at=20), ann.ask("analytics", at=20)) == ("under_age", "under_age")
    assert ann.ask("essential", at=20) == "basis"
    assert ann.ask(at=100) == "under_age", "of age, but nobody authorised that yes while it took somebody"
    guardian = ann.say("guardian", "marketing", at=30, until=60)
    assert [ann.ask(at=at) for at in (29, 30, 59, 60)] == ["under_age", "given", "given", "under_age"]
    assert ann.entries(at=30)[1:] == (guardian,)
    assert ann.ask("analytics", at=40) == "under_age", "authorised for marketing only"
    ann.say("withdraw", at=40, by="guardian")
    ann.say("grant", at=45)
    assert [ann.ask(at=at) for at in (39, 40, 50)] == ["given", "under_age", "under_age"], "the guardian took it back"


def test_r16_an_authorisation_of_the_moment_of_a_withdrawal_does_not_stand(ann: Person) -> None:
    ann.say("minor", "*", at=0, until=100, needs="guardian")
    ann.say("guardian", "*", at=10)
    ann.say("withdraw", at=10)
    ann.say("grant", at=20)
    assert ann.ask(at=30) == "under_age"
    ann.say("guardian", "*", at=11)
    assert ann.ask(at=30) == "given"


def test_r16_who_is_of_age_needs_no_guardian_and_one_is_not_named(ann: Person) -> None:
    grant = ann.say("grant", at=10)
    ann.say("guardian", "*", at=10)
    assert ann.entries(at=20) == (grant,)


def test_r17_who_is_old_enough_for_a_yes_of_their_own_is_not_sold_by_default(ann: Person) -> None:
    ann.say("basis", "ads", at=5, basis="opt-out-notice", traits=("sale",))
    assert ann.ask("ads", at=9) == "basis"
    ann.say("minor", "*", at=10, until=100, needs="own")
    assert ann.ask("ads", at=20) == "under_age"
    ann.say("grant", "ads", at=30, traits=("sale",))
    assert ann.ask("ads", at=40) == "given"
    assert ann.ask("ads", at=200) == "given"


def test_r26_an_objection_to_direct_marketing_closes_all_of_it_whatever_the_basis(ann: Person) -> None:
    ann.say("grant", at=1, traits=MARKETING)
    ann.say("basis", "marketing.post", at=1, basis="soft-opt-in", traits=("direct-marketing",))
    ann.say("basis", "marketing.club", at=1, basis="contract", traits=("direct-marketing",))
    ann.say("grant", "profiles", at=1, traits=("profiling",))
    ann.say("grant", "analytics", at=1)
    ann.say("object", "*", at=10, traits=("direct-marketing", "profiling"))
    everything = (MAIL, "marketing.post", "marketing.club", "profiles")
    assert {ann.ask(purpose, at=10) for purpose in everything} == {"objected"}
    assert {ann.ask(purpose, at=9) for purpose in everything} == {"given", "basis"}
    assert ann.ask("analytics", at=20) == "given", "it is no marketing"


def test_r26_only_the_persons_own_later_explicit_yes_reopens_direct_marketing(ann: Person) -> None:
    ann.say("object", "marketing", at=10, traits=("direct-marketing",))
    assert ann.ask(at=15) == "objected", "also where nothing was ever permitted"
    ann.say("lift", "marketing", at=20, lifts="object")
    ann.say("grant", at=30, traits=MARKETING)
    ann.say("basis", at=30, basis="soft-opt-in", traits=MARKETING)
    assert ann.ask(at=40) == "objected", "neither grounds nor an ordinary yes"
    ann.say("grant", at=50, traits=MARKETING, consent="explicit", by="guardian")
    assert ann.ask(at=55) == "objected", "nobody else's yes"
    ann.say("grant", at=60, traits=MARKETING, consent="explicit")
    assert [ann.ask(at=at) for at in (59, 60)] == ["objected", "given"]
    ann.say("object", "marketing", at=60, traits=("direct-marketing",))
    assert ann.ask(at=60) == "objected", "at one time the no outweighs the yes"


def test_r26_an_objection_with_traits_is_never_lifted_for_profiling_either(ann: Person) -> None:
    ann.say("grant", "profiles", at=1, traits=("profiling",))
    ann.say("object", "*", at=10, traits=("direct-marketing", "profiling"))
    ann.say("lift", "*", at=20, lifts="object")
    assert ann.ask("profiles", at=30) == "objected"


def test_r26_grounds_do_not_reopen_direct_marketing_that_was_objected_to_in_general(ann: Person) -> None:
    ann.say("basis", "post", at=1, basis="soft-opt-in", traits=("direct-marketing",))
    ann.say("object", "post", at=10)
    ann.say("lift", "*", at=20, lifts="object")
    assert ann.ask("post", at=30) == "objected"


@pytest.mark.parametrize("basis", ["legitimate-interest", "soft-opt-in", "opt-out-notice", "public-task"])
def test_r27_an_objection_to_other_processing_holds_until_compelling_grounds_are_recorded(
    ann: Person, basis: str
) -> None:
    ann.say("basis", "fraud", at=5, basis=basis)
    ann.say("basis", "orders", at=5, basis="contract")
    ann.say("grant", "analytics", at=5)
    ann.say("object", "*", at=10)
    assert [ann.ask("fraud", at=at) for at in (9, 10)] == ["basis", "objected"]
    assert (ann.ask("orders", at=20), ann.ask("analytics", at=20)) == ("basis", "given"), "it is no withdrawal"
    ann.say("lift", "fraud", at=10, lifts="object")
    assert ann.ask("fraud", at=20) == "objected", "at one time the no stays"
    ann.say("lift", "fraud", at=30, lifts="object")
    assert [ann.ask("fraud", at=at) for at in (29, 30)] == ["objected", "basis"]


def test_r28_a_restriction_closes_everything_until_it_is_lifted(ann: Person) -> None:
    ann.say("grant", at=5)
    ann.say("basis", "essential", at=5, basis="legal-obligation")
    ann.say("restrict", "*", at=10)
    for purpose in (MAIL, "essential", "never.named"):
        assert ann.ask(purpose, at=20) == "restricted"
    ann.say("grant", at=20, consent="explicit", informed=True)
    ann.say("lift", "*", at=25, lifts="object")
    assert ann.ask(at=30) == "restricted", "neither a yes nor another lift ends it"
    ann.say("lift", "*", at=40, lifts="restrict")
    assert [ann.ask(at=at) for at in (39, 40)] == ["restricted", "given"]
    assert ann.ask("essential", at=40) == "basis"
    ann.say("restrict", "marketing", at=50)
    assert (ann.ask(at=60), ann.ask("essential", at=60)) == ("restricted", "basis")


def test_r35_what_was_rectified_is_read_no_more_and_stays_in_history(ann: Person) -> None:
    wrong = ann.say("grant", at=10)
    before = ann.transaction.size
    ann.say("correction", at=10, corrects=wrong)
    assert ann.ask(at=20) == "no_record"
    assert ann.ask(at=20, known=before) == "given", "as known then"
    assert ann.transaction.history(ann.subject)[0].seq == wrong
    right = ann.say("grant", at=15)
    assert ann.entries(at=20) == (right,)


def test_r35_a_correction_of_what_is_not_there_yet_or_of_an_erasure_changes_nothing(ann: Person) -> None:
    ann.say("request", at=0)
    ann.say("correction", at=1)
    ann.say("correction", at=1, corrects=ann.transaction.size + 1)
    ann.say("grant", at=10)
    assert ann.ask(at=20) == "given"
    erased = ann.say("erase-requested", "*", at=30)
    ann.say("correction", "*", at=31, corrects=erased)
    assert ann.ask(at=20) == "erased"


def test_r41_a_signal_beats_an_earlier_yes_and_only_a_yes_after_notice_of_the_conflict_reopens(ann: Person) -> None:
    ann.say("grant", "ads", at=5, traits=("sale",), consent="explicit")
    ann.say("basis", "ads", at=5, basis="contract", traits=("sale",))
    ann.say("grant", at=5, traits=MARKETING)
    ann.say("signal", "*", at=10, traits=("sale", "sharing", "targeted-advertising"))
    assert [ann.ask("ads", at=at) for at in (9, 10)] == ["given", "signal"]
    assert ann.ask(at=20) == "given", "the signal is not about it"
    ann.say("grant", "ads", at=30, traits=("sale",), consent="explicit")
    assert ann.ask("ads", at=40) == "signal", "a yes that knows nothing of the signal"
    ann.say("grant", "ads", at=50, traits=("sale",), informed=True)
    assert [ann.ask("ads", at=at) for at in (49, 50)] == ["signal", "given"]
    ann.say("signal", "*", at=60, traits=("sale", "sharing", "targeted-advertising"))
    assert ann.ask("ads", at=70) == "signal", "and again"


def test_r46_a_limit_denies_sensitive_uses_but_those_the_service_needs(ann: Person) -> None:
    ann.say("grant", "health", at=5, traits=("sensitive",))
    ann.say("basis", "delivery", at=5, basis="contract", traits=("sensitive",))
    ann.say("grant", at=5)
    ann.say("limit-sensitive", "*", at=10, traits=("sensitive",))
    assert [ann.ask("health", at=at) for at in (9, 10)] == ["given", "limited"]
    assert (ann.ask("delivery", at=20), ann.ask(at=20)) == ("basis", "given")
    ann.say("grant", "health", at=30, traits=("sensitive",))
    assert ann.ask("health", at=35) == "limited"
    ann.say("grant", "health", at=40, traits=("sensitive",), consent="separate")
    assert ann.ask("health", at=40) == "given"
    ann.say("limit-sensitive", "*", at=50, traits=("sensitive",))
    ann.say("lift", "*", at=60, lifts="limit-sensitive")
    assert [ann.ask("health", at=at) for at in (59, 60)] == ["limited", "given"]


def test_r59_a_back_dated_entry_changes_no_answer_for_earlier_knowledge(ann: Person) -> None:
    ann.say("refuse", at=10)
    known = ann.transaction.size
    ann.say("grant", at=20)
    assert (ann.ask(at=30, known=known), ann.ask(at=30)) == ("refused", "given")
    known = ann.transaction.size
    ann.say("withdraw", at=15)
    ann.say("object", "*", at=15, traits=())
    assert (ann.ask(at=16, known=known), ann.ask(at=16)) == ("refused", "objected")


def test_a_no_on_one_channel_is_named_so_and_outlives_a_general_yes(ann: Person) -> None:
    ann.say("grant", "marketing", at=5, covers=(MAIL,))
    ann.say("withdraw", "*", at=10, channel="sms")
    ann.say("grant", "marketing", at=20, covers=(MAIL,))
    assert ann.ask(at=30, channel="sms") == ann.ask("other", at=30, channel="sms") == "channel_opt_out"
    assert ann.ask(at=30, channel="email") == ann.ask(at=30) == "given"
    ann.say("grant", at=40, channel="sms")
    assert ann.ask(at=50, channel="sms") == "given"
    assert ann.ask("marketing", at=50, channel="sms") == "channel_opt_out"
