"""The conformance class: one test method for each rule that applies to a channel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from imp_core.channel import METHODS, Channel, ChannelInfo
from imp_core.errors import ImpError
from imp_testkit.bench import Bench
from imp_testkit.check import Check, Ground
from imp_testkit.checks import CHECKS, failing
from imp_testkit.checks.declaring import test_it_is_a_channel as _is_a_channel
from imp_testkit.fixtures import Fixtures

__all__ = ["conformance"]

_PROVOKED = frozenset(failing.__all__)


def conformance(channel: Callable[[], Channel], *, fixtures: Fixtures) -> type:
    """Make a pytest class that holds a channel to the contract.

    Its one line: `TestSmsAcme = conformance(SmsAcme, fixtures=Fixtures(package="imp_channel_sms_acme", …))`.

    `channel` makes a new one for each check, so the class itself will do. A rule that does not apply to what the
    channel declares has no method; what the fixtures lack for one that does is a failing test of its own.
    """
    made = channel()
    info: object = getattr(made, "info", None)
    checks: tuple[Check, ...] = (_is_a_channel,)  # without its declaration nothing else can be asked
    if isinstance(info, ChannelInfo):
        names = ("check", "forget", *(name for group in METHODS.values() for name in group))
        methods = frozenset(name for name in names if callable(getattr(made, name, None)))
        ground = Ground(info=info, fixtures=fixtures, methods=methods)
        checks = tuple(check for check in CHECKS if check.applies(ground))
    namespace = {check.name: _method(check, channel, fixtures) for check in checks}
    return type("Conformance", (), {"__doc__": f"The contract of channels, held against {channel!r}.", **namespace})


def _method(check: Check, channel: Callable[[], Channel], fixtures: Fixtures) -> Callable[[object, Path], None]:
    def method(_: object, tmp_path: Path) -> None:
        __tracebackhide__ = True
        with Bench(channel, fixtures, tmp_path) as bench:
            _run(check, bench)

    method.__name__ = check.name
    method.__qualname__ = f"Conformance.{check.name}"
    method.__doc__ = check.rule
    return method


def _run(check: Check, bench: Bench) -> None:
    __tracebackhide__ = True
    try:
        check.run(bench)
    except pytest.fail.Exception as failed:
        message = f"{check.rule}\n{_because(check, bench, str(failed.msg))}"
    except ImpError as error:
        message = f"{check.rule}\n  found: the channel broke: {bench.why(error)}\n  mend: see the error it raised"
    else:
        return
    pytest.fail(message, pytrace=False)


def _because(check: Check, bench: Bench, said: str) -> str:
    """A check's own words; where the channel simply raised that comes first, for the mend is of another fault."""
    if bench.broke is None:
        return said
    # Where the peer was told to fail, what to raise instead is just what the check's mend says.
    rest, _, mend = said.partition("\n  mend: ")
    mend = f"  mend: {mend}" if check.name in _PROVOKED else "  mend: look where it was raised"
    return f"  found: {bench.broke}\n{rest.replace('  found: ', '  so: ', 1)}\n{mend}"
