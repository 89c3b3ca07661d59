"""Which DPV 2 terms say what our words say; what DPV has no term for is in our own namespace, `imp:`.

Consent states and types are those of the DPV guide to ISO/IEC TS 27560; a term is never stretched to what it does not
mean: an objection, a restriction or an opt-out signal is no state of consent, and stands beside the states.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = [
    "ACTS",
    "BASES",
    "CONDITIONS",
    "CONSENT_STATES",
    "CONSENT_TYPES",
    "INVALIDATED",
    "OTHER_EVENTS",
    "PURPOSE_TYPES",
]

# What somebody did to say so, as records without names tell it: any other words may name somebody.
ACTS: Final = frozenset(
    {"button", "call", "checkbox", "click", "form", "letter", "paper", "phone", "reply", "signature", "sms", "spoken",
     "tick", "ticked a box", "toggle", "unsubscribe"}
)  # fmt: skip
# The conditions that the packaged law has of a basis or a lift; somebody's own words for one stay behind too.
CONDITIONS: Final = frozenset(
    {"assessment", "compelling-grounds", "evidence", "law", "no-opt-out", "no-swap", "no-withdrawal",
     "not-before-a-no", "notified", "opt-out-at-collection", "opt-out-in-messages", "own-request", "public-source",
     "sale", "same-controller", "similar-goods"}
)  # fmt: skip
CONSENT_STATES: Final[Mapping[str, str]] = {
    "grant": "dpv:ConsentGiven",
    "refuse": "dpv:ConsentRefused",
    "withdraw": "dpv:ConsentWithdrawn",
}
# What was given for several purposes at once is no consent to any of them (GDPR 7(2)), and stays on record as this.
INVALIDATED: Final = "dpv:ConsentInvalidated"
# A separate consent (PIPL 23, 25, 29, 39) is more than an explicit one: asked for by itself.
CONSENT_TYPES: Final[Mapping[str | None, tuple[str, ...]]] = {
    None: ("dpv:ExpressedConsent",),
    "explicit": ("dpv:ExplicitlyExpressedConsent",),
    "separate": ("dpv:ExplicitlyExpressedConsent", "imp:SeparateConsent"),
}
OTHER_EVENTS: Final[Mapping[str, str]] = {
    "object": "imp:Objection",
    "restrict": "imp:Restriction",
    "limit-sensitive": "imp:LimitOnSensitiveData",
    "lift": "imp:Lifting",
    "basis": "imp:BasisOtherThanConsent",
    "guardian": "imp:GuardianAuthorisation",
    "minor": "imp:UnderAge",
    "signal": "imp:OptOutSignal",
    "lost": "imp:RecordLost",
}
BASES: Final[Mapping[str, str]] = {
    "contract": "dpv:ContractPerformance",
    "legal-obligation": "dpv:LegalObligation",
    "vital-interest": "dpv:VitalInterest",
    "public-task": "dpv:PublicInterest",
    "legitimate-interest": "dpv:LegitimateInterest",
}
# A purpose's type (6.3.4.4), by the trait that says most about it; the first that it has.
PURPOSE_TYPES: Final[Mapping[str, str]] = {
    "essential": "dpv:ServiceProvision",
    "targeted-advertising": "dpv:TargetedAdvertising",
    "direct-marketing": "dpv:DirectMarketing",
    "profiling": "dpv:Personalisation",
}
