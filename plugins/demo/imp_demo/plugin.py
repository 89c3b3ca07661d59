"""The entry point of imp-demo: one command."""

from __future__ import annotations

from imp_core.hookspecs import CommandRef, hookimpl

__all__ = ["imp_register_commands"]


@hookimpl
def imp_register_commands() -> list[CommandRef]:
    """`imp demo`."""
    return [
        CommandRef(
            name="demo", target="imp_demo.command:demo_command", help="See the whole idea work on generated data."
        )
    ]
