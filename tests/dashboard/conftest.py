"""A pulled copy of the bundled example, a running server, and the flags of a browser that calls nobody."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str | None:
    """Where a Chromium is, if there is one; a build without windows first, since those cost as much again."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


def settings(project: Path) -> dict[str, str]:
    """The environment in which a command looks at ``project`` only."""
    kept = {name: value for name, value in os.environ.items() if name not in ("SIGNALS_STORE", "SIGNALS_PROJECT")}
    return {**kept, "SIGNALS_PROJECT": str(project)}


def signals(project: Path, *words: str, root: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line on a project."""
    return subprocess.run(
        [sys.executable, "-m", "signals", *words, "--project", str(project)],
        cwd=root, env=settings(project), capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


@pytest.fixture(scope="session")
def example(root: Path, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The bundled example in a folder of its own, pulled, every release reviewed once, one decided.

    The worker that needs it first makes it; the others copy what that one made.
    """
    base = tmp_path_factory.getbasetemp()
    first = (base if worker_id == "master" else base.parent) / "example-made-once"
    with first.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not first.exists():
            _make(root, tmp_path_factory.mktemp("example-in-the-making")).rename(first)
    return Path(shutil.copytree(first, tmp_path_factory.mktemp("example"), dirs_exist_ok=True))


def _make(root: Path, folder: Path) -> Path:
    shutil.copytree(root / "data", folder / "data", ignore=shutil.ignore_patterns("*.db*"))
    shutil.copy(root / "hierarchy.yaml", folder)
    done = signals(folder, "pull", root=root)
    assert done.returncode == 0, done.stderr
    for release in ("tuesday-small", "tuesday-large", "all-agree", "sample-ratio"):
        done = signals(folder, "verdict", release, root=root)
        assert done.returncode in (0, 10, 20), done.stderr
    done = signals(folder, "decide", "all-agree", "ship", "--by", "mara", "--because", "as the verdict says", root=root)
    assert done.returncode == 0, done.stderr
    return folder


class Lent:
    """One of the ``Warm`` browser's contexts, given back clean: no page, no cookie, nothing stored, nothing allowed."""

    def __init__(self, context: Any, back: list[Any], viewport: dict[str, int], scheme: str) -> None:
        self._context, self._back, self._viewport, self._scheme = context, back, viewport, scheme
        self._origins: set[str] = set()
        context.on("page", self._watch)

    def _watch(self, page: Any) -> None:
        page.on(
            "framenavigated", lambda frame: self._origins.add("{0.scheme}://{0.netloc}".format(urlsplit(frame.url)))
        )

    def new_page(self) -> Any:
        page = self._context.new_page()
        page.set_viewport_size(self._viewport)
        page.emulate_media(color_scheme=self._scheme)
        return page

    def add_cookies(self, cookies: list[Any]) -> None:
        self._context.add_cookies(cookies)

    def close(self) -> None:
        for page in self._context.pages:
            page.close()
        self._context.remove_listener("page", self._watch)
        self._context.clear_cookies()
        self._context.clear_permissions()
        blank = self._context.new_page()
        storage = self._context.new_cdp_session(blank)
        kinds = "local_storage,indexeddb,cache_storage,service_workers,file_systems"
        for origin in self._origins:
            if origin.startswith("http"):
                storage.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": kinds})
        blank.close()
        self._back.append(self._context)


class Warm:
    """A browser that lends the same contexts again, so that it fetches and compiles a page's programs once.

    That is most of what a page costs. Two contexts that are open at the same time are never the same.
    """

    def __init__(self, browser: Any) -> None:
        self._browser = browser
        self._free: list[Any] = []

    def new_context(self, *, viewport: dict[str, int] | None = None, color_scheme: str = "light", **more: Any) -> Any:
        """Of its own kind, and then for once only, when more than the size and the colours is asked for."""
        size = viewport or {"width": 1280, "height": 720}
        if more:
            return self._browser.new_context(viewport=size, color_scheme=color_scheme, **more)
        # A page that a test opens in it by itself has the size of a desk.
        context = self._free.pop() if self._free else self._browser.new_context(viewport={"width": 1440, "height": 900})
        return Lent(context, self._free, size, color_scheme)

    def new_page(self) -> Any:
        """In a context of its own that ends with it."""
        return self._browser.new_page()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A Chromium without a window."""
    path = chromium()
    if path is None:
        pytest.skip("no Chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield Warm(opened)
        opened.close()


def settled(page: Any) -> None:
    """Wait until the page is drawn to its end: before that a click may be lost and a thing not yet there."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=60_000)


def turn_to(page: Any, name: str) -> None:
    """Another page of the dashboard, by the menu on top. (A page's own text may link there too.)"""
    page.get_by_test_id("stTopNav").get_by_role("link", name=name).click()


@dataclass(frozen=True)
class Server:
    """A dashboard that runs."""

    address: str


def serve(root: Path, project: Path) -> Generator[Server]:
    """Start the dashboard on a free port and stop it again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"]
    process = subprocess.Popen(
        command, cwd=root, env=settings(project), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        _wait(f"http://127.0.0.1:{port}", process)
        yield Server(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(address: str, process: subprocess.Popen[str]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"the server stopped: {process.stdout.read() if process.stdout else ''}")
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError("the server did not start within 30 s")


@pytest.fixture(scope="session")
def server(root: Path, example: Path) -> Iterator[Server]:
    """The dashboard over the bundled example."""
    yield from serve(root, example)
