"""What a channel declares, and what its manifest says of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from imp_core.channel import METHODS, SPEC_VERSION, Capability, Channel, ChannelInfo, IdentifierSpec, Support
from imp_core.errors import ImpError
from imp_core.gate import Action
from imp_core.manifest import Manifest
from imp_testkit.bench import Bench
from imp_testkit.check import check, require

__all__ = [
    "test_every_declared_capability_has_its_methods",
    "test_every_method_belongs_to_a_declared_capability",
    "test_it_is_a_channel",
    "test_its_manifest_says_what_the_channel_says",
    "test_the_fixtures_bring_what_the_checks_need",
    "test_what_it_declares_is_of_the_declared_types_and_within_bounds",
]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_MOST_ROWS = 500


@check()
def test_it_is_a_channel(bench: Bench) -> None:
    """A channel has `info`, a ChannelInfo, and the methods `check` and `forget`."""
    missing = [name for name in ("check", "forget") if not callable(getattr(bench.watched.channel, name, None))]
    info: object = getattr(bench.watched.channel, "info", None)
    require(type(info) is ChannelInfo, f"info is {type(info).__name__}", "make it an imp_core.channel.ChannelInfo")
    found = f"no {' and no '.join(missing)}"
    require(not missing, found, "write them: every channel can say whether it works, and forgets who was erased")
    require(isinstance(bench.watched.channel, Channel), "not a Channel", "see imp_core.channel.Channel")


@check()
def test_what_it_declares_is_of_the_declared_types_and_within_bounds(bench: Bench) -> None:
    """Every field of ChannelInfo holds what its type says, and nothing that could never be."""
    wrong = list(_wrong(bench.info))
    require(not wrong, ", ".join(wrong), "see the types in imp_core.channel.info")


@check()
def test_its_manifest_says_what_the_channel_says(bench: Bench) -> None:
    """The operator sees the manifest before anything runs, so it says what the code declares: no more, no less."""
    try:
        manifest = bench.manifest
    except ImpError as error:
        require(kept=False, found=str(error), mend="write it as plugins/file's imp-plugin.toml is written")
        return
    found = f"no imp-plugin.toml in the package {bench.fixtures.package}"
    require(manifest is not None, found, "put it beside the code, and name its package in the fixtures")
    if manifest is not None:
        apart = list(_apart(manifest, bench.info))
        require(not apart, "; ".join(apart), "let imp-plugin.toml and ChannelInfo say the same")


@check()
def test_every_declared_capability_has_its_methods(bench: Bench) -> None:
    """What `supports` declares full or partial can be called."""
    missing = [
        f"{capability} without {name}"
        for capability, names in METHODS.items()
        for name in names
        if bench.info.serves(capability) and not callable(getattr(bench.watched.channel, name, None))
    ]
    require(not missing, ", ".join(missing), "write the method, or declare Support.NONE")


@check()
def test_every_method_belongs_to_a_declared_capability(bench: Bench) -> None:
    """Core never calls a method whose capability is not declared; whoever wrote it will think it does."""
    unsaid = [
        name
        for capability, names in METHODS.items()
        for name in names
        if not bench.info.serves(capability) and callable(getattr(bench.watched.channel, name, None))
    ]
    require(not unsaid, ", ".join(unsaid), "declare its capability in ChannelInfo.supports, or remove the method")


@check()
def test_the_fixtures_bring_what_the_checks_need(bench: Bench) -> None:
    """No check is left out unnoticed: what a channel declares, the fixtures let the kit try."""
    info, fixtures = bench.info, bench.fixtures
    delivers = info.serves(Capability.DELIVER)
    needs = {
        "peer": delivers and fixtures.peer is None,
        "identity_of": delivers and fixtures.identity_of is None,
        "inbound": info.serves(Capability.INGEST) and not fixtures.inbound,
        "spend": info.serves(Capability.REPORT) and not fixtures.spend,
    }
    missing = [name for name, lacking in needs.items() if lacking]
    require(not missing, f"Fixtures without {', '.join(missing)}", "see imp_testkit.Fixtures for what each is")
    unnamed = sorted(fixtures.secrets.keys() - bench.secrets.keys())
    found = f"Fixtures.secrets that the manifest does not name: {', '.join(unnamed)}"
    require(not unnamed, found, "name them in imp-plugin.toml, secrets = [...]: core hands over no others")
    meets = delivers or info.serves(Capability.SYNC_AUDIENCE)
    found = "Fixtures.remembers of a channel that is handed nobody"
    require(meets or fixtures.remembers is None, found, "leave it out: nothing could be seen by it")


def _apart(manifest: Manifest, info: ChannelInfo) -> Iterator[str]:
    yield from _differing("name", [manifest.name], [info.name])
    yield from _differing("spec_version", [manifest.spec_version], [info.spec_version])
    yield from _differing("identifiers", manifest.identifiers, [spec.kind for spec in info.identifiers])
    yield from _differing("hosts", manifest.hosts, info.hosts)
    for action in Action:
        yield from _differing(f"purposes to {action}", manifest.purposes.get(action, ()), info.purposes.get(action, ()))
    for capability, asked in manifest.hears().items():
        yield from _differing(str(capability), [asked], [info.serves(capability)])


def _differing(what: str, shown: Iterable[object], declared: Iterable[object]) -> Iterator[str]:
    said, meant = {str(item) for item in shown}, {str(item) for item in declared}
    if said - meant:
        yield f"{what}: the manifest alone has {', '.join(sorted(said - meant))}"
    if meant - said:
        yield f"{what}: the channel alone has {', '.join(sorted(meant - said))}"


def _wrong(info: ChannelInfo) -> Iterator[str]:
    facts = {
        "name": _NAME.fullmatch(str(info.name)),
        "version": str(info.version).strip(),
        "spec_version": info.spec_version == SPEC_VERSION,
        "purposes": _are_purposes(info.purposes),
        "identifiers": _are(info.identifiers, IdentifierSpec),
        "stages": _are(info.stages, str),
        "hosts": _are(info.hosts, str),
        "content_formats": _are_formats(info),
        "rate": _is_rate(info),
        "batch": _is_batch(info),
        "supports": all(type(c) is Capability and type(s) is Support for c, s in info.supports.items()),
    }
    yield from (name for name, right in facts.items() if not right)


def _are(items: object, kind: type) -> bool:
    if not isinstance(items, Sequence) or isinstance(items, str):
        return False
    return all(isinstance(item, kind) for item in items)


def _are_purposes(purposes: object) -> bool:
    if not isinstance(purposes, Mapping):
        return False
    return all(type(action) is Action and _are(names, str) for action, names in purposes.items())


def _are_formats(info: ChannelInfo) -> bool:
    names = [part.name for part in info.content_formats]
    limits = [part.max_chars for part in info.content_formats if part.max_chars is not None]
    return len(names) == len(set(names)) and all(type(most) is int and most > 0 for most in limits)


def _is_rate(info: ChannelInfo) -> bool:
    return (info.rate.per_second is None or info.rate.per_second > 0) and info.rate.burst >= 1


def _is_batch(info: ChannelInfo) -> bool:
    return 1 <= info.batch.rows <= _MOST_ROWS and info.batch.connections >= 1
