"""A peer over HTTP: takes messages, remembers them, knows idempotency keys, and fails on demand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from types import TracebackType
from typing import Final
from urllib.parse import unquote

from imp_core.channel.context import Setting
from imp_testkit.peer import Fault, Seen
from imp_testkit.people import shows

__all__ = ["HttpSink"]

_HERE: Final = "127.0.0.1"
_ANSWERS: Final = {Fault.TEMPORARY: 503, Fault.REFUSES: 422, Fault.CREDENTIALS: 401}
_OK, _GONE = 200, -1
_LONGEST_HANG, _POLL = 30.0, 0.002


def _plain_settings(host: str, port: int) -> Mapping[str, Setting]:
    return {"host": host, "port": port, "tls": False}


class HttpSink:
    """A gateway on 127.0.0.1 for as long as the `with` block runs.

    A request with a body is a message, as far as its path begins with `messages`; anything else is a question that it
    answers with `{}`. A message with an `idempotency-key` it has taken before is answered well and not taken again. Its
    refusals repeat what was sent, as peers do. `settings` makes the channel's settings from host and port.
    """

    def __init__(
        self,
        *,
        settings: Callable[[str, int], Mapping[str, Setting]] = _plain_settings,
        messages: str = "/",
        answers: Mapping[Fault, int] | None = None,
    ) -> None:
        self._make_settings, self._messages = settings, messages
        self._answers = {**_ANSWERS, **(answers or {})}
        self._lock = threading.Lock()
        self._release = threading.Event()
        self._seen: list[Seen] = []
        self._keys: set[str] = set()
        self._fault: Fault | None = None
        self._times: int | None = None
        self._address = ""
        self._running: tuple[_Server, threading.Thread] | None = None

    def __enter__(self) -> HttpSink:
        server = _Server(self)
        thread = threading.Thread(target=server.serve_forever, args=(_POLL,), daemon=True)
        thread.start()
        self._running = server, thread
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._running is not None:
            server, thread = self._running
            self.fail(None)
            server.shutdown()
            server.server_close()
            thread.join()
            self._running = None

    @property
    def settings(self) -> Mapping[str, Setting]:
        """Host and port, as the channel's settings name them."""
        if self._running is None:
            raise RuntimeError("it answers inside its `with` block only")
        return self._make_settings(_HERE, self._running[0].server_address[1])

    @property
    def seen(self) -> Sequence[Seen]:
        """Every message so far."""
        with self._lock:
            return tuple(self._seen)

    def fail(self, fault: Fault | None, *, times: int | None = None, address: str = "") -> None:
        """Fail so from now on; see `Peer`."""
        with self._lock:
            self._fault, self._times, self._address = fault, times, address
            self._release.set()
            self._release = threading.Event()

    def take(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> int:
        """The status to answer a request with; negative for none at all."""
        message = bool(body) and path.startswith(self._messages)
        text = "\n".join([f"{method} {unquote(path)}", *headers.values(), body.decode("utf-8", "replace")])
        with self._lock:
            fault, release = self._fault_of(text, message=message), self._release
            status = self._answers.get(fault, _GONE) if fault else _OK
            if message:
                key = headers.get("idempotency-key", "")
                accepted = fault is None and key not in self._keys
                if accepted and key:
                    self._keys.add(key)
                self._seen.append(Seen(text=text, accepted=accepted, headers=headers, body=body))
        if fault is Fault.HANGS:
            release.wait(_LONGEST_HANG)
        return status

    def _fault_of(self, text: str, *, message: bool) -> Fault | None:
        fault = self._fault
        if fault is Fault.CREDENTIALS:
            return fault
        if not message or fault is None or self._times == 0:
            return None
        if fault is Fault.REFUSES and not shows(text, self._address):
            return None
        if self._times is not None:
            self._times -= 1
        return fault


class _Server(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, sink: HttpSink) -> None:
        super().__init__((_HERE, 0), _Handler)
        self.sink = sink

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is what some checks are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body in one packet
    server: _Server

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        status = self.server.sink.take(self.command, self.path, headers, body)
        if status < 0:
            self.close_connection = True
            return
        answer = b"{}" if status == _OK else b'{"refused": ' + body + b"}"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 (http.server's names)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
        """Say nothing: what a channel prints is looked at."""
