"""Bad input at the command line: a clear error, the right exit code, nothing half-written; and runs cut off midway.

Every test holds the workspace, the keys and what was given to the command against a picture taken before it. The
ledger is pictured by what it holds: its file may be tidied by any reader.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

T = "2026-02-01T00:00:00Z"
CONSENT = "identifier,purpose,state,at\n"
GIVEN = f"member:9,experimentation,given,{T}\n"
EVENTS = "type,identifier,at,purpose,id,experiment,variant,name,amount,currency\n"
ORDER = f"outcome,member:1,{T},experimentation,m1,,,order,1,EUR\n"
JUNK = b"\x93\xff\x00\x01" + random.Random(1).randbytes(3000)
PACKED = gzip.compress((CONSENT + GIVEN * 500).encode())


def consent(identifier="member:8", purpose="experimentation", state="given", at=T):
    """A good row, then this one."""
    return f"{CONSENT}{GIVEN}{identifier},{purpose},{state},{at}\n"


def event(kind="outcome", identifier="member:1", at=T, purpose="experimentation", rest="m2,,,order,,"):
    """A good row, then this one."""
    return f"{EVENTS}{ORDER}{kind},{identifier},{at},{purpose},{rest}\n"


def holds(path):
    """What a database holds, or its bytes where it is none."""
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            return "\n".join(database.iterdump()).encode()
    except sqlite3.Error:
        return path.read_bytes() if path.is_file() else b"no file"


def picture(*folders):
    """Every path below the folders, with its mode and the hash of what it holds."""
    found = {}
    for path in (path for folder in folders for path in sorted(Path(folder).rglob("*"))):
        if path.name.endswith(("-wal", "-shm")):
            continue
        data = holds(path) if path.name == "ledger.db" else path.read_bytes() if path.is_file() else b""
        found[str(path)] = (path.stat().st_mode, hashlib.sha256(data).hexdigest())
    return found


@pytest.fixture
def given(tmp_path):
    """`given(name, content)`: a file the user hands over, in a folder of its own."""
    folder = tmp_path / "given"
    folder.mkdir()

    def write(name, content):
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def shop(imp_here):
    """A workspace with the channel enabled, a person who agreed and an experiment that was not started."""
    imp_here("init", "--controller", "Shop Ltd").ok()
    imp_here("plugin", "enable", "file").ok()
    said = ("--purpose", "experimentation", "--state", "given", "--at", "2026-01-01T00:00:00Z")
    imp_here("consent", "record", "member:1", *said).ok()
    imp_here("experiment", "new", "spring").ok()
    return imp_here


def refuse(imp, *words, code=2, says=(), **environ):
    """The command fails with this code and says this on standard error alone; nothing anywhere has changed."""
    around = imp.workspace.parent
    before = picture(around)
    answer = imp(*words, **environ)
    assert (answer.code, answer.out) == (code, "")
    assert "error: " in answer.err
    unsaid = [word for word in ((says,) if isinstance(says, str) else says) if word not in answer.err]
    assert (unsaid, "Traceback" in answer.err, "internal error" in answer.err) == ([], False, False)
    assert picture(around) == before
    return answer


CONSENT_FILES = {
    "another header": ("who,why,what,when\n1,2,3,4\n", ("column 1 of the header", "--map")),
    "a column too many": ("identifier,purpose,state,at,colour\n1,2,3,4,5\n", "column 5 of the header"),
    "a column too few": ("identifier,purpose,state\n1,2,3\n", "lacks the column at"),
    "GBK": (consent("member:张三").encode("gbk"), ("UTF-8", "gb18030")),
    "UTF-16": (consent().encode("utf-16"), ("UTF-8", "utf-16")),
    "Latin-1": (consent("email:é@example.com").encode("latin-1"), "UTF-8"),
    "an e-mail without @": (consent("email:ann.example.com"), "line 3, identifier: not an e-mail address"),
    "a short phone": (consent("phone:123"), "line 3, identifier: not a phone number"),
    "a phone without its country": (consent("phone:13812345678"), "line 3, identifier: not a phone number"),
    "an unknown kind": (consent("fax:8"), "line 3, identifier: unknown kind"),
    "no kind": (consent("8"), "line 3, identifier: not an identifier"),
    "no identifier": (consent(""), "line 3, identifier: empty"),
    "a time to come": (consent(at="2999-01-01T00:00:00Z"), "line 3, at: a time to come"),
    "no time": (consent(at="yesterday"), "line 3, at: not a time in ISO 8601"),
    "no zone": (consent(at="2026-02-01T00:00:00"), "line 3, at: a time without a zone"),
    "an unknown purpose": (consent(purpose="flying"), "line 3, purpose: unknown purpose"),
    "an unknown state": (consent(state="maybe"), "line 3, state: unknown state"),
    "an open quote": (consent('"member:8'), "quotes that do not match"),
    "nothing": ("", "empty"),
    "a header only": (CONSENT, "no row"),
    "junk": (JUNK, "UTF-8"),
}


@pytest.mark.parametrize(("content", "says"), CONSENT_FILES.values(), ids=CONSENT_FILES)
def test_a_file_of_consent_with_a_fault_is_refused_whole(shop, given, content, says):
    refuse(shop, "consent", "import", given("consent.csv", content), says=says)


EVENT_FILES = {
    "another header": ("a,b\n1,2\n", ("column 1", "--map")),
    "GBK": (event(rest="m2,,,下单,,").encode("gbk"), ("UTF-8", "gb18030")),
    "UTF-16": (event().encode("utf-16"), ("UTF-8", "utf-16")),
    "Latin-1": (event(rest="m2,,,é,,").encode("latin-1"), "UTF-8"),
    "an e-mail without @": (event(identifier="email:ann"), "row 2, identifier: not an e-mail address"),
    "a short phone": (event(identifier="phone:12"), "row 2, identifier: not a phone number"),
    "nobody": (event(identifier=""), "row 2, identifier: missing"),
    "a time to come": (event(at="2999-01-01T00:00:00Z"), "row 2, at: in the future"),
    "no time": (event(at="soon"), "row 2, at: not a time in ISO 8601"),
    "no zone": (event(at="2026-02-01T00:00:00"), "row 2, at: a time without a zone"),
    "an unknown type": (event("sale"), "row 2, type: not one of"),
    "an unknown purpose": (event(purpose="flying"), "row 2, purpose: unknown purpose"),
    "an id twice": (event(rest="m1,,,order,,"), "row 2, id: the same as another row's"),
    "an exposure without its variant": (event("exposure", rest="m2,spring,,,,"), "row 2, variant: missing"),
    "an exposure of no experiment": (event("exposure", rest="m2,,control,,,"), "row 2, experiment: missing"),
    "an outcome without a name": (event(rest="m2,,,,,"), "row 2, name: missing"),
    "a comma as decimal sign": (event(rest='m2,,,order,"1,5",EUR'), "row 2, amount: not a decimal number"),
    "no currency": (event(rest="m2,,,order,1,euro"), "row 2, currency: not a currency code"),
    "nothing": ("", "empty"),
    "junk": (JUNK, "UTF-8"),
}


@pytest.mark.parametrize(("content", "says"), EVENT_FILES.values(), ids=EVENT_FILES)
def test_a_file_of_events_with_a_fault_is_refused_whole(shop, given, content, says):
    refuse(shop, "ingest", "file", given("events.csv", content), says=says)


TAKERS = [("consent", "import"), ("ingest", "file")]


@pytest.mark.parametrize("words", TAKERS, ids=" ".join)
@pytest.mark.parametrize("name", ["x.parquet", "x.csv.gz", "x.jsonl", "x.jsonl.gz", "x.tsv", "x.xlsx", "x.csv"])
def test_junk_under_any_name_is_refused(shop, given, words, name):
    assert f"where: {given(name, JUNK)}" in refuse(shop, *words, given(name, JUNK)).err


@pytest.mark.parametrize("words", TAKERS, ids=" ".join)
@pytest.mark.parametrize("keep", [len(PACKED) // 2, len(PACKED) - 8])
def test_a_gzip_file_that_was_cut_off_is_refused(shop, given, words, keep):
    assert "gzip" in refuse(shop, *words, given("x.csv.gz", PACKED[:keep])).err


ANALYZE = ("--variant", "arm", "--control", "A", "--proportion", "visit")
READERS = [*TAKERS, ("experiment", "analyze", *ANALYZE)]


@pytest.mark.parametrize("words", READERS, ids=lambda words: " ".join(words[:2]))
def test_no_file_and_a_folder_are_named(shop, given, words):
    folder = given("x", "").parent
    refuse(shop, *words, folder / "none.csv", says="none.csv")
    refuse(shop, *words, folder, says=str(folder))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("words", READERS, ids=lambda words: " ".join(words[:2]))
def test_a_file_that_may_not_be_read_is_named(shop, given, words):
    path, before = given("x.csv", consent()), picture(shop.workspace)
    path.chmod(0)
    answer = shop(*words, path)
    assert (answer.code, answer.out, "x.csv" in answer.err) == (2, "", True)
    assert picture(shop.workspace) == before


MAPPINGS = {
    "junk": (JUNK, "mapping"),
    "no TOML": ("[columns\n", "mapping"),
    "an unknown table": ('[colums]\nat = "at"\n', "colums"),
    "a table that is none": ("columns = 3\n", "columns"),
}


@pytest.mark.parametrize("words", TAKERS, ids=" ".join)
@pytest.mark.parametrize(("content", "says"), MAPPINGS.values(), ids=MAPPINGS)
def test_a_mapping_with_a_fault_is_named(shop, given, words, content, says):
    rows = given("rows.csv", CONSENT + GIVEN if words[0] == "consent" else EVENTS + ORDER)
    mapping = given("map.toml", content)
    refuse(shop, *words, rows, "--map", mapping, says=(says, str(mapping)))
    refuse(shop, *words, rows, "--map", mapping.parent, says="mapping")
    refuse(shop, *words, rows, "--map", mapping.with_name("none.toml"), says="none.toml")


@pytest.mark.parametrize("line", ['encoding = "klingon"', 'delimiter = "ab"', "colour = 1"])
def test_how_to_read_a_text_cannot_be_anything(shop, given, line):
    mapping = given("map.toml", f"[file]\n{line}\n")
    rows = given("rows.csv", CONSENT + GIVEN)
    refuse(shop, "consent", "import", rows, "--map", mapping, says=(line.split()[0], str(mapping)))


EXPERIMENTS = {
    "an unknown control": ('control = "control"', 'control = "nobody"', "control, treatment"),
    "two variants of one name": ('name = "treatment"', 'name = "control"', "name"),
    "a negative weight": ("weight = 1", "weight = -1", "weight"),
    "an unknown key": ("[plan]", "colour = 1\n[plan]", "colour"),
    "a horizon in words": ('"28d"', '"soon"', "horizon"),
    "no primary metric": ('role = "primary"', 'role = "secondary"', "primary"),
    "another name": ('name = "spring"', 'name = "autumn"', "name"),
    "no TOML": ("[plan]", "[plan", "line"),
}


@pytest.mark.parametrize(("good", "bad", "says"), EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_an_experiment_with_a_fault_is_not_started(shop, good, bad, says):
    path = shop.workspace / "experiments" / "spring.toml"
    assert good in path.read_text(encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8").replace(good, bad), encoding="utf-8")
    for command in ("validate", "start"):
        refuse(shop, "experiment", command, "spring", says=("spring.toml", says))


@pytest.mark.parametrize("command", ["validate", "start", "show", "readout"])
def test_an_experiment_file_of_junk_is_named(shop, command):
    (shop.workspace / "experiments" / "spring.toml").write_bytes(JUNK)
    refuse(shop, "experiment", command, "spring", says=("UTF-8", "spring.toml"))


ASK = ("consent", "record", "member:1", "--purpose", "analytics", "--state", "given")
WORDS = {
    "an unknown command": (("frobnicate",), "imp --help"),
    "a missing argument": (("consent", "import"), "FILE"),
    "a missing option": (("consent", "record", "member:1", "--state", "given"), "--purpose"),
    "an unknown state": (("consent", "record", "member:1", "--purpose", "analytics", "--state", "maybe"), "maybe"),
    "an unknown purpose": (("consent", "check", "member:1", "--purpose", "flying"), "imp consent purpose list"),
    "a bad e-mail": (("consent", "check", "email:ann", "--purpose", "analytics"), "not an e-mail address"),
    "a bad phone": (("consent", "check", "phone:12", "--purpose", "analytics"), "not a phone number"),
    "no identifier": (("consent", "history", "123"), "kind:value"),
    "no time": ((*ASK, "--at", "yesterday"), ("--at", "mend: ")),
    "no zone": ((*ASK, "--at", "2026-02-01T00:00:00"), ("--at", "mend: ")),
    "a time to come": ((*ASK, "--at", "2999-01-01T00:00:00Z"), ("at", "mend: ")),
    "nobody to erase": (("consent", "erase", "--execute"), "nobody"),
    "an unknown channel": (("ingest", "pigeon", "imp.toml"), "imp plugin list"),
    "an unknown plugin": (("plugin", "enable", "pigeon"), "imp plugin list"),
    "an unknown experiment": (("experiment", "readout", "autumn"), "imp experiment list"),
    "an experiment not started": (("experiment", "readout", "spring"), "imp experiment start spring"),
    "an experiment that is there": (("experiment", "new", "spring"), "spring"),
    "a path for a name": (("experiment", "new", "../spring"), "name"),
    "a folder that is a workspace": (("init",), "already"),
}


@pytest.mark.parametrize(("words", "says"), WORDS.values(), ids=WORDS)
def test_wrong_words_are_answered_with_what_would_be_right(shop, words, says):
    refuse(shop, *words, says=says)


def test_a_channel_that_is_not_enabled_takes_nothing(shop, given):
    shop("plugin", "disable", "file").ok()
    refuse(shop, "ingest", "file", given("x.csv", EVENTS + ORDER), says=("not enabled", "imp plugin enable file"))


@pytest.mark.parametrize("words", [("status",), ("audit", "verify"), ("experiment", "list"), ASK], ids=" ".join)
def test_without_a_workspace_the_way_to_one_is_shown(imp_here, words):
    refuse(imp_here, *words, says=("no workspace", "imp init"))


@pytest.mark.parametrize("name", ["", "keys", "deep/er/keys"])
def test_keys_do_not_come_to_lie_in_the_workspace(imp_here, name):
    refuse(imp_here, "init", IMP_KEYS=str(imp_here.workspace / name), says=("inside the workspace", "IMP_KEYS"))


@pytest.mark.parametrize("kind", ["pepper", "kek", "sign", "idem", "event", "row", "supp", "channel"])
def test_a_missing_key_stops_everything(shop, kind):
    (path,) = shop.keys.glob(f"{kind}-*.key")
    path.unlink()
    for words in (ASK, ("status",), ("audit", "verify")):
        refuse(shop, *words, code=3, says=(kind, str(shop.keys), "backup"))


def test_missing_open_or_broken_keys_stop_everything(shop):
    (path,) = shop.keys.glob("pepper-*.key")
    path.chmod(0o644)
    refuse(shop, *ASK, code=3, says=f"chmod 600 {path}")
    path.chmod(0o600)
    shop.keys.chmod(0o755)
    refuse(shop, *ASK, code=3, says=f"chmod 700 {shop.keys}")
    shop.keys.chmod(0o700)
    path.write_bytes(JUNK)
    refuse(shop, *ASK, code=3, says=(f"{shop.keys}: {path.stem}", "backup"))
    shutil.rmtree(shop.keys)
    refuse(shop, *ASK, code=3, says=(str(shop.keys), "IMP_KEYS"))


def test_a_broken_imp_toml_is_named(shop):
    path = shop.workspace / "imp.toml"
    good = path.read_text(encoding="utf-8")
    for bad in (JUNK, b"", good.replace("k = 10", 'k = "ten"').encode(), good.replace('"UTC"', '"Mars"').encode()):
        path.write_bytes(bad)
        refuse(shop, *ASK, says=str(path))


@pytest.mark.parametrize("content", [JUNK, b"", None], ids=["junk", "nothing", "a folder"])
def test_a_broken_ledger_is_named_and_the_gate_says_no(shop, content):
    path = shop.workspace / "ledger.db"
    path.unlink()
    path.mkdir() if content is None else path.write_bytes(content)
    refuse(shop, *ASK, code=3, says=str(path))
    asked = shop("consent", "check", "member:1", "--purpose", "experimentation", "--json")
    assert (asked.code, asked.json["reason"]) == (1, "ledger_unavailable")
    assert (shop("audit", "verify").code, shop("doctor").code) == (3, 1)


def test_the_process_says_the_same_and_json_says_it_in_json(shop, imp, given):
    path = given("consent.csv", consent("email:ann"))
    text = refuse(imp, "consent", "import", path, says="line 3, identifier: not an e-mail address")
    assert text == shop("consent", "import", path)
    answer = imp("consent", "import", path, "--json")
    assert (answer.code, answer.json["error"]["where"]) == (2, str(path))
    assert answer.json["error"]["what"] in text.err


def test_chinese_names_work_everywhere(imp_here, given, tmp_path):
    (tmp_path / "商城").mkdir()
    imp = imp_here.in_folder(tmp_path / "商城")
    imp("init", "--controller", "上海商城有限公司").ok()
    imp("plugin", "enable", "file").ok()
    words = '[identifier]\nkind = "member"\ncolumn = "会员"\n[columns]\npurpose = "用途"\nstate = "状态"\nat = "时间"\n'
    mapping = given("同意.toml", words + '[states]\n"同意" = "given"\n"拒绝" = "refused"\n')
    rows = f"会员,用途,状态,时间\n张三,experimentation,同意,{T}\n李四,experimentation,拒绝,{T}\n"
    answer = imp("consent", "import", given("同意.csv", rows), "--map", mapping, "--json").ok().json
    assert (answer["given"], answer["refused"]) == (1, 1)
    imp("experiment", "new", "spring").ok()
    path = imp.workspace / "experiments" / "spring.toml"
    text = path.read_text(encoding="utf-8").replace('"control"', '"对照"').replace('"treatment"', '"新版"')
    path.write_text(text.replace('"visit"', '"访问"').replace("What you expect", "转化会提高"), encoding="utf-8")
    imp("experiment", "start", "spring").ok()
    header = "type,identifier,at,purpose,experiment,variant,name,campaign\n"
    met = f"exposure,member:张三,{T},experimentation,spring,新版,,春季促销\n"
    done = f"outcome,member:张三,{T},experimentation,,,访问,春季促销\n"
    assert imp("ingest", "file", given("事件.csv", header + met + done), "--json").ok().json["admitted"] == 2
    assert "访问" in imp("experiment", "readout", "spring").ok().out
    assert "上海商城有限公司" in imp("status").ok().out
    assert imp("audit", "verify", "--json").ok().json["problems"] == []


PEOPLE, MOMENTS = 800, (0.5, 0.7, 0.85)
SILENT = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
CUTS = [("SIGINT", "consent"), ("SIGKILL", "consent"), ("SIGINT", "ingest")]


@pytest.mark.parametrize(("name", "group"), CUTS)
def test_a_run_that_is_cut_off_has_done_nothing_or_everything(shop, imp, given, name, group):
    agreed = "".join(f"member:{number},analytics,given,{T}\n" for number in range(PEOPLE))
    words = ("consent", "import", given("c.csv", CONSENT + agreed))
    if group == "ingest":
        shop(*words).ok()
        bought = "".join(f"outcome,member:{number},{T},analytics,a{number},,,order,,\n" for number in range(PEOPLE))
        words = ("ingest", "file", given("e.csv", EVENTS + bought))
    folders = {folder: folder.with_name(f"{folder.name}-kept") for folder in (imp.workspace, imp.keys)}
    for folder, kept in folders.items():
        shutil.copytree(folder, kept)
    before, entries = picture(*folders), shop("status", "--json").ok().json["entries"]
    program, begun = Path(sys.executable).with_name("imp"), time.monotonic()
    imp(*words).ok()
    took = time.monotonic() - begun
    for moment in MOMENTS:
        for folder, kept in folders.items():
            shutil.rmtree(folder)
            shutil.copytree(kept, folder)
        with subprocess.Popen([program, *words], env=imp.environ, **SILENT) as running:
            time.sleep(took * moment)
            running.send_signal(signal.Signals[name])
        assert shop("audit", "verify", "--json").ok().json["problems"] == []
        if shop("status", "--json").ok().json["entries"] == entries:
            assert picture(*folders) == before
        shop(*words).ok()
        status = shop("status", "--json").ok().json
        assert (status["people"], status["archive_rows"]) == (PEOPLE, PEOPLE if group == "ingest" else 0)
        assert not any((imp.workspace / "tmp").iterdir())
        assert shop("audit", "verify", "--json").ok().json["problems"] == []
