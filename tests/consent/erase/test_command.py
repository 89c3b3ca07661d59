"""`imp consent erase` as a user has it: nothing is erased by accident, and what it says is true."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imp_consent.commands import erase

ANN, BEN = "member:ann", "member:王伟"


@pytest.fixture
def shop(imp_here: Any) -> Any:
    """A workspace in which two people gave consent."""
    imp_here("init", ".", "--controller", "Shop").ok()
    for who in (ANN, BEN):
        imp_here("consent", "record", who, "--purpose", "analytics", "--state", "given").ok()
    return imp_here


def known(shop: Any, who: str) -> bool:
    return bool(shop("consent", "history", who, "--json").json["entries"])


def keep_keys_in_the_environment(shop: Any) -> str:
    """Move the keys from the folder to the variable; returns its value."""
    material = str(shop("keys", "export", "--execute").ok().out.strip())
    set_provider(shop, "env")
    for path in shop.keys.glob("*.key"):
        path.unlink()
    return material


def set_provider(shop: Any, provider: str) -> None:
    config = shop.workspace / "imp.toml"
    text = config.read_text().partition("\n[keys]")[0]
    config.write_text(f'{text}\n[keys]\nprovider = "{provider}"\n')


def test_an_interrupted_erasure_names_what_finishes_it(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(erase, "resume", interrupted)
        answer = shop("consent", "erase", ANN, "--execute")
    assert answer.code == 130
    assert "imp consent erase --resume" in answer.err
    assert shop("consent", "erase", "--resume", "--json").ok().json["people"] == 1
    assert not known(shop, ANN)


@pytest.mark.parametrize("words", [(ANN,), (ANN, "--execute"), (ANN, BEN), ("-",)])
def test_resume_names_nobody_and_erases_nobody_more(shop: Any, words: tuple[str, ...]) -> None:
    answer = shop("consent", "erase", *words, "--resume", input=ANN)
    assert answer.code == 2
    assert "--resume names nobody" in answer.err
    assert known(shop, ANN)
    assert known(shop, BEN)


def test_a_resume_says_what_it_did_and_that_there_was_nothing_to_do(shop: Any) -> None:
    nothing = "there was no erasure to resume: nobody waits for one"
    assert shop("consent", "erase", "--resume").ok().out.splitlines() == [nothing]
    assert "erased 1 person: 2 entries" in shop("consent", "erase", ANN, "--execute", "--later").ok().out
    later = shop("consent", "erase", "--resume").ok().out
    assert "1 person erased before can no longer be read from backups either" in later
    assert nothing in shop("consent", "erase", "--resume").ok().out


def test_who_is_unknown_is_said_by_place_and_never_by_value(shop: Any) -> None:
    words = ("consent", "erase", "member:secret-7c1f", ANN, "member:secret-8d2a")
    plan, done = shop(*words).ok(), shop(*words, "--execute", "--json").ok()
    assert "nobody is known by 2 of the 3 identifiers, by place: 1, 3" in plan.out
    assert (done.json["people"], done.json["unknown"]) == (1, [1, 3])
    assert "secret" not in plan.out + plan.err + done.out + done.err
    assert "by place: 2" in shop("consent", "erase", BEN, "member:secret-9e3b", "--execute").ok().out


def test_an_erasure_of_nobody_says_where_to_look(shop: Any) -> None:
    refused = shop("consent", "erase", "member:nobodyx", "--execute", "--json")
    assert refused.code == 1
    assert refused.json["error"]["mend"].startswith("look at its kind and spelling")
    assert "nobodyx" not in refused.out + refused.err


def test_keys_that_cannot_be_changed_are_said_and_nobody_is_sent_round(shop: Any) -> None:
    material = keep_keys_in_the_environment(shop)
    for words in (("consent", "erase", ANN, "--execute"), ("consent", "erase", "--resume")):
        said = shop(*words, IMP_KEY_MATERIAL=material).ok().out
        assert "1 can still be read from backups with the keys: the keys cannot be changed here" in said
        assert "--resume" not in said
    (check,) = [
        item
        for item in shop("doctor", "--json", IMP_KEY_MATERIAL=material).json["checks"]
        if item["name"] == "erasures"
    ]
    assert (check["ok"], "--resume" in check["mend"], "docs/keys.md" in check["mend"]) == (False, False, True)


def test_what_the_page_says_of_keys_in_the_environment_ends_it(shop: Any) -> None:
    material = keep_keys_in_the_environment(shop)
    shop("consent", "erase", ANN, "--execute", IMP_KEY_MATERIAL=material).ok()
    shop("keys", "copy", "folder", "--execute", IMP_KEY_MATERIAL=material).ok()
    set_provider(shop, "folder")
    assert shop("consent", "erase", "--resume", "--json").ok().json["in_backups"] == 0
    changed = keep_keys_in_the_environment(shop)
    assert changed != material
    assert shop("status", "--json", IMP_KEY_MATERIAL=changed).ok().json["erased_in_backups"] == 0
    assert shop("audit", "verify", "--json", IMP_KEY_MATERIAL=changed).ok().json["ok"] is True


def test_broken_survivors_and_no_ledger_end_as_the_answer_says(shop: Any, tmp_path: Path) -> None:
    shop("backup", str(tmp_path / "before.bak")).ok()
    shop("consent", "erase", ANN, "--execute").ok()
    shop("backup", str(tmp_path / "since.bak")).ok()
    survivors = shop.keys / "survivors"
    survivors.write_bytes(survivors.read_bytes()[:-2])
    (shop.workspace / "ledger.db").unlink()
    refused = shop("restore", str(tmp_path / "since.bak"), "--json")
    assert refused.code == 3
    assert "where it is lost: move the file away" in refused.json["error"]["mend"]
    survivors.rename(tmp_path / "survivors")
    assert shop("restore", str(tmp_path / "before.bak"), "--execute").code == 1  # nobody in it can be opened
    shop("restore", str(tmp_path / "since.bak"), "--execute").ok()
    assert known(shop, BEN)
    assert not known(shop, ANN)
