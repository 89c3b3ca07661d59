"""The contract of channel plugins: what a channel declares (`ChannelInfo`), does (`Channel`) and answers.

Every type is a frozen, slotted, keyword-only dataclass that later versions only add fields to, with defaults. Core
calls the methods directly on one plugin, never by broadcast, and awaits what is awaitable: each may be `async`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from imp_core.channel.batch import (
        Batch,
        Content,
        Conversion,
        ConversionBatch,
        Exposure,
        ExposureBatch,
        PeopleBatch,
        PersonRow,
        Recipient,
    )
    from imp_core.channel.context import ChannelContext, DeliveryContext
    from imp_core.channel.errors import (
        AuthInvalid,
        ChannelError,
        NotGranted,
        PayloadInvalid,
        Permanent,
        RateLimited,
        Retryable,
    )
    from imp_core.channel.inbound import Source, SpendPage, SpendRow, Window
    from imp_core.channel.info import (
        SPEC_VERSION,
        BatchLimit,
        Capability,
        ChannelInfo,
        ContentFormat,
        IdentifierSpec,
        RateLimit,
        Support,
    )
    from imp_core.channel.methods import METHODS
    from imp_core.channel.protocol import (
        Channel,
        Delivers,
        HearsExposures,
        HearsWithdrawals,
        Ingests,
        Polls,
        Reports,
        SendsConversions,
        SyncsAudience,
    )
    from imp_core.channel.report import (
        CheckResult,
        DeliveryReport,
        DeliveryStatus,
        JobRef,
        JobState,
        JobStatus,
        Plan,
        Preview,
        RowStatus,
    )

__all__ = [
    "METHODS",
    "SPEC_VERSION",
    "AuthInvalid",
    "Batch",
    "BatchLimit",
    "Capability",
    "Channel",
    "ChannelContext",
    "ChannelError",
    "ChannelInfo",
    "CheckResult",
    "Content",
    "ContentFormat",
    "Conversion",
    "ConversionBatch",
    "Delivers",
    "DeliveryContext",
    "DeliveryReport",
    "DeliveryStatus",
    "Exposure",
    "ExposureBatch",
    "HearsExposures",
    "HearsWithdrawals",
    "IdentifierSpec",
    "Ingests",
    "JobRef",
    "JobState",
    "JobStatus",
    "NotGranted",
    "PayloadInvalid",
    "PeopleBatch",
    "Permanent",
    "PersonRow",
    "Plan",
    "Polls",
    "Preview",
    "RateLimit",
    "RateLimited",
    "Recipient",
    "Reports",
    "Retryable",
    "RowStatus",
    "SendsConversions",
    "Source",
    "SpendPage",
    "SpendRow",
    "Support",
    "SyncsAudience",
    "Window",
]

_HOMES: Final[Mapping[str, tuple[str, ...]]] = {
    "batch": (
        "Batch",
        "Content",
        "Conversion",
        "ConversionBatch",
        "Exposure",
        "ExposureBatch",
        "PeopleBatch",
        "PersonRow",
        "Recipient",
    ),
    "context": (
        "ChannelContext",
        "DeliveryContext",
    ),
    "errors": (
        "AuthInvalid",
        "ChannelError",
        "NotGranted",
        "PayloadInvalid",
        "Permanent",
        "RateLimited",
        "Retryable",
    ),
    "inbound": (
        "Source",
        "SpendPage",
        "SpendRow",
        "Window",
    ),
    "info": (
        "SPEC_VERSION",
        "BatchLimit",
        "Capability",
        "ChannelInfo",
        "ContentFormat",
        "IdentifierSpec",
        "RateLimit",
        "Support",
    ),
    "methods": ("METHODS",),
    "protocol": (
        "Channel",
        "Delivers",
        "HearsExposures",
        "HearsWithdrawals",
        "Ingests",
        "Polls",
        "Reports",
        "SendsConversions",
        "SyncsAudience",
    ),
    "report": (
        "CheckResult",
        "DeliveryReport",
        "DeliveryStatus",
        "JobRef",
        "JobState",
        "JobStatus",
        "Plan",
        "Preview",
        "RowStatus",
    ),
}
_HOME_OF: Final = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """A type, from the module that holds it: an entry point that only names `Channel` loads nothing else."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    found: object = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = found
    return found
