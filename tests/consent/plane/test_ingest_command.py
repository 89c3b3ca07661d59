"""`imp ingest` as its user sees it: summaries, exit codes, rejects, and plugins that break."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from imp_consent.commands.ingest import ingest
from imp_consent.commands.rejects import rejects_file
from imp_core.channel import Capability, ChannelContext, ChannelInfo, CheckResult, IdentifierSpec, Source, Support
from imp_core.context import Context
from imp_core.errors import BadInput, ImpError, PluginBroken
from imp_core.event import EventType, RawEvent, RawId, RowFault
from imp_core.gate import Action

HEADER = "type,identifier,at,purpose,id,experiment,variant\n"
GOOD = "exposure,member:1,2026-02-01T00:00:00Z,experimentation,a,exp,x\n"
UNKNOWN = "exposure,member:2,2026-02-01T00:00:00Z,experimentation,b,exp,y\n"
FUTURE = "exposure,member:1,2027-02-01T00:00:00Z,experimentation,c,exp,x\n"
NO_VARIANT = "exposure,member:1,2026-02-01T00:00:00Z,experimentation,d,exp,\n"


@pytest.fixture
def line(imp_here, tmp_path: Path):
    """The command line in a workspace that knows one member and has the file channel enabled."""
    imp_here("init", str(imp_here.workspace), "--controller", "Shop").ok()
    imp_here("plugin", "enable", "file").ok()
    consent = ("consent", "record", "member:1", "--purpose", "experimentation", "--state", "given")
    imp_here(*consent, "--at", "2026-01-01T00:00:00Z").ok()
    return imp_here


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    def written(*rows: str, name: str = "events.csv") -> str:
        path = tmp_path / name
        path.write_text(HEADER + "".join(rows))
        return str(path)

    return written


def _state(line) -> object:
    status = line("status", "--json").ok().json
    files = sorted(path.name for name in ("archive", "tmp") for path in (line.workspace / name).glob("*"))
    return status["entries"], status["archive_rows"], files


def test_the_summary_counts_what_came_in_and_what_was_denied_by_reason(line, write):
    answer = line("ingest", "file", write(GOOD, UNKNOWN)).ok()
    words = [text.rsplit(maxsplit=1) for text in answer.out.splitlines()]
    assert {name.strip(): value for name, value in words} == {
        "received": "2", "admitted": "1", "denied, no_record": "1", "batch": "1", "entry": "4",
    }  # fmt: skip
    assert answer.err == ""


def test_the_json_holds_every_count(line, write):
    found = line("ingest", "file", write(GOOD, UNKNOWN), "--json").ok().json
    assert len(found.pop("source_sha256")) == 64
    assert found == {
        "channel": "file", "batch": 1, "seq": 4, "already": False, "dry_run": False, "received": 2, "admitted": 1,
        "duplicates": 0, "denied": {"no_record": 1}, "rejected": 0, "enrolled": {"admitted": 1, "no_record": 1},
        "signals": 0, "signals_before": 0, "signals_unknown": 0, "mentions": [], "others": [], "props_dropped": 0,
    }  # fmt: skip


def test_the_same_file_again_is_nothing_to_do_and_no_failure(line, write):
    path = write(GOOD)
    line("ingest", "file", path).ok()
    before = _state(line)
    assert "taken before, as batch 1" in line("ingest", "file", path).ok().out
    assert line("ingest", "file", path, "--json").ok().json["already"] is True
    assert _state(line) == before


def test_a_dry_run_says_what_would_come_in_and_takes_nothing(line, write):
    before = _state(line)
    answer = line("ingest", "file", write(GOOD, UNKNOWN), "--dry-run").ok()
    assert "dry run: nothing was taken" in answer.out
    assert "admitted           1" in answer.out
    assert _state(line) == before


def test_bad_rows_stop_everything_with_exit_code_two(line, write):
    before = _state(line)
    path = write(GOOD, FUTURE, NO_VARIANT)
    answer = line("ingest", "file", path)
    assert answer.code == 2
    assert "2 faults" in answer.err
    assert "row 2, at: in the future" in answer.err
    assert "row 3, variant: missing" in answer.err
    assert path in answer.err
    assert "member:1" not in answer.err + answer.out
    assert _state(line) == before


def test_with_rejects_the_good_rows_go_in_and_the_bad_ones_are_written_without_values(line, write, tmp_path: Path):
    rejects = tmp_path / "rejects.csv"
    answer = line("ingest", "file", write(GOOD, FUTURE, NO_VARIANT), "--rejects", str(rejects), "--json").ok()
    assert (answer.json["admitted"], answer.json["rejected"]) == (1, 2)
    with rejects.open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["row", "field", "problem"], ["2", "at", "in the future"], ["3", "variant", "missing"],
        ]  # fmt: skip
    assert rejects.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.glob("*rejects*")) == ["rejects.csv"]


def test_where_no_row_is_good_the_rejects_say_why_and_nothing_is_taken(line, write, tmp_path: Path):
    before, rejects = _state(line), tmp_path / "rejects.csv"
    answer = line("ingest", "file", write(FUTURE), "--rejects", str(rejects))
    assert (answer.code, "no row can be taken" in answer.err) == (2, True)
    assert "in the future" in rejects.read_text()
    assert _state(line) == before


def test_the_rejects_cannot_overwrite_the_source_nor_go_where_nothing_can_be_written(line, write, tmp_path: Path):
    path = write(GOOD)
    content = Path(path).read_text()
    assert line("ingest", "file", path, "--rejects", path).code == 2
    assert Path(path).read_text() == content
    assert line("ingest", "file", path, "--rejects", str(tmp_path / "no" / "where.csv")).code == 2
    assert _state(line)[1] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere", "events.csv"), "no channel of this name"),
        (("file", "absent.csv"), "no such file"),
        (("file", "."), "not a regular file"),
    ],
    ids=str,
)
def test_a_channel_or_file_that_is_not_there_is_wrong_usage(
    line, write, tmp_path, arguments: Sequence[str], words: str
):
    write(GOOD)
    channel, name = arguments
    answer = line("ingest", channel, str(tmp_path / name))
    assert (answer.code, words in answer.err) == (2, True)


def test_without_a_workspace_that_is_what_it_says(imp_here, write):
    refused = imp_here("ingest", "file", write(GOOD))
    assert (refused.code, "no workspace" in refused.err, "not enabled" in refused.err) == (2, True, False)


def test_a_channel_that_is_not_enabled_takes_nothing(line, write):
    line("plugin", "disable", "file").ok()
    answer = line("ingest", "file", write(GOOD))
    assert (answer.code, "not enabled" in answer.err) == (2, True)


def test_outside_a_workspace_there_is_nothing_to_take_into(imp_here, write):
    assert imp_here("ingest", "file", write(GOOD)).code == 2


def test_the_mapping_goes_to_the_channel(line, tmp_path: Path):
    (tmp_path / "visits.csv").write_text("who,when\n1,2026-02-01T00:00:00Z\n")
    (tmp_path / "map.toml").write_text(
        '[identifier]\nkind = "member"\ncolumn = "who"\n[columns]\nat = "when"\n'
        '[defaults]\ntype = "touchpoint"\npurpose = "experimentation"\n'
    )
    arguments = ("ingest", "file", str(tmp_path / "visits.csv"), "--map", str(tmp_path / "map.toml"), "--json")
    assert line(*arguments).ok().json["admitted"] == 1


def test_the_help_shows_an_example(imp_here):
    assert "Example: imp ingest" in imp_here("ingest", "--help").ok().out


@dataclass
class Toy:
    """A channel that hands in what a test says, from a plugin whose manifest a test writes."""

    package = ""

    rows: Callable[[ChannelContext, Source], object]
    declared: Sequence[str] = ("experimentation",)
    kinds: Sequence[str] = ("member",)
    seen: list[ChannelContext] = field(default_factory=list)
    info: ChannelInfo = field(
        default_factory=lambda: ChannelInfo(
            name="toy",
            version="1",
            purposes={Action.COLLECT: ("experimentation", "analytics")},
            identifiers=(IdentifierSpec(kind="member"), IdentifierSpec(kind="email")),
            supports={Capability.INGEST: Support.FULL},
        )
    )

    def check(self, _: ChannelContext) -> CheckResult:
        return CheckResult(ok=True, detail="")

    def ingest(self, ctx: ChannelContext, source: Source) -> object:
        self.seen.append(ctx)
        return self.rows(ctx, source)


@pytest.fixture
def take(line, context: Context, write) -> Iterator[Callable[..., object]]:
    """Take the file in through a toy channel."""

    def taken(toy: Toy, *, manifest: bool = True, config: dict[str, object] | None = None) -> object:
        asked = {"purposes": {"collect": tuple(toy.declared)}, "identifiers": tuple(toy.kinds)}
        shown = SimpleNamespace(**asked, hosts=(), secrets=()) if manifest else None
        workspace = context.workspace
        context.__dict__["workspace"] = replace(workspace, config={**workspace.config, **(config or {})})
        context.__dict__["plugins"] = SimpleNamespace(channel=lambda _: toy, manifest_of=lambda _: shown)
        return ingest(context, "toy", Path(write(GOOD)))

    yield taken
    context.close()


def _event(ctx: ChannelContext, **fields: object) -> RawEvent:
    given = {
        "type": EventType.TOUCHPOINT, "identifier": RawId("member", "1"), "event_us": ctx.now_us, "row": 1,
        "purpose": "experimentation", "message_id": "m1", **fields,
    }  # fmt: skip
    return RawEvent(**given)


@pytest.mark.parametrize("when", ["at once", "midway"])
@pytest.mark.parametrize("error", [ValueError("ann@example.com"), SystemExit("ann@example.com"), MemoryError()])
def test_a_plugin_that_raises_is_named_with_the_errors_type_only(line, take, when: str, error: BaseException):
    def rows(ctx: ChannelContext, source: Source) -> object:
        if when == "at once":
            raise error

        def going() -> Iterator[RawEvent]:
            yield _event(ctx)
            raise error

        return going()

    before = _state(line)
    with pytest.raises(PluginBroken) as caught:
        take(Toy(rows))
    assert type(error).__name__ in caught.value.what
    assert caught.value.where == "toy"
    assert "ann@" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert _state(line) == before


def test_a_plugin_that_answers_with_no_rows_at_all_is_broken(take):
    with pytest.raises(PluginBroken):
        take(Toy(lambda *_: None))


def test_a_plugins_own_word_about_its_source_is_passed_on(take):
    def rows(ctx: ChannelContext, source: Source) -> object:
        raise BadInput("the header is wrong", where=str(source.path))

    with pytest.raises(BadInput, match="the header is wrong"):
        take(Toy(rows))


def test_the_manifest_that_was_enabled_bounds_the_purposes_not_what_the_plugin_says_of_itself(take):
    def rows(ctx: ChannelContext, source: Source) -> object:
        return [_event(ctx, purpose="analytics")]

    with pytest.raises(BadInput, match="does not declare it"):
        take(Toy(rows))


def test_a_channel_whose_plugin_has_no_manifest_is_bound_by_its_own_word(take):
    def rows(ctx: ChannelContext, source: Source) -> object:
        return [_event(ctx, purpose="marketing.email")]

    with pytest.raises(BadInput, match="does not declare it"):
        take(Toy(rows), manifest=False)


@pytest.mark.parametrize("manifest", [True, False])
def test_a_kind_of_identifier_that_is_not_declared_is_not_taken(take, manifest: bool):
    def rows(kind: str, value: str) -> Callable[[ChannelContext, Source], object]:
        return lambda ctx, _: [_event(ctx, identifier=RawId(kind, value))]

    undeclared = ("email", "ann@example.com") if manifest else ("phone", "+8613800138000")
    with pytest.raises(BadInput, match="row 1, identifier: the channel does not declare this kind of identifier"):
        take(Toy(rows(*undeclared)), manifest=manifest)
    assert take(Toy(rows("member", "1")), manifest=manifest).admitted == 1


def test_a_channel_that_takes_nothing_in_is_wrong_usage(take):
    toy = Toy(lambda ctx, _: [_event(ctx)])
    toy.info = replace(toy.info, supports={Capability.INGEST: Support.NONE})
    with pytest.raises(BadInput, match="the channel toy takes nothing in"):
        take(toy)


def test_the_rejects_are_private_from_the_first_byte_and_take_no_other_files_name(line, tmp_path, monkeypatch):
    old = tmp_path / ".rejects.csv.new"
    old.write_text("somebody's")
    path, seen = tmp_path / "rejects.csv", []
    monkeypatch.setattr(Path, "chmod", lambda *_: seen.append("chmod"))
    mask = os.umask(0)
    try:
        with rejects_file(path) as refuse:
            refuse(RowFault(row=1, field="at", problem="missing"))
            (unfinished,) = set(tmp_path.glob(".rejects*")) - {old}
            seen.append(unfinished.stat().st_mode & 0o777)
    finally:
        os.umask(mask)
    assert seen == [0o600]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().splitlines() == ["row,field,problem", "1,at,missing"]
    assert set(tmp_path.glob(".rejects*")) == {old}
    assert old.read_text() == "somebody's"


def test_a_channel_gets_its_settings_and_the_workspace_says_which_properties_stay(take, context: Context):
    toy = Toy(lambda ctx, _: [_event(ctx, props={"device": "phone", "name": "Ann"})])
    result = take(toy, config={"channels": {"toy": {"token": "x"}}, "archive": {"props": ["device"]}})
    assert dict(toy.seen[0].settings) == {"token": "x"}
    assert result.props_dropped == 1


@pytest.mark.parametrize(
    "config", [{"archive": {"props": "device"}}, {"archive": 1}, {"channels": {"toy": 1}}], ids=str
)
def test_settings_of_the_wrong_shape_are_named(take, config: dict[str, object]):
    with pytest.raises(ImpError, match=r"imp\.toml"):
        take(Toy(lambda ctx, _: [_event(ctx)]), config=config)
