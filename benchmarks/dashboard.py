"""How fast the dashboard is: ``python -m benchmarks.dashboard [--write]``.

Three measurements over a fresh copy of the bundled example, each of them of the real thing:

- pick a release in the menu until the banner is redrawn, in Chromium, 50 times;
- from the start of the process until the first Verdict page stands in Chromium;
- 40 sessions over Streamlit's own websocket protocol that redraw the Verdict page at once, in one process.

``--write`` puts the figures into ``docs/dashboard-speed.md``.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.dashboard.conftest import CHROMIUM_FLAGS, chromium, serve, settings, signals

ROOT = Path(__file__).resolve().parents[1]
DOC = ROOT / "docs" / "dashboard-speed.md"
RELEASES = ("tuesday-large", "tuesday-small", "all-agree", "sample-ratio")
WORDS = {"tuesday-large": "ROLLBACK", "tuesday-small": "HOLD", "all-agree": "SHIP", "sample-ratio": "NO VERDICT YET"}
PICKS, STARTS, CLIENTS, ROUNDS = 50, 9, 40, 10
PROMISED = {"pick": 0.25, "start": 2.5, "clients": 0.5}  # seconds: p95, every one, p50


@dataclass(frozen=True)
class Found:
    """Times of one measurement in seconds."""

    name: str
    times: tuple[float, ...]
    promised: str
    kept: bool | None  # None: nothing is promised

    @property
    def line(self) -> str:
        """One row of the table."""
        p50, p95 = (f"{1000 * quantile(self.times, q):.0f} ms" for q in (0.5, 0.95))
        kept = {True: "yes", False: "**no**", None: ""}[self.kept]
        return f"| {self.name} | {len(self.times)} | {p50} | {p95} | {self.promised} | {kept} |"


def quantile(times: Sequence[float], share: float) -> float:
    """The time that this share of all stays at or under."""
    ordered = sorted(times)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


@contextmanager
def example() -> Iterator[Path]:
    """The bundled example in a folder of its own, pulled, with every verdict explained once."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        shutil.copytree(ROOT / "data", project / "data", ignore=shutil.ignore_patterns("*.db*"))
        shutil.copy(ROOT / "hierarchy.yaml", project)
        for words in (("pull",), *(("verdict", release) for release in RELEASES)):
            done = signals(project, *words, root=ROOT)
            if done.returncode not in (0, 10, 20):
                sys.exit(done.stderr)
        yield project


# --- a reader ---------------------------------------------------------------------------------------------------------


def picks(address: str) -> list[float]:
    """From the press on a release in the open menu until its word stands in the banner, as the browser sees it."""
    from playwright.sync_api import sync_playwright

    times = []
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{address}/?release={RELEASES[-1]}")
        page.wait_for_selector(".sg .flips-line, .sg .card.way-out")
        page.wait_for_load_state("networkidle")
        for turn in range(-len(RELEASES), PICKS):  # the first of each release warm it up
            release = RELEASES[turn % len(RELEASES)]
            page.locator(".st-key-release input").click()
            option = page.get_by_role("option", name=release, exact=True)
            option.wait_for()
            page.evaluate(WATCH, WORDS[release])
            option.click()
            taken = page.evaluate("window.redrawn")
            if turn >= 0:
                times.append(taken / 1000)
            page.wait_for_timeout(100)
        browser.close()
    return times


WATCH = """(word) => { window.redrawn = new Promise(done => {
  let pressed = 0;
  const press = () => { pressed = pressed || performance.now(); };
  for (const kind of ["pointerdown", "mousedown", "click"]) addEventListener(kind, press, {capture: true, once: true});
  const look = () => {
    const call = document.querySelector(".sg .banner .call");
    if (pressed && call && call.textContent.startsWith(word)) done(performance.now() - pressed);
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}); }"""


def starts(project: Path) -> list[float]:
    """From the start of the process until a browser that waits for it shows the banner."""
    import socket

    from playwright.sync_api import sync_playwright

    times = []
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        for _ in range(1 + STARTS):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            began = time.perf_counter()
            process = subprocess.Popen(
                [sys.executable, "-m", "signals", "serve", f"--port={port}"],
                cwd=ROOT, env=_installed(project), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            try:
                _listens(port)
                page.goto(f"http://127.0.0.1:{port}/?release={RELEASES[0]}", wait_until="commit")
                page.wait_for_selector(".sg .banner .call", timeout=60_000)
                times.append(time.perf_counter() - began)
            finally:
                process.terminate()
                process.wait(timeout=20)
            page.close()
        browser.close()
    return times[1:]


def _installed(project: Path) -> dict[str, str]:
    """Who installs a package has its bytecode; the first start of all makes that of a checkout, and does not count."""
    return {name: value for name, value in settings(project).items() if name != "PYTHONDONTWRITEBYTECODE"}


def _listens(port: int) -> None:
    """Wait as a shell would: a browser that tries again and again would take the processor from what is measured."""
    import socket

    for _ in range(6000):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise RuntimeError("the server did not start")


# --- a team -----------------------------------------------------------------------------------------------------------


async def crowd(address: str) -> tuple[list[float], list[float]]:
    """All sessions redraw at once: first each burst when all of the one before are served, then without waiting."""
    from websockets.asyncio.client import connect
    from websockets.typing import Origin, Subprotocol

    gate = asyncio.Barrier(CLIENTS)
    bursts: list[float] = []
    unending: list[float] = []

    async def client(number: int) -> None:
        host = address.removeprefix("http://")
        # What the browser sends: the protocol's name, a token against forgery and a session to resume; both empty here.
        async with connect(
            f"ws://{host}/_stcore/stream",
            subprotocols=[Subprotocol("streamlit")],
            origin=Origin(address),
            max_size=None,
            compression=None,
        ) as socket:
            await _redraw(socket, RELEASES[number % len(RELEASES)])
            for times in (bursts, unending):
                await gate.wait()
                for turn in range(ROUNDS):
                    if times is bursts:
                        await gate.wait()
                    began = time.perf_counter()
                    await _redraw(socket, RELEASES[(number + turn + 1) % len(RELEASES)])
                    times.append(time.perf_counter() - began)

    async with asyncio.TaskGroup() as group:
        for number in range(CLIENTS):
            group.create_task(client(number))
    return bursts, unending


async def _redraw(socket: Any, release: str) -> None:
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    message = BackMsg()
    message.rerun_script.query_string = f"release={release}"
    message.rerun_script.is_auto_rerun = False
    await socket.send(message.SerializeToString())
    banner = False
    async for raw in socket:
        answer = ForwardMsg()
        answer.ParseFromString(raw)
        if answer.WhichOneof("type") == "delta":
            element = answer.delta.new_element
            banner = banner or WORDS[release] in element.html.body
        elif answer.WhichOneof("type") == "script_finished":
            if not banner:
                raise RuntimeError(f"a redraw of {release} came without its banner")
            return


# --- the report -------------------------------------------------------------------------------------------------------


def measure() -> tuple[Found, ...]:
    """All three, one after the other."""
    with example() as project:
        first = starts(project)
        for server in serve(ROOT, project):
            picked = picks(server.address)
        for server in serve(ROOT, project):
            together, unending = asyncio.run(crowd(server.address))
    return (
        Found("pick a release, until its banner is drawn", tuple(picked), "p95 under 250 ms",
              quantile(picked, 0.95) < PROMISED["pick"]),
        Found("start of the process, until the first Verdict page is drawn", tuple(first), "under 2.5 s",
              statistics.median(first) < PROMISED["start"]),
        Found(f"redraw with {CLIENTS} sessions at once, one process", tuple(together), "p50 under 500 ms",
              quantile(together, 0.5) < PROMISED["clients"]),
        Found("the same, each session again as soon as it is served", tuple(unending), "", None),
    )  # fmt: skip


def report(found: Sequence[Found]) -> str:
    """The page of the documentation."""
    rows = "\n".join(one.line for one in found)
    return (
        "# How fast the dashboard is\n\n"
        "Made by `python -m benchmarks.dashboard --write` over the bundled example, with Chromium and the server on\n"
        "the same machine. Evidence was pulled and explained before, as on a morning of standups.\n\n"
        "| what | runs | p50 | p95 | promised | kept |\n|---|---|---|---|---|---|\n"
        f"{rows}\n\n"
        "The sessions speak Streamlit's own websocket protocol; a redraw ends with the last message of a run, and one\n"
        "that does not bring the right banner fails the measurement. Those who never stop are there to tell the cost:\n"
        "their median is forty times the work of one redraw, whoever is served first.\n"
    )


def main() -> None:
    """Measure, print, and write when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write {DOC.relative_to(ROOT)}")
    options = parser.parse_args()
    text = report(measure())
    print(text)
    if options.write:
        DOC.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
