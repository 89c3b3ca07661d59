"""DKIM: signatures that dkimpy verifies, and that hold by RFC 6376 read a second time, here, with `cryptography`."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import dkim
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from imp_channel_email.sign import read_key
from imp_core.errors import BadInput

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]
HTML = "<html><body><p>Hello {{ first_name }}  春天到了 </p>\n\n<p>. </p></body></html>\n\n\n"
PARTS = {
    "subject": "Frühling für {{ first_name }}",
    "text": "Hello {{ first_name }}\n..\n{{ unsubscribe_url }}",
    "html": HTML,
}
PEM = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)


@pytest.fixture
def signed(open_sink, settings_for, batch_of, deliver, accepted, dkim_key):
    """`signed(address)`: a signed message as a server took it."""

    def signed(address="ann@example.com"):
        sink = open_sink()
        changes = {"dkim_domain": "shop.example", "dkim_selector": "s1", "reply_to": "help@shop.example"}
        table = settings_for(sink, **changes, unsubscribe_mailto="out@shop.example")
        assert deliver(table, batch_of(address, parts=PARTS), dkim_key=dkim_key.path) == [accepted]
        return sink.arrived[0].data

    return signed


def verify_again(data, public):
    """RFC 6376 section 6.1 by hand: relaxed/relaxed, rsa-sha256. Raises InvalidSignature; gives the names in h=."""
    head, _, body = data.partition(b"\r\n\r\n")
    fields = [item.split(b":", 1) for item in re.split(rb"\r\n(?![ \t])", head)]

    def relaxed(name, value):  # section 3.4.2
        unfolded = re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b""))
        return name.strip().lower() + b":" + unfolded.strip(b" \t")

    (signature,) = (value for name, value in fields if name.lower() == b"dkim-signature")
    tags = dict(re.sub(rb"\s", b"", item).split(b"=", 1) for item in signature.split(b";") if item.strip())
    assert (tags[b"v"], tags[b"a"], tags[b"c"]) == (b"1", b"rsa-sha256", b"relaxed/relaxed")
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]  # section 3.4.4
    while lines and not lines[-1]:
        lines.pop()
    canonical = b"".join(line + b"\r\n" for line in lines)
    if base64.b64encode(hashlib.sha256(canonical).digest()) != tags[b"bh"]:
        raise InvalidSignature
    left = [(name.strip().lower(), relaxed(name, value)) for name, value in fields]
    signed = []
    for name in tags[b"h"].split(b":"):  # section 5.4.2: from the bottom up; what is not there counts as nothing
        at = next((index for index in reversed(range(len(left))) if left[index][0] == name.lower()), None)
        if at is not None:
            signed.append(left.pop(at)[1] + b"\r\n")
    signed.append(relaxed(b"dkim-signature", re.sub(rb"([;\s]b\s*=)[^;]*", rb"\1", signature)))
    public.verify(base64.b64decode(tags[b"b"]), b"".join(signed), padding.PKCS1v15(), hashes.SHA256())
    return tags[b"h"].split(b":")


@pytest.mark.parametrize("address", ["ann@example.com", "用户@例子.example"])
def test_a_signature_is_verified_by_two(signed, dkim_key, address):
    data = signed(address)
    assert dkim.verify(data, dnsfunc=dkim_key.dns)
    assert verify_again(data, dkim_key.public)


def test_r50_every_field_is_signed_and_the_important_ones_against_additions(signed, dkim_key):
    data = signed()
    listed = verify_again(data, dkim_key.public)
    present = [line.partition(b":")[0].lower() for line in re.split(rb"\r\n(?![ \t])", data.partition(b"\r\n\r\n")[0])]
    for name in present:
        assert name in listed or name == b"dkim-signature"
    for name in (b"from", b"to", b"subject", b"reply-to", b"list-unsubscribe", b"list-unsubscribe-post"):
        assert listed.count(name) == present.count(name) + 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"t=tok-0>", b"t=tok-1>"),
        (b"List-Unsubscribe=One-Click", b"List-Unsubscribe=Two-Clicks"),
        (b"To: ann@", b"To: bob@"),
        (b"\r\n\r\n", b"\r\n\r\nmore\r\n"),
        (b"From:", b"From: Bank <bank@bank.example>\r\nFrom:"),
        (b"Subject:", b"Subject: Win\r\nSubject:"),
        (b"List-Unsubscribe:", b"List-Unsubscribe: <https://evil.example>\r\nList-Unsubscribe:"),
        (b"bh=", b"bh=A"),
    ],
)
def test_a_changed_message_does_not_verify(signed, dkim_key, old, new):
    data = signed()
    assert data.count(old) >= 1
    changed = data.replace(old, new, 1)
    assert not dkim.verify(changed, dnsfunc=dkim_key.dns)
    with pytest.raises(InvalidSignature):
        verify_again(changed, dkim_key.public)


def test_the_time_and_the_domain_are_those_it_was_given(signed):
    signature = re.sub(rb"\s", b"", signed().partition(b"\r\nTo:")[0])
    assert b";t=1772366400;" in signature
    assert b";d=shop.example;s=s1;" in signature


def test_feedback_id_says_campaign_and_sender_and_nothing_of_people(signed):
    (line,) = re.findall(rb"\r\nFeedback-ID: (.*)\r\n", signed())
    assert line == b"spring:1:marketing.email:shop.example"


@pytest.mark.parametrize("form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL])
def test_a_key_is_read_in_both_forms_of_pem(tmp_path, form):
    path = tmp_path / "k.pem"
    path.touch(mode=0o600)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path.write_bytes(key.private_bytes(PEM[0], form, serialization.NoEncryption()))
    assert read_key(path).key_size == 2048


@pytest.mark.parametrize("what", ["passphrase", "another kind", "public", "no PEM", "empty"])
def test_what_is_no_rsa_key_is_refused(tmp_path, dkim_key, what):
    path = tmp_path / "k.pem"
    path.touch(mode=0o600)
    other = ed25519.Ed25519PrivateKey.generate()
    data = {
        "passphrase": lambda: read_key(Path(dkim_key.path)).private_bytes(
            *PEM, serialization.BestAvailableEncryption(b"x")
        ),
        "another kind": lambda: other.private_bytes(*PEM, serialization.NoEncryption()),
        "public": lambda: dkim_key.public.public_bytes(PEM[0], serialization.PublicFormat.SubjectPublicKeyInfo),
        "no PEM": lambda: b"secret words",
        "empty": lambda: b"",
    }[what]()
    path.write_bytes(data)
    with pytest.raises(BadInput, match="no RSA private key") as caught:
        read_key(path)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_that_others_can_read_is_refused(tmp_path, dkim_key, mode):
    path = tmp_path / "k.pem"
    path.write_bytes(Path(dkim_key.path).read_bytes())
    path.chmod(mode)
    with pytest.raises(BadInput, match="read by others"):
        read_key(path)


@pytest.mark.parametrize("name", ["missing.pem", "", "a\0b"])
def test_a_key_that_is_not_there_is_refused(tmp_path, name):
    with pytest.raises(BadInput, match="cannot be read"):
        read_key(tmp_path / name)
