"""What a plugin in this process can do, whatever core does: each shown, so that nobody takes the wall for a cage.

Where one of these fails because somebody found a way to contain it: move it to the others, and in the threat model too.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

CALL = """
import os, sys
from pathlib import Path
from imp_core.channel import *
from imp_core.context import Context
from imp_core.event import RawId
from imp_core.outbound.handout import Handout
from imp_core.outbound.open import channel_context, open_runner
context = Context(environ=os.environ, directory=Path.cwd())
runner = open_runner(context, "acme")
"""
DELIVER = (
    CALL
    + """
row = Recipient(handle="h0", key="k0", content="")
batch = Batch(id="1", campaign="c", step="1", purpose="marketing.email", contents={{}}, rows=[row], expires_us=0)
handout = Handout(channel_context(context, "acme"), [row], {{"h0": RawId("email", "zoe@example.com")}},
                  purpose="marketing.email", granted=False, fresh=lambda: True)
print(runner.call("deliver", handout, batch, secret=handout.values))
"""
)


@pytest.mark.parametrize(
    "look",
    [
        "next(o for o in gc.get_objects() if type(o).__name__ == 'Handout')._addresses['h0'].value",
        "next(iter(ctx._addresses.values())).value",
        "next(f for f in frames() if 'handout' in f.f_locals).f_locals['handout']._addresses['h0'].value",
    ],
    ids=["gc", "private attribute", "frames"],
)
def test_it_can_read_addresses_it_was_not_given(child, enabled_elsewhere, look):
    enabled_elsewhere(
        f"def deliver(self, ctx, batch): return len({look})",
        top="""
        import gc, sys
        def frames():
            for frame in sys._current_frames().values():
                while frame is not None:
                    yield frame
                    frame = frame.f_back
        """,
    )
    assert child(DELIVER).stdout == f"{len('zoe@example.com')}\n"


def test_it_can_change_core_and_the_language(child, enabled_elsewhere):
    enabled_elsewhere("""
        def deliver(self, ctx, batch):
            import builtins
            from imp_core.outbound.handout import Handout
            Handout._may_have = lambda *_: True
            builtins.len = lambda _: 42
            return ctx.resolve("h0", batch.purpose) is not None
    """)
    assert child(DELIVER + "print(len('ab'))").stdout == "True\n42\n"


@pytest.mark.enable_socket
def test_it_can_connect_by_native_code(child, enabled_elsewhere, peer):
    enabled_elsewhere("""
        def check(self, ctx):
            import ctypes, socket, struct
            libc = ctypes.CDLL(None)
            number = libc.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
            address = struct.pack("=H", socket.AF_INET) + struct.pack(">H", ctx) + bytes([127, 0, 0, 1]) + bytes(8)
            return libc.connect(number, address, len(address))
    """)
    assert child(f"{CALL}print(runner.call('check', {peer.port}))").stdout == "0\n"


@pytest.mark.enable_socket
def test_it_can_connect_when_its_call_is_over_from_cores_own_thread(child, enabled_elsewhere, peer):
    enabled_elsewhere("""
        def check(self, ctx):
            import atexit, socket
            atexit.register(lambda: print("reached", socket.create_connection(("127.0.0.1", ctx)).getpeername()[0]))
            return "fine"
    """)
    assert child(f"{CALL}print(runner.call('check', {peer.port}))").stdout == "fine\nreached 127.0.0.1\n"


@pytest.mark.enable_socket
def test_it_can_connect_while_core_looks_at_a_row_it_handed_in(child, enabled_elsewhere, peer):
    enabled_elsewhere(
        "def ingest(self, ctx, source): yield Row()",
        top=f"""
        import socket
        class Row:
            @property
            def __class__(self):
                print("reached", socket.create_connection(("127.0.0.1", {peer.port})).getpeername()[0])
                return int
        """,
    )
    script = "print([isinstance(row, str) for row in runner.iterate('ingest', None, None)])"
    assert child(CALL + script).stdout == "reached 127.0.0.1\n[False]\n"


def test_it_can_start_a_process_by_native_code(child, enabled_elsewhere):
    enabled_elsewhere("def check(self, ctx): return __import__('ctypes').CDLL(None).system(b'true')")
    assert child(f"{CALL}print(runner.call('check', None))").stdout == "0\n"


def test_it_can_run_in_every_python_process_once_it_is_installed(site):
    # As `site` does it for every file of this kind that a wheel puts beside its package, enabled or not.
    (site.folder / "acme.pth").write_text("import sys; print('here, and imp was never called')\n")
    script = f"import site; site.addsitedir({str(site.folder)!r})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "here, and imp was never called\n"


def test_it_can_change_its_code_under_the_same_version_and_manifest(imp, site, workspace, code, manifest):
    site.install("acme", code(), manifest=manifest())
    imp("plugin", "enable", "acme").ok()
    changed = 'def check(self, ctx): return CheckResult(ok=True, detail="other code now")'
    site.install("acme", code(changed), manifest=manifest())
    assert "other code now" in imp("plugin", "check", "acme").ok().out


def test_it_can_stand_in_the_frameworks_place(imp, site):
    # As a wheel does that holds files of this name, or a folder that comes first on the path.
    (site.folder / "imp_consent").mkdir()
    (site.folder / "imp_consent" / "__init__.py").touch()
    (site.folder / "imp_consent" / "plugin.py").write_text("print('not enabled by anybody')")
    assert imp("plugin", "list").err == "not enabled by anybody\n"


def test_it_can_end_the_process(child, enabled_elsewhere):
    enabled_elsewhere("def check(self, ctx): __import__('os')._exit(0)")
    done = child(f"{CALL}runner.call('check', None)\nprint('not reached')")
    assert (done.returncode, done.stdout) == (0, "")


def test_it_can_kill_the_process(child, enabled_elsewhere):
    enabled_elsewhere("def check(self, ctx): __import__('os').kill(__import__('os').getpid(), 9)")
    assert child(f"{CALL}runner.call('check', None)").returncode == -9


def test_it_can_close_the_files_core_has_open(imp, site, workspace, manifest):
    site.install("acme", "import os\nos.close(1)\n", manifest=manifest())
    imp("plugin", "enable", "acme")
    answer = imp("plugin", "list")
    assert (answer.code != 0, answer.out) == (True, "")
    assert imp("--without", "acme", "plugin", "list").ok().out


def test_it_can_write_to_the_descriptors_past_the_streams(child, enabled_elsewhere):
    enabled_elsewhere("def check(self, ctx): __import__('os').write(1, b'zoe@example.com\\n')")
    assert "zoe@example.com" in child(f"{CALL}runner.call('check', None)").stdout


def test_it_can_say_an_address_in_other_words(child, enabled_elsewhere):
    enabled_elsewhere("def check(self, ctx): print(__import__('base64').b64encode(b'zoe@example.com'))")
    assert "em9lQGV4YW1wbGUuY29t" in child(f"{CALL}runner.call('check', None)").stderr


def test_it_can_read_and_write_files_and_the_environment(child, enabled_elsewhere, imp):
    enabled_elsewhere("""
        def check(self, ctx):
            import os, pathlib
            pathlib.Path("kept.txt").write_text("zoe@example.com")
            return [os.environ["IMP_OTHER_PASSWORD"], "log_id" in pathlib.Path("imp.toml").read_text()]
    """)
    done = child(f"{CALL}print(runner.call('check', None))", IMP_OTHER_PASSWORD="anothers")  # noqa: S106 (thrown away)
    assert done.stdout == "['anothers', True]\n"
    assert (imp.workspace / "kept.txt").read_text() == "zoe@example.com"


def test_it_can_go_on_when_it_was_left_behind(child, enabled_elsewhere):
    enabled_elsewhere("""
        def check(self, ctx):
            import pathlib, time
            time.sleep(0.5)
            pathlib.Path("later.txt").write_text("still here")
    """)
    script = "try: runner.call('check', None, seconds=0.1)\nexcept Exception: pass\nimport time\ntime.sleep(1)\n"
    child(CALL + script + "print(Path('later.txt').read_text())").check_returncode()


def test_a_command_it_brings_runs_as_imp_itself(imp, site, workspace, manifest):
    package = site.install(
        "acme",
        """
        import click
        from imp_core.hookspecs import CommandRef, hookimpl

        @click.command()
        def command():
            click.echo("with everything that imp has")

        @hookimpl
        def imp_register_commands():
            return [CommandRef(name="acme", target=f"{__name__}:command", help="A stranger's command.")]
        """,
        manifest=manifest(),
    )
    assert package
    imp("plugin", "enable", "acme").ok()
    assert imp("acme").ok().out == "with everything that imp has\n"
