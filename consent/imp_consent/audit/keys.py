"""The keys in use against the log's own account of them, hand-overs between signing keys, and a ratchet's survivors."""

from __future__ import annotations

import sqlite3
from itertools import pairwise

from imp_consent.audit.leaves import Leaves
from imp_consent.audit.problem import Problems
from imp_consent.identity.keys import Keyring
from imp_consent.ledger.handover import TrustedKey, TrustedKeys, trusted_keys
from imp_consent.ledger.head import keys_named
from imp_consent.ledger.signer import verifier_keys
from imp_consent.ledger.survivors import SURVIVORS_NAME, open_survivors
from imp_core.errors import ImpError, KeysUnusable, LedgerBroken
from imp_core.ports import SystemEntry

__all__ = ["check_keys", "follow_head", "trust"]

_CHANGES = ("rotate", "wrap")


def follow_head(sql: sqlite3.Connection, keyring: Keyring, problems: Problems) -> Keyring:
    """The keyring as the head says, where it says something that can be followed."""
    with problems.checking("log_state"):
        try:
            return keyring.following(keys_named(sql))
        except KeysUnusable as error:
            problems.report("head.keys", "log_state", error.what)
    return keyring


def trust(leaves: Leaves, keyring: Keyring, problems: Problems) -> TrustedKeys:
    """Whose signatures the log's checkpoints may bear: by its hand-overs, back from the key in use."""
    ring = verifier_keys(keyring, keyring.log_id)
    try:
        found = trusted_keys([TrustedKey(key=ring[0])], leaves.of_type("key"), origin=ring[0].name)
    except LedgerBroken as error:
        problems.report("keys.hand-over", error.where or "entry", error.what)
        return TrustedKeys(tuple(TrustedKey(key=key) for key in ring))
    problems.expect(
        found.keys == ring,
        "keys.hand-over",
        "entry",
        "the hand-overs in the log are not those between the signing keys of the ring",
    )
    return found


def check_keys(sql: sqlite3.Connection, keyring: Keyring, leaves: Leaves, problems: Problems) -> None:
    """The head names the keys that the log's `key` entries lead to, and every row a key that is there."""
    in_use = keyring.in_use()
    for purpose, entries in _changes(leaves).items():
        last = entries[-1]
        problems.expect(
            last.fields.get("id") == in_use.get(purpose),
            "keys.head",
            f"entry {last.seq}",
            f"the {purpose} key in use is not the one that the log says was put in use last",
        )
        for before, after in pairwise(entries):
            problems.expect(
                after.fields.get("previous") == before.fields.get("id"),
                "keys.chain",
                f"entry {after.seq}",
                f"the {purpose} key that was replaced is not the one that was put in use before",
            )
    _check_rows(sql, keyring, problems)
    _check_survivors(keyring, leaves, problems)
    if not keyring.settled:
        problems.note("keys.unsettled", keyring.store.place, "a change of keys is under way, or died; a writer ends it")
    for path in keyring.unfinished:
        sentence = "a secret that was being written, or whose writer was killed; the next writer destroys it"
        problems.note("keys.unfinished", str(path), sentence)


def _changes(leaves: Leaves) -> dict[str, list[SystemEntry]]:
    found: dict[str, list[SystemEntry]] = {}
    for entry in leaves.of_type("key"):
        if entry.fields.get("action") in _CHANGES:
            found.setdefault(str(entry.fields.get("purpose")), []).append(entry)
    return found


def _check_rows(sql: sqlite3.Connection, keyring: Keyring, problems: Problems) -> None:
    peppers = {(key.epoch, key.id) for key in keyring.peppers()}
    for epoch, pepper_id in sql.execute("SELECT DISTINCT epoch, pepper_id FROM identifier"):
        problems.expect(
            (epoch, pepper_id) in peppers,
            "keys.missing",
            "identifier",
            "identifiers are under a pepper that is not in the ring: nobody finds them",
        )
    for name, purpose in (("kek_id", "kek"), ("supp_id", "supp")):
        for (key_id,) in sql.execute(f"SELECT DISTINCT {name} FROM identifier"):  # noqa: S608 (one of two names above)
            # noted as unsettled: a restore finds rows as a ratchet that died left them, and the next writer moves them
            moving = not keyring.settled and keyring.has(purpose, key_id)
            problems.expect(
                moving or key_id == keyring.active(purpose).id,
                "keys.stale",
                "identifier",
                f"identifiers are under another {purpose} key than the one in use",
            )


def _check_survivors(keyring: Keyring, leaves: Leaves, problems: Problems) -> None:
    """After a ratchet the rows of whoever was left lie outside, under the key in use."""
    ratchets = [entry for entry in _changes(leaves).get("kek", ()) if entry.fields.get("action") == "rotate"]
    try:
        found = open_survivors(keyring)
    except ImpError as error:
        problems.report("survivors.changed", SURVIVORS_NAME, error.what)
        return
    if not ratchets or not keyring.settled:
        return
    current = found is not None and found.keys["kek"] == keyring.active("kek").id
    problems.expect(
        current, "survivors.absent", SURVIVORS_NAME, "what a restore needs since the last ratchet is not there"
    )
