"""A version of a notice in one language leaves the others behind, and whoever adds it is told what that means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imp_core.context import Context

Cli = Any
EN = "Shop Ltd asks for analytics. You may withdraw your consent at any time."
ZH = "Shop Ltd 请求用于 analytics。您可以随时撤回同意。"


@pytest.fixture
def stands(shop: Context, imp_here: Cli, tmp_path: Path) -> tuple[str, str]:
    """The English and the Chinese text of a notice that stands in both languages."""
    en, zh = (text.replace("Shop Ltd", shop.workspace.controller) for text in (EN, ZH))
    for text, language in ((en, "en"), (zh, "zh-Hans")):
        assert "does not stand" not in added(imp_here, tmp_path, text, language).err, "a translation leaves none behind"
    return en, zh


def added(imp_here: Cli, folder: Path, text: str, language: str, *more: str) -> Any:
    path = folder / "notice.txt"
    path.write_text(text, encoding="utf-8")
    words = ("--name", "shop", "--language", language, "--purpose", "analytics", *more)
    return imp_here("consent", "notice", "add", str(path), *words).ok()


def given(imp_here: Cli, *more: str) -> Any:
    words = ("consent", "record", "member:1", "--purpose", "analytics", "--state", "given", "--action", "click")
    return imp_here(*words, *more)


def test_r06_a_version_in_one_language_says_that_the_others_are_behind(
    stands: tuple[str, str], imp_here: Cli, tmp_path: Path
) -> None:
    en, zh = stands
    new = zh + " 新版本。"
    for more in (("--dry-run",), ()):
        told = added(imp_here, tmp_path, new, "zh-Hans", *more).err
        assert "version 2 does not stand in en yet" in told
        assert "a yes given there (--language en) is refused" in told
        assert "one without --language is recorded as shown in zh-Hans" in told
    assert given(imp_here, "--language", "en").code == 2, "as was said"
    shown = given(imp_here, "--json").ok().json["shown"]
    assert shown["language"] == "zh-Hans"
    assert "does not stand" not in added(imp_here, tmp_path, en + " A new version.", "en").err
    given(imp_here, "--language", "en").ok()


def test_r06_an_editorial_version_in_one_language_leaves_none_behind_until_one_changes_something(
    stands: tuple[str, str], imp_here: Cli, tmp_path: Path
) -> None:
    en, _ = stands
    for more in (("--dry-run",), ()):
        told = added(imp_here, tmp_path, en + " Now in better words.", "en", "--editorial", *more)
        assert "does not stand" not in told.err
    shown = given(imp_here, "--language", "zh-Hans", "--json").ok().json["shown"]
    assert (shown["version"], shown["language"]) == (1, "zh-Hans")
    assert "in which was it shown" in given(imp_here).err
    told = added(imp_here, tmp_path, en + " And of other things.", "en").err
    assert "version 3 does not stand in zh-Hans yet" in told, "version 1 stood there till now"
    assert given(imp_here, "--language", "zh-Hans").code == 2


def test_r06_a_version_that_changes_one_purpose_leaves_the_languages_behind_for_that_one_and_says_so(
    stands: tuple[str, str], imp_here: Cli, tmp_path: Path
) -> None:
    en, _ = stands
    more = ("--purpose", "experimentation", "--material", "analytics")
    told = added(imp_here, tmp_path, en + " And experimentation.", "en", *more).err
    assert "a yes given there (--language zh-Hans) is refused" in told
    told = added(imp_here, tmp_path, en + " Once more.", "fr", *more[:2], "--withdrawal", en[-40:]).err
    assert "(--language zh-Hans) is refused. Add its translation: --language zh-Hans" in told
    assert "in which was it shown" in given(imp_here).err, "it says nothing of a yes without --language"
    added(imp_here, tmp_path, stands[1] + " experimentation", "zh-Hans", *more[:2])
    new = ("--purpose", "experimentation", "--material", "experimentation")
    told = added(imp_here, tmp_path, en + " And experimentation anew.", "en", *new).err
    assert "version 3 does not stand in fr, zh-Hans yet: until it does, a yes to experimentation given there" in told
    given(imp_here, "--language", "zh-Hans").ok()
    assert given(imp_here, "--language", "zh-Hans", "--purpose", "experimentation", "--each").code == 2
