"""Learners' browsers: inside the process, to measure its CPU, and over the network, to crowd a server."""

from __future__ import annotations

import io
import json
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application

CSRF = "c" * 32


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    location: str = ""

    def __str__(self) -> str:
        return f"{self.status} {self.body[:200]!r}"


class Browser(Protocol):
    def get(self, path: str) -> Reply: ...

    def post(self, path: str, body: object = None) -> Reply: ...


@cache
def _application() -> WSGIHandler:
    return get_wsgi_application()


@dataclass(frozen=True)
class Inside:
    """Calls the WSGI application as its server does: every middleware, CSRF, signals, closing of the reply."""

    session: str

    def get(self, path: str) -> Reply:
        return self._call("GET", path, b"", "text/html")

    def post(self, path: str, body: object = None) -> Reply:
        return self._call("POST", path, json.dumps(body).encode(), "application/json")

    def _call(self, method: str, path: str, body: bytes, accept: str) -> Reply:
        head: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], object]:
            head["status"], head["headers"] = int(status.split()[0]), dict(headers)
            return lambda written: None

        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "127.0.0.1",
            "HTTP_ACCEPT": accept,
            "HTTP_COOKIE": f"sessionid={self.session}; csrftoken={CSRF}",
            "HTTP_X_CSRFTOKEN": CSRF,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
        }
        reply = _application()(environ, start_response)
        content = b"".join(reply)
        reply.close()
        return Reply(head["status"], content, head["headers"].get("Location", ""))


class Outside:
    """One connection that is kept; bare sockets, for the client shares the processors with the server."""

    def __init__(self, port: int, session: str) -> None:
        self.port = port
        self.common = (
            f"Host: 127.0.0.1\r\nCookie: sessionid={session}; csrftoken={CSRF}\r\nX-CSRFToken: {CSRF}\r\n"
        )
        self._socket: socket.socket | None = None
        self._buffer = b""

    def get(self, path: str) -> Reply:
        return self._call(f"GET {path} HTTP/1.1\r\n{self.common}Accept: text/html\r\n\r\n".encode())

    def post(self, path: str, body: object = None) -> Reply:
        content = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\n{self.common}Accept: application/json\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        return self._call(head.encode() + content)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _call(self, request: bytes) -> Reply:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self.port), timeout=60)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        head = self._read_to(b"\r\n\r\n").decode("latin-1")
        status, *fields = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in fields)}
        body = self._read(int(headers.get("content-length", 0)))
        if headers.get("connection") == "close":
            self.close()
        return Reply(int(status.split()[1]), body, headers.get("location", ""))

    def _read_to(self, end: bytes) -> bytes:
        while end not in self._buffer:
            self._fill()
        head, self._buffer = self._buffer.split(end, 1)
        return head

    def _read(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._fill()
        body, self._buffer = self._buffer[:size], self._buffer[size:]
        return body

    def _fill(self) -> None:
        assert self._socket is not None
        received = self._socket.recv(65_536)
        if not received:
            raise ConnectionError("the server closed the connection")
        self._buffer += received


@dataclass
class Load:
    """What a crowd met: the milliseconds of each request that went well, and how many did not."""

    ms: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.ms) / self.seconds if self.seconds else 0.0


def crowd(
    browsers: Sequence[Outside],
    request: Callable[[Outside, int, int], Reply],
    *,
    seconds: float | None = None,
    pause: float = 0.0,
    until: Callable[[], bool] = lambda: False,
) -> Load:
    """Let each browser repeat `request(browser, its number, round)`: once, or for so many seconds.

    pause: seconds between the beginnings of two requests of one browser; the browsers are spread over it.
    """
    load = Load()
    together = threading.Barrier(len(browsers) + 1)

    def sit(number: int, browser: Outside) -> None:
        together.wait()
        begun = time.perf_counter()
        due = begun + pause * number / len(browsers)
        end = begun + (seconds or 0)
        for turn in range(1, 1_000_000):
            time.sleep(max(0.0, due - time.perf_counter()))
            before = time.perf_counter()
            try:
                reply = request(browser, number, turn)
            except OSError as error:
                browser.close()
                load.errors.append(repr(error))
            else:
                if reply.status < 400:
                    load.ms.append(1000 * (time.perf_counter() - before))
                else:
                    load.errors.append(str(reply))
            due = max(due + pause, time.perf_counter())
            if seconds is None or due >= end or until():
                return

    threads = [threading.Thread(target=sit, args=each, daemon=True) for each in enumerate(browsers)]
    for thread in threads:
        thread.start()
    together.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    load.seconds = time.perf_counter() - begun
    return load
