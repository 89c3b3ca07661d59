"""The tree's inner nodes, which proofs are made from, against those that follow from the leaves."""

from __future__ import annotations

import sqlite3

from imp_consent.audit.leaves import Leaves
from imp_consent.audit.problem import Problems, row_place

__all__ = ["check_nodes"]


def check_nodes(sql: sqlite3.Connection, leaves: Leaves, problems: Problems) -> None:
    """Every complete subtree at every eighth level has its node, with the root of its leaves, and no other is there."""
    missing = dict(leaves.nodes)
    for level, number, stored in sql.execute("SELECT level, number, hash FROM node ORDER BY level, number"):
        expected = missing.pop((level, number), None)
        place = row_place("node", (level, number))
        if expected is None:
            problems.report("node.unknown", place, "the tree has no such complete subtree")
        elif stored != expected:
            problems.report("node.hash", place, "the node is not the root of its leaves")
    for key in missing:
        problems.report("node.missing", row_place("node", key), "the node of a complete subtree is missing")
