"""A check: a rule of the contract, when it applies, and what runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from imp_core.channel import METHODS, Capability, ChannelInfo
from imp_core.gate import Action
from imp_testkit.bench import Bench, is_marketing
from imp_testkit.fixtures import Fixtures
from imp_testkit.peer import Fault

__all__ = ["Check", "Ground", "always", "check", "holds", "require"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What is known of a channel before any check runs: what it declares, which methods it has, its fixtures."""

    info: ChannelInfo
    fixtures: Fixtures
    methods: frozenset[str]

    def serves(self, capability: Capability) -> bool:
        """Whether it declares a capability and has its methods; one without the other fails a check of its own."""
        return self.info.serves(capability) and self.methods.issuperset(METHODS[capability])

    @property
    def plans(self) -> bool:
        """Whether it has a dry run."""
        return self.serves(Capability.DELIVER)

    @property
    def delivers(self) -> bool:
        """Whether it delivers, and to a peer that can be looked at."""
        return self.serves(Capability.DELIVER) and self.fixtures.peer is not None

    def delivers_under(self, fault: Fault) -> bool:
        """Whether it delivers to a peer that can fail so."""
        return self.delivers and fault in self.fixtures.faults

    @property
    def remembers(self) -> bool:
        """Whether it can be seen what it keeps of people it meets."""
        meets = self.delivers if self.plans else self.serves(Capability.SYNC_AUDIENCE)
        return self.fixtures.remembers is not None and "forget" in self.methods and meets

    @property
    def markets(self) -> bool:
        """Whether it may deliver what a person can withdraw from: marketing."""
        return any(is_marketing(name) for name in self.info.purposes.get(Action.ACTIVATE, ()))

    @property
    def mails(self) -> bool:
        """Whether what it delivers is e-mail."""
        return any(spec.kind == "email" for spec in self.info.identifiers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One test method of the conformance class: its name, its rule, and where it applies."""

    name: str
    rule: str
    run: Callable[[Bench], None]
    applies: Callable[[Ground], bool]


def always(_: Ground) -> bool:
    """Applies to every channel."""
    return True


def check(applies: Callable[[Ground], bool] = always) -> Callable[[Callable[[Bench], None]], Check]:
    """Make a check of a function: its name is the test's, its docstring the rule."""

    def make(run: Callable[[Bench], None]) -> Check:
        return Check(name=run.__name__, rule=(run.__doc__ or "").strip(), run=run, applies=applies)

    return make


def holds(item: object, kind: type, /, **fields: type) -> bool:
    """Whether an object is exactly of a kind and its fields of theirs: annotations bind nobody at run time."""
    return type(item) is kind and all(type(getattr(item, name)) is wanted for name, wanted in fields.items())


def require(kept: object, found: str, mend: str) -> None:
    """Fail the check at hand unless its rule is kept; says what was found and how to mend it."""
    __tracebackhide__ = True
    if not kept:
        pytest.fail(f"  found: {found}\n  mend: {mend}", pytrace=False)
