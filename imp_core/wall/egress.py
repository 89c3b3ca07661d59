"""The egress guard: a plugin's threads connect to declared hosts only, and only while the plugin is called.

An audit hook, which cannot be taken out again, sees lookups and connections of the whole process before they happen. It
lets through the names that were declared, as they were asked, and the addresses they resolved to; a literal address
only where it was declared itself; loopback is no exception. Child processes would be out of its sight, so none is
started, not past the hook either (by the function that multiprocessing calls). Native code that calls the operating
system by itself is out of its sight too.
"""

from __future__ import annotations

import _socket
import errno
import sys
import threading
from collections.abc import Callable, Collection
from functools import partial
from typing import Any, Final

from imp_core.wall.host import host_text, is_literal, normal_host, shown_host
from imp_core.wall.kin import mark_started_threads, put_down_to

__all__ = ["Egress", "install"]

_IN_TOUCH = ("socket.connect", "socket.sendto", "socket.sendmsg")
_LOOKED_UP = ("socket.getaddrinfo", "socket.gethostbyname")
_STARTED = (
    "subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.startfile",
    "pty.spawn",
)  # fmt: skip


class Egress:
    """Where one channel may connect to; remembers the first host it was refused."""

    def __init__(self, hosts: Collection[str] = ()) -> None:
        self._hosts = frozenset(map(normal_host, hosts))
        self._found: set[str] = set()
        self._lock = threading.Lock()
        self.refused: str | None = None

    def look_up(self, name: object) -> None:
        """Let a lookup of a declared name pass, and those that ask nobody: this machine's own name, and addresses."""
        host = host_text(name)
        if host is None or is_literal(host) or host in ("", normal_host(_socket.gethostname())):
            return
        if host not in self._hosts:
            self._refuse(f"tried to connect to an undeclared host: {shown_host(host)}")

    def reach(self, address: object) -> None:
        """Let a connection to a declared name, or to an address such a name resolved to, pass."""
        host = host_text(address[0]) if isinstance(address, tuple) and address and isinstance(address[0], str) else None
        if host is None:
            self._refuse("tried to connect to a local socket")
        elif host not in self._hosts and host not in self._found and host not in self._asked():
            self._refuse(f"tried to connect to an undeclared host: {shown_host(host)}")

    def start(self, what: str) -> None:
        """Let no process be started: it would have sockets of its own."""
        self._refuse(f"tried to start a process ({what})")

    def found(self, name: object, address: object) -> None:
        """Remember an address of a declared name."""
        if host_text(name) in self._hosts and isinstance(address, tuple):
            self._found.add(normal_host(address[0]))

    def _asked(self) -> set[str]:
        """Addresses of the declared names, asked for once more: an older way of looking up tells nobody its answer."""
        with self._lock:
            for host in self._hosts:
                if not is_literal(host):
                    self._found |= _addresses(host)
        return self._found

    def _refuse(self, what: str) -> None:
        self.refused = self.refused or what
        raise PermissionError(errno.EACCES, "a plugin connects only to the hosts its manifest names")


class _OwnLookup(threading.local):
    on = False


_own: Final = _OwnLookup()
_installed: list[bool] = []


def install() -> None:
    """Put the hook in, once for the life of this process."""
    if not _installed:
        _installed.append(True)
        sys.addaudithook(_hook)
        _remember_lookups()
        _watch_fork_exec()
        mark_started_threads()


def _on_reach(judge: Any, args: tuple[Any, ...]) -> None:  # noqa: ANN401 (a judge or none)
    if len(args) > 1 and args[1] is not None:  # a datagram on a connected socket names no address
        judge.reach(args[1])


def _on_lookup(judge: Any, args: tuple[Any, ...]) -> None:  # noqa: ANN401 (a judge or none)
    judge.look_up(args[0])


def _on_lookup_backwards(judge: Any, args: tuple[Any, ...]) -> None:  # noqa: ANN401 (a judge or none)
    host = host_text(args[0])
    if host is not None and is_literal(host):
        judge.reach((host,))
    else:
        judge.look_up(args[0])


def _on_start(event: str, judge: Any, _: tuple[Any, ...]) -> None:  # noqa: ANN401 (a judge or none)
    judge.start(event)


_HANDLERS: Final[dict[str, Callable[[Any, tuple[Any, ...]], None]]] = {
    **dict.fromkeys(_IN_TOUCH, _on_reach),
    **dict.fromkeys(_LOOKED_UP, _on_lookup),
    "socket.gethostbyaddr": _on_lookup_backwards,
    "socket.getnameinfo": lambda judge, args: judge.reach(args[0]),
    **{event: partial(_on_start, event) for event in _STARTED},
}
_NOWHERE: Final = Egress()


def _hook(
    event: str,
    args: tuple[Any, ...],
    handlers: dict[str, Callable[[Any, tuple[Any, ...]], None]] = _HANDLERS,
) -> None:
    handler = handlers.get(event)
    if handler is not None:
        family = None if _own.on else put_down_to()
        if family is not None:
            handler(family.judge or _NOWHERE, args)


def _remember_lookups() -> None:
    ask = _socket.getaddrinfo

    def getaddrinfo(*args: Any, **options: Any) -> Any:  # noqa: ANN401 (as the original)
        answer = ask(*args, **options)
        family = None if _own.on else put_down_to()
        if family is not None and family.judge is not None and args:
            for *_, address in answer:
                family.judge.found(args[0], address)
        return answer

    # No audit event tells a lookup's answer, and asking again may give another: large peers rotate theirs.
    _socket.getaddrinfo = getaddrinfo


def _watch_fork_exec() -> None:
    """Put `fork_exec` under the guard: no audit event tells of it, and multiprocessing starts its processes by it."""
    if sys.platform == "win32":
        return
    import _posixsubprocess  # noqa: PLC0415 (not there on every system)

    fork = _posixsubprocess.fork_exec

    def fork_exec(*args: Any) -> Any:  # noqa: ANN401 (as the original)
        family = put_down_to()
        if family is not None:
            (family.judge or _NOWHERE).start("fork_exec")
        return fork(*args)

    _posixsubprocess.fork_exec = fork_exec
    holder = sys.modules.get("subprocess")  # where it was imported before, it holds the function itself
    if holder is not None and vars(holder).get("_fork_exec") is fork:
        vars(holder)["_fork_exec"] = fork_exec


def _addresses(host: str) -> set[str]:
    _own.on = True
    try:
        return {normal_host(item[4][0]) for item in _socket.getaddrinfo(host, None)}
    except OSError:
        return set()
    finally:
        _own.on = False
