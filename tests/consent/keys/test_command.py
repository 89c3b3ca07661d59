"""`imp keys` as a user has it: nothing changes before --execute, only export shows secrets, and every why is said."""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from imp_consent.commands.key_changes import copy_keys
from imp_consent.identity.keys import GuardedKeys
from imp_consent.identity.pseudonym import pseudonymize
from imp_core.context import Context
from imp_core.errors import CheckFailed
from imp_core.event import RawId

PURPOSES = ("channel", "event", "idem", "kek", "pepper", "row", "sign", "supp")


@pytest.fixture
def shop(imp_here: Any) -> Any:
    """A new workspace in which one person gave consent."""
    imp_here("init", ".", "--controller", "Shop").ok()
    imp_here("consent", "record", "member:王伟", "--purpose", "analytics", "--state", "given").ok()
    return imp_here


def contents(shop: Any) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(shop.keys.iterdir())}


def listed(shop: Any, purpose: str) -> list[dict[str, Any]]:
    return [key for key in shop("keys", "list", "--json").ok().json["keys"] if key["purpose"] == purpose]


def test_the_list_names_every_key_and_shows_no_secret(shop: Any) -> None:
    plain, told = shop("keys", "list").ok().out, shop("keys", "list", "--json").ok().json
    assert tuple(sorted(key["purpose"] for key in told["keys"])) == PURPOSES
    assert told["settled"] is True
    assert {key["state"] for key in told["keys"]} == {"active"}
    assert all(key["created"].startswith("2026-03-01T12:00:00") for key in told["keys"])
    assert [key["rows"] for key in told["keys"] if key["purpose"] == "pepper"] == [1]
    for name, data in contents(shop).items():
        if name.endswith(".key"):
            secret = json.loads(data)["secret"]
            for shown in (plain, json.dumps(told)):
                assert secret not in shown
                assert base64.b64decode(secret).hex() not in shown


@pytest.mark.parametrize(
    "words",
    [("rotate", "kek"), ("rotate", "row"), ("rotate", "sign"), ("wrap", "pepper"), ("wrap", "supp"), ("export",)],
)
def test_without_execute_nothing_changes(shop: Any, words: tuple[str, ...]) -> None:
    before = contents(shop)
    assert "--execute" in shop("keys", *words).ok().out
    shop("keys", *words, "--json").ok()
    assert contents(shop) == before


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_key_in_use_is_not_retired_and_nobody_is_sent_to_what_is_refused(shop: Any, purpose: str) -> None:
    refused = shop("keys", "retire", listed(shop, purpose)[0]["id"], "--execute", "--json")
    assert refused.code == 1
    mend = refused.json["error"].get("mend", "")
    if "imp keys" in mend:
        shop(*mend[mend.index("imp keys") :].split()[1:]).ok()
    else:
        assert purpose in {"channel", "event", "idem"}


@pytest.mark.parametrize(("words", "rows"), [(("rotate", "kek"), 2), (("rotate", "sign"), 0), (("wrap", "pepper"), 1)])
def test_what_is_said_before_is_what_is_done(shop: Any, words: tuple[str, ...], rows: int) -> None:
    assert shop("keys", *words, "--json").ok().json["rows"] == rows
    done = shop("keys", *words, "--execute", "--json").ok().json
    assert (done["rows"], done["purpose"]) == (rows, words[1])
    assert listed(shop, words[1])[0]["id"] == done["id"]
    assert shop("audit", "verify", "--json").ok().json["ok"] is True
    assert shop("consent", "check", "member:王伟", "--purpose", "analytics", "--json").ok().json["permitted"] is True


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("rotate", "channel"), 1, "unsubscribe links"),
        (("rotate", "idem"), 1, "sent again"),
        (("rotate", "event"), 1, "ids"),
        (("rotate", "supp"), 1, "imp keys wrap supp"),
        (("rotate", "nonsense"), 2, "pepper, kek, row, sign"),
        (("wrap", "kek"), 2, "pepper, supp"),
        (("retire", "0badc0de"), 2, "imp keys list"),
        (("copy", "nowhere"), 2, "nowhere"),
        (("copy", "folder"), 2, "already"),
        (("copy", "env"), 3, "cannot be written"),
    ],
)
@pytest.mark.parametrize("execute", [(), ("--execute",)])
def test_what_cannot_be_done_says_why(
    shop: Any, words: tuple[str, ...], code: int, why: str, execute: tuple[str, ...]
) -> None:
    before = contents(shop)
    answer = shop("keys", *words, *execute)
    assert (answer.code, contents(shop)) == (code, before)
    assert why in answer.err


def test_r56_a_pepper_is_retired_once_nobody_is_found_under_it_only(shop: Any) -> None:
    (old,) = listed(shop, "pepper")
    assert shop("keys", "retire", old["id"]).code == 1
    shop("keys", "rotate", "pepper", "--execute").ok()
    refused = shop("keys", "retire", old["id"], "--execute")
    assert (refused.code, "1 identifier" in refused.err) == (1, True)
    shop("consent", "record", "member:王伟", "--purpose", "analytics", "--state", "withdrawn").ok()
    shop("keys", "retire", old["id"], "--execute").ok()
    assert [key["epoch"] for key in listed(shop, "pepper")] == [2]


def test_r55_r56_a_pseudonym_names_its_pepper_and_one_of_a_retired_pepper_finds_nobody(shop: Any) -> None:
    (old,) = listed(shop, "pepper")
    data = [json.loads(path.read_text()) for path in shop.keys.glob("*.key")]
    (secret,) = [base64.b64decode(key["secret"]) for key in data if key["id"] == old["id"]]
    first = pseudonymize(secret, RawId("member", "王伟"))
    assert pseudonyms(shop) == [(1, old["id"], first)], "the key's version stands beside what it made"
    shop("keys", "rotate", "pepper", "--execute").ok()
    assert pseudonyms(shop) == [(1, old["id"], first)]
    shop("consent", "record", "member:王伟", "--purpose", "analytics", "--state", "withdrawn").ok()
    shop("keys", "retire", old["id"], "--execute").ok()
    (new,) = listed(shop, "pepper")
    ((epoch, pepper, second),) = pseudonyms(shop)
    assert (epoch, pepper) == (2, new["id"])
    assert second != first
    assert shop("consent", "check", "member:王伟", "--purpose", "analytics", "--json").json["reason"] == "withdrawn"


def pseudonyms(shop: Any) -> list[tuple[int, str, bytes]]:
    """Of every identifier the version and id of its key, and what that made of it."""
    with closing(sqlite3.connect(shop.workspace / "ledger.db")) as sql:
        return sql.execute("SELECT epoch, pepper_id, pseudonym FROM identifier ORDER BY 1").fetchall()


def test_exported_keys_open_the_ledger_where_there_are_no_files_and_are_never_changed_there(
    shop: Any, tmp_path: Path
) -> None:
    exported = shop("keys", "export", "--execute").ok()
    assert "every key" in exported.err
    material = exported.out.strip()
    for path in shop.keys.glob("*.key"):
        path.unlink()
    with (shop.workspace / "imp.toml").open("a") as file:
        file.write('\n[keys]\nprovider = "env"\n')
    with_keys = {"IMP_KEY_MATERIAL": material}
    assert shop("consent", "check", "member:王伟", "--purpose", "analytics", **with_keys).code == 0
    shop("consent", "record", "member:x", "--purpose", "analytics", "--state", "given", **with_keys).ok()
    shop("audit", "verify", **with_keys).ok()
    for words in (("rotate", "kek"), ("rotate", "kek", "--execute"), ("wrap", "supp", "--execute"), ("retire", "x")):
        refused = shop("keys", *words, **with_keys)
        assert (refused.code, "cannot be changed here" in refused.err) == (3, True)
    assert not list(shop.keys.glob("*.key"))
    for bad in ("", "nonsense", "bm9uc2Vuc2U=", base64.b64encode(b'{"format":"imp-keys/1","keys":[]}').decode(), "é"):
        answer = shop("status", IMP_KEY_MATERIAL=bad)
        assert (answer.code, "IMP_KEY_MATERIAL" in answer.err) == (3, True)
        assert "nonsense" not in answer.err


def test_an_export_older_than_a_rotation_is_refused_by_name(shop: Any) -> None:
    material = shop("keys", "export", "--execute").ok().out.strip()
    newer = shop("keys", "rotate", "kek", "--execute", "--json").ok().json["id"]
    with (shop.workspace / "imp.toml").open("a") as file:
        file.write('\n[keys]\nprovider = "env"\n')
    answer = shop("status", IMP_KEY_MATERIAL=material)
    assert (answer.code, f"kek key {newer}" in answer.err) == (3, True)


VAULT = """
    import json
    from pathlib import Path
    from imp_core.hookspecs import KeyProvider, hookimpl

    class Vault:
        writable = True
        place = "vault"
        def __init__(self, path):
            self.path = path
        def load(self):
            if not self.path.exists():
                return {{}}
            return {{name: bytes.fromhex(data) for name, data in json.loads(self.path.read_text()).items()}}
        def store(self, name, data):
            self._write({{**self.load(), name: data}})
        def destroy(self, name):
            self._write({{other: data for other, data in self.load().items() if other != name}})
        def _write(self, keys):
            self.path.write_text(json.dumps({{name: data.hex() for name, data in keys.items()}}))

    def open_vault(ctx):
        {body}

    @hookimpl
    def imp_register_key_provider():
        return [KeyProvider(name="vault", target=__name__ + ":open_vault")]
"""
SOUND = "return Vault(Path(ctx.environ['HOME']) / 'vault.json')"


def use_vault(shop: Any) -> None:
    with (shop.workspace / "imp.toml").open("a") as file:
        file.write('\n[keys]\nprovider = "vault"\n')


def test_a_strangers_provider_keeps_the_keys_through_every_change(site: Any, shop: Any) -> None:
    site.install("vault", VAULT.format(body=SOUND))
    site.pin("vault")
    assert shop("keys", "copy", "vault", "--json").ok().json == {"provider": "vault", "keys": 8, "executed": False}
    shop("keys", "copy", "vault", "--execute").ok()
    assert shop("keys", "copy", "vault", "--execute").code == 3
    for path in shop.keys.glob("*.key"):
        path.unlink()
    use_vault(shop)
    for words in (("rotate", "pepper"), ("rotate", "kek"), ("rotate", "row"), ("rotate", "sign"), ("wrap", "supp")):
        shop("keys", *words, "--execute").ok()
    assert shop("keys", "list", "--json").ok().json["place"] == "key provider vault"
    assert shop("consent", "check", "member:王伟", "--purpose", "analytics").code == 0
    shop("audit", "verify").ok()
    assert not list(shop.keys.glob("*.key"))
    shop("keys", "copy", "folder", "--execute").ok()
    assert len(list(shop.keys.glob("*.key"))) == 11


WATCHED = """vault = Vault(Path(ctx.environ['HOME']) / 'vault.json')
        plain = vault.store
        def store(name, data):
            import sqlite3
            sql = sqlite3.connect(ctx.workspace.database, timeout=0, isolation_level=None)
            sql.execute("BEGIN IMMEDIATE")
            sql.close()
            if {limit} <= len(vault.load()):
                raise ConnectionError("secret")
            plain(name, data)
        vault.store = store
        return vault"""


def copied(shop: Any) -> list[Any]:
    found = shop("audit", "entries", "--type", "key", "--json").ok().json["entries"]
    return [entry["fields"] for entry in found]


def test_a_slow_provider_holds_nobody_up_while_keys_are_copied(site: Any, shop: Any) -> None:
    site.install("vault", VAULT.format(body=WATCHED.format(limit=100)))
    site.pin("vault")
    shop("keys", "copy", "vault", "--execute").ok()
    assert copied(shop) == [{"purpose": "*", "action": "copy"}]


def test_keys_that_a_provider_took_before_it_broke_are_in_the_ledger_as_copied(site: Any, shop: Any) -> None:
    site.install("vault", VAULT.format(body=WATCHED.format(limit=3)))
    site.pin("vault")
    answer = shop("keys", "copy", "vault", "--execute")
    assert (answer.code, "ConnectionError" in answer.err, "secret" in answer.err) == (3, True, False)
    assert copied(shop) == [{"purpose": "*", "action": "copy"}]
    shop("audit", "verify").ok()


def test_a_copy_that_a_rotation_overtook_is_refused(
    site: Any, shop: Any, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.install("vault", VAULT.format(body=SOUND))
    site.pin("vault")
    context.reload_workspace()
    real, done = GuardedKeys.store, []

    def storing(self: GuardedKeys, name: str, data: bytes) -> None:
        if not done:
            done.append(name)
            shop("keys", "rotate", "kek", "--execute").ok()
        real(self, name, data)

    monkeypatch.setattr(GuardedKeys, "store", storing)
    with pytest.raises(CheckFailed, match="changed while they were copied"):
        copy_keys(context, "vault", execute=True)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("raise ValueError('secret')", "ValueError"),
        ("return None", "no store"),
        ("return Vault(None)", "AttributeError"),
        (
            "vault = Vault(None); vault.load = lambda: {{'a': 1}}; return vault".replace("{{", "{").replace("}}", "}"),
            "else",
        ),
        ("vault = Vault(None); vault.load = dict; return vault", "there are no keys"),
        ("raise SystemExit(0)", "SystemExit"),
        ("vault = Vault(None); vault.load = exit; return vault", "SystemExit"),
    ],
)
def test_a_provider_that_breaks_is_named_and_never_quoted(site: Any, shop: Any, body: str, why: str) -> None:
    site.install("vault", VAULT.format(body=body))
    site.pin("vault")
    use_vault(shop)
    answer = shop("status")
    assert (answer.code, "vault" in answer.err, why in answer.err) == (3, True, True)
    assert "secret" not in answer.err


def test_a_provider_that_is_not_enabled_keeps_nothing(site: Any, shop: Any) -> None:
    site.install("vault", VAULT.format(body=SOUND))
    use_vault(shop)
    answer = shop("status")
    assert (answer.code, "no enabled plugin keeps keys as vault" in answer.err) == (2, True)


@pytest.mark.parametrize("table", ["[keys]\nprovider = 5", "[keys]\nprovidre = 'env'", "keys = 'env'"])
def test_a_misspelt_setting_is_refused(shop: Any, table: str) -> None:
    path = shop.workspace / "imp.toml"
    path.write_text(f"{table}\n{path.read_text()}" if table.startswith("keys") else f"{path.read_text()}\n{table}\n")
    answer = shop("status")
    assert (answer.code, "keys" in answer.err) == (2, True)


def test_the_folder_of_another_workspace_opens_nothing(shop: Any, tmp_path: Path) -> None:
    other = shop.in_folder(tmp_path / "other")
    (tmp_path / "other").mkdir()
    other("init", ".", IMP_KEYS=str(tmp_path / "others-keys")).ok()
    before = contents(shop)
    answer = other("status")
    assert (answer.code, "another ledger" in answer.err, contents(shop)) == (3, True, before)
    shutil.rmtree(shop.keys)
    answer = shop("keys", "list")
    assert (answer.code, "there are no keys" in answer.err, shop.keys.exists()) == (3, True, False)


def test_every_command_of_the_group_shows_an_example(shop: Any) -> None:
    names = ("list", "rotate", "wrap", "retire", "export", "copy")
    for name in names:
        assert "Example: imp keys" in shop("keys", name, "--help").ok().out


def test_the_doctor_names_secrets_that_a_killed_change_left_and_a_writer_takes_them_away(shop: Any) -> None:
    (kek,) = shop.keys.glob("kek-*.key")
    left = shop.keys / f".{kek.name}.0a1b2c3d.new"
    shutil.copy(kek, left)
    assert "1 unfinished file of keys" in shop("doctor").ok().out
    shop("keys", "rotate", "kek", "--execute").ok()
    assert not left.exists()
    assert "unfinished" not in shop("doctor").ok().out
