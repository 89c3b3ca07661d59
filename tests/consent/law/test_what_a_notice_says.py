"""What a notice has to say of withdrawing and of who receives the data (GDPR 7(3), 13(1)(e))."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from imp_consent.policy import withdrawing
from imp_consent.policy.declared import DeclaredPurpose
from imp_consent.policy.notice import Notice
from imp_consent.policy.unnamed import unnamed_data
from imp_consent.policy.withdrawing import denies, find_withdrawal, partly_denies
from tests.consent.law.conftest import Desk

DENIED = [
    ("en", "You can withdraw your consent only before you give it."),
    ("en", "Withdrawal is disabled."),
    ("en", "Your right to withdraw has lapsed."),
    ("en", "You can withdraw your consent. That is not possible after signing."),
    ("en", "You can withdraw your consent, by e-mail. This is not true for marketing."),
    ("de", "Das Widerrufsrecht ist erloschen."),
    ("de", "Sie können widerrufen. Das ist nach der Unterschrift nicht möglich."),
    ("nl", "U ziet af van het recht uw toestemming in te trekken."),
    ("ja", "同意を撤回できますか？いいえ。"),  # noqa: RUF001 (a Japanese question mark)
    ("en", "You cannot withdraw your consent, ever."),
    ("en", "You can\u2019t withdraw it."),
    ("en", "Consent may not be withdrawn."),
    ("en-GB", "This consent is irrevocable; withdrawal is impossible."),
    ("de", "Sie können Ihre Einwilligung nicht widerrufen."),
    ("de", "Der Widerruf ist ausgeschlossen."),
    ("fr", "Vous ne pouvez pas retirer votre consentement."),
    ("fr", "Vous ne pourrez jamais retirer votre accord."),
    ("es", "No puede retirar su consentimiento."),
    ("it", "Non può revocare il consenso."),
    ("pt", "Não pode retirar o consentimento."),
    ("nl", "U kunt uw toestemming niet intrekken."),
    ("pl", "Nie można wycofać zgody."),
    ("sv", "Du kan inte återkalla ditt samtycke."),
    ("zh", "您不能撤回同意。"),
    ("zh-Hans", "同意一经作出，无法撤回"),  # noqa: RUF001 (a Chinese comma)
    ("zh-Hant", "同意後不可撤銷。"),
    ("ja", "同意は撤回できません。"),
    ("en", "We note that you wish to withdraw although you cannot withdraw."),
    ("en", f"You cannot {'x' * 19} withdraw."),
    ("zh", "您无权撤回同意。"),
    ("zh", "您没有权利撤回同意。"),
    ("ja", "撤回する権利はありません。"),
    ("de", "Es gibt keinen Widerruf."),
    ("de", "Sie haben keine Möglichkeit zum Widerruf."),
    ("de", "Sie haben kein Widerrufsrecht."),
    ("en", "You do not have the right to withdraw your consent."),
    ("en", "There is no way to withdraw it."),
    ("en", "You will not be able to withdraw."),
    ("en", "Withdrawal is not permitted."),
    ("fr", "Vous ne pouvez plus retirer votre consentement."),
    ("fr", "Le consentement ne peut pas être retiré."),
    ("fr", "Il n\u2019y a aucune possibilité de retrait."),
    ("es", "El consentimiento no puede ser revocado."),
    ("it", "Il consenso non può essere ritirato."),
    ("nl", "Uw toestemming kan niet worden ingetrokken."),
    ("pl", "Zgoda nie może być cofnięta."),
    ("pt", "Não há nenhuma possibilidade de revogação."),
    ("pt", "Não será possível revogar."),
    ("pl", "Nie pozwalamy wycofać zgody."),
    ("nl", "U kunt die niet alsnog intrekken."),
    ("de", "Sie können nicht nachträglich widerrufen."),
    ("en", "You cannot afterwards withdraw it."),
    ("sv", "Det finns ingen möjlighet att återkalla."),
    ("en", "Withdrawal of consent isn\u2019t possible."),
    ("en", "Withdrawal of consent is excluded."),
    ("en", "Consent is final: there is no withdrawal."),
    ("en", "Withdrawal will not be accepted."),
    ("en", "You waive your right to withdraw."),
    ("de", "Ein Widerruf ist nicht vorgesehen."),
    ("de", "Der Widerruf ist unmöglich."),
    ("de", "Sie verzichten auf Ihr Widerrufsrecht."),
    ("fr", "Le retrait n\u2019est pas prévu."),
    ("fr", "Le retrait de votre consentement n\u2019est pas autorisé."),
    ("fr", "Vous renoncez à retirer votre consentement."),
    ("es", "La revocación del consentimiento no es posible."),
    ("it", "La revoca non è possibile."),
    ("zh", "同意一经作出，概不撤回。"),  # noqa: RUF001 (a Chinese comma)
    ("zh", "同意不予撤回。"),
    ("zh", "撤回申请概不受理。"),
    ("ja", "撤回は認められません。"),
]
SAID = [
    ("en", "Your withdrawal will be honoured without undue delay."),
    ("en", "You can withdraw your consent. This is possible at any time."),
    ("en", "You can withdraw at any time. It is not possible to undo what was done before."),
    ("ja", "同意を撤回できますか？はい、いつでもできます。"),  # noqa: RUF001 (a Japanese question mark)
    ("en", "You can withdraw at any time. Withdrawal does not affect the lawfulness of what was done before it."),
    ("en", "We cannot use your data after you withdraw."),
    ("de", "Sie können sie jederzeit widerrufen. Durch den Widerruf wird die Rechtmäßigkeit nicht berührt."),
    ("fr", "Vous pouvez le retirer à tout moment. Le retrait ne compromet pas la licéité du traitement."),
    ("zh", "您可以随时撤回同意，撤回不影响此前的处理。"),  # noqa: RUF001 (as above)
    ("ja", "同意はいつでも撤回できます。"),
    ("fr", "De plus vous pouvez retirer votre consentement à tout moment."),
    ("fr", "Aucun motif de retrait n\u2019est demandé."),
    ("en", "If you cannot log in withdraw by writing to us."),
    ("en", "You will not be able to sign in if you withdraw."),
    ("de", "Es entstehen keine Kosten für den Widerruf."),
    ("de", "Wir nutzen sie nicht mehr nach dem Widerruf."),
    ("es", "No hay costes por retirar el consentimiento."),
    ("it", "Non serve un motivo per revocare."),
    ("nl", "Er zijn geen kosten voor intrekking."),
    ("pl", "Nie ma kosztów wycofania zgody."),
    ("pt", "Não há custo para retirar o consentimento."),
    ("sv", "Du behöver inga skäl för att återkalla."),
    ("nl", "Ingetrokken toestemming geldt vanaf dat moment."),
    ("xx", "cannot withdraw"),  # a language nobody here reads
    ("fr", "N\u2019hésitez pas à retirer votre consentement à tout moment."),
    ("fr", "Vous n\u2019avez pas à motiver le retrait."),
    ("fr", "Il n\u2019est jamais trop tard pour retirer votre consentement."),
    ("fr", "Vous ne renoncez pas au retrait."),
    ("en", "It is never too late to withdraw your consent."),
    ("en", "You do not waive your right to withdraw."),
    ("en", "There are no withdrawal fees. You can withdraw."),
    ("en", "Once you withdraw the service is not available."),
    ("de", "Zögern Sie nicht zu widerrufen."),
    ("de", "Für einen Widerruf ist es nie zu spät."),
    ("de", "Es ist nie zu spät für einen Widerruf."),
    ("es", "No dude en retirar su consentimiento."),
    ("it", "Non esiti a revocare il consenso."),
    ("pt", "Não hesite em retirar o consentimento."),
    ("sv", "Tveka inte att återkalla."),
    ("de", "Sie können sie vernichten oder widerrufen."),  # "nicht" within another word
]

WORDED: dict[str, dict[str, list[str]]] = tomllib.loads(
    Path(__file__).with_name("withdrawing_worded.toml").read_text(encoding="utf-8")
)
WORDED_DENIALS = [(language, text) for language, words in WORDED.items() for text in words["denied"]]
WORDED_HONESTLY = [(language, text) for language, words in WORDED.items() for text in words["honest"]]


def add(desk: Desk, folder: Path, text: str, *words: str) -> Any:
    path = folder / "notice.txt"
    path.write_text(f"Shop Ltd asks you for analytics.\n\n{text}\n", encoding="utf-8")
    return desk.consent("notice", "add", str(path), "--name", "shown", "--purpose", "analytics", *words)


@pytest.mark.parametrize(("language", "text"), [*DENIED, *WORDED_DENIALS])
def test_r07_a_passage_that_denies_withdrawing_is_none_on_the_right_to_it(language: str, text: str) -> None:
    assert denies(text, language)
    assert not partly_denies(text, language)


@pytest.mark.parametrize(("language", "text"), [*SAID, *WORDED_HONESTLY])
def test_a_passage_that_says_how_to_withdraw_is_not_taken_for_a_denial(language: str, text: str) -> None:
    assert not denies(text, language)
    assert not partly_denies(text, language)


@pytest.mark.parametrize(("language", "text"), [*WORDED_DENIALS, *WORDED_HONESTLY])
def test_what_speaks_of_withdrawing_is_found_in_either_case(language: str, text: str) -> None:
    assert find_withdrawal(f"Shop Ltd.\n\n{text}\n\n12.", language) == text


def test_every_language_whose_words_are_known_has_its_denials_and_its_honest_sentences() -> None:
    known = {path.stem for path in (Path(withdrawing.__file__).parent / "languages").glob("*.toml")}
    assert known == {language.partition("-")[0] for language in WORDED}
    assert [language for language, words in WORDED.items() if min(map(len, words.values())) < 8] == []


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        ("en", "You can withdraw. You cannot withdraw.", (False, True)),
        ("en", "To withdraw is a right. You cannot withdraw.", (True, False)),
        ("en", "You can withdraw, but we will ignore it.", (True, False)),
        ("en", "You cannot, at any time, revoke it. You may revoke it in May.", (False, True)),
        ("de", "Sie können widerrufen. Ein Widerruf ist ausgeschlossen.", (False, True)),
        ("zh-Hans", "您可以撤回同意。同意不可撤回。", (False, True)),
        ("ja", "いつでも撤回できます。撤回はできません。", (False, True)),
        ("en", "", (False, False)),
        ("en", "You cannot return it.", (False, False)),
        ("../en", "You cannot withdraw.", (False, False)),
        ("", "You cannot withdraw.", (False, False)),
    ],
)
def test_of_several_sentences_one_that_says_that_people_can_is_enough_and_the_rest_is_told(
    language: str, text: str, said: tuple[bool, bool]
) -> None:
    assert (denies(text, language), partly_denies(text, language)) == said


def test_the_paragraph_that_says_it_can_be_done_comes_first_and_one_that_only_speaks_of_it_last() -> None:
    spoken, denied, said = "It ends once you withdraw.", "Nobody may withdraw.", "You can withdraw."
    for texts, found in (
        ((spoken, denied, said), said),
        ((spoken, denied), denied),
        ((denied, spoken), denied),
        ((spoken, "Withdrawal."), spoken),
    ):
        assert find_withdrawal("\n\n".join(texts), "en") == found


@pytest.mark.parametrize(
    ("text", "denied"),
    [("Can I withdraw my consent?", False), ("Can I never withdraw consent?", True), ("我可以撤回同意吗\uff1f", False)],
)
def test_a_question_that_nothing_answers_is_read_as_it_stands(text: str, denied: bool) -> None:
    assert denies(text, "zh-Hans" if text.endswith("\uff1f") else "en") is denied


def test_a_question_in_several_clauses_that_nothing_answers_is_read_as_one() -> None:
    asked, said = "Do we not keep your data, and can you withdraw?", "We do not keep your data, and you can withdraw."
    assert (denies(asked, "en"), denies(said, "en")) == (True, False)


@pytest.mark.parametrize(("language", "text"), [("en", "We keep your data. Thank you."), ("xx", "You can withdraw.")])
def test_nothing_is_found_in_a_text_that_does_not_speak_of_it_or_whose_language_is_not_known(
    language: str, text: str
) -> None:
    assert find_withdrawal(text, language) == ""
    assert not denies(text, language)


def test_a_long_text_of_little_sense_is_read_in_little_time() -> None:
    for language, words in WORDED.items():
        for text in ("no reason or any " * 300, "if you not " * 300, "without " * 300, words["denied"][0] * 50):
            find_withdrawal(text + words["denied"][0], language)
            denies(text, language)


def test_r07_a_notice_that_denies_withdrawing_is_refused_and_found_by_no_passage_of_its_own(
    desk: Desk, tmp_path: Path
) -> None:
    text = "You cannot withdraw your consent, ever."
    for words in ((), ("--dry-run",), ("--withdrawal", text)):
        refused = add(desk, tmp_path, text, *words)
        assert (refused.code, "says that nobody can (GDPR 7(3))" in refused.err) == (2, True), refused.err
    assert add(desk, tmp_path, "您不能撤回同意。", "--language", "zh-Hans").code == 2


@pytest.mark.parametrize(
    ("language", "text", "code"),
    [
        ("en", "Withdrawal of consent isn't possible.", 2),
        *((language, words["denied"][0], 2) for language, words in WORDED.items()),
        *((language, words["honest"][0], 0) for language, words in WORDED.items()),
        ("en", "Once given, consent cannot, at any time, be withdrawn.", 2),
        ("de", "Ein Widerruf ist nicht vorgesehen.", 2),
        ("ja", "撤回は認められません。", 2),
        ("fr", "N'hésitez pas à retirer votre consentement par un message à Shop Ltd.", 0),
        ("en", "It is never too late to withdraw your consent.", 0),
    ],
)
def test_r07_what_only_sounds_like_a_denial_is_taken_and_a_denial_in_other_words_is_not(
    desk: Desk, tmp_path: Path, language: str, text: str, code: int
) -> None:
    answer = add(desk, tmp_path, text, "--language", language)
    assert (answer.code, "says that nobody can (GDPR 7(3))" in answer.err) == (code, code == 2), answer.err


def test_the_passage_found_is_shown_before_anything_is_written(desk: Desk, tmp_path: Path) -> None:
    text = "A sale\ncannot be withdrawn from.\n\nYou can withdraw\nyour consent at any time."
    would = add(desk, tmp_path, text, "--dry-run").ok()
    assert would.out.endswith('\non withdrawing it says: "You can withdraw your consent at any time."\n')
    assert find_withdrawal(text, "en") == "You can withdraw\nyour consent at any time."
    assert add(desk, tmp_path, text, "--json").ok().json["withdrawal"] == find_withdrawal(text, "en")


@pytest.mark.parametrize(
    ("language", "text"), [("de", "Ihr Widerruf genügt."), ("fr", "Le retrait est libre."), ("zh-Hant", "可以撤銷。")]
)
def test_one_of_the_words_for_withdrawing_is_enough(language: str, text: str) -> None:
    assert find_withdrawal(f"We ask.\n\n{text}\n\nMore.", language) == text


def test_a_passage_that_denies_it_in_part_is_taken_with_a_warning(desk: Desk, tmp_path: Path) -> None:
    text = "You can withdraw at any time; once the parcel is sent you cannot withdraw."
    done = add(desk, tmp_path, text, "--json").ok()
    assert "warning: a part of the passage on withdrawing says that it cannot be done" in done.err
    assert len(done.json["warnings"]) == 1


def test_a_notice_that_leaves_out_who_receives_the_data_is_taken_with_a_warning(desk: Desk, tmp_path: Path) -> None:
    desk.consent("purpose", "change", "analytics", "--recipient", "Acme Ltd").ok()
    desk.wait(1)
    text = "You can withdraw at any time."
    added = add(desk, tmp_path, text).ok()
    assert "warning: the purpose analytics declares a recipient whom the notice shown does not name" in added.err
    assert "GDPR 13(1)(e); EDPB 05/2020 §65" in added.err
    taken = desk.record("analytics", "given", "--notice", "shown").ok().json
    assert [warning[:40] for warning in taken["warnings"]] == ["the purpose analytics declares a recipie"]
    assert desk.record("analytics", "withdrawn").ok().json["warnings"] == []
    named = add(desk, tmp_path, f"{text} ACME  Ltd receives it.").ok()
    assert "recipient" not in named.err
    desk.wait(1)
    assert desk.record("analytics", "given", "--notice", "shown").ok().json["warnings"] == []


def test_a_purposes_name_in_the_text_names_no_data() -> None:
    names = ("advice", "advice.health")
    purposes = {name: DeclaredPurpose(name=name, description="We do.", data=("health",)) for name in names}
    words: dict[str, Any] = {
        "name": "shown",
        "version": 1,
        "language": "en",
        "controller": "Shop Ltd",
        "purposes": names,
    }
    for text, lacking in (("Advice, Advice.Health.", ("health",)), ("Advice.Health: your HEALTH.", ())):
        found = unnamed_data(Notice(**words, withdrawal="at any time", text=text), purposes)
        assert found == (dict.fromkeys(names, lacking) if lacking else {})
