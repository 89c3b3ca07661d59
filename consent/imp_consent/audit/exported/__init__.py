"""Exports and proofs verified offline: needs neither workspace nor database nor secret keys.

from imp_consent.audit.exported import verify
verify(Path("export"), Path("log.vkey").read_text(), [("pin", Path("checkpoint-2026-03-01.txt").read_bytes())]).ok
"""

from __future__ import annotations

from imp_consent.audit.exported.keys import format_vkeys, parse_vkeys
from imp_consent.audit.exported.proof_file import ProofVerification, verify_proof
from imp_consent.audit.exported.verify import CHECKPOINT, README, RETIRED, VKEYS, ExportVerification, verify

__all__ = [
    "CHECKPOINT",
    "README",
    "RETIRED",
    "VKEYS",
    "ExportVerification",
    "ProofVerification",
    "format_vkeys",
    "parse_vkeys",
    "verify",
    "verify_proof",
]
