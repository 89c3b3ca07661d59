from __future__ import annotations

import base64
import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_consent.ledger.entry import Statement, commitment, person_leaf
from imp_consent.ledger.proof import (
    ConsistencyProof,
    InclusionProof,
    format_consistency,
    format_proof,
    is_proof,
    parse_consistency,
    parse_proof,
)
from imp_consent.ledger.receipt import Receipt, commits, format_receipt, parse_receipt
from imp_core.errors import BadInput, ImpError, LedgerBroken

H1, H2 = (hashlib.sha256(word).digest() for word in (b"hash1", b"hash2"))
B1, B2 = (base64.b64encode(hash_).decode() for hash_ in (H1, H2))
NOTE = "log.example\n12\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— log.example AAAA\n"
GOLDEN = {
    f"c2sp.org/tlog-proof@v1\nindex 5\n{B1}\n{B2}\n\ntest checkpoint\n": InclusionProof(
        index=5, hashes=(H1, H2), checkpoint="test checkpoint\n"
    ),
    f"c2sp.org/tlog-proof@v1\nextra ZXh0cmEgaW5mb3JtYXRpb24=\nindex 10\n{B1}\n\n{NOTE}": InclusionProof(
        index=10, hashes=(H1,), checkpoint=NOTE, extra=b"extra information"
    ),
    "c2sp.org/tlog-proof@v1\nindex 0\n\ncheckpoint\n": InclusionProof(index=0, hashes=(), checkpoint="checkpoint\n"),
}
# the example of C2SP tlog-witness, "add-checkpoint"
WITNESS = """old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeO\
oRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
"""


@pytest.mark.parametrize("text", GOLDEN)
def test_the_proofs_of_the_reference_implementation_are_written_and_read(text):
    assert format_proof(GOLDEN[text]) == text
    assert parse_proof(text) == parse_proof(text.encode()) == GOLDEN[text]
    assert is_proof(text.encode())


def test_the_witness_standards_example_is_read_and_written():
    proof = parse_consistency(WITNESS)
    assert (proof.old, len(proof.hashes)) == (20852014, 4)
    assert proof.checkpoint.startswith("example.com/behind-the-sofa\n20852163\n")
    assert format_consistency(proof) == WITNESS
    assert not is_proof(WITNESS.encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c2sp.org/tlog-proof@v1",
        "c2sp.org/tlog-proof@v2\nindex 0\n\nx\n",
        "index 0\n\nx\n",
        "c2sp.org/tlog-proof@v1\n\nx\n",
        "c2sp.org/tlog-proof@v1\nindex 00\n\nx\n",
        "c2sp.org/tlog-proof@v1\nindex -1\n\nx\n",
        "c2sp.org/tlog-proof@v1\nindex 9223372036854775808\n\nx\n",
        "c2sp.org/tlog-proof@v1\nindex ٣\n\nx\n",
        "c2sp.org/tlog-proof@v1\nindex\n\nx\n",
        "c2sp.org/tlog-proof@v1\nindex 1 \n\nx\n",
        "c2sp.org/tlog-proof@v1\nindex 0\nextra AAAA\n\nx\n",
        "c2sp.org/tlog-proof@v1\nextra \nindex 0\n\nx\n",
        "c2sp.org/tlog-proof@v1\nextra AAA\nindex 0\n\nx\n",
        "c2sp.org/tlog-proof@v1\nextra AAAA\nextra AAAA\nindex 0\n\nx\n",
        "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nx\n",
        f"c2sp.org/tlog-proof@v1\nindex 0\n{B1} \n\nx\n",
        f"c2sp.org/tlog-proof@v1\nindex 0\n{B1}\nx\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\r\nindex 0\r\n\r\nx\r\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n" + f"{B1}\n" * 64 + "\nx\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n\n" + "x" * 2_000_000 + "\n",
    ],
    ids=range(23),
)
def test_what_is_no_proof_is_refused(text):
    with pytest.raises(LedgerBroken, match="not a proof"):
        parse_proof(text)
    with pytest.raises(LedgerBroken, match="not a proof"):
        parse_consistency(text)


def test_bytes_that_are_not_text_are_no_proof():
    with pytest.raises(LedgerBroken, match="UTF-8"):
        parse_proof(b"c2sp.org/tlog-proof@v1\nindex 0\n\n\xff\n")


@pytest.mark.parametrize(
    "change",
    [{"index": -1}, {"index": 2**63}, {"hashes": (b"",)}, {"hashes": (H1,) * 64}, {"checkpoint": "x"}, {"extra": b""}],
)
def test_a_proof_that_could_not_be_read_is_not_made(change):
    with pytest.raises(BadInput):
        InclusionProof(**({"index": 0, "hashes": (), "checkpoint": "x\n"} | change))


hashes = st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple)
notes = st.text(st.characters(codec="utf-8"), max_size=80).map(lambda text: f"{text}\n")


@given(st.integers(0, 2**63 - 1), hashes, notes, st.none() | st.binary(min_size=1, max_size=300))
def test_every_proof_goes_through_its_text(number, path, note, extra):
    inclusion = InclusionProof(index=number, hashes=path, checkpoint=note, extra=extra)
    assert parse_proof(format_proof(inclusion).encode()) == inclusion
    consistency = ConsistencyProof(old=number, hashes=path, checkpoint=note)
    assert parse_consistency(format_consistency(consistency).encode()) == consistency


@given(
    st.binary(max_size=300) | st.text(max_size=200),
    st.sampled_from([b"", b"c2sp.org/tlog-proof@v1\n", b"c2sp.org/tlog-proof@v1\nextra AAAA\n", b"old 3\n"]),
)
def test_nothing_but_our_error_escapes_from_parsing_a_proof(data, head):
    whole = head + (data if isinstance(data, bytes) else data.encode(errors="surrogatepass"))
    for parse, write in ((parse_proof, format_proof), (parse_consistency, format_consistency)):
        try:
            assert write(parse(whole)).encode() == whole
        except LedgerBroken:
            continue


# --- what a receipt carries

STATEMENT = Statement(type="grant", purpose="analytics", channel="", at_us=1_770_000_000_000_000)
BLIND = bytes(range(32))
LEAF = person_leaf(link=bytes(32), commit=commitment(BLIND, STATEMENT), day=20_513)
RECEIPT = Receipt(leaf=LEAF, blind=BLIND, statement=STATEMENT.plain())
BYTES = (
    b'{"blind":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",'
    b'"leaf":"{\\"commit\\":\\"' + commitment(BLIND, STATEMENT).hex().encode() + b'\\",\\"day\\":20513,\\"link\\":\\"'
    + b"0" * 64 + b'\\",\\"v\\":1}",'
    b'"statement":{"at":1770000000000000,"channel":"","notice":null,"purpose":"analytics","type":"grant","until":null}}'
)  # fmt: skip


def test_a_receipt_is_written_byte_for_byte_and_read():
    assert format_receipt(RECEIPT) == BYTES
    assert parse_receipt(BYTES) == RECEIPT
    assert commits(RECEIPT)


def test_a_receipt_of_another_statement_or_blind_does_not_hold():
    other = STATEMENT.plain() | {"purpose": "ads"}
    assert not commits(Receipt(leaf=LEAF, blind=BLIND, statement=other))
    assert not commits(Receipt(leaf=LEAF, blind=bytes(32), statement=STATEMENT.plain()))
    assert not commits(Receipt(leaf=b'{"type":"import"}', blind=BLIND, statement=STATEMENT.plain()))
    assert not commits(Receipt(leaf=LEAF))


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{}", b"[]", b'{"leaf":1}', b'{"leaf":"x","blind":"00"}', b'{"blind":"00","leaf":"x","statement":{}}',
        b'{"leaf": "x"}', b'{"leaf":"x","more":1}',
        BYTES.replace(b'"statement":{', b'"statement":[{').replace(b"}}", b"}]}"),
        b'{"leaf":"' + b"x" * 17_000 + b'"}', b'{"leaf":"\\ud800"}',
    ],
)  # fmt: skip
def test_what_is_no_receipt_is_refused(data):
    with pytest.raises(LedgerBroken):
        parse_receipt(data)


def test_what_cannot_be_a_receipt_is_not_written():
    with pytest.raises(BadInput, match="not text"):
        format_receipt(Receipt(leaf=b"\xff"))
    with pytest.raises(BadInput, match="both"):
        format_receipt(Receipt(leaf=b"x", blind=BLIND))


@given(st.binary(max_size=200))
def test_nothing_but_our_errors_escapes_from_a_receipt(data):
    with contextlib.suppress(ImpError):
        commits(parse_receipt(data))
