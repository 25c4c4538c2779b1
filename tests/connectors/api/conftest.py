"""A server on this machine that says what a test tells it to, and a clock that does not wait."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from signals.connectors.api import client


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]
    pairs: tuple[tuple[str, str], ...] = ()  # of the query: a name may come several times


@dataclass(frozen=True)
class Answer:
    """``cut`` sends only so many bytes of the body, ``short`` announces only what it sends, ``dead`` hangs up."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    short: bool = False
    dead: bool = False


class Server:
    """``answer`` is what it says to a request; ``faults`` come first, one per request (None: no fault this time)."""

    Answer, Asked = Answer, Asked

    def __init__(self) -> None:
        self.answer: Callable[[Asked], Answer] = lambda _asked: Answer({})
        self.faults: deque[Answer | None] = deque()
        self.asked: list[Asked] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body are two writes: without this the second waits 40 ms for the first one's acknowledgement.
            disable_nagle_algorithm = True

            def _serve(self) -> None:
                parts = urlsplit(self.path)
                raw = self.rfile.read(int(self.headers.get("content-length") or 0))
                asked = Asked(
                    self.command, parts.path, dict(parse_qsl(parts.query)), json.loads(raw) if raw else None,
                    {name.lower(): value for name, value in self.headers.items()}, tuple(parse_qsl(parts.query)),
                )  # fmt: skip
                server.asked.append(asked)
                fault = server.faults.popleft() if server.faults else None
                self._say(fault or server.answer(asked))

            def _say(self, answer: Answer) -> None:
                if answer.dead:
                    self.close_connection = True
                    return
                body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
                sent = body if answer.cut is None else body[: answer.cut]
                self.send_response(answer.status)
                announced = {
                    "Content-Type": "application/json",
                    "Content-Length": str(len(sent if answer.short else body)),
                }
                for name, value in {**announced, **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(sent)
                self.close_connection = not answer.short and len(sent) < len(body)  # a short one ends where it said

            do_GET = do_POST = _serve

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


class Time:
    """A clock whose sleep takes no time; ``slept`` says what was asked of it."""

    def __init__(self) -> None:
        self.now, self.slept = 1_795_350_000.0, list[float]()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    @staticmethod
    def http_date(seconds: float) -> str:
        return formatdate(seconds, usegmt=True)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    one = Server()
    monkeypatch.setenv("SERVER_URL", one.url)
    yield one
    one.close()


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    one = Time()
    monkeypatch.setattr(client, "CLOCK", client.Clock(lambda: one.now, lambda: one.now, one.sleep))
    return one
