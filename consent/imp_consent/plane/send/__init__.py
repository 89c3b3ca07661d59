"""The only way out to people: gate and `send-intent` in one transaction, delivery, `send-close`; at most once each."""

from imp_consent.plane.send.campaign import MESSAGE, Campaign, read_campaign
from imp_consent.plane.send.candidate import AudienceRow, Candidate, Screen, Tally
from imp_consent.plane.send.chunk import FRESH_SECONDS, Carrier, plan_batch
from imp_consent.plane.send.lost import refuse_lost
from imp_consent.plane.send.recover import Recovered, recover
from imp_consent.plane.send.result import PlanResult, PreviewResult, SendResult
from imp_consent.plane.send.send import CHUNK, WINDOW, Sender, windows

__all__ = [
    "CHUNK",
    "FRESH_SECONDS",
    "MESSAGE",
    "WINDOW",
    "AudienceRow",
    "Campaign",
    "Candidate",
    "Carrier",
    "PlanResult",
    "PreviewResult",
    "Recovered",
    "Screen",
    "SendResult",
    "Sender",
    "Tally",
    "plan_batch",
    "read_campaign",
    "recover",
    "refuse_lost",
    "windows",
]
