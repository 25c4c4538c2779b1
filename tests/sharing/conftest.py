"""A receiver on this machine that says what a test tells it to, a clock that does not wait, a project that tells it."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

import pytest

from signals.connectors.api.client import Clock
from signals.sharing import post


@dataclass(frozen=True)
class Got:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """``hang`` seconds pass before it, ``dead`` hangs up instead, ``drips``: a byte of it now and then, for long."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    hang: float = 0.0
    dead: bool = False
    drips: Literal["", "head", "body"] = ""


class Receiver:
    """Answers with ``faults``, one per request, and then with ``always``."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.faults: deque[Answer] = deque()
        self.always = Answer()
        self.hold: threading.Event | None = None  # an answer waits for it
        self.over = threading.Event()
        self.dripped = 0  # bytes
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.got.append(Got(self.path, headers, body))
                answer = receiver.faults.popleft() if receiver.faults else receiver.always
                if receiver.hold is not None:
                    receiver.hold.wait(60)
                time.sleep(answer.hang)
                if answer.dead:
                    return
                try:
                    if answer.drips:
                        self._drip(answer)
                        return
                    self.send_response(answer.status)
                    for name, value in answer.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(answer.body)))
                    self.end_headers()
                    self.wfile.write(answer.body)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # it waited no longer

            def _drip(self, answer: Answer) -> None:
                head = f"HTTP/1.1 {answer.status} Fine\r\nContent-Type: text/plain\r\nContent-Length: 9999\r\n"
                self.wfile.write(head.encode() + (b"X-Slow: " if answer.drips == "head" else b"\r\nso slow"))
                while not receiver.over.wait(0.05):
                    self.wfile.write(b"x")
                    receiver.dripped += 1

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        self.over.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class Time:
    """A clock whose sleep takes no time; ``slept`` says what was asked of it."""

    def __init__(self) -> None:
        self.now, self.slept = 1_795_350_000.0, list[float]()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    if one.hold is not None:
        one.hold.set()
    one.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    one = Time()
    monkeypatch.setattr(post, "CLOCK", Clock(lambda: one.now, lambda: one.now, one.sleep))
    return one


SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="  # base64 of 32 letters


class Folder:
    """A project of four signals' worth of evidence in one release, and receivers as a test writes them."""

    def __init__(self, root: Path, example: Path) -> None:
        self.root = root
        root.mkdir()
        (root / "data").mkdir()
        shutil.copy(example / "hierarchy.yaml", root)
        shutil.copytree(example / "data" / "exports", root / "data" / "exports")
        self._sources = (example / "data" / "sources.yaml").read_text()

    def tells(self, text: str) -> Path:
        """Write its sources with this below ``notify:``."""
        (self.root / "data" / "sources.yaml").write_text(f"{self._sources}\nnotify:\n{text}")
        return self.root

    def decides(self, old: str, new: str) -> None:
        """Change its policy."""
        path = self.root / "hierarchy.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new).split("\ntests:")[0] + "\n")


@pytest.fixture
def folder(root: Path, demo_store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> Folder:
    """The bundled example in a folder of its own, with a copy of its store and the variables of a receiver."""
    shutil.copy(demo_store.removeprefix("sqlite:///"), tmp_path / "signals.db")
    monkeypatch.setenv("SIGNALS_STORE", f"sqlite:///{tmp_path / 'signals.db'}")
    monkeypatch.setenv("HOOK", f"{receiver.url}/hook/s3cr3t-path")
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    return Folder(tmp_path / "project", root)
