"""What was spent, day by day, as channels report it. Nobody's data: no subject, no identifier."""

from imp_consent.plane.spend.fact import SpendFact, SpendKey, read_fact
from imp_consent.plane.spend.fetch import fetch_pages
from imp_consent.plane.spend.table import Stored, Taken, read_spend, take_spend

__all__ = ["SpendFact", "SpendKey", "Stored", "Taken", "fetch_pages", "read_fact", "read_spend", "take_spend"]
