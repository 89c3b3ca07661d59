"""Addresses: one at a time, once, to whom it was granted; and none comes out in what a plugin prints or logs."""

from __future__ import annotations

import gc
import weakref

import pytest

from imp_core.channel import DeliveryStatus
from imp_core.outbound.handout import Handout

SLY = """
class Sly(str):
    def __eq__(self, other): return True
    def __hash__(self): return hash("h0")
"""
ASKS = {
    "another batch's handle": 'ctx.resolve("h9", batch.purpose)',
    "another purpose": 'ctx.resolve("h0", "marketing.sms")',
    "a wider purpose": 'ctx.resolve("h0", "marketing.*")',
    "a purpose that equals every other": 'ctx.resolve("h0", Sly("x"))',
    "a handle that equals every other": 'ctx.resolve(Sly("x"), batch.purpose)',
    "no text": "ctx.resolve(None, batch.purpose)",
}


@pytest.mark.parametrize("ask", sorted(ASKS))
def test_an_address_that_was_not_granted_is_not_given(stranger, ask):
    one = stranger(
        f"""
        got = []
        def deliver(self, ctx, batch):
            try: Acme.got.append({ASKS[ask]})
            except Exception as error: Acme.got.append(type(error).__name__)
            return DeliveryReport(rows=[RowStatus(key=row.key, status="refused") for row in batch.rows])
        def check(self, ctx): return Acme.got
    """,
        top=SLY,
    )
    attempted = []
    delivered = one.deliver(attempted=attempted.append)
    assert one.check() in (["NotGranted"], ["TypeError"])
    assert (attempted, delivered.problem) == ([], None)


def test_a_handle_is_given_once(stranger):
    one = stranger("""
        def deliver(self, ctx, batch):
            ctx.resolve("h0", batch.purpose)
            ctx.resolve("h0", batch.purpose)
    """)
    delivered = one.deliver()
    assert (delivered.problem, one.handout.refusals) == ("the plugin raised NotGranted", 1)
    assert delivered.statuses["k0"].status is DeliveryStatus.IN_DOUBT


def test_of_many_threads_that_ask_at_once_one_gets_it(stranger):
    one = stranger("""
        def deliver(self, ctx, batch):
            import threading
            got = []
            def ask():
                try: got.append(ctx.resolve("h0", batch.purpose).value)
                except NotGranted: got.append(None)
            threads = [threading.Thread(target=ask) for _ in range(20)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
            Acme.got = sorted(got, key=str)
            return DeliveryReport(rows=[RowStatus(key=row.key, status="accepted") for row in batch.rows])
        def check(self, ctx): return Acme.got
    """)
    one.deliver()
    assert one.check() == [None] * 19 + ["zoe0@example.com"]
    assert one.handout.refusals == 19


@pytest.mark.parametrize(
    ("options", "status"),
    [
        # A channel that needs no addresses may have reached its people before it asked for one.
        ({"granted": False}, DeliveryStatus.IN_DOUBT),
        ({"fresh": lambda: False}, DeliveryStatus.DEFERRED),
    ],
    ids=["not granted", "expired"],
)
def test_without_the_manifests_grant_or_after_its_time_none_is_given(stranger, options, status):
    one = stranger("def deliver(self, ctx, batch): ctx.resolve('h0', batch.purpose)")
    delivered = one.deliver(**options)
    assert delivered.problem == "the plugin raised NotGranted"
    assert {row.status for row in delivered.statuses.values()} == {status}


def test_a_context_that_was_kept_gives_nothing_in_the_next_batch(stranger):
    one = stranger("""
        kept = None
        def deliver(self, ctx, batch):
            if Acme.kept is None:
                Acme.kept = ctx
                raise Permanent("550")
            Acme.kept.resolve("h1", batch.purpose)
    """)
    one.deliver()
    delivered = one.deliver()
    assert delivered.problem == "the plugin raised NotGranted"


def test_the_addresses_are_gone_with_the_batch(stranger):
    one = stranger("def deliver(self, ctx, batch): raise Permanent('550')")
    one.deliver()
    assert one.handout.values == frozenset()
    assert "zoe" not in repr(one.handout) + repr(vars(one.handout))


def test_no_handout_outlives_its_delivery_in_core(stranger):
    one = stranger("""
        def deliver(self, ctx, batch):
            ctx.resolve("h0", batch.purpose)
            raise ValueError(ctx)
    """)
    one.deliver()
    kept, one.handout = weakref.ref(one.handout), None
    gc.collect()
    assert kept() is None or not isinstance(kept(), Handout)


HELPERS = """
import logging, threading
def apart(action):
    thread = threading.Thread(target=action)
    thread.start()
    thread.join()
def logs_an_exception(address):
    try:
        raise ValueError(address)
    except ValueError:
        logging.exception("failed of %s", address)
"""
SECRET = "s3cret-s3cret"  # noqa: S105 (of a stranger that is thrown away)
SAYS = {
    "prints": "print(address)",
    "prints to standard error": "import sys; print(address, file=sys.stderr)",
    "prints in pieces": "print(address[:5], end=''); print(address[5:])",
    "prints without an end of line": "print(address, end='')",
    "prints in capitals": "print(address.upper())",
    "prints URL-quoted": "from urllib.parse import quote; print(quote(address, safe=''))",
    "prints escaped": "print(ascii(address))",
    "prints in another thread": "apart(lambda: print(address))",
    "writes bytes": "import sys; sys.stdout.buffer.write(address.encode() + b'\\n')",
    "logs": "import logging; logging.getLogger('acme').error(address)",
    "logs with arguments": "import logging; logging.getLogger('acme').error('to %s', address)",
    "logs an exception": "logs_an_exception(address)",
    "logs an extra field": "import logging; logging.getLogger('acme').error('x', extra={'who': address})",
    "logs a stack": "import logging; logging.getLogger('acme').error('x', stack_info=True)",
    "warns": "import warnings; warnings.simplefilter('always'); warnings.warn(address)",
    "raises in another thread": "apart(lambda: int(address))",
    "raises": "raise ValueError(address)",
    "prints too much": "print('x' * 10**6); print(address)",
    "prints a password": "print(ctx.secrets['token'])",
}  # fmt: skip
SCRIPT = """
import sys, os
from pathlib import Path
sys.path[:0] = {path!r}
from imp_core.channel import *
from imp_core.clock import SystemClock
from imp_core.context import Context
from imp_core.event import RawId
from imp_core.outbound.backoff import Backoff
from imp_core.outbound.deliver import deliver
from imp_core.outbound.handout import Handout
from imp_core.outbound.open import channel_context, open_runner
from imp_core.randomness import SeededRandomness
from imp_core.stopwatch import SystemStopwatch

context = Context(environ=os.environ, directory=Path.cwd())
row = Recipient(handle="h0", key="k0", content="")
batch = Batch(id="1", campaign="c", step="1", purpose="marketing.email", contents={{}}, rows=[row], expires_us=0)
address = RawId("email", "测试 zoe+spring@example.com")
handout = Handout(channel_context(context, "acme"), [row], {{"h0": address}}, purpose="marketing.email", granted=True,
                  fresh=lambda: True)
runner = open_runner(context, "acme")
print("before")
done = deliver(runner, handout, batch, seconds_left=lambda: 10.0, stopwatch=SystemStopwatch(),
               backoff=Backoff(SeededRandomness(1)))
runner.close()
print(done.statuses["k0"].status, done.problem)
print("after", file=sys.stderr)
"""


LOG = """
import logging
handler = logging.FileHandler({log!r})
handler.setFormatter(logging.Formatter("%(message)s %(who)s", defaults={{"who": ""}}))
logging.getLogger().addHandler(handler)
"""


@pytest.mark.parametrize("how", sorted(SAYS))
def test_nothing_it_says_in_a_call_shows_an_address(child, enabled_elsewhere, tmp_path, how):
    enabled_elsewhere(
        """
        def deliver(self, ctx, batch):
            address = ctx.resolve("h0", batch.purpose).value
            say(ctx, address)
            return DeliveryReport(rows=[RowStatus(key="k0", status="accepted")])
    """,
        top=HELPERS + "def say(ctx, address):\n    " + SAYS[how],
    )
    log = tmp_path / "log.txt"
    done = child((LOG.format(log=str(log)) if "logs" in how else "") + SCRIPT, IMP_ACME_TOKEN=SECRET)
    told = done.stdout + done.stderr + (log.read_text() if log.exists() else "")
    for word in ("zoe", "ZOE", "s3cret", "测试", "\\u6d4b"):
        assert word not in told
    status = (
        "in_doubt the plugin raised ValueError at stranger_acme_x/plugin.py:14" if how == "raises" else "accepted None"
    )
    assert done.stdout == f"before\n{status}\n"
    assert done.stderr.endswith("after\n")
    assert "***" in told or how in ("raises", "logs a stack", "prints too much")


def test_what_a_thread_that_was_left_behind_says_is_heard_by_nobody(child, enabled_elsewhere):
    enabled_elsewhere("""
        def check(self, ctx):
            import logging, time
            time.sleep(0.5)
            print("zoe@example.com")
            logging.error("zoe@example.com")
    """)
    script = (
        SCRIPT.split("row =", maxsplit=1)[0]
        + """
import time
runner = open_runner(context, "acme")
try:
    runner.call("check", None, seconds=0.2)
except Exception as error:
    print(error)
time.sleep(1)
print("after")
"""
    )
    done = child(script)
    assert done.stdout == "the plugin did not answer within 0.2 seconds; acme; see: imp doctor\nafter\n"
    assert done.stderr == ""
