"""The tree as the database holds it: its proofs are those of an independent implementation, at every size."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import pytest

from imp_consent.ledger.appender import Appender
from imp_consent.ledger.head import Head
from imp_consent.ledger.log import Log
from imp_consent.ledger.merkle import (
    Frontier,
    check_consistency,
    check_inclusion,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    root_of,
)
from imp_consent.ledger.tree import Prover, subtree_reader
from imp_core.errors import BadInput, LedgerBroken

SIZE = 300
LARGE = 70_000  # more than two levels of tiles
TABLES = """
CREATE TABLE entry (seq INTEGER PRIMARY KEY, leaf BLOB, leaf_hash BLOB);
CREATE TABLE payload (seq, subject, nonce, ciphertext);
CREATE TABLE node (level INTEGER, number INTEGER, hash BLOB, PRIMARY KEY (level, number)) WITHOUT ROWID;
"""


@cache
def oracle(start: int, stop: int) -> bytes:
    """MTH(D[start:stop]) of RFC 6962 §2.1, from the leaves' bytes; shares no code with what it judges."""
    if stop == start:
        return hashlib.sha256().digest()
    if stop - start == 1:
        return hashlib.sha256(b"\0" + b"%d" % start).digest()
    k = split(stop - start)
    return hashlib.sha256(b"\1" + oracle(start, start + k) + oracle(start + k, stop)).digest()


def split(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def oracle_path(m: int, start: int, stop: int) -> list[bytes]:
    if stop - start == 1:
        return []
    k = start + split(stop - start)
    if m < k:
        return [*oracle_path(m, start, k), oracle(k, stop)]
    return [*oracle_path(m, k, stop), oracle(start, k)]


def oracle_subproof(m: int, start: int, stop: int, *, whole: bool) -> list[bytes]:
    if m == stop:
        return [] if whole else [oracle(start, stop)]
    k = start + split(stop - start)
    if m <= k:
        return [*oracle_subproof(m, start, k, whole=whole), oracle(k, stop)]
    return [*oracle_subproof(m, k, stop, whole=False), oracle(start, k)]


def filled(size: int, *, at_once: int = 1_000) -> tuple[sqlite3.Connection, Frontier]:
    sql = sqlite3.connect(":memory:")
    sql.executescript(TABLES)
    head = Head(log_id="t")
    appender = Appender(sql, head)
    for seq in range(size):
        appender.append(b"%d" % seq)
        if seq % at_once == at_once - 1:
            appender.flush()
    appender.flush()
    return sql, head.frontier


@pytest.fixture(scope="module")
def large() -> Iterator[tuple[sqlite3.Connection, Frontier]]:
    sql, frontier = filled(LARGE)
    yield sql, frontier
    sql.close()


@pytest.mark.parametrize("size", [0, 1, 2, 3, 255, 256, 257, SIZE])
def test_every_proof_of_the_database_is_the_oracles_at_every_smaller_size_too(size: int) -> None:
    sql, frontier = filled(size, at_once=7)
    assert frontier.root() == oracle(0, size)
    tree, prover = subtree_reader(sql, frontier), Prover(sql, frontier)
    for at in range(size + 1):
        assert tree(0, at) == prover.root(at) == oracle(0, at)
        if at:
            assert prover.consistency(at, size) == oracle_subproof(at, 0, size, whole=True)
    for seq in range(size):
        assert prover.inclusion(seq, size) == oracle_path(seq, 0, size)
    sql.close()


def test_every_proof_between_any_two_sizes_up_to_300_is_the_oracles() -> None:
    sql, frontier = filled(SIZE)
    tree = subtree_reader(sql, frontier)
    roots = [oracle(0, size) for size in range(SIZE + 1)]
    for size in range(SIZE + 1):
        for seq in range(size):
            proof = prove_inclusion(tree, seq, size)
            assert proof == oracle_path(seq, 0, size)
            assert check_inclusion(oracle(seq, seq + 1), seq, size, proof, roots[size])
        assert prove_consistency(tree, 0, size) == []
        for old in range(1, size + 1):
            proof = prove_consistency(tree, old, size)
            assert proof == oracle_subproof(old, 0, size, whole=True)
            assert check_consistency(old, size, roots[old], roots[size], proof)
    sql.close()


@pytest.mark.parametrize("size", [257, 65_535, 65_536, 65_537, 69_999, LARGE])
def test_proofs_across_two_levels_of_tiles_hold(large: tuple[sqlite3.Connection, Frontier], size: int) -> None:
    sql, frontier = large
    prover = Prover(sql, frontier)
    assert prover.root(size) == oracle(0, size)
    for seq in {0, 1, 255, 256, size // 2, size - 2, size - 1}:
        assert prover.inclusion(seq, size) == oracle_path(seq, 0, size)
    for old in {1, 255, 256, 257, size // 2, size - 1, size}:
        assert prover.consistency(old, size) == oracle_subproof(old, 0, size, whole=True)


def test_the_nodes_are_the_roots_of_all_complete_tiles_and_no_others(
    large: tuple[sqlite3.Connection, Frontier],
) -> None:
    found = large[0].execute("SELECT level, number, hash FROM node ORDER BY level, number").fetchall()
    expected = [(8, number, oracle(number << 8, number + 1 << 8)) for number in range(LARGE >> 8)]
    assert found == [*expected, (16, 0, oracle(0, 1 << 16))]


@pytest.mark.parametrize("at_once", [1, 2, 255, 256, 257])
def test_the_nodes_are_the_same_however_many_entries_are_written_at_once(at_once: int) -> None:
    sql, frontier = filled(600, at_once=at_once)
    assert sql.execute("SELECT number, hash FROM node WHERE level = 8").fetchall() == [
        (0, oracle(0, 256)),
        (1, oracle(256, 512)),
    ]
    assert frontier.root() == oracle(0, 600)
    sql.close()


@pytest.mark.parametrize(("start", "stop"), [(0, SIZE + 1), (-1, 1), (5, 5), (3, 1), (1, 3), (2, 5)])
def test_no_subtree_is_made_up(start: int, stop: int) -> None:
    sql, frontier = filled(SIZE)
    with pytest.raises(BadInput, match="no subtree"):
        subtree_reader(sql, frontier)(start, stop)
    sql.close()


@pytest.mark.parametrize(("seq", "size"), [(SIZE, SIZE), (0, SIZE + 1), (-1, SIZE), (0, 0)])
def test_there_is_no_proof_of_an_entry_the_log_does_not_hold(seq: int, size: int) -> None:
    sql, frontier = filled(SIZE)
    with pytest.raises(BadInput):
        Prover(sql, frontier).inclusion(seq, size)
    with pytest.raises(BadInput):
        Prover(sql, frontier).consistency(size + 1, size)
    sql.close()


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE node SET hash = zeroblob(32)",
        "UPDATE entry SET leaf_hash = zeroblob(32) WHERE seq = 5",
        "DELETE FROM node",
        "DELETE FROM entry WHERE seq = 5",
    ],
)
def test_a_proof_from_changed_hashes_is_refused_rather_than_given(harm: str) -> None:
    sql, frontier = filled(600)
    sql.execute(harm)
    with pytest.raises(LedgerBroken, match="imp audit verify"):
        Prover(sql, frontier).inclusion(4, 513)
    with pytest.raises(LedgerBroken, match="imp audit verify"):
        Prover(sql, frontier).consistency(5, 300)
    sql.close()


def test_the_log_proves_entries_of_this_transaction_too(open_log: Callable[[], Log]) -> None:
    log = open_log()
    with log.write() as transaction:
        for n in range(300):
            transaction.append_system("access-request", {"n": n})
        proof: Sequence[bytes] = transaction.prove_inclusion(299)
        hashes = [leaf_hash(leaf) for (leaf,) in transaction.sql.execute("SELECT leaf FROM entry ORDER BY seq")]
        assert check_inclusion(hashes[299], 299, 300, proof, root_of(hashes))
    with log.read() as reader:
        assert reader.root_at(257) == root_of(hashes[:257])
        assert reader.prove_inclusion(299) == proof
        shown = reader.prove_consistency(257)
        assert check_consistency(257, 300, root_of(hashes[:257]), root_of(hashes), shown)
        with pytest.raises(BadInput):
            reader.prove_inclusion(300)
