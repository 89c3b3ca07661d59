"""Keyed hashes of what events carry besides identifiers: a session, unit or cluster may be spelled with an address."""

from __future__ import annotations

from imp_consent.identity.hashing import keyed_hash

__all__ = ["cluster_key", "enrolment_key", "session_key", "unit_key"]

_LENGTH = 16


def session_key(event_secret: bytes, channel: str, session: str) -> bytes:
    """A session's id: HMAC(k_event, "session" ‖ 0x00 ‖ 0x00 ‖ channel ‖ 0x00 ‖ session)[:16]."""
    return _keyed(event_secret, f"session\x00\x00{channel}\x00{session}")


def unit_key(event_secret: bytes, unit_kind: str, unit: str) -> bytes:
    """A unit's id, where the unit is not the subject: HMAC(k_event, "unit" ‖ 0x00 ‖ 0x00 ‖ kind ‖ 0x00 ‖ unit)[:16]."""
    return _keyed(event_secret, f"unit\x00\x00{unit_kind}\x00{unit}")


def cluster_key(event_secret: bytes, cluster: str) -> bytes:
    """A cluster's id: HMAC(k_event, "cluster" ‖ 0x00 ‖ 0x00 ‖ cluster)[:16]."""
    return _keyed(event_secret, f"cluster\x00\x00{cluster}")


def enrolment_key(event_secret: bytes, experiment: str, phase: int, unit: str) -> bytes:
    """By what a unit is counted once: HMAC(k_event, "enrol" ‖ 0x00 ‖ 0x00 ‖ experiment, phase and unit)[:16].

    0x00 stands between those three. The two null bytes keep all of these apart from the ids of events, whose channel
    is never followed by two.
    """
    return _keyed(event_secret, f"enrol\x00\x00{experiment}\x00{phase}\x00{unit}")


def _keyed(secret: bytes, text: str) -> bytes:
    return keyed_hash(secret, text.encode())[:_LENGTH]
