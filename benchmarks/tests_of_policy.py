"""Which tests, below `tests/consent`, notice a change of which file of the policy; the quick ones first.

The first test that fails ends a change, and a change that no test notices has run them all.
"""

from __future__ import annotations

from typing import Final

__all__ = ["TESTS_OF"]

_FOLD = (
    "policy/test_state.py", "policy/test_cuts.py", "policy/test_requirements.py", "policy/test_closer_readings.py",
    "policy/test_forms_agree.py::test_the_fold_answers_as_the_clerk_does_at_every_point_of_time_and_knowledge",
)  # fmt: skip
_LAW = (
    "law/test_write_rules.py", "law/test_how_long_it_holds.py", "law/test_when_to_ask_again.py",
    "law/test_special_rows.py", "law/test_consent_rows.py", "law/test_basis_rows.py",
    "law/test_noes_reach_what_they_mean.py", "law/test_outdated.py", "law/test_one_act_one_region.py",
)  # fmt: skip
_TABLE = "law/test_children_by_the_law.py"
_ALONE = "law/test_bases_and_lifts_alone.py"
_REGIMES = ("law/test_of_several_laws.py", "law/test_period.py", "law/test_files_of_law.py", "law/test_regimes.py")
_LIFTS = ("rights/test_lifts_at_the_door.py", "law/test_write_rules.py", "law/test_basis_rows.py")
_NOTICES = ("policy/test_which_text_was_read.py", "policy/test_which_law_and_notice.py", "policy/test_notice.py")
TESTS_OF: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(("words", "meeting", "state"), (*_FOLD[:4], "policy/test_child_and_guardian.py", _FOLD[4], _TABLE)),
    "cuts": (*_FOLD, "law/test_outdated.py"),
    "scope": ("policy/test_taken_back_already.py", *_FOLD),
    "decide": ("policy/test_state.py", "policy/test_forms_agree.py"),
    "late": ("policy/test_late.py",),
    "limiting": ("policy/test_limits_that_stand.py",),
    "laws": ("law/test_laws_alone.py", "law/test_what_a_no_leaves.py", "law/test_a_no_under_their_law.py"),
    "ended": (
        "policy/test_what_a_no_is_about.py",
        "law/test_what_a_no_leaves.py",
        "law/test_laws_alone.py",
        "law/test_erased_without_asking.py",
    ),
    "closed": ("policy/test_what_a_no_ended.py",),
    "closes": ("rights/test_languages.py", "rights/test_what_a_no_closes.py"),
    **dict.fromkeys(("declared", "misnamed"), ("policy/test_purpose.py", "commands/test_misnamed.py")),
    "recorded": ("policy/test_which_law_and_notice.py",),
    **dict.fromkeys(("withdrawing", "unnamed"), ("law/test_what_a_notice_says.py",)),
    "missed": ("law/test_noes_reach_what_they_mean.py",),
    "envelope": ("law/test_envelope.py",),
    "alike": ("law/test_alike_alone.py", "commands/test_other_spellings.py"),
    "requested": ("law/test_requests_alone.py",),
    "door": (
        "law/test_the_door.py",
        "law/test_alike_alone.py",
        "law/test_noes_reach_what_they_mean.py",
        "law/test_erasures_told_at_once.py",
        "policy/test_misspelt_settings.py",
        "law/test_erased_without_asking.py",
        "commands/test_other_spellings.py",
    ),
    "openers": ("law/test_children.py", "rights/test_own_permissions.py"),
    "objected": ("law/test_asking_who_objected.py", "law/test_asking_after_a_stop.py"),
    "lift_rules": (_ALONE, *_LIFTS),
    "basis_rules": (_ALONE, *_LAW, "law/test_no_change_over.py"),
    **dict.fromkeys(
        ("case", "grant_rules", "write_rules"),
        (_ALONE, "law/test_coming_of_age.py", *_LAW, "law/test_children.py", _TABLE),
    ),
    "reprompt": ("law/test_asking_after_a_stop.py", *_LAW, "law/test_asking_who_objected.py"),
    **dict.fromkeys(("period", "rules", "regime", "regime_sections"), (*_REGIMES, *_LAW)),
    **dict.fromkeys(("notice", "notice_search", "shown"), _NOTICES),
    "sayable": ("policy/test_words_that_can_be_meant.py",),
    "says": ("policy/test_what_must_be_said.py",),
    "suffices": ("law/test_who_moved.py",),
    "purpose": ("policy/test_purpose.py",),
    "explain": ("policy/test_explain.py",),
    "sources": ("policy/test_which_law_and_notice.py", "law/test_bounced.py"),
    "jurisdictions": ("law/test_where_law_holds.py",),
    "actions": ("law/test_acts_of_agreeing.py",),
    **dict.fromkeys(("asked_law", "house"), ("law/test_house_law_alone.py",)),
    "record_fields": ("law/test_what_an_entry_says_besides.py",),
    "second_person": ("policy/test_what_two_persons_do.py",),
    "of_age": ("law/test_coming_of_age.py", "policy/test_child_and_guardian.py", "policy/test_grown_up_forms_agree.py"),
    "declared_since": ("policy/test_declared_since_alone.py", "rights/test_recipients_then_and_now.py"),
    "stopped": ("law/test_asking_after_a_stop.py",),
    "bounced": ("law/test_bounced_alone.py", "law/test_bounced.py"),
    "channels": ("commands/test_misnamed.py", "law/test_asking_after_a_stop.py"),
    "project": ("policy/test_projection.py", "policy/test_state.py"),
}
