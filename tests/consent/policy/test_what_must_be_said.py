"""What a purpose and its notice must say before data may be used so, and in which words who left it out is told."""

from __future__ import annotations

from typing import Any

import pytest

from imp_consent.policy.declared import DeclaredPurpose, Recipient
from imp_consent.policy.notice import Notice
from imp_consent.policy.says import SAYS, Unsaid, unnamed_recipients, unsaid

PARTNER = Recipient(name="Partner 有限公司", contact="privacy@partner.example", method="matching", rights="Write.")
FULL = DeclaredPurpose(
    name="ads",
    description="We show you ads.",
    data=("identifier",),
    recipient=PARTNER,
    necessity="Nothing else tells it.",
    opt_out_option="Ask for the plain page.",
    review="A person looks at it.",
)
TEXT = "Shop Ltd asks you. PARTNER\n 有限公司 (Privacy@partner.example) receives it."


def purpose(**changes: Any) -> DeclaredPurpose:
    names = ("name", "description", "data", "recipient", "necessity", "opt_out_option", "review")
    return DeclaredPurpose(**({name: getattr(FULL, name) for name in names} | changes))


def notice(text: str = TEXT, *recipients: str) -> Notice:
    words: dict[str, Any] = {"version": 1, "language": "en", "controller": "Shop Ltd", "purposes": ("ads",)}
    return Notice(name="shown", withdrawal="any time", text=text, recipients=recipients, **words)


def missing(word: str, declared: DeclaredPurpose, shown: Notice | None) -> Unsaid | None:
    """The one thing that is not said, of one word of the law."""
    found = unsaid((word,), declared, shown)
    assert len(found) <= 1
    return found[0] if found else None


def test_where_all_is_said_nothing_is_missing_and_only_what_is_demanded_is_looked_for() -> None:
    assert unsaid(tuple(SAYS), FULL, notice(TEXT, PARTNER.name)) == []
    bare = DeclaredPurpose(name="ads", description="We show you ads.")
    assert unsaid((), bare, None) == []
    found = unsaid(("review", "necessity"), bare, None)
    assert [one.words for one in found] == ["how a human reviews the decision", "why the data is necessary"]
    assert len(unsaid(tuple(SAYS), bare, None)) == len(SAYS)


@pytest.mark.parametrize("field", ["necessity", "review", "opt_out_option", "data"])
def test_what_a_purpose_does_not_declare_is_told_with_the_command_that_declares_it(field: str) -> None:
    empty = () if field == "data" else None
    told = missing(field, purpose(**{field: empty}), notice())
    assert told is not None
    option = field.replace("_", "-")
    assert (told.by, told.mend) == ("purpose", f'declare it: imp consent purpose change ads --{option} "…"')
    assert missing(field, FULL, None) is None, "a notice is not asked for it"


@pytest.mark.parametrize(
    ("recipient", "options"),
    [
        (None, '--recipient "…" --contact "…" --method "…"'),
        (Recipient(name="Partner", method="matching"), '--contact "…"'),
        (Recipient(name="Partner", contact="here"), '--method "…"'),
        (Recipient(name="Partner"), '--contact "…" --method "…"'),
    ],
)
def test_of_a_recipient_exactly_what_is_missing_is_asked_for(recipient: Recipient | None, options: str) -> None:
    told = missing("recipient", purpose(recipient=recipient), notice(TEXT, "Partner"))
    assert told is not None
    assert told.by == "purpose"
    assert told.mend == f"declare it: imp consent purpose change ads {options}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Shop Ltd asks you.", "the recipient's name and the recipient's contact in its text"),
        ("Write to privacy@partner.example.", "the recipient's name in its text"),
        ("Partner 有限公司 receives it.", "the recipient's contact in its text"),
    ],
)
def test_a_notice_names_the_recipient_and_how_to_reach_them_in_its_text(text: str, words: str) -> None:
    told = missing("recipient", FULL, notice(text, PARTNER.name))
    assert told == Unsaid(
        "notice",
        f"{words}, as the purpose declares them",
        'add a version that does: imp consent notice add FILE --name shown --purpose ads --recipient "…"',
    )


def test_a_notice_names_the_recipient_as_one_of_its_own_too() -> None:
    for others in ((), ("Somebody else",)):
        told = missing("recipient", FULL, notice(TEXT, *others))
        assert told is not None
        assert (told.by, told.words) == (
            "notice",
            "the recipient that the purpose declares as one of its own (--recipient)",
        )
    assert missing("recipient", FULL, notice(TEXT, "Somebody else", PARTNER.name)) is None


def test_where_there_is_no_notice_one_is_asked_for() -> None:
    told = missing("recipient", FULL, None)
    assert told is not None
    assert (told.by, "the recipient's name and" in told.words) == ("notice", True)
    assert "--name NAME --purpose ads" in told.mend


def test_how_people_exercise_their_rights_against_a_recipient_is_declared() -> None:
    assert missing("recipient-rights", FULL, None) is None
    for recipient in (None, Recipient(name="Partner")):
        told = missing("recipient-rights", purpose(recipient=recipient), notice())
        assert told is not None
        assert told.mend == 'declare it: imp consent purpose change ads --rights "…"'


def test_of_the_purposes_asked_for_those_whose_recipient_the_text_leaves_out_are_told() -> None:
    purposes = {"ads": FULL, "plain": purpose(name="plain", recipient=None)}
    asked = ("ads", "plain", "nobody.knows.it")
    assert unnamed_recipients(notice("Nobody receives it."), asked, purposes) == ["ads"]
    assert unnamed_recipients(notice(TEXT), asked, purposes) == [], "however it is spaced, and in whatever case"
    assert unnamed_recipients(notice("Nobody receives it."), ("plain",), purposes) == []
