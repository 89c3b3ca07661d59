"""The keys of a ledger: what each is for, the ring they form, and where they are kept."""

from imp_consent.identity.keys.environment import MATERIAL, EnvironmentKeys, format_material
from imp_consent.identity.keys.folder import FolderKeys, keys_folder
from imp_consent.identity.keys.guarded import GuardedKeys
from imp_consent.identity.keys.key import FIXED, PURPOSES, Key, KeyState, format_key, parse_key
from imp_consent.identity.keys.ring import CHECKPOINT_NAME, Keyring

__all__ = [
    "CHECKPOINT_NAME",
    "FIXED",
    "MATERIAL",
    "PURPOSES",
    "EnvironmentKeys",
    "FolderKeys",
    "GuardedKeys",
    "Key",
    "KeyState",
    "Keyring",
    "format_key",
    "format_material",
    "keys_folder",
    "parse_key",
]
