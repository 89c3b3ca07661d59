"""What an audit period comes to, for people who were not there: figures, each with the entries it stands on."""

from __future__ import annotations

from imp_consent.report.build import build_report
from imp_consent.report.report import SCHEMA_ID, Report

__all__ = ["SCHEMA_ID", "Report", "build_report"]
