"""A channel's methods that raise, hang or answer nonsense cost their own call, and nothing of theirs is shown."""

from __future__ import annotations

import itertools
import threading
import time

import pytest

from imp_core.channel import (
    AuthInvalid,
    DeliveryStatus,
    NotGranted,
    PayloadInvalid,
    Permanent,
    RateLimited,
    Retryable,
    Source,
)
from imp_core.errors import BadInput, ImpError, PluginBroken
from imp_core.outbound import answers
from imp_core.outbound import deliver as deliver_module
from imp_core.outbound.runner import DeadlinePassed

RAISED = {
    "ValueError('zoe@example.com')": "ValueError",
    "SystemExit('zoe@example.com')": "SystemExit",
    "KeyboardInterrupt('zoe@example.com')": "KeyboardInterrupt",
    "GeneratorExit": "GeneratorExit",
    "type('Odd', (BaseException,), {})": "Odd",
    "type('zoe@example.com', (Exception,), {})": "an exception",
    "StopIteration": "StopIteration|RuntimeError",
    "RecursionError": "RecursionError",
    "MemoryError": "MemoryError",
    "__import__('asyncio').CancelledError": "CancelledError",
    "PluginBroken('zoe@example.com')": "PluginBroken",
    "CheckFailed('zoe@example.com')": "CheckFailed",
    "type('Sly', (Retryable,), {'code': property(lambda self: 'zoe@example.com')}).__new__(Retryable)": "Retryable",
    "type('Sly', (BadInput,), {'what': property(lambda self: 1 / 0)})('x')": "AttributeError",
}


@pytest.mark.parametrize("colour", ["def", "async def"])
@pytest.mark.parametrize("raised", sorted(RAISED))
def test_whatever_it_raises_is_named_by_its_type_only(stranger, raised, colour):
    one = stranger(f"{colour} check(self, ctx): raise {raised}", top="from imp_core.errors import *")
    with pytest.raises(PluginBroken) as caught:
        one.check()
    assert any(f"raised {name}" in caught.value.what for name in RAISED[raised].split("|"))
    assert "zoe" not in str(caught.value)
    assert (caught.value.__cause__, caught.value.__suppress_context__) == (None, True)
    assert caught.value.where == "acme"


@pytest.mark.parametrize(
    ("raised", "kind", "peers"),
    [
        ("Retryable('451', after=2.5)", Retryable, "451"),
        ("RateLimited('http-429')", RateLimited, "http-429"),
        ("Permanent('550')", Permanent, "550"),
        ("PayloadInvalid('too-long')", PayloadInvalid, "too-long"),
        ("AuthInvalid('535', mend='ask zoe@example.com')", AuthInvalid, "535"),
        ("type('Mine', (Permanent,), {})('550')", Permanent, "550"),
    ],
)
def test_a_typed_error_comes_through_made_anew(stranger, raised, kind, peers):
    one = stranger(f"def check(self, ctx): raise {raised}")
    with pytest.raises(kind) as caught:
        one.check()
    assert type(caught.value) is kind
    assert caught.value.code == peers
    assert "zoe" not in str(caught.value)


@pytest.mark.parametrize("after", ["float('nan')", "float('inf')", "-1", "'soon'", "True", "None"])
def test_a_wait_that_is_none_is_not_waited_for(stranger, after):
    one = stranger(f"def check(self, ctx): raise Retryable('451', after={after})")
    with pytest.raises(Retryable) as caught:
        one.check()
    assert caught.value.after is None


def test_its_words_about_a_source_come_without_what_looks_like_an_address(stranger, tmp_path):
    one = stranger(
        """
        def ingest(self, ctx, source):
            raise BadInput("row of zoe@example.com, +86 138 0013 8000, 13800138000", where=f"in {source.path} of zoe@x")
        """,
        top="from imp_core.errors import BadInput",
    )
    path = tmp_path / "of-ann@example.com-20260301.csv"
    with pytest.raises(BadInput) as caught:
        list(one.runner().iterate("ingest", None, Source(path=path)))
    assert caught.value.what == "row of ***, ***, ***"
    assert caught.value.where == f"in {path} of ***"  # the operator named it


HANGS = {
    "busy": "while True: pass",
    "asleep": "time.sleep(5)",
    "waiting": "threading.Event().wait(5)",
    "deaf": "exec('while True:\\n    try:\\n        while True: pass\\n    except BaseException: pass')",
}


@pytest.mark.parametrize("how", sorted(HANGS))
def test_one_that_hangs_is_left_behind_and_the_next_call_gets_another_thread(child, enabled_elsewhere, how):
    # In a process of its own: a thread that is busy for ever would slow the other tests down for ever.
    enabled_elsewhere(f"""
        calls = 0
        def check(self, ctx):
            import threading, time
            Acme.calls += 1
            if Acme.calls == 1:
                {HANGS[how]}
            return "back"
    """)
    done = child("""
import os, time
from pathlib import Path
from imp_core.context import Context
from imp_core.outbound.open import open_runner
from imp_core.outbound.runner import DeadlinePassed
runner = open_runner(Context(environ=os.environ, directory=Path.cwd()), "acme")
began = time.monotonic()
try:
    runner.call("check", None, seconds=0.2)
except DeadlinePassed as error:
    print(error, time.monotonic() - began < 3)
print(runner.call("check", None, seconds=10.0))
""")
    assert done.stdout == "the plugin did not answer within 0.2 seconds; acme; see: imp doctor True\nback\n"


def test_an_async_one_that_hangs_is_left_behind(stranger):
    one = stranger("async def check(self, ctx):\n    await __import__('asyncio').sleep(5)")
    with pytest.raises(DeadlinePassed):
        one.check(seconds=0.2)


def test_async_methods_share_one_loop_and_it_lives_between_calls(stranger):
    one = stranger("""
        async def check(self, ctx):
            import asyncio
            self.queue = getattr(self, "queue", None) or asyncio.Queue()
            await self.queue.put(1)
            return self.queue.qsize()
    """)
    runner = one.runner()
    assert [runner.call("check", None) for _ in range(3)] == [1, 2, 3]


def test_a_task_that_exits_beside_the_awaited_one_costs_its_own_call(stranger):
    one = stranger("""
        async def check(self, ctx):
            import asyncio
            async def leave(): raise SystemExit("zoe@example.com")
            task = asyncio.ensure_future(leave())
            await asyncio.sleep(0.05)
            return "not reached"
    """)
    with pytest.raises(PluginBroken, match="raised SystemExit"):
        one.check()


@pytest.mark.parametrize("kind", ["", "async "])
def test_a_generator_that_breaks_midway_hands_over_what_came_before(stranger, kind):
    one = stranger(
        f"{kind}def ingest(self, ctx, source):\n    for number in range(2500): yield number\n    raise SystemExit"
    )
    rows = one.runner().iterate("ingest", None, None)
    assert list(itertools.islice(rows, 2500)) == list(range(2500))
    with pytest.raises(PluginBroken, match="raised SystemExit"):
        next(rows)


@pytest.mark.parametrize("kind", ["", "async "])
def test_a_generator_that_hangs_midway_passes_the_deadline(stranger, kind):
    one = stranger(f"{kind}def ingest(self, ctx, source):\n    yield 1\n    __import__('time').sleep(5)\n    yield 2")
    with pytest.raises(DeadlinePassed):
        list(one.runner().iterate("ingest", None, None, seconds=0.3))


def test_a_generator_without_end_is_read_as_far_as_wanted_and_closed(stranger):
    one = stranger("""
        closed = []
        def ingest(self, ctx, source):
            try:
                while True: yield 1
            finally:
                Acme.closed.append(True)
        def check(self, ctx): return len(Acme.closed)
    """)
    runner = one.runner()
    rows = runner.iterate("ingest", None, None)
    assert sum(itertools.islice(rows, 5000)) == 5000
    rows.close()
    assert runner.call("check", None) == 1


@pytest.mark.parametrize("answer", ["None", "5", "[1]", "'zoe@example.com'", "DeliveryReport", "object()"])
@pytest.mark.parametrize("reader", ["check_result", "plan"])
def test_an_answer_of_another_type_breaks_its_call(stranger, answer, reader):
    one = stranger(f"def check(self, ctx): return {answer}")
    with pytest.raises(PluginBroken, match="raised TypeError"):
        one.check(take=getattr(answers, reader))


@pytest.mark.parametrize(
    "answer",
    [
        "CheckResult(ok='yes', detail='')",
        "CheckResult(ok=True, detail=b'')",
        "type('Sub', (CheckResult,), {'ok': property(lambda self: 1 / 0)}).__new__(CheckResult)",
    ],
)
def test_a_check_with_fields_of_another_type_breaks_its_call(stranger, answer):
    one = stranger(f"def check(self, ctx): return {answer}")
    with pytest.raises(PluginBroken):
        one.check(take=answers.check_result)


def test_a_checks_words_are_cut_to_what_may_be_shown(stranger):
    one = stranger("def check(self, ctx): return CheckResult(ok=True, detail='\\x1b[2Ja\\n' * 10**6)")
    detail = one.check(take=answers.check_result).detail
    assert len(detail) <= 200
    assert detail.isprintable()


SECRET = "s3cret-s3cret"  # noqa: S105 (of a stranger that is thrown away)
WORDS = {
    "a check's detail": ("return CheckResult(ok=False, detail={})", answers.check_result),
    "a long detail": ("return CheckResult(ok=False, detail='x' * 195 + ' ' + {})", answers.check_result),
    "a plan's currency": ("return Plan(messages=1, currency={})", answers.plan),
    "a plan's warning": ("return Plan(messages=1, warnings=[{}])", answers.plan),
    "a preview": (
        "return Plan(messages=1, previews=[Preview(content='m', parts={{'text': 'x ' * 9000 + {}}})])",
        answers.plan,
    ),
    "a preview's name": ("return Plan(messages=1, previews=[Preview(content={}, parts={{}})])", answers.plan),
    "a part's name": ("return Plan(messages=1, previews=[Preview(content='m', parts={{{}: 'x'}})])", answers.plan),
    "its words about a source": ("raise BadInput('z' * 990 + ' ' + {}, where={}, mend={})", None),
    "what it advises": ("raise AuthInvalid('535', mend={})", None),
    "a peer's code": ("raise AuthInvalid(ctx.secrets['token'])", None),
    "a host": ("__import__('socket').getaddrinfo(ctx.secrets['token'] + '.example.com', 80)", None),
}  # fmt: skip


@pytest.mark.enable_socket
@pytest.mark.parametrize("said", ["ctx.secrets['token']", "'zoe@example.com'", "'+86 138 0013 8000'"])
@pytest.mark.parametrize("where", sorted(WORDS))
def test_what_it_answers_shows_no_secret_and_nothing_that_looks_like_an_address(stranger, imp_environ, where, said):
    imp_environ["IMP_ACME_TOKEN"] = SECRET
    answer, take = WORDS[where]
    one = stranger(
        f"def check(self, ctx):\n    {answer.format(said, said, said)}",
        top="from imp_core.errors import BadInput",
    )
    try:
        told = repr(one.check(take=take))
    except ImpError as error:
        told = str(error)
    for word in ("s3c", "zoe", "138", "8000"):
        assert word not in told
    assert "***" in told or where in ("a long detail", "its words about a source", "a peer's code")


def test_a_check_is_shown_without_its_secret(stranger, imp_environ, imp_here):
    imp_environ["IMP_ACME_TOKEN"] = SECRET
    stranger("def check(self, ctx): return CheckResult(ok=True, detail=ctx.secrets['token'] + ' is good')")
    assert "ok   check: *** is good" in imp_here("plugin", "check", "acme").ok().out


@pytest.mark.parametrize("method", ["check", "forget", "plan", "ingest", "report"])
def test_what_it_prints_shows_no_secret_in_whichever_call(child, enabled_elsewhere, method):
    enabled_elsewhere(f"def {method}(self, ctx, *_): print('said', ctx.secrets['token']); return []")
    call = f"list(runner.iterate({method!r}, *given))" if method == "ingest" else f"runner.call({method!r}, *given)"
    done = child(f"""
import os
from pathlib import Path
from imp_core.context import Context
from imp_core.outbound.open import channel_context, open_runner
context = Context(environ=os.environ, directory=Path.cwd())
runner, given = open_runner(context, "acme"), [channel_context(context, "acme"), None][:{1 if method == "check" else 2}]
{call}
""", IMP_ACME_TOKEN=SECRET)  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "said ***\n")


def test_a_missing_method_breaks_its_call(stranger):
    one = stranger()
    with pytest.raises(PluginBroken, match="raised AttributeError"):
        one.runner().call("poll", None)


ROWS = "RowStatus(key='{}', status=DeliveryStatus.ACCEPTED)"
REPORTS = {
    "nothing": "None",
    "a list": f"[{ROWS.format('k0')}]",
    "a subclass": "type('R', (DeliveryReport,), {})(rows=[])",
    "an unknown key": f"DeliveryReport(rows=[{', '.join(ROWS.format(key) for key in ('k0', 'k1', 'k9'))}])",
    "a doubled key": f"DeliveryReport(rows=[{', '.join(ROWS.format(key) for key in ('k0', 'k0', 'k1'))}])",
    "missing keys": f"DeliveryReport(rows=[{ROWS.format('k0')}])",
    "no rows": "DeliveryReport(rows=[])",
    "rows of another type": "DeliveryReport(rows=['k0', 'k1', 'k2'])",
    "rows without end": "DeliveryReport(rows=__import__('itertools').repeat(" + ROWS.format("k0") + "))",
    "rows that raise": "DeliveryReport(rows=(1 / 0 for _ in range(3)))",
    "a status of another type": "DeliveryReport(rows=[RowStatus(key='k0', status='zoe@example.com')])",
    "a key of another type": "DeliveryReport(rows=[RowStatus(key=0, status=DeliveryStatus.ACCEPTED)])",
    "a job of another type": "DeliveryReport(rows=[], job='zoe@example.com')",
    "a row of a subclass": (
        "DeliveryReport(rows=[type('S', (RowStatus,), {})(key='k0', status=DeliveryStatus.ACCEPTED)])"
    ),
    "a code that skipped its check": "DeliveryReport(rows=[forged()])",
}
FORGED = """
from imp_core.channel import *
def forged():
    row = object.__new__(RowStatus)
    for name, value in (("key", "k0"), ("status", DeliveryStatus.ACCEPTED), ("code", "zoe@example.com")):
        object.__setattr__(row, name, value)
    return row
"""


@pytest.mark.parametrize("report", sorted(REPORTS))
def test_a_report_that_is_none_leaves_what_was_resolved_in_doubt_and_the_rest_deferred(stranger, report):
    one = stranger(
        f"""
        def deliver(self, ctx, batch):
            ctx.resolve("h1", batch.purpose)
            return {REPORTS[report]}
        """,
        top=FORGED,
    )
    delivered = one.deliver()
    assert delivered.statuses.keys() == {"k0", "k1", "k2"}
    assert delivered.problem
    assert "zoe" not in delivered.problem
    told = {"k0"} if report == "missing keys" else set()
    for key, row in delivered.statuses.items():
        expected = DeliveryStatus.IN_DOUBT if key == "k1" else DeliveryStatus.DEFERRED
        assert row.status is (DeliveryStatus.ACCEPTED if key in told else expected)
        assert (row.code, delivered.stop) == (None, False)


def test_a_text_that_is_two_is_read_once(stranger):
    one = stranger("""
        def deliver(self, ctx, batch):
            class Key(str):
                def __eq__(self, other): return True
                def __hash__(self): return hash("k0")
                def __str__(self): return "k2"
            return DeliveryReport(rows=[RowStatus(key=Key(row.key), status="accepted") for row in batch.rows])
    """)
    delivered = one.deliver()
    assert {key: row.key for key, row in delivered.statuses.items()} == {"k0": "k0", "k1": "k1", "k2": "k2"}
    assert all(type(row.key) is str and type(row.status) is DeliveryStatus for row in delivered.statuses.values())


def test_what_was_settled_stands_whatever_comes_after(stranger):
    one = stranger("""
        def deliver(self, ctx, batch):
            for row in batch.rows[:2]:
                ctx.resolve(row.handle, batch.purpose)
            ctx.settle(RowStatus(key="k0", status=DeliveryStatus.ACCEPTED))
            raise SystemExit
    """)
    settled = []
    delivered = one.deliver(settled=settled.append)
    assert {key: str(row.status) for key, row in delivered.statuses.items()} == {
        "k0": "accepted", "k1": "in_doubt", "k2": "deferred",
    }  # fmt: skip
    assert [row.key for row in settled] == ["k0"]
    assert delivered.problem == "the plugin raised SystemExit at stranger_acme_x/plugin.py:27"


def test_a_report_that_contradicts_what_was_settled_does_not_change_it(stranger):
    one = stranger("""
        def deliver(self, ctx, batch):
            ctx.settle(RowStatus(key="k0", status=DeliveryStatus.REFUSED, code="550"))
            return DeliveryReport(rows=[RowStatus(key=row.key, status=DeliveryStatus.DELIVERED) for row in batch.rows])
    """)
    delivered = one.deliver()
    assert (delivered.statuses["k0"].status, delivered.problem) == (
        DeliveryStatus.REFUSED, "the report contradicts what was settled",
    )  # fmt: skip


@pytest.mark.parametrize(
    "row",
    ["None", "'k0'", "RowStatus(key='k9', status='accepted')", "RowStatus(key='k0', status='sent')", "forged()"],
)
def test_settling_nonsense_is_refused_to_the_channel_and_written_nowhere(stranger, row):
    one = stranger(f"def deliver(self, ctx, batch):\n    ctx.settle({row})", top=FORGED)
    settled = []
    delivered = one.deliver(settled=settled.append)
    assert (settled, delivered.problem is None) == ([], False)


def test_a_delivery_past_its_deadline_leaves_in_doubt_whom_it_resolved_and_what_it_says_later_does_not_count(
    stranger, monkeypatch
):
    monkeypatch.setattr(deliver_module, "_GRACE", 0.0)
    one = stranger("""
        def deliver(self, ctx, batch):
            import time
            ctx.resolve("h0", batch.purpose)
            time.sleep(0.6)
            try:
                ctx.settle(RowStatus(key="k0", status=DeliveryStatus.ACCEPTED))
            finally:
                ctx.resolve("h1", batch.purpose)
    """)
    attempted = []
    delivered = one.deliver(seconds=0.3, attempted=attempted.append)
    time.sleep(0.6)
    assert {key: str(row.status) for key, row in delivered.statuses.items()} == {
        "k0": "in_doubt", "k1": "deferred", "k2": "deferred",
    }  # fmt: skip
    assert attempted == ["k0"]
    assert one.handout.statuses == {}


def test_it_is_asked_again_for_the_rest_where_it_says_so_and_not_for_ever(stranger):
    one = stranger("""
        seen = []
        def deliver(self, ctx, batch):
            Acme.seen.append([row.key for row in batch.rows])
            ctx.resolve(batch.rows[0].handle, batch.purpose)
            if len(Acme.seen) < 3:
                ctx.settle(RowStatus(key=batch.rows[0].key, status=DeliveryStatus.ACCEPTED))
            raise Retryable("451")
        def check(self, ctx): return Acme.seen
    """)
    delivered = one.deliver(seconds=1000.0)
    assert one.check() == [["k0", "k1", "k2"], ["k1", "k2"], ["k2"], ["k2"]]
    assert {key: (str(row.status), row.code) for key, row in delivered.statuses.items()} == {
        "k0": ("accepted", None), "k1": ("accepted", None), "k2": ("deferred", "451"),
    }  # fmt: skip


@pytest.mark.parametrize(("waits", "calls"), [(0.0, 4), (400.0, 3)])
def test_every_further_attempt_is_paced_by_its_rows_before_it(stranger, waits, calls):
    one = stranger("""
        seen = []
        def deliver(self, ctx, batch):
            Acme.seen.append(len(batch.rows))
            if len(Acme.seen) < 3:
                ctx.settle(RowStatus(key=batch.rows[0].key, status=DeliveryStatus.ACCEPTED))
            raise Retryable("451")
        def check(self, ctx): return Acme.seen
    """)
    paced = []

    def pace(rows, stopwatch):
        paced.append(rows)
        stopwatch.sleep(waits)

    delivered = one.deliver(seconds=1000.0, pace=pace)
    assert (one.check(), paced) == ([3, 2, 1, 1][:calls], [2, 1, 1])
    assert str(delivered.statuses["k2"].status) == "deferred"


def test_a_core_that_cannot_write_an_attempt_down_is_heard_though_the_channel_swallows_it(stranger):
    one = stranger("""
        def deliver(self, ctx, batch):
            for row in batch.rows:
                try: ctx.resolve(row.handle, batch.purpose)
                except Exception: pass
            return DeliveryReport(rows=[RowStatus(key=row.key, status="accepted") for row in batch.rows])
    """)

    def attempted(key: str) -> None:
        raise BadInput("the disk is full")

    with pytest.raises(BadInput, match="the disk is full"):
        one.deliver(attempted=attempted)


def test_the_operators_interrupt_goes_through_and_the_plugin_is_left_behind(stranger):
    import os  # noqa: PLC0415 (for this test alone)
    import signal  # noqa: PLC0415 (for this test alone)

    one = stranger("def check(self, ctx): __import__('time').sleep(5)")
    runner = one.runner()
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        runner.call("check", None, seconds=10.0)
    assert time.monotonic() - began < 3


def test_asking_for_an_address_without_catching_the_refusal_is_no_breakage_of_core(stranger):
    one = stranger("def check(self, ctx): raise NotGranted('zoe@example.com')")
    with pytest.raises(NotGranted) as caught:
        one.check()
    assert "zoe" not in str(caught.value)
