"""What people did to say yes: what was no act of theirs is no consent, in whatever words it is told (row 3)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imp_consent.policy.actions import Acts
from imp_consent.policy.regime import packaged
from imp_core.errors import BadInput
from tests.consent.law.conftest import Desk

PASSIVE = [
    "scrolled on", "scrolled", "scrolling the page", "SCROLL-ED", "\uff33\uff23\uff32\uff2f\uff2c\uff2c",
    "scr\u200bolled", "none", "no action", "n/a", "box was pre-ticked", "box was not pre-ticked",
    "ticked in advance", "kept browsing", "browse", "continued", "silence", "stayed silent", "did not object",
    "didn\u2019t untick", "not unticked", "opt-out not used", "by default", "auto-accepted", "implied",
    "not clicked", "clicked nothing", "默认", "系统默认勾选了", "用户未取消勾选", "未反对", "預設", "没有点击",
    "自動勾選", "视为同意", "Kästchen war vorangekreuzt", "nicht abgewählt", "stillschweigend", "précochée",
    "pre\u0301cochée", "en défilant", "case non décochée", "casilla no desmarcada", "por defecto",
    "casella preselezionata", "vooraf aangevinkt", "domyślnie zaznaczone", "não clicou", "förkryssad ruta",
    "デフォルト", "사전 체크",
]  # fmt: skip
DECLINED = [
    "declined form", "call declined", "unsubscribe reply", "unsigned form", "unanswered call", "closing the banner",
    "closed the banner by a click", "clicked close", "muted", "paused the video", "rejected", "dismissed the box",
    "prefilled form", "pre-filled form", "pre filled form", "box was already on", "toggle switched off", "replied STOP",
    "hung up the phone", "clicked cancel", "skipped the form", "refused by letter", "form left blank", "missed call",
    "Banner geschlossen", "schließen geklickt", "abgelehnt", "Ablehnung per Brief", "weggeklickt", "stumm geschaltet",
    "vorausgefülltes Formular", "Kästchen war bereits an", "ununterschriebenes Formular", "unbeantworteter Anruf",
    "verpasster Anruf", "abgemeldet per Antwort", "lehnte telefonisch ab",
    "bannière fermée d’un clic", "formulaire prérempli", "refusé", "rejeté", "désabonnement par réponse",
    "case déjà cochée", "appel manqué", "vidéo en pause",
    "cerró el banner", "casilla ya marcada", "rechazó", "formulario prerrellenado", "pausó el vídeo", "llamada perdida",
    "se dio de baja por respuesta", "banner chiuso", "rifiutato", "modulo precompilato", "casella già selezionata",
    "chiamata persa", "banner gesloten", "geweigerd", "vooringevuld formulier", "vinkje stond al aan", "weggeklikt",
    "onbeantwoorde oproep", "zamknął baner", "odrzucił", "nieodebrana rozmowa", "już zaznaczone pole",
    "fechou o banner", "rejeitou", "recusou por carta", "formulário pré-preenchido", "botão já ativo",
    "stängde rutan", "avböjde", "förifyllt formulär", "rutan var redan ikryssad", "obesvarat samtal",
    "点击关闭", "關閉了橫幅", "拒绝", "选择否", "预填表格", "静音", "暂停视频", "电话被挂断", "回复退订",
    "閉じるボタン", "拒否ボタン", "ミュート", "スキップ", "닫기 버튼", "거부 버튼", "음소거", "이미 체크된 상자",
]  # fmt: skip
NOT_THEIRS = [
    "vorher angekreuzt", "war angekreuzt", "Haken war gesetzt", "using the site", "use of the site",
    "terms accepted by use",
    "the box came ticked", "box was checked at load", "checked on load", "ticked by us", "ticked by staff", "X button",
    "said nay", "soft opt-in", "Softopt-in", "bot click", "kept using", "presumably", "remind me later",
    "Nutzung der Website",
    "vermutlich zugestimmt", "la case était cochée", "utilisation du site", "la casilla estaba marcada", "uso del sito",
    "vakje was aangevinkt", "pole było zaznaczone", "a caixa estava marcada", "rutan var ikryssad",
    "no objections received",
    "clicked by a bot", "signed up by using the site", "by using our websites", "using this app",
    "use of these services",
    "website usage", "Nutzung unserer Website", "durch Nutzung dieser Webseite", "Website-Nutzung", "Besuch der Seite",
    "utilisation de nos services", "en utilisant cette application", "uso de nuestra web", "utilizzo del nostro sito",
    "gebruik van onze site", "korzystając z naszej strony", "uso do nosso aplicativo", "användning av vår tjänst",
]  # fmt: skip
SAID_NO = [
    "nein", "Nej", "nee", "否", "off", "OFF", "いいえ", "아니오", "아니요", "нет", "Нет", "нет согласия", "όχι",
    "δεν συμφωνώ", "لا", "hayır", "HAYIR", "ei", "false", "opt_in=false", "0", "-", " ? ", "unknown", "box: off",  # noqa: RUF001 (Turkish)
    "visited our website", "by visiting the site", "동의하지 않음", "同意しません", "同意しない", "отказ",
    "clicked the cross", "pressed the cross", "signed contract at closing the banner",
]  # fmt: skip
ACROSS = [  # words that excuse nothing, as they stand apart, reach over a mark or hold but a part of what denies
    "none, missing", "None / missing", "Nothing; missing", "none missing", "none (missing)",
    "said no; objections raised",
    "said no - objection", "said no objections raised", "said no objections", "came ticked using autofill",
    "came ticked using the app",
    "box came ticked, signed using the app", "said he had no; objections", "without; pressure", "no, without pressure",
    "without pressure: declined", "not; under duress", "stopped; bus stop", "one; stop", "bus\nstop",
    "without  pressure",
    "closed at closing", "clicked at the closing of the banner", "clic à la fermeture de la bannière", "elle la ferme",
    "ohne; Zwang", "sans, contrainte", "sin: reservas", "Vertrag; geschlossen", "without/pressure",
    "signed without. Duress",
]  # fmt: skip
LOOKS_DECLINED = [
    "clicked I agree using our website", "entered the code using the app", "clicked accept; use of the site explained",
    "ticked the box after using the site map", "ticked a box when visiting our shop",
    "clicked yes on the off-white page",
    "said she had no objections", "said they had no objection, then signed", "signed without duress",
    "signed with-out delay",
    "signed without\u00a0pressure", "stopped by the office and signed", "clicked using our website",
    "one-stop form signed", "ohne Zwang unterschrieben",
    "signed form, checked by staff", "clicked accept in the chat bot", "Microsoft opt-in form", "signed using the app",
    "signed two days later", "signed after she was reminded", "ticked on the start page",
    "came on the phone and said yes",
    "marked with an X and signed", "was already a member, clicked", "Bestellung später unterschrieben",
    "signed at closing", "signature at the closing", "signed the closing statement", "terms disclosed, then signed",
    "enclosed form signed", "form enclosed and signed", "closely read and signed", "signed by a close relative",
    "signed form in a closed envelope", "said yes after a pause", "accepted the cancellation terms", "skipper signed",
    "declaration signed", "mutual agreement signed", "pressed the button", "signed, expires 2027", "signed off",
    "filled in the blanks and signed", "objects listed and signed for", "left the signed form on the counter",
    "schließlich unterschrieben", "Vertrag geschlossen und unterschrieben", "abgeschlossener Vertrag, Unterschrift",
    "beschlossen und unterschrieben", "Widerrufsbelehrung unterschrieben", "formulaires reçus, case cochée",
    "a cliqué, accord ferme", "después de leer, firmó", "firma con fecha 12 de mayo", "formulario fechado, firma",
    "firma in busta chiusa", "spunta dopo avviso", "overeenkomst gesloten met handtekening", "wypisany druk, podpis",
    "签名 原本", "空白处签名", "已勾选", "已告知可撤回，点击同意", "미리보기 후 클릭", "チェック済み",  # noqa: RUF001 (a Chinese comma)
]  # fmt: skip
ACTIVE = [
    "click", "clicked", "Tapped OK", "ticked a box", "checkbox", "signature", "signed form", "e-signature",
    "spoken yes", "verbal yes", "double-opt-in", "double opt in", "toggle", "button", "reply yes",
    "replied YES", "phone call", "点击", "勾选", "签名", "用户点击了同意按钮", "點擊", "angekreuzt",
    "Häkchen gesetzt", "unterschrieben", "coché", "cliqué", "firmó", "casella spuntata", "handtekening",
    "podpis", "assinatura", "kryssade i rutan", "クリック", "클릭",
]  # fmt: skip
NUMBERED = [
    "signed form no 12", "signed form no. 12", "signed form No.12", "SIGNED FORM NO 12a", "signed form № 12",
    "signature, form №12", "signed form nr. 12", "Formular Nr. 12 unterschrieben", "formulaire n° 12 coché",
    "formulário nº 12, assinatura", "formulario n.º 12 firmado", "modulo n. 12 con firma",
    "formulier nr 12 handtekening", "podpis na formularzu nr 12", "签名 表格第12号", "簽名第\uff11\uff12號",
    "signed form no \uff11\uff12", "signed form no ١٢", "form no 12, box no 3 ticked",
]  # fmt: skip
DENIED_BY_NO = [
    "no click", "clicked no box 2", "no, 12 clicks", "no 1 clicked", "signed no form", "form signed? no", "12 no",
    "form no twelve", "no",
    "form no 12, no click", "form no 12 not signed", "form no 12: kein Klick", "signed form no 12 by default",
]  # fmt: skip
LAWS = [found.name for found in packaged()]


@pytest.mark.parametrize("action", [*PASSIVE, *DECLINED, *NOT_THEIRS, *SAID_NO, *ACROSS])
def test_r03_what_tells_of_no_act_is_refused_in_whatever_words_and_under_any_law(law: Any, action: str) -> None:
    for law.regimes in [(name,) for name in LAWS]:
        with pytest.raises(BadInput, match="no affirmative action") as refused:
            law.write("grant", "analytics", action=action)
        assert refused.value.where == "action"
        assert refused.value.mend is not None
        assert refused.value.mend.endswith("such as click")


@pytest.mark.parametrize("action", [*ACTIVE, *LOOKS_DECLINED])
def test_r03_an_act_of_agreeing_is_known_in_the_languages_notices_are_in(law: Any, action: str) -> None:
    for name in LAWS:
        law.regimes = (name,)
        law.write("grant", "analytics", action=action)
        assert packaged().rules((name,)).acts.is_known(action)


@pytest.mark.parametrize("action", NUMBERED)
def test_r03_the_number_of_a_form_denies_nothing(law: Any, action: str) -> None:
    for name in LAWS:
        law.regimes = (name,)
        law.write("grant", "analytics", action=action)
        assert packaged().rules((name,)).acts.is_known(action)


@pytest.mark.parametrize("action", DENIED_BY_NO)
def test_r03_a_no_without_its_number_or_beside_one_still_denies(law: Any, action: str) -> None:
    for law.regimes in [(name,) for name in LAWS]:
        with pytest.raises(BadInput, match="no affirmative action"):
            law.write("grant", "analytics", action=action)


def test_a_number_by_itself_is_a_word_that_is_not_known(desk: Desk) -> None:
    for action in ("no. 12", "№ 12"):
        assert len(desk.record("analytics", "given", "--action", action).ok().json["warnings"]) == 1


def test_r03_the_command_line_refuses_what_is_no_act_and_names_the_law(desk: Desk) -> None:
    for words, article in (
        ((), "GDPR 4(11), rec. 32; EDPB 05/2020 §§75-86; CJEU C-673/17 (Planet49)"),
        (("--regime", "cn-pipl", "--jurisdiction", "CN"), "PIPL 14"),
    ):
        refused = desk.record("analytics", "given", "--action", "用户未取消勾选", *words)
        assert (refused.code, article in refused.err) == (2, True), refused.err
        assert "用户" not in refused.err + refused.out
    assert desk.entries() == []


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ("vorher angekreuzt", 2),
        ("using the site", 2),
        ("ticked by staff", 2),
        ("none, missing", 2),
        ("clicked, all read", 0),
    ],
)
def test_r03_a_box_that_was_ticked_for_them_and_mere_use_record_nothing(desk: Desk, action: str, code: int) -> None:
    assert desk.record("analytics", "given", "--action", action).code == code
    assert len(desk.entries()) == (code == 0)


@pytest.mark.parametrize("action", ["nodded", "👍", "…"])
def test_a_word_that_is_not_known_is_taken_with_a_warning_that_names_those_that_are(desk: Desk, action: str) -> None:
    taken = desk.record("analytics", "given", "--action", action).ok().json
    assert len(taken["warnings"]) == 1
    assert "click, tap, ticked a box" in taken["warnings"][0]
    words = ("member:2", "--purpose", "analytics", "--state", "given", "--action")
    assert "\nwarning: the word for the act" in desk.consent("record", *words, action).ok().out
    assert "warning" not in desk.consent("record", *words, "tapped").ok().out
    assert desk.record("analytics", "given").ok().json["warnings"] == [], "nobody said by what act"
    assert desk.record("analytics", "refused", "--action", action).ok().json["warnings"] == []


def test_r03_rows_of_a_file_meet_the_same_words(desk: Desk, tmp_path: Path) -> None:
    path, rejects = tmp_path / "acts.csv", tmp_path / "rejects.csv"
    acts = ["click", "scrolled down", "nodded", "未取消勾选"]
    rows = [f"member:{number},analytics,given,2026-02-01T00:00:00Z,{act}" for number, act in enumerate(acts)]
    path.write_text("\n".join(["identifier,purpose,state,at,action", *rows]) + "\n", encoding="utf-8")
    assert desk.consent("import", str(path)).code == 2
    done = desk.consent("import", str(path), "--rejects", str(rejects), "--json").ok()
    assert (done.json["given"], done.json["rejected"], done.json["unknown_acts"]) == (2, 2, 1)
    assert "warning: 1 row given names the act" in done.err
    told = rejects.read_text(encoding="utf-8")
    assert told.count("no affirmative action") == 2
    assert "scroll" not in told.replace("scrolled past", "")


def test_r03_records_meet_the_same_words(desk: Desk, tmp_path: Path) -> None:
    path, rejects = tmp_path / "records.jsonl", tmp_path / "rejects.csv"
    row = {"person": "member:1", "type": "grant", "position": 1, "purpose": "analytics", "at": "2026-02-01T00:00:00Z"}
    lines = [row | {"action": "scrolled down"}, row | {"person": "member:2", "action": "nodded"}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    done = desk.consent("import", str(path), "--format", "records", "--rejects", str(rejects), "--json").ok()
    assert (done.json["rows"], done.json["rejected"], done.json["unknown_acts"]) == (1, 1, 1)
    assert "no affirmative action" in rejects.read_text(encoding="utf-8")


def test_the_words_of_several_laws_are_all_of_theirs() -> None:
    one, other = Acts(refused=frozenset({"silence"})), Acts(frozenset(), frozenset({"scroll"}), frozenset({"not"}))
    both = one | other | Acts(known=frozenset({"click", "点击"}))
    assert [both.is_passive(word) for word in ("Silence!", "scrolled", "not now", "nothing", "silenced")] == [
        True, True, True, False, False,
    ]  # fmt: skip
    assert [both.is_known(word) for word in ("he clicked", "unclicked", "双击点击", "")] == [True, False, True, False]
    assert not Acts().is_known("click")
    assert not Acts().is_passive("scroll")


def test_words_in_a_row_beginnings_and_what_is_harmless_are_looked_for_word_by_word() -> None:
    acts = Acts(
        passive_words=frozenset({"already on", "close", "no"}),
        numbered=frozenset({"no"}),
        passive_begins=frozenset({"declin"}),
        harmless=frozenset({"at close", "at close declined", "close of business"}),
    )
    passive = (
        "already on", "box ALREADY-ON!", "declined", "he declines", "close", "close, signed at close", "close at",
        "close of", "close of day", "no click", "signed at close of no business",
    )  # fmt: skip
    taken = (
        "on already", "already, it went on", "all ready on", "undeclined", "closed", "signed at close", "at close 12",
        "signed at the close of business", "signed at close declined", "form no 12 at close", "", "at", "of business",
    )  # fmt: skip
    assert [word for word in passive if not acts.is_passive(word)] == []
    assert [word for word in taken if acts.is_passive(word)] == []
    several = Acts(passive_words=frozenset({"by|on use|visit", "left on it"}), harmless=frozenset({"on it"}))
    words = ("by use", "on-visit", "by, use", "by it", "use on", "left on it", "on it by visit", "by|on")
    assert [several.is_passive(word) for word in words] == [True, True, True, False, False, True, True, False]
    both = Acts(passive_begins=frozenset({"a"})) | Acts(passive_begins=frozenset({"b"}), harmless=frozenset({"b c"}))
    assert [both.is_passive(word) for word in ("an", "by", "b c", "c")] == [True, True, False, False]
    marks = Acts(passive_words=frozenset({"!!", "gone"}))  # a house's law may hold anything: marks alone are no word
    assert [marks.is_passive(word) for word in ("!!", "clicked", "gone")] == [False, False, True]


def test_the_rules_tell_the_words(desk: Desk) -> None:
    told = desk.consent("regime", "rules", "gdpr").ok().out
    for line in ("nor holding  ", "nor a word  ", "nor like  ", "acts  "):
        assert line in told, told
