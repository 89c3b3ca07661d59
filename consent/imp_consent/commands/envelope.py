"""The envelope, where commands looked for it before the door for writing moved to the policy floor."""

from __future__ import annotations

from imp_consent.policy.envelope import PLUGIN, envelope, uuid7

__all__ = ["PLUGIN", "envelope", "uuid7"]
