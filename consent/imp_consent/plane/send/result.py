"""What a send answers: every row of the audience counted once, nobody named but by row number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from imp_consent.plane.send.campaign import Campaign
from imp_consent.plane.send.candidate import Tally

__all__ = ["PlanResult", "PreviewResult", "SendResult"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewResult:
    """How one content would look, with made-up fields."""

    content: str
    parts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanResult:
    """What the channel says a send would take. `cost` is decimal text, None where unknown."""

    messages: int
    cost: str | None
    currency: str | None
    previews: tuple[PreviewResult, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SendResult:
    """What became of an audience: audience = malformed + refused + before + held_out + sent (+ to_send in a dry run).

    `refused` by reason, `before` by what became of people in earlier runs, `sent` by what becomes of them in this one
    (`deferred`: nobody took it; run again). `in_doubt_rows` are rows of the audience, of this and earlier runs, that
    may or may not have been reached: they are sent nothing again unless asked. `contents` counts this run's messages by
    content, `codes` the peer's codes by status where it said no yes, `exposed` new exposures. `recovered` chunks were
    left open by a killed run and are closed now.
    """

    campaign: str
    channel: str
    step: str
    purpose: str
    definition_sha256: str
    executed: bool
    audience: int
    malformed: int
    refused: Mapping[str, int]
    before: Mapping[str, int]
    held_out: int
    to_send: int = 0
    sent: Mapping[str, int] = field(default_factory=dict)
    contents: Mapping[str, int] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    exposed: int = 0
    in_doubt_rows: tuple[int, ...] = ()
    recovered: int = 0
    plan: PlanResult | None = None
    problems: tuple[str, ...] = ()
    stopped: bool = False

    @property
    def complete(self) -> bool:
        """Whether everybody who is to be sent to was, and this run left nobody in doubt and found none."""
        unsettled = ("deferred", "failed", "in_doubt")
        found = self.recovered and self.before.get("in_doubt")
        return not (self.stopped or self.problems or found or any(self.sent.get(name) for name in unsettled))

    @classmethod
    def of(cls, campaign: Campaign, tally: Tally, *, executed: bool, **more: object) -> SendResult:
        """The answer from a tally."""
        return cls(
            campaign=campaign.name,
            channel=campaign.channel,
            step=campaign.step,
            purpose=campaign.purpose,
            definition_sha256=campaign.sha256,
            executed=executed,
            audience=tally.audience,
            malformed=tally.malformed,
            refused=dict(sorted(tally.refused.items())),
            before=dict(sorted(tally.before.items())),
            held_out=tally.held_out,
            sent={name: n for name, n in sorted(tally.sent.items()) if n},
            contents=dict(sorted(tally.contents.items())),
            codes={status: dict(sorted(codes.items())) for status, codes in sorted(tally.codes.items())},
            exposed=tally.exposed,
            in_doubt_rows=tuple(sorted(tally.in_doubt)),
            **more,  # type: ignore[arg-type]  # the rest of the fields, by name
        )
