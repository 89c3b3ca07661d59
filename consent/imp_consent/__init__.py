"""Consent ledger, gate and data plane: everything that touches people's data."""
