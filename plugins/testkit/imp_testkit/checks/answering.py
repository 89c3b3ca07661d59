"""`check`: whether the channel could work, said without doing it."""

from __future__ import annotations

from imp_core.channel import CheckResult
from imp_core.channel.errors import ChannelError
from imp_core.errors import BadInput, ImpError
from imp_testkit.bench import Bench
from imp_testkit.check import Ground, check, holds, require
from imp_testkit.peer import Fault

__all__ = ["test_check_answers_and_delivers_nothing", "test_check_says_no_where_the_peer_cannot_be_used"]

_SAY_NO = "answer CheckResult(ok=False, detail=…), saying what to look at"


def _answers(ground: Ground) -> bool:
    return "check" in ground.methods and (ground.fixtures.peer is not None or not ground.plans)


@check(_answers)
def test_check_answers_and_delivers_nothing(bench: Bench) -> None:
    """`check` says with a CheckResult whether credentials and peers are in order, and nobody gets anything."""
    answer = bench.call("check", bench.context)
    require(
        holds(answer, CheckResult, ok=bool, detail=str),
        f"check answered {type(answer).__name__}",
        "answer an imp_core.channel.CheckResult: ok is true or false, detail a text",
    )
    require(answer.ok, f"check says no: {answer.detail}", "settings, secrets and peer of the fixtures should do")
    if bench.peer is not None:
        require(not bench.peer.seen, "check sent the peer a message", "ask it something that reaches nobody")


def _delivers(ground: Ground) -> bool:
    return ground.delivers and "check" in ground.methods


@check(_delivers)
def test_check_says_no_where_the_peer_cannot_be_used(bench: Bench) -> None:
    """Credentials the peer does not take are what `check` is there to find."""
    if Fault.CREDENTIALS in bench.fixtures.faults:
        bench.the_peer.fail(Fault.CREDENTIALS)
        require(not _ok(bench), "check says ok although the peer does not take the credentials", _SAY_NO)
        bench.the_peer.fail(None)
    bench.stop_peer()
    require(not _ok(bench), "check says ok although nothing answers where the peer was", _SAY_NO)


def _ok(bench: Bench) -> bool:
    try:
        return bool(bench.call("check", bench.context).ok)
    except (ChannelError, BadInput):
        return False
    except ImpError as error:
        require(kept=False, found=f"check broke: {bench.why(error)}", mend=_SAY_NO)
        return False
