"""DKIM signatures (RFC 6376), and the key they are made with. The only file that imports dkimpy.

dkimpy parses, canonicalises, chooses and folds; `cryptography` does the RSA. dkimpy's own RSA is a power in pure Python
that holds the interpreter for 8 ms a message (2048 bits, measured); this way a signature takes less than 1 ms.
"""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import dkim
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
from dkim.canonicalization import CanonicalizationPolicy

from imp_core.errors import BadInput

__all__ = ["KEY_VARIABLE", "Signer", "read_key"]

KEY_VARIABLE: Final = "IMP_EMAIL_DKIM_KEY"
_LEAST_BITS = 1024  # RFC 8301 section 3.2
_MAX_FILE = 65_536
_CANONICALIZATION: Final = b"relaxed/relaxed"
# Listed in h= once more than they stand there, so that nobody can add another one (RFC 6376 section 8.15).
_FROZEN: Final = (
    b"from", b"to", b"subject", b"date", b"message-id", b"reply-to", b"mime-version", b"content-type",
    b"list-unsubscribe", b"list-unsubscribe-post",
)  # fmt: skip


def read_key(path: Path) -> rsa.RSAPrivateKey:
    """Read an RSA private key from a PEM file (PKCS#1 or PKCS#8, without a passphrase) that only its owner may read.

    Raises:
        BadInput: there is no such file, others may read it, or it holds no such key.
    """
    try:
        with path.open("rb") as file:
            if os.name == "posix" and stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise BadInput("the DKIM key can be read by others", where=KEY_VARIABLE, mend="chmod 600 on its file")
            data = file.read(_MAX_FILE)
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or "not a path"
        raise BadInput(f"the DKIM key cannot be read: {reason}", where=KEY_VARIABLE) from None
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < _LEAST_BITS:
        raise BadInput(
            f"the DKIM key is no RSA private key of at least {_LEAST_BITS} bits in PEM, without a passphrase",
            where=KEY_VARIABLE,
            mend="openssl genrsa -out dkim.pem 2048",
        )
    return key


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signature:
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Digester:
    """Signs a digest, in the form in which dkimpy asks an object to (as PyNaCl's keys are asked)."""

    key: rsa.RSAPrivateKey

    def sign(self, digest: bytes) -> _Signature:
        made = self.key.sign(digest, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))
        return _Signature(signature=made)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Signs messages for one domain."""

    key: rsa.RSAPrivateKey
    domain: str
    selector: str

    def sign(self, message: bytes, *, now_us: int) -> bytes:
        """The message (lines end in CRLF) with a DKIM-Signature in front that covers every header field of it."""
        signing = dkim.DKIM(message)
        policy = CanonicalizationPolicy.from_c_value(_CANONICALIZATION)
        body = hashlib.sha256(policy.canonicalize_body(signing.body)).digest()
        names = [*(name.lower() for name, _ in signing.headers), *_FROZEN]
        fields = [  # RFC 6376 section 3.5
            (b"v", b"1"),
            (b"a", b"rsa-sha256"),
            (b"c", _CANONICALIZATION),
            (b"d", self.domain.encode("ascii")),
            (b"s", self.selector.encode("ascii")),
            (b"t", str(now_us // 1_000_000).encode("ascii")),
            (b"h", b" : ".join(names)),
            (b"bh", base64.b64encode(body)),
            (b"b", b"0" * 60),
        ]
        signing.hasher = hashlib.sha256
        # It names only how dkimpy calls the key; the algorithm the verifier reads is a= above.
        signing.signature_algorithm = b"ed25519-sha256"
        header: bytes = signing.gen_header(fields, names, policy, b"DKIM-Signature", _Digester(key=self.key))
        return b"DKIM-Signature: " + header + message
