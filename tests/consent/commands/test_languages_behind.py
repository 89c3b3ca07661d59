"""A version of a notice in one language leaves the others behind, and whoever adds it is told what that means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imp_core.context import Context

Cli = Any
EN = "Shop Ltd asks for analytics. You may withdraw your consent at any time."
ZH = "Shop Ltd 请求用于 analytics。您可以随时撤回同意。"


def added(imp_here: Cli, folder: Path, text: str, language: str, *more: str) -> Any:
    path = folder / "notice.txt"
    path.write_text(text, encoding="utf-8")
    words = ("--name", "shop", "--language", language, "--purpose", "analytics", *more)
    return imp_here("consent", "notice", "add", str(path), *words).ok()


def test_r06_a_version_in_one_language_says_that_the_others_are_behind(
    shop: Context, imp_here: Cli, tmp_path: Path
) -> None:
    controller = shop.workspace.controller
    en, zh = EN.replace("Shop Ltd", controller), ZH.replace("Shop Ltd", controller)
    assert "does not stand" not in added(imp_here, tmp_path, en, "en").err
    assert "does not stand" not in added(imp_here, tmp_path, zh, "zh-Hans").err, "a translation leaves none behind"
    new = zh + " 新版本。"
    for more in (("--dry-run",), ()):
        told = added(imp_here, tmp_path, new, "zh-Hans", *more).err
        assert "version 2 does not stand in en yet" in told
        assert "a yes given there (--language en) is refused" in told
        assert "one without --language is recorded as shown in zh-Hans" in told
    yes = ("consent", "record", "member:1", "--purpose", "analytics", "--state", "given", "--action", "click")
    assert imp_here(*yes, "--language", "en").code == 2, "as was said"
    shown = imp_here(*yes, "--json").ok().json["shown"]
    assert shown["language"] == "zh-Hans"
    assert "does not stand" not in added(imp_here, tmp_path, en + " A new version.", "en").err
    imp_here(*yes, "--language", "en").ok()
