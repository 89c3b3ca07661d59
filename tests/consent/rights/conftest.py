"""A shop that knows Ann and Ben equally well: what is planted about Ben must never be in what Ann gets."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.audit.verify import Verification, verify
from imp_consent.commands.ingest import ingest
from imp_consent.commands.init import init
from imp_consent.commands.record import record
from imp_consent.identity.pseudonym import message_key
from imp_consent.ledger.delivery import Outcome, conclude, intend
from imp_consent.policy.notice import Notice, find_withdrawal, register_notice
from imp_consent.runtime import open_log
from imp_core.clock import DAY_US, SimulatedClock, format_time, parse_time
from imp_core.context import Context
from imp_core.event import RawId
from imp_core.gate import Action, Use
from imp_core.plugin_commands import enable
from imp_core.randomness import SeededRandomness

Line = Any
ANN, BEN = RawId("email", "ann@example.com"), RawId("member", "ben")
START_US = parse_time("2026-02-01T12:00:00Z")
NOTICE = "通知。Shop Ltd 会分析您的访问。<script>alert(1)</script> & \u202etxt.exe\u202c\n\n您可以随时撤回同意。"
# Ben's: each in another place of the workspace.
PLANTED = ("form-BEN-0815", "BEN-TRAIT", "BEN-CAMPAIGN", "BEN-INFERRED", "BENS-ORDER")
HEAD = "type,identifier,at,purpose,id,name,channel,campaign,trait_key,trait_value,provenance,amount,currency\n"


def rows(word: str, tag: str, at: str) -> str:
    return "".join(
        [
            f"touchpoint,{word},{at},analytics,{tag}-1,visit,web,{tag}-CAMPAIGN,,,,,\n",
            f"outcome,{word},{at},analytics,{tag}-2,{tag}S-ORDER,web,,,,,12.50,EUR\n",
            f"trait,{word},{at},analytics,{tag}-3,,web,,size,{tag}-TRAIT,declared,,\n",
            f"trait,{word},{at},analytics,{tag}-4,,web,,worth,{tag}-INFERRED,inferred,,\n",
        ]
    )


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rights")
    environ = {"IMP_HOME": str(folder / "workspace"), "IMP_KEYS": str(folder / "keys"), "IMP_ACTOR": "Eve Employee"}
    clock = SimulatedClock(START_US)
    ctx = Context(environ=environ, directory=folder, clock=clock, randomness=SeededRandomness(7))
    init(ctx, folder / "workspace", controller="Shop Ltd")
    enable(ctx, "file")
    with open_log(ctx).write() as transaction:
        register_notice(
            transaction,
            Notice(
                name="fenxi", version=1, language="zh-Hans", controller="Shop Ltd", purposes=("analytics",),
                withdrawal=find_withdrawal(NOTICE, "zh"), text=NOTICE, recipients=("Partner GmbH",),
            ),
        )  # fmt: skip
    for raw, evidence in ((ANN, "form-ANN-4711"), (BEN, "form-BEN-0815")):
        record(ctx, raw, purpose="analytics", state="given", notice="fenxi", evidence=evidence)
    clock.move_to(START_US + DAY_US)
    at = format_time(START_US + DAY_US - 1_000_000)
    path = folder / "events.csv"
    path.write_text(HEAD + rows("email:ann@example.com", "ANN", at) + rows("member:ben", "BEN", at))
    assert ingest(ctx, "file", path).admitted == 8
    _send(ctx)
    used = ctx.view.open(Use(purpose="analytics", action=Action.ANALYSE))
    used.close(readout_sha256="0" * 64, counts={"people": 2})
    ctx.close()
    return folder


def _send(ctx: Context) -> None:
    """A message to each of the two, as a send leaves it in the ledger."""
    log = open_log(ctx)
    document = json.dumps({"purpose": "analytics", "contents": {"message": {"text": "Hello {{first_name}}"}}}).encode()
    with log.write() as transaction:
        secret = log.keyring.active("idem").secret
        subjects = [transaction.find_subject(raw) for raw in (ANN, BEN)]
        keys = [
            message_key(secret, campaign="spring", channel="email", step="1", subject=subject)
            for subject in subjects
            if subject is not None
        ]
        fields = {
            "campaign": "spring",
            "channel": "email",
            "step": "1",
            "definition": hashlib.sha256(document).hexdigest(),
        }
        intent = intend(transaction, keys, fields, document=document)
        results = {keys[0]: Outcome("delivered"), keys[1]: Outcome("failed", "550-BEN")}
        conclude(transaction, intent, results, channel="email", recovered=False)


@pytest.fixture
def shop(imp_here: Line, tmp_path: Path, _template: Path) -> Line:
    """The command line in a copy of that shop, on 1 March 2026."""
    for name in ("workspace", "keys"):
        shutil.copytree(_template / name, tmp_path / name, dirs_exist_ok=True)
    return imp_here


@pytest.fixture
def opened(shop: Line, context: Context) -> Context:
    """The same shop, for the commands' own functions."""
    assert shop.workspace == context.workspace.root
    return context


@pytest.fixture
def notice_text() -> str:
    """The notice that both were shown."""
    return NOTICE


@pytest.fixture
def planted() -> tuple[str, ...]:
    """What is Ben's."""
    return PLANTED


@pytest.fixture
def setting(shop: Line) -> Callable[[str], None]:
    """Add lines to imp.toml."""

    def put(text: str) -> None:
        with (shop.workspace / "imp.toml").open("a", encoding="utf-8") as file:
            file.write("\n" + text + "\n")

    return put


@pytest.fixture
def verified(context: Context) -> Callable[[], Verification]:
    """The whole audit, which must find nothing."""

    def check() -> Verification:
        found = verify(context.workspace, open_log(context).keyring)
        assert found.problems == ()
        return found

    return check


@pytest.fixture
def family(shop: Line) -> Line:
    """Kim, whose guardian is known here, and Lea, whose guardian is not; both said yes through them."""
    words = ("--role", "mother Ann Smith", "--verification", "passport C01X of Ann Smith", "--evidence", "scan-0815")
    what = ("--purpose", "analytics", "--jurisdiction", "DE")
    for child, guardian in (("member:kim", "email:ann@example.com"), ("member:lea", "phone:+33612345678")):
        shop("consent", "minor", child, "--born", "2019-05-17", "--jurisdiction", "DE").ok()
        shop("consent", "guardian", child, "--guardian", guardian, *words, *what).ok()
        given = ("--state", "given", "--action", "click", "--evidence", "mail of Ann Smith")
        shop("consent", "record", child, *what, *given, "--by-guardian").ok()
    return shop
