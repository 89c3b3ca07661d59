"""`imp init`: a workspace, its keys and its ledger, or nothing; and never anything of somebody else's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imp_consent.commands import init as init_module
from imp_consent.commands.check import check
from imp_consent.commands.init import init
from imp_consent.commands.record import record
from imp_consent.commands.status import status
from imp_consent.ledger.log import Log
from imp_core.context import Context
from imp_core.errors import BadInput, ImpError, KeysUnusable, LedgerBroken
from imp_core.event import RawId


def tree(*folders: Path) -> dict[str, bytes | None]:
    return {
        str(path): path.read_bytes() if path.is_file() else None for folder in folders for path in folder.rglob("*")
    }


def keys(context: Context) -> Path:
    return Path(context.environ["IMP_KEYS"])


def test_a_new_workspace_can_be_used_at_once(context: Context) -> None:
    done = init(context, context.directory, controller="Läden “商店” & Söhne\\n")
    assert status(context).entries == 2
    assert context.workspace.controller == done.controller == "Läden “商店” & Söhne\\n"
    assert {path.stat().st_mode & 0o777 for path in keys(context).glob("*.key")} == {0o600}


@pytest.mark.parametrize("name", ["sh?op", "sh#op", "sh op", "100%", "商店", "a;b&c"])
def test_any_name_of_a_folder_will_do_and_nothing_lands_beside_it(context: Context, tmp_path: Path, name: str) -> None:
    (tmp_path / "shops").mkdir()
    init(context, tmp_path / "shops" / name)
    assert [path.name for path in (tmp_path / "shops").iterdir()] == [name]


def test_a_second_init_changes_nothing(context: Context, tmp_path: Path) -> None:
    init(context, context.directory, controller="First")
    context.close()
    before = tree(tmp_path)
    with pytest.raises(BadInput, match="there is a workspace here already"):
        init(context, context.directory, controller="Second")
    assert tree(tmp_path) == before


def test_an_init_that_loses_a_race_leaves_the_winners_workspace_and_keys(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    init(context, context.directory, controller="Winner")
    context.close()
    before = tree(tmp_path)
    monkeypatch.setattr(init_module, "_refuse", lambda *_: None)  # the loser looked before the winner began
    with pytest.raises(KeysUnusable):
        init(context, context.directory, controller="Loser")
    other = Context(environ={**context.environ, "IMP_KEYS": str(tmp_path / "other")}, directory=context.directory)
    with pytest.raises(LedgerBroken, match="there is a ledger already"):
        init(other, context.directory, controller="Loser")
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", ["archive", "tmp", "experiments", "reports"])
def test_whatever_stands_in_the_way_is_left_and_nothing_else_stays(context: Context, tmp_path: Path, name: str) -> None:
    (context.directory / name).write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(BadInput, match="cannot be created"):
        init(context, context.directory)
    assert tree(tmp_path) == before


def test_a_failure_at_the_last_step_leaves_nothing(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise ImpError("no space")

    monkeypatch.setattr(init_module, "write_atomically", full)
    before = tree(tmp_path)
    with pytest.raises(ImpError, match="no space"):
        init(context, tmp_path / "deep" / "shop")
    assert tree(tmp_path) == before


def test_an_existing_keys_folder_must_be_private_and_empty_and_keeps_its_mode(context: Context) -> None:
    keys(context).mkdir(mode=0o755)
    keys(context).chmod(0o755)
    with pytest.raises(KeysUnusable, match="other users"):
        init(context, context.directory)
    assert keys(context).stat().st_mode & 0o777 == 0o755
    (keys(context) / "letters.txt").write_text("mine")
    with pytest.raises(BadInput, match="something else"):
        init(context, context.directory)
    (keys(context) / "letters.txt").unlink()
    keys(context).chmod(0o700)
    init(context, context.directory)


def test_keys_inside_the_workspace_are_refused_through_a_link_too(context: Context, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere"
    link.symlink_to(context.directory)
    for folder in (context.directory / "keys", link / "keys"):
        other = Context(environ={**context.environ, "IMP_KEYS": str(folder)}, directory=context.directory)
        with pytest.raises(BadInput, match="inside the workspace"):
            init(other, context.directory)
    assert list(context.directory.iterdir()) == []


def test_an_interrupted_init_is_named_as_that(context: Context) -> None:
    (context.directory / "ledger.db").touch()
    with pytest.raises(BadInput, match="interrupted"):
        init(context, context.directory)


def test_a_ledger_that_lost_its_imp_toml_is_kept_and_what_its_answer_says_brings_it_back(
    context: Context, tmp_path: Path
) -> None:
    made = init(context, context.directory, controller="Shop Ltd")
    record(context, RawId("member", "王"), purpose="analytics", state="given")
    context.close()
    config = context.directory / "imp.toml"
    config.unlink()
    before = tree(tmp_path)
    with pytest.raises(BadInput, match=f"lost: here is the ledger {made.log_id}, of 3 entries") as refused:
        init(context, context.directory)
    assert "remove nothing" in str(refused.value.mend)
    assert tree(tmp_path) == before
    lines = ["[workspace]", f'log_id = "{made.log_id}"', 'controller = "…"', 'timezone = "…"']
    assert ", ".join(lines) in str(refused.value.mend)
    config.write_text("\n".join(lines).replace('timezone = "…"', 'timezone = "UTC"'), encoding="utf-8")
    context.reload_workspace()
    assert check(context, RawId("member", "王"), purpose="analytics").permitted


def test_a_ledger_that_cannot_be_read_is_not_to_be_removed_either(context: Context) -> None:
    (context.directory / "ledger.db").write_text("no database")
    with pytest.raises(BadInput, match="cannot be read: not a ledger") as refused:
        init(context, context.directory)
    assert str(refused.value.mend).startswith("keep it")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../../etc/passwd", "Europe"])
def test_an_unknown_time_zone_is_refused_before_anything_is_created(
    context: Context, tmp_path: Path, zone: str
) -> None:
    before = tree(tmp_path)
    with pytest.raises(BadInput, match="unknown time zone"):
        init(context, context.directory, timezone=zone)
    assert tree(tmp_path) == before


def test_a_ledger_of_which_nothing_was_signed_yet_has_a_status(
    imp_here: Any, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    init(context, context.directory, controller="Shop")
    monkeypatch.setattr(Log, "outside", lambda _: None)
    assert "2 entries, no checkpoint yet" in imp_here("status").ok().out
