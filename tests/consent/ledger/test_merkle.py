from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_consent.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    Subtree,
    check_consistency,
    check_inclusion,
    leaf_hash,
    node_hash,
    prove_consistency,
    prove_inclusion,
    root_of,
)
from imp_core.errors import BadInput, LedgerBroken

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "merkle_ct.json").read_text())
LEAVES = [leaf_hash(bytes.fromhex(leaf)) for leaf in VECTORS["leaves"]]
ROOTS = [bytes.fromhex(root) for root in VECTORS["roots"]]


def subtrees_of(leaf_hashes: Sequence[bytes]) -> Subtree:
    return lambda start, stop: root_of(leaf_hashes[start:stop])


OTHER = hashlib.sha256(b"other").digest()


def hashes(texts: Sequence[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


# --- the definitions of RFC 6962 §2.1, written down a second time: the oracle shares no code with what it judges


def oracle_root(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = oracle_k(len(leaves))
    return hashlib.sha256(b"\1" + oracle_root(leaves[:k]) + oracle_root(leaves[k:])).digest()


def oracle_k(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def oracle_path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = oracle_k(len(leaves))
    if m < k:
        return [*oracle_path(m, leaves[:k]), oracle_root(leaves[k:])]
    return [*oracle_path(m - k, leaves[k:]), oracle_root(leaves[:k])]


def oracle_subproof(m: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [oracle_root(leaves)]
    k = oracle_k(len(leaves))
    if m <= k:
        return [*oracle_subproof(m, leaves[:k], whole=whole), oracle_root(leaves[k:])]
    return [*oracle_subproof(m - k, leaves[k:], whole=False), oracle_root(leaves[:k])]


RAW = [b"leaf %d" % i for i in range(64)]
RAW_HASHES = [leaf_hash(leaf) for leaf in RAW]
RAW_ROOTS = [oracle_root(RAW[:n]) for n in range(65)]


# --- published vectors


@pytest.mark.parametrize("size", range(9))
def test_the_reference_trees_of_certificate_transparency_have_their_published_roots(size: int) -> None:
    published = ROOTS[size - 1] if size else bytes.fromhex(VECTORS["empty_root"])
    assert root_of(LEAVES[:size]) == published
    assert bytes.fromhex(VECTORS["empty_root"]) == EMPTY_ROOT


@pytest.mark.parametrize("vector", VECTORS["inclusion"], ids=lambda v: f"{v['index']}of{v['size']}")
def test_published_inclusion_proofs_are_made_and_checked_and_every_corruption_is_found(vector: Any) -> None:
    index, size, proof = vector["index"], vector["size"], hashes(vector["proof"])
    leaf, root = LEAVES[index], ROOTS[size - 1]
    assert prove_inclusion(subtrees_of(LEAVES), index, size) == proof
    assert check_inclusion(leaf, index, size, proof, root)
    wrong = [
        (leaf, index - 1, size, proof, root),
        (leaf, index + 1, size, proof, root),
        (leaf, index ^ 2, size, proof, root),
        (leaf, index, size * 2, proof, root),
        (leaf, index, size // 2, proof, root),
        (leaf, index, 0, proof, root),
        (b"WrongLeaf", index, size, proof, root),
        (OTHER, index, size, proof, root),
        (leaf, index, size, proof, EMPTY_ROOT),
        (leaf, index, size, proof, OTHER),
        (leaf, index, size, [*proof, b""], root),
        (leaf, index, size, [*proof, root], root),
        (leaf, index, size, [b"", *proof], root),
        (leaf, index, size, [root, *proof], root),
        (b"", index, size, proof, b""),
    ]
    wrong += [(leaf, index, size, flipped, root) for flipped in flips(proof)]
    wrong += [(leaf, index, size, proof[:-1], root)] if proof else []
    wrong += [(leaf, index, size, [proof[0], OTHER, *proof[1:]], root)] if len(proof) > 1 else []
    assert [case for case in wrong if check_inclusion(*case)] == []


@pytest.mark.parametrize("vector", VECTORS["consistency"], ids=lambda v: f"{v['old']}to{v['new']}")
def test_published_consistency_proofs_are_made_and_checked_and_every_corruption_is_found(vector: Any) -> None:
    old, new, proof = vector["old"], vector["new"], hashes(vector["proof"])
    before, after = ROOTS[old - 1], ROOTS[new - 1]
    assert prove_consistency(subtrees_of(LEAVES), old, new) == proof
    assert check_consistency(old, new, before, after, proof)
    if not proof:
        return
    wrong = [
        (old - 1, new, before, after, proof),
        (old + 1, new, before, after, proof),
        (old ^ 2, new, before, after, proof),
        (old, new * 2, before, after, proof),
        (old, new // 2, before, after, proof),
        (old, new, b"WrongRoot", after, proof),
        (old, new, before, b"WrongRoot", proof),
        (old, new, after, before, proof),
        (old, new, before, after, []),
        *((old, new, before, after, [*proof, end]) for end in (b"", before, after)),
        *((old, new, before, after, [start, *proof]) for start in (b"", before, after, proof[0])),
        (old, new, before, after, proof[:-1]),
        *((old, new, before, after, flipped) for flipped in flips(proof)),
    ]
    assert [case for case in wrong if check_consistency(*case)] == []


def flips(proof: Sequence[bytes]) -> list[list[bytes]]:
    return [
        [bytes([node[0] ^ 8]) + node[1:] if i == at else node for i, node in enumerate(proof)]
        for at in range(len(proof))
    ]


@pytest.mark.parametrize(
    ("old", "new", "before", "after", "proof", "holds"),
    [
        (0, 0, EMPTY_ROOT, EMPTY_ROOT, [], True),
        (0, 1, EMPTY_ROOT, OTHER, [], True),
        (1, 1, OTHER, OTHER, [], True),
        (0, 0, EMPTY_ROOT, OTHER, [], False),
        (0, 1, OTHER, ROOTS[0], [], False),
        (1, 1, ROOTS[0], OTHER, [], False),
        (1, 0, OTHER, OTHER, [], False),
        (2, 1, OTHER, OTHER, [], False),
        (-1, 1, OTHER, OTHER, [], False),
        (1, 2, ROOTS[0], ROOTS[1], [], False),
        (0, 0, EMPTY_ROOT, EMPTY_ROOT, [EMPTY_ROOT], False),
        (0, 1, EMPTY_ROOT, EMPTY_ROOT, [EMPTY_ROOT], False),
        (1, 1, EMPTY_ROOT, EMPTY_ROOT, [EMPTY_ROOT], False),
    ],
)
def test_the_edge_cases_of_consistency(
    old: int, new: int, before: bytes, after: bytes, proof: list[bytes], *, holds: bool
) -> None:
    assert check_consistency(old, new, before, after, proof) is holds


# --- every size against the oracle


@pytest.mark.parametrize("size", range(65))
def test_every_proof_of_a_tree_is_the_oracles_and_shows_its_own_leaf_or_prefix_only(size: int) -> None:
    subtree, root = subtrees_of(RAW_HASHES[:size]), RAW_ROOTS[size]
    assert root_of(iter(RAW_HASHES[:size])) == root
    for index in range(size):
        proof = prove_inclusion(subtree, index, size)
        assert proof == oracle_path(index, RAW[:size])
        shown = [i for i in range(size) if check_inclusion(RAW_HASHES[index], i, size, proof, root)]
        assert shown == [index]
    assert prove_consistency(subtree, 0, size) == []
    for old in range(1, size + 1):
        proof = prove_consistency(subtree, old, size)
        assert proof == oracle_subproof(old, RAW[:size], whole=True)
        shown = [m for m in range(1, size + 1) if check_consistency(m, size, RAW_ROOTS[m], root, proof)]
        assert shown == [old]


@pytest.mark.parametrize("size", range(65))
def test_a_frontier_goes_through_bytes_at_any_size_and_grows_on(size: int) -> None:
    whole = Frontier()
    for hash_ in RAW_HASHES[:size]:
        whole.append(hash_)
    assert whole.size == size
    assert whole.root() == RAW_ROOTS[size]
    read = Frontier.from_bytes(size, whole.to_bytes())
    assert (read.size, read.root(), read.to_bytes()) == (size, RAW_ROOTS[size], whole.to_bytes())
    read.extend(RAW_HASHES[size:])
    assert (read.size, read.root()) == (64, RAW_ROOTS[64])
    assert (whole.size, whole.root()) == (size, RAW_ROOTS[size])


@given(st.integers(-3, 2**63), st.binary(max_size=200))
def test_a_frontier_of_another_size_is_refused(size: int, data: bytes) -> None:
    if size >= 0 and len(data) == 32 * bin(size).count("1"):
        assert Frontier.from_bytes(size, data).to_bytes() == data
    else:
        with pytest.raises(LedgerBroken):
            Frontier.from_bytes(size, data)


def test_a_frontier_keeps_the_leaves_read_before_their_source_broke() -> None:
    def breaking() -> Any:
        yield from RAW_HASHES[:5]
        raise OSError("the disk went away")

    frontier = Frontier()
    with pytest.raises(OSError, match="the disk went away"):
        frontier.extend(breaking())
    assert (frontier.size, frontier.root()) == (5, RAW_ROOTS[5])


def test_leaf_and_node_hashes_are_apart() -> None:
    left, right = RAW_HASHES[:2]
    assert node_hash(left, right) != leaf_hash(left + right)
    assert node_hash(left, right) != node_hash(right, left)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 3), (3, 3)])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(BadInput):
        prove_inclusion(subtrees_of(RAW_HASHES), index, size)


@pytest.mark.parametrize(("old", "new"), [(2, 1), (-1, 1)])
def test_there_is_no_proof_that_a_tree_begins_with_a_larger_one(old: int, new: int) -> None:
    with pytest.raises(BadInput):
        prove_consistency(subtrees_of(RAW_HASHES), old, new)


@given(
    st.integers(-2, 2**64),
    st.integers(-2, 2**64),
    st.binary(min_size=32, max_size=32),
    st.binary(max_size=33),
    st.lists(st.binary(min_size=32, max_size=32), max_size=70),
)
def test_checks_answer_no_to_whatever_they_are_given(
    first: int, second: int, leaf: bytes, root: bytes, proof: list[bytes]
) -> None:
    assert check_inclusion(leaf, first, second, proof, root) == (
        first == 0 and second == 1 and not proof and leaf == root
    )
    trivial = not proof and ((first == second >= 0 and leaf == root) or (first == 0 < second and leaf == EMPTY_ROOT))
    assert check_consistency(first, second, leaf, root, proof) == (trivial and len(root) == 32)
