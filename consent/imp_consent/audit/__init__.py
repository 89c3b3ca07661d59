"""Verification: the ledger, its rows and its files against the leaves' bytes and the checkpoint outside."""
