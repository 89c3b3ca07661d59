"""A workspace of an older imp: named, left alone until it is asked for, and then whole."""

from __future__ import annotations

import base64
import json
import sqlite3
from pathlib import Path

import pytest

from imp_consent.ledger.sealed import row_hmac
from imp_consent.runtime import open_log
from imp_core.context import Context


@pytest.fixture
def older(imp_here):
    """A workspace as the first schema left it."""
    imp_here("init", "--controller", "Shop").ok()
    imp_here("consent", "record", "member:1", "--purpose", "analytics", "--state", "given").ok()
    database = Path(imp_here.environ["IMP_HOME"]) / "ledger.db"
    sql = sqlite3.connect(database)
    sql.execute("DROP TABLE delivery")
    sql.execute("DROP TABLE node")
    sql.execute("DROP INDEX ix_outbox_word")
    sql.execute("DROP TABLE inbox")
    sql.execute("CREATE TABLE inbox (event_id BLOB NOT NULL PRIMARY KEY, subject INTEGER NOT NULL)")
    row = sql.execute("SELECT id, size, frontier, log_id, sums FROM log_state").fetchone()
    sql.execute("ALTER TABLE log_state DROP COLUMN keys")
    [key] = [json.loads(path.read_text()) for path in Path(imp_here.environ["IMP_KEYS"]).glob("row-*.key")]
    mac = row_hmac(base64.b64decode(key["secret"]), "log_state", row)[:16]
    sql.execute("UPDATE log_state SET mac = ?", (mac,))
    sql.execute("UPDATE alembic_version SET version_num = 'm001'")
    sql.commit()
    sql.close()
    return imp_here, database


def test_an_older_ledger_is_not_used_and_the_answer_says_how_to_upgrade(older):
    imp, _ = older
    answer = imp("consent", "check", "member:1", "--purpose", "analytics")
    assert answer.code != 0
    assert "m001" in answer.err
    assert "imp init --upgrade" in answer.err


def test_an_upgrade_keeps_every_entry_and_verifies(older):
    imp, _ = older
    assert imp("init", "--upgrade", "--json").ok().json["before"] == "m001"
    imp("consent", "check", "member:1", "--purpose", "analytics").ok()
    imp("audit", "verify").ok()
    assert imp("init", "--upgrade", "--json").ok().json["before"] == imp("init", "--upgrade", "--json").json["now"]


def test_an_upgrade_of_a_folder_is_of_that_one_and_of_no_other(older, tmp_path):
    imp, database = older
    (tmp_path / "empty").mkdir()
    away = imp.in_folder(tmp_path / "empty")
    assert away("init", str(tmp_path / "empty"), "--upgrade").code == 2
    done = away("init", str(database.parent), "--upgrade", "--json").ok().json
    assert (done["root"], done["before"]) == (str(database.parent), "m001")
    imp("audit", "verify").ok()


def test_a_ledger_of_a_newer_version_is_not_upgraded(older):
    imp, database = older
    sql = sqlite3.connect(database)
    sql.execute("UPDATE alembic_version SET version_num = 'm999'")
    sql.commit()
    sql.close()
    answer = imp("init", "--upgrade")
    assert answer.code == 3
    assert "m999" in answer.err


def test_a_ledger_that_somebody_is_writing_to_is_left_as_it_was(older, monkeypatch):
    imp, database = older
    sql = sqlite3.connect(database, isolation_level=None)
    sql.execute("BEGIN IMMEDIATE")
    answer = imp("init", "--upgrade")
    sql.execute("ROLLBACK")
    sql.close()
    assert answer.code == 3
    assert "cannot be upgraded now" in answer.err
    imp("init", "--upgrade").ok()


def test_an_upgrade_of_many_entries_makes_the_trees_nodes_and_the_copy_of_leaves(older, tmp_path):
    imp, database = older
    imp("init", "--upgrade").ok()
    consents = tmp_path / "consents.csv"
    rows = [f"member:{n},analytics,given,2024-01-01T00:00:00Z\n" for n in range(600)]
    consents.write_text("identifier,purpose,state,at\n" + "".join(rows))
    imp("consent", "import", str(consents)).ok()
    keys = Path(imp.environ["IMP_KEYS"])
    leaves = (keys / "leaves").read_bytes()
    sql = sqlite3.connect(database)
    nodes = sql.execute("SELECT * FROM node ORDER BY level, number").fetchall()
    # back to the second schema, as the imp before left it
    row = sql.execute("SELECT id, size, frontier, log_id, sums FROM log_state").fetchone()
    sql.execute("DROP TABLE node")
    sql.execute("DROP INDEX ix_outbox_word")
    sql.execute("DROP TABLE inbox")
    sql.execute("CREATE TABLE inbox (event_id BLOB NOT NULL PRIMARY KEY, subject INTEGER NOT NULL)")
    sql.execute("ALTER TABLE log_state DROP COLUMN keys")
    [key] = [json.loads(path.read_text()) for path in keys.glob("row-*.key")]
    mac = row_hmac(base64.b64decode(key["secret"]), "log_state", row)[:16]
    sql.execute("UPDATE log_state SET mac = ?", (mac,))
    sql.execute("UPDATE alembic_version SET version_num = 'm002'")
    sql.commit()
    sql.close()
    for name in ("leaves", "leaves.index"):
        (keys / name).unlink(missing_ok=True)
    assert imp("init", "--upgrade", "--json").ok().json["before"] == "m002"
    sql = sqlite3.connect(database)
    assert sql.execute("SELECT * FROM node ORDER BY level, number").fetchall() == nodes
    sql.close()
    assert len(nodes) == 2
    assert (keys / "leaves").read_bytes() == leaves
    imp("audit", "verify").ok()
    imp("consent", "import", str(consents.rename(tmp_path / "again.csv"))).ok()
    imp("audit", "verify").ok()


def fold_as_before(ctx):
    """Put in the place of what is folded what m003 made of it: it had no word of its own for a no on one channel."""
    log = open_log(ctx)
    with log.write() as transaction:
        no = ("channel_opt_out",)
        assert transaction.sealed.update("consent_state", "reason = ?", no, {"reason": "withdrawn"}) == 1
    ctx.close()


@pytest.mark.parametrize(
    "version", ["m003", "m004", "m005", "m006", "m007"]
)  # the newest: an upgrade that died before it folded
def test_an_upgrade_folds_anew_what_an_older_imp_folded_by_fewer_rules(imp_here, version):
    imp_here("init", "--controller", "Shop").ok()
    say = ("consent", "record", "member:1", "--purpose", "analytics", "--state")
    imp_here(*say, "given").ok()
    imp_here(*say, "withdrawn", "--channel", "web").ok()
    asked = ("consent", "check", "member:1", "--purpose", "analytics", "--channel", "web", "--json")
    fold_as_before(Context(environ=dict(imp_here.environ), directory=Path.cwd()))
    assert imp_here(*asked).json["reason"] == "withdrawn"
    assert "state.differs" in imp_here("audit", "verify").err + imp_here("audit", "verify").out
    sql = sqlite3.connect(Path(imp_here.environ["IMP_HOME"]) / "ledger.db")
    if version < "m005":
        sql.execute("DROP INDEX ix_outbox_word")
    sql.execute("UPDATE alembic_version SET version_num = ?", (version,))
    sql.commit()
    sql.close()
    assert imp_here("init", "--upgrade", "--json").ok().json["before"] == version
    assert imp_here(*asked).json["reason"] == "channel_opt_out"
    imp_here("audit", "verify").ok()


def test_an_upgrade_gives_the_outbox_its_index(older):
    imp, database = older
    imp("init", "--upgrade").ok()
    sql = sqlite3.connect(database)
    columns = [name for _, _, name in sql.execute("PRAGMA index_info(ix_outbox_word)")]
    sql.close()
    assert columns == ["what", "channel", "pseudonym"]
