"""After erasure and ratchet: what is left on any disk, a backup taken before included, opens nothing of the person."""

from __future__ import annotations

import base64
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag

from imp_consent.commands.backup import backup
from imp_consent.commands.erase import erase
from imp_consent.identity.normalize import normalise
from imp_consent.identity.pseudonym import channel_pseudonym, loose_token, pseudonymize
from imp_consent.identity.secrets import KeyEncryption, SubjectSecrets
from imp_consent.ledger.layout import SEALED
from imp_consent.ledger.survivors import open_survivors
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.errors import LedgerBroken
from imp_core.event import RawId

ANN, BEN = RawId("email", "ann@example.com"), RawId("member", "ben")


@dataclass(frozen=True)
class Secrets:
    """Everything that names or opens Ann."""

    subject: int
    key: bytes
    links: tuple[bytes, ...]
    pseudonym: bytes
    channel: bytes
    loose: bytes

    def numbers(self) -> list[bytes]:
        return [self.subject.to_bytes(8, order) for order in ("big", "little")] + [str(self.subject).encode()]


def secrets_of(ctx: Context) -> Secrets:
    log = open_log(ctx)
    with log.read() as reader:
        subject = reader.find_subject(ANN)
        assert subject is not None
        secrets, n = reader.subjects.secrets(subject)
    ring, normalised = log.keyring, normalise(ANN)
    return Secrets(
        subject=subject,
        key=secrets.key,
        links=tuple(secrets.link(i) for i in range(n)),
        pseudonym=pseudonymize(ring.active("pepper").secret, normalised),
        channel=channel_pseudonym(ring.active("channel").secret, "file", subject),
        loose=loose_token(ring.active("supp").secret, normalised),
    )


def bytes_under(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.name, path.read_bytes()


def found_in(folder: Path, *needles: bytes) -> set[str]:
    """The files that hold one of these, raw, in hex or in base64."""
    written = [form for n in needles for form in (n, n.hex().encode(), base64.b64encode(n))]
    return {name for name, data in bytes_under(folder) if any(form in data for form in written)}


@pytest.fixture
def after(place: Any, tmp_path: Path) -> tuple[Secrets, Path, bytes]:
    """Ann's secrets as they were, a backup and a copy of the workspace taken before, and the old wrapping key."""
    ctx = place.open()
    key = open_log(ctx).keyring.active("kek")
    ann, kek = secrets_of(ctx), key.secret
    (tmp_path / "old").mkdir()
    backup(ctx, tmp_path / "old" / "ledger.bak")
    shutil.copytree(place.workspace / "archive", tmp_path / "old" / "archive")
    # planted and found: the search sees what is there
    assert found_in(place.workspace, *ann.numbers())
    assert found_in(place.keys, kek) == {f"{key.name}.key"}
    assert found_in(tmp_path / "old", ann.pseudonym) == {"ledger.bak"}
    assert KeyEncryption("old", kek).seal_subject(ann.subject) in (tmp_path / "old" / "ledger.bak").read_bytes()
    erase(ctx, [ANN])
    ctx.close()
    return ann, tmp_path / "old", kek


def test_r29_nothing_that_names_the_erased_is_left_in_the_workspace_or_beside_the_keys(
    after: tuple[Secrets, Path, bytes], place: Any
) -> None:
    ann, _, kek = after
    for folder in (place.workspace, place.keys):
        assert not found_in(folder, *ann.numbers(), ann.key, ann.pseudonym, b"ann@example", kek)
        assert not found_in(folder, KeyEncryption("old", kek).seal_subject(ann.subject))
    # what stays: links that lead to nobody, the suppression's token, and what a channel is still to be told
    assert found_in(place.workspace, *ann.links) == {"ledger.db"}
    assert found_in(place.workspace, ann.loose) == {"ledger.db"}
    assert found_in(place.workspace, ann.channel) == {"ledger.db"}


def test_r29_a_backup_taken_before_opens_nothing_of_the_erased_with_the_keys_that_are_left(
    after: tuple[Secrets, Path, bytes], place: Any
) -> None:
    ann, old, destroyed = after
    ctx = place.open()
    ring = open_log(ctx).keyring
    ctx.close()
    secrets = [key.secret for key in ring.keys if key.secret]
    assert len(secrets) == 8
    with sqlite3.connect(old / "ledger.bak") as sql:
        (wrapped,) = sql.execute("SELECT wrapped FROM subject_key WHERE subject = ?", (ann.subject,)).fetchone()
        mappings = [row[0] for row in sql.execute("SELECT subject FROM identifier")]
        query = "SELECT p.nonce, p.ciphertext, e.leaf FROM payload p JOIN entry e USING (seq) WHERE p.subject = ?"
        payloads = sql.execute(query, (ann.subject,)).fetchall()
    sql.close()
    assert KeyEncryption("x", destroyed).unwrap(wrapped) == ann.key, "what is destroyed would have opened it"
    for secret in secrets:
        with pytest.raises(LedgerBroken):
            KeyEncryption("x", secret).unwrap(wrapped)
        for mapping in mappings:
            with pytest.raises(LedgerBroken):
                KeyEncryption("x", secret).open_subject(mapping)
    # nor does any secret that is left open a payload or lead to a leaf, taken as a subject's key
    for key in ring.keys:
        guess = SubjectSecrets(ann.subject, key.secret)
        for nonce, ciphertext, leaf in payloads:
            with pytest.raises(InvalidTag):
                guess.payloads.decrypt(nonce, ciphertext, leaf)
        assert not set(ann.links) & {guess.link(i) for i in range(3)}


def test_what_a_restore_needs_of_those_who_are_left_has_nothing_of_the_erased(
    after: tuple[Secrets, Path, bytes], place: Any
) -> None:
    ann, _, _ = after
    ctx = place.open()
    ring = open_log(ctx).keyring
    survivors = open_survivors(ring)
    assert survivors is not None
    rows = list(survivors.read())
    with open_log(ctx).read() as reader:
        ben = reader.find_subject(BEN)
    ctx.close()
    active = ring.active("kek")
    kek = KeyEncryption(active.id, active.secret)
    column = SEALED["identifier"].index("subject")
    assert {values[0] for table, values in rows if table == "subject_key"} == {ben}
    assert {kek.open_subject(bytes(values[column])) for table, values in rows if table == "identifier"} == {ben}
    assert ann.subject != ben


def test_left_for_later_the_old_key_is_there_until_the_nightly_resume(place: Any) -> None:
    ctx = place.open()
    before = open_log(ctx).keyring.active("kek").id
    done = erase(ctx, [ANN], later=True)
    assert (done.in_backups, done.compacted, open_log(ctx).keyring.active("kek").id) == (1, False, before)
    failing = [check for check in ctx.ledger.diagnose() if check.name == "erasures"]
    assert not failing[0].ok
    done = erase(ctx, [])
    assert (done.people, done.in_backups, done.compacted) == (0, 0, True)
    assert open_log(ctx).keyring.active("kek").id != before
    again = open_log(ctx).size
    erase(ctx, [])
    assert open_log(ctx).size == again, "nothing is due: nothing is ratcheted"
    ctx.close()
