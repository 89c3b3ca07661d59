"""A link the wrong way round would lose what the device asks for: it is refused, and one that stands can be ended."""

from __future__ import annotations

from typing import Any

import pytest

from imp_consent.plane.linked import link, people_of
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.event import RawId

Line = Any
MEI, NEW = "member:mei", "device:new"


@pytest.fixture
def line(imp_here: Line) -> Line:
    imp_here("init", imp_here.workspace, "--controller", "Shop Ltd").ok()
    return imp_here


@pytest.mark.parametrize("first", [MEI, "email:mei@example.com", "phone:+8613912345678"])
@pytest.mark.parametrize("second", [NEW, "idfa:A-1", "member:other"])
def test_a_first_identifier_that_is_no_devices_is_refused_with_the_right_order(
    line: Line, context: Context, first: str, second: str
) -> None:
    answer = line("consent", "signal", "link", first, second)
    assert (answer.code, "not a device's" in answer.err) == (2, True)
    assert "name the device first, by device, idfa, imei, then the person who uses it" in answer.err
    assert first not in answer.err
    with open_log(context).read() as reader:
        assert reader.find_subject(RawId.parse(first)) is None


@pytest.mark.parametrize("device", [NEW, "idfa:A-1", "imei:490154203237518"])
def test_whatever_kind_of_device_it_is_its_signal_reaches_the_person(line: Line, device: str) -> None:
    line("consent", "signal", "link", device, MEI).ok()
    line("consent", "signal", "record", device, "--kind", "gpc", "--raw", "1", "--channel", "web").ok()
    assert line("consent", "signal", "status", MEI, "--json").ok().json["honoured"] is True


def test_a_link_that_was_made_the_wrong_way_round_can_be_ended(line: Line, context: Context) -> None:
    from imp_consent.commands.hearing import voice  # noqa: PLC0415 (this test alone makes one as older versions did)

    person, device = RawId.parse(MEI), RawId.parse(NEW)
    with open_log(context).write() as transaction:
        speak = voice(context, surface="command line")(transaction)
        assert link(transaction, speak, person, device, at_us=context.clock.now_us()) is not None
    context.close()
    assert line("consent", "signal", "link", MEI, NEW, "--end", "--json").ok().json["changed"] is True
    with open_log(context).read() as reader:
        found = reader.find_subject(person)
        assert found is not None
        assert people_of(reader.history(found)) == ()
