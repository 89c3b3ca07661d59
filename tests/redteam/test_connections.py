"""Where a plugin connects to: the hosts its manifest names, while it is called, and nowhere else."""

from __future__ import annotations

import multiprocessing
import socket
import subprocess
import time
from concurrent.futures import ProcessPoolExecutor

import pytest

from imp_core.channel import CheckResult
from imp_core.errors import PluginBroken
from imp_core.outbound import answers
from imp_core.outbound.runner import DeadlinePassed

# Strangers leave sockets open.
pytestmark = [
    pytest.mark.enable_socket,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

# {host} and {port} are the peer's.
WAYS = {
    "by literal address": "socket.create_connection(('{host}', {port}), timeout=5)",
    "by a name": "socket.create_connection(('localhost', {port}), timeout=5)",
    "by a name of another spelling": "socket.create_connection(('LOCALHOST.', {port}), timeout=5)",
    "by an address of another spelling": "socket.create_connection(('127.1', {port}), timeout=5)",
    "by a mapped address": (
        "socket.socket(socket.AF_INET6).connect(('::ffff:{host}', {port}))"
    ),
    "to every address": "socket.create_connection(('0.0.0.0', {port}), timeout=5)",
    "to no address": "socket.socket().connect(('', {port}))",
    "without raising": "socket.socket().connect_ex(('{host}', {port}))",
    "by datagram": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('{host}', {port}))",
    "by message": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('{host}', {port}))",
    "by a lookup": "socket.getaddrinfo('zoe.evil.example.com', 80)",
    "by an old lookup": "socket.gethostbyname('zoe.evil.example.com')",
    "by a lookup backwards": "socket.gethostbyaddr('203.0.113.9')",
    "by the bytes of a name": "socket.getaddrinfo(b'evil.example.com', 80)",
    "by a local socket": "socket.socket(socket.AF_UNIX).connect('/tmp/imp-test.sock')",
    "through urllib": "__import__('urllib.request').request.urlopen('http://{host}:{port}/', timeout=5)",
    "through smtplib": "__import__('smtplib').SMTP('{host}', {port}, timeout=5)",
    "through _socket": "__import__('_socket').socket().connect(('{host}', {port}))",
    "through a child process": "__import__('subprocess').run(['true'])",
    "through a fork": "__import__('os').fork()",
    "through a shell": "__import__('os').system('true')",
    "through multiprocessing's spawn": (
        "__import__('multiprocessing.util').util.spawnv_passfds(b'/bin/true', [b'true'], [])"
    ),
    "through what subprocess calls": (
        "__import__('subprocess')._fork_exec(['/bin/true'], [b'/bin/true'], True, (), None, None,"
        " -1, -1, -1, -1, -1, -1, *__import__('os').pipe(), False, False, -1, None, None, None, -1, None, True)"
    ),
}  # fmt: skip
ASYNC = {
    "by connection": "await asyncio.open_connection('{host}', {port})",
    "by name": "await asyncio.open_connection('localhost', {port})",
    "in another thread": "await asyncio.to_thread(socket.create_connection, ('{host}', {port}))",
    "by a process": "await asyncio.create_subprocess_exec('true')",
}  # fmt: skip


def attempt(one, peer, problem="tried to "):
    with pytest.raises(PluginBroken, match=problem) as caught:
        one.check(take=None)
    assert peer.seen == []
    return caught.value


@pytest.mark.parametrize("hidden", [False, True], ids=["raised", "swallowed"])
@pytest.mark.parametrize("way", sorted(WAYS))
def test_an_undeclared_host_is_not_reached_and_ends_the_call(stranger, peer, way, hidden):
    line = WAYS[way].format(host="127.0.0.1", port=peer.port)
    body = f"try: {line}\n    except Exception: pass\n    return 'fine'" if hidden else line
    one = stranger(f"def check(self, ctx):\n    import socket\n    {body}")
    attempt(one, peer)


@pytest.mark.parametrize("hidden", [False, True], ids=["raised", "swallowed"])
@pytest.mark.parametrize("way", sorted(ASYNC))
def test_neither_through_asyncio(stranger, peer, way, hidden):
    line = ASYNC[way].format(host="127.0.0.1", port=peer.port)
    body = f"try: {line}\n    except Exception: pass" if hidden else line
    one = stranger(f"async def check(self, ctx):\n    import asyncio, socket\n    {body}")
    attempt(one, peer)


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_neither_through_a_pool_of_processes(stranger, peer, method):
    one = stranger(f"""
        def check(self, ctx):
            from concurrent.futures import ProcessPoolExecutor
            import multiprocessing, socket
            try:
                with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context({method!r})) as pool:
                    pool.submit(socket.create_connection, ("127.0.0.1", {peer.port})).exception()
            except Exception: pass
            return "fine"
    """)
    assert "tried to start a process" in attempt(one, peer).what


def test_core_itself_starts_processes_all_the_while(stranger):
    assert stranger().check().ok
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(abs, -3).result() == 3
    assert subprocess.run(["true"], check=False).returncode == 0


def test_the_host_is_named_as_it_was_asked_for_and_no_address_in_it(stranger, peer):
    one = stranger("def check(self, ctx): __import__('socket').getaddrinfo('zoe@evil.example.com', 80)")
    assert attempt(one, peer).what == "the plugin tried to connect to an undeclared host: ***"
    one = stranger(f"def check(self, ctx): __import__('socket').getaddrinfo('{'a' * 300}.example.com', 80)")
    assert len(attempt(one, peer).what) < 200


@pytest.mark.parametrize(
    "start",
    [
        "threading.Thread(target=reach).start()",
        "threading.Timer(0, reach).start()",
        "type('Mine', (threading.Thread,), {'run': lambda self: reach()})().start()",
        "concurrent.futures.ThreadPoolExecutor(1).submit(reach)",
        "_thread.start_new_thread(reach, ())",
        "threading.Thread(target=lambda: threading.Thread(target=reach).start()).start()",
    ],
)
def test_neither_from_a_thread_it_starts(stranger, peer, start):
    one = stranger(f"""
        def check(self, ctx):
            import _thread, concurrent.futures, socket, threading, time
            def reach():
                try: socket.create_connection(("127.0.0.1", {peer.port}))
                except OSError: pass
            {start}
            time.sleep(0.3)
            return "fine"
    """)
    attempt(one, peer)


@pytest.mark.parametrize("start", ["threading.Thread(target=reach).start()", "_thread.start_new_thread(reach, ())"])
def test_neither_from_a_thread_that_outlives_its_call(stranger, peer, start):
    one = stranger(f"""
        log = []
        def check(self, ctx):
            import _thread, socket, threading, time
            def reach():
                time.sleep(0.3)
                try: socket.create_connection(("127.0.0.1", {peer.port}))
                except OSError as error: Acme.log.append(type(error).__name__)
            {start}
            return CheckResult(ok=True, detail="fine")
        def forget(self, ctx, batch): return Acme.log
    """)
    runner = one.runner()
    assert runner.call("check", None).ok
    time.sleep(0.6)
    assert (peer.seen, runner.call("forget", None, None)) == ([], ["PermissionError"])


@pytest.mark.parametrize("declared", ["", '"127.0.0.1",'], ids=["undeclared", "declared"])
def test_neither_from_a_thread_that_was_left_behind_declared_or_not(stranger, peer, declared):
    one = stranger(f"""
        def check(self, ctx):
            import socket, time
            time.sleep(0.6)
            socket.create_connection(("127.0.0.1", {peer.port}))
    """, hosts=declared)  # fmt: skip
    runner = one.runner()
    with pytest.raises(DeadlinePassed):
        runner.call("check", None, seconds=0.2)
    assert runner.call("forget", None, None) is not None
    time.sleep(0.8)
    assert peer.seen == []


@pytest.mark.parametrize(
    ("declared", "asked"),
    [("127.0.0.1", "127.0.0.1"), ("localhost", "localhost"), ("LOCALHOST", "localhost"), ("localhost", "127.0.0.1")],
)
def test_a_declared_host_is_reached(stranger, peer, declared, asked):
    one = stranger(
        f"""
        def check(self, ctx):
            import socket
            if {asked!r} == "127.0.0.1":
                socket.gethostbyname({declared!r})
            socket.create_connection(({asked!r}, {peer.port}), timeout=5).close()
            return CheckResult(ok=True, detail="reached")
        """,
        hosts=f'"{declared}",',
    )
    assert one.check() == CheckResult(ok=True, detail="reached")
    time.sleep(0.2)
    assert len(peer.seen) == 1


def test_a_declared_host_is_reached_through_asyncio_and_threads(stranger, peer):
    one = stranger(
        f"""
        async def check(self, ctx):
            import asyncio, socket
            _, writer = await asyncio.open_connection("localhost", {peer.port})
            writer.close()
            (await asyncio.to_thread(socket.create_connection, ("localhost", {peer.port}))).close()
            return CheckResult(ok=True, detail="reached")
        """,
        hosts='"localhost",',
    )
    assert one.check().ok
    time.sleep(0.2)
    assert len(peer.seen) == 2


def test_a_host_that_a_setting_names_is_the_one_in_the_workspaces_file(stranger, peer, workspace):
    one = stranger(
        f"""
        def check(self, ctx):
            import socket
            socket.create_connection((ctx.settings["host"], {peer.port})).close()
            return CheckResult(ok=True, detail="reached")
        """,
        hosts='"{{host}}",',
    )
    with (workspace / "imp.toml").open("a") as file:
        file.write('[channels.acme]\nhost = "LocalHost"\n')
    one.context.reload_workspace()
    assert one.check().ok


def test_planning_connects_to_nothing_declared_or_not(stranger, peer):
    one = stranger(
        f"def plan(self, ctx, batch): __import__('socket').create_connection(('127.0.0.1', {peer.port}))",
        hosts='"127.0.0.1",',
    )
    with pytest.raises(PluginBroken, match=r"undeclared host: 127\.0\.0\.1"):
        one.runner().call("plan", None, one.batch(), connect=False)
    assert peer.seen == []


def test_neither_while_its_plan_is_read(stranger, peer):
    one = stranger(
        """
        def plan(self, ctx, batch):
            return Plan(messages=1, previews=[Preview(content="m", parts=Parts(text="x"))])
        """,
        top=f"""
        import socket
        class Parts(dict):
            def __iter__(self):
                socket.create_connection(("127.0.0.1", {peer.port}))
                return dict.__iter__(self)
        """,
    )
    with pytest.raises(PluginBroken, match="tried to connect"):
        one.runner().call("plan", None, one.batch(), connect=False, take=answers.plan)
    assert peer.seen == []


def test_what_core_itself_does_meanwhile_is_not_held_to_it(stranger, peer):
    one = stranger("def check(self, ctx): return CheckResult(ok=True, detail='')")
    assert one.check().ok
    socket.create_connection(("127.0.0.1", peer.port)).close()
    time.sleep(0.2)
    assert len(peer.seen) == 1


def test_a_finalizer_that_connects_while_core_waits_is_the_plugins(stranger, peer):
    # It runs in core's own thread, which is waiting for the answer.
    one = stranger(f"""
        def check(self, ctx):
            import os, signal, socket, time
            def reach(*_):
                try: socket.create_connection(("127.0.0.1", {peer.port}))
                except OSError: pass
            Acme.reach = staticmethod(reach)
            os.kill(os.getpid(), signal.SIGUSR1)
            time.sleep(0.3)
            return "fine"
    """)
    import signal  # noqa: PLC0415 (for this test alone)

    runner = one.runner()
    before = signal.signal(signal.SIGUSR1, lambda *_: one.context.plugins and runner._channel._channel.reach())
    try:
        with pytest.raises(PluginBroken, match="undeclared host"):
            runner.call("check", None)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert peer.seen == []
