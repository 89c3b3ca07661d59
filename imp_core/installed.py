"""Which plugins are installed, where each stands, and the wall around whatever runs of them."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from imp_core.discovery import Entry, entries
from imp_core.errors import ImpError, PluginBroken
from imp_core.manifest_file import MANIFEST_NAME, find_manifest
from imp_core.wall.alarm import Watch, watched
from imp_core.wall.egress import Egress
from imp_core.wall.kin import Family
from imp_core.wall.place import place_of
from imp_core.wall.walled import walled
from imp_core.wall.words import masked, shown_text, type_name

if TYPE_CHECKING:
    from imp_core.manifest import Manifest

__all__ = ["ALWAYS_ON", "GROUP", "PluginState", "PluginStatus", "contained", "discover"]

GROUP = "imp.plugins"
# How long a plugin may take to be imported, or to answer one hook.
CONTAINED_SECONDS = 10.0
# Not channels: the parts of the framework itself. They enter by the same door as a stranger's.
ALWAYS_ON = frozenset({"imp-consent", "imp-experiments", "imp-demo"})
# It becomes a table's name in imp.toml and a word on the command line.
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_REFERENCE = re.compile(r"(?P<module>\w+(?:\.\w+)*)\s*(?P<attribute>:\s*[\w.]+)?\s*(?:\[.*\])?")

T = TypeVar("T")


class PluginState(StrEnum):
    """Where a plugin stands. Nothing of a plugin runs unless it is loaded."""

    LOADED = "loaded"
    DISABLED = "not enabled"
    CHANGED = "changed since enabled"
    WITHOUT = "left out by --without"
    BROKEN = "broken"


_MEND = "mend, update or uninstall it"
_REMEDIES = {
    PluginState.LOADED: "",
    PluginState.DISABLED: "nothing of it runs before: imp plugin enable {name}",
    PluginState.CHANGED: "look at it and enable it again: imp plugin show {name}; imp plugin enable {name}",
    PluginState.WITHOUT: "run it without the option --without {name}",
}


@dataclass(slots=True)
class PluginStatus:
    """One installed plugin: its name, distribution, version, where it stands and why."""

    name: str
    distribution: str
    version: str
    module: str
    state: PluginState = PluginState.DISABLED
    problem: str | None = None
    mend: str | None = None
    # How long its import took, and which of `sys.modules` it brought (from, to): they stand in the order of import.
    load_seconds: float | None = None
    loaded_span: tuple[int, int] = (0, 0)

    @property
    def always_on(self) -> bool:
        """Whether it is part of the framework rather than a channel to be enabled."""
        # Any distribution can put on a name; it is the framework's only where it brings the framework's own module.
        return self.distribution in ALWAYS_ON and self.module == f"{self.distribution.replace('-', '_')}.plugin"

    def manifest(self) -> Manifest | None:
        """What the plugin declared, read without importing it.

        Raises:
            PluginBroken: the manifest cannot be read.
        """
        from imp_core.manifest import read_manifest  # noqa: PLC0415 (`imp --help` only compares hashes)

        return read_manifest(self.package)

    def declared(self) -> Manifest:
        """Its manifest, which it must have to be enabled.

        Raises:
            PluginBroken: there is none, it cannot be read, or it is of another name.
        """
        where = f"{self.package}/{MANIFEST_NAME}"
        manifest = self.manifest()
        if manifest is None:
            raise PluginBroken("it carries no manifest", mend=f"its package must hold {where}")
        if manifest.name != self.name:
            found = masked(shown_text(manifest.name))
            raise PluginBroken(
                f"its manifest is of {found}, not {self.name}",
                where=where,
                mend=f'write name = "{self.name}" in {where}',
            )
        return manifest

    @property
    def package(self) -> str:
        """Its package, in which the manifest is."""
        return self.module.partition(".")[0]

    def manifest_sha256(self) -> str | None:
        """The SHA-256 of the manifest's bytes; None where there is none.

        Raises:
            PluginBroken: the manifest cannot be read.
        """
        data = find_manifest(self.package)
        return None if data is None else hashlib.sha256(data).hexdigest()

    def modules(self) -> tuple[str, ...]:
        """The modules its import brought into this process; what was there before is not among them."""
        return tuple(sorted(list(sys.modules)[slice(*self.loaded_span)]))

    def fail(self, problem: str, *, mend: str | None = None) -> None:
        """Note that it is broken; what was found first stays."""
        if self.state is not PluginState.BROKEN:
            self.state, self.problem, self.mend = PluginState.BROKEN, problem, mend

    def fail_by(self, error: ImpError) -> None:
        """Note that it is broken by what core says of it."""
        parts = error.diagnostics()
        mend = error.mend or (f"mend {error.where}" if error.where else None)
        self.fail("; ".join(parts[name] for name in ("what", "where") if name in parts), mend=mend)

    def remedy(self) -> str | None:
        """What lets it run, or how it is mended; None where nothing stands in its way."""
        if self.state is PluginState.BROKEN:
            return f"{self.mend or _MEND}; then: imp plugin check {self.name}"
        return _REMEDIES[self.state].format(name=self.name) or None


def discover() -> list[PluginStatus]:
    """Every installed plugin by its entry point, sorted by name; imports nothing of theirs."""
    found = [_status(entry) for entry in entries(GROUP)]
    return sorted(found, key=lambda status: (status.name, status.distribution))


def contained(status: PluginStatus, action: Callable[[], T]) -> T | None:
    """Run something of a plugin's; whatever it raises breaks this plugin only, and it prints to standard error.

    It may connect to nothing, and not take longer than `CONTAINED_SECONDS`. Of what it raised only the type is kept
    and where in its own code: a stranger's message may hold anything.
    """
    egress = Egress()
    watch = Watch()
    try:
        with walled(Family(), egress), watched(CONTAINED_SECONDS) as watch:
            answer = action()
    except BaseException as error:  # (SystemExit too: one broken plugin never breaks imp)
        if isinstance(error, KeyboardInterrupt) and watch.interrupted:
            raise
        place = place_of(error, status.package)
        what = f"{type_name(error)} at {place}" if place else type_name(error)
        status.fail(f"{egress.refused or what} while loading or registering", mend=place and f"look at {place}")
        return None
    if egress.refused is not None:
        status.fail(f"{egress.refused} while loading or registering")
        return None
    return answer


def _status(entry: Entry) -> PluginStatus:
    reference = _REFERENCE.fullmatch(entry.value)
    status = PluginStatus(
        name=entry.name,
        distribution=entry.distribution or "",
        version=entry.version or "",
        module=reference["module"] if reference else "",
    )
    # What cannot be printed could repaint a terminal.
    if reference is None or not entry.distribution or not (status.distribution + status.version).isprintable():
        status.distribution = status.version = status.module = ""
        status.fail("its metadata cannot be read")
    elif reference["attribute"]:
        status.fail("its entry point must name a module, not something in it")
    if not _NAME.fullmatch(status.name):
        status.name = ascii(status.name)
        status.fail("its name is not made of small letters, digits, - and _")
    return status
