"""Sources read at the same time: order, bounds, failures, stopping; and reading without storing."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from signals import connectors
from signals.connectors import stopping
from signals.connectors.api.spool import spool_path, spooled
from signals.connectors.base import Tally
from signals.connectors.options import Entry
from signals.model import ItemScore, Project, Record, SignalsError, Source
from signals.project import load_project
from signals.pull import Step, pull, told
from signals.pull.dry import dry_pull
from signals.pull.together import FILES, SERVERS, Job, together
from signals.store import PullReport, Store, StoreError, open_store

ARMS = ("prompt-v6", "prompt-v7")
RELEASE = {"id": "prompt-v7", "kind": "prompt", "control": ARMS[0], "candidate": ARMS[1], "started": "2026-11-10"}
ROWS = 40


class FakeEntry(Entry):
    url: str | None = None


class Fake:
    """A connector whose sources do what the test says."""

    name = "fake"
    shapes: tuple[str, ...] = ("item_score",)

    def __init__(self, works: dict[str, Callable[[Source, Project], Iterator[Record]]]) -> None:
        self.works = works
        self.at_once, self.most = 0, 0
        self._turn = threading.Lock()

    def entry(self) -> type[Entry]:
        return FakeEntry

    def check(self, *_: Any) -> tuple[()]:
        return ()

    def fingerprint(self, source: Source, project: Project) -> str | None:
        return None

    def read(self, source: Source, project: Project, tally: Tally) -> Iterator[Record]:
        with self._turn:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        try:
            for record in self.works.get(source.name, plain)(source, project):
                tally.rows_read += 1
                tally.rows_kept += 1
                yield record
        finally:
            with self._turn:
                self.at_once -= 1


def plain(source: Source, _project: Project, rows: int = ROWS, shift: float = 0.0) -> Iterator[Record]:
    for number in range(rows):
        item, arm = f"{source.name}-{number // 2}", ARMS[number % 2]
        yield ItemScore(f"{item}/{arm}", item, arm, "s", number / 100 + (shift if number == 3 else 0.0))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    made = Fake({})
    monkeypatch.setitem(connectors.REGISTRY, "fake", made)
    return made


def project_of(folder: Path, *names: str, **more: Any) -> Project:
    (folder / "data").mkdir(parents=True, exist_ok=True)
    entries = {name: {"signal": "judge", "connector": "fake", **more} for name in names}
    text = json.dumps({"releases": [RELEASE], "sources": entries})
    (folder / "data" / "sources.yaml").write_text(text)
    return load_project(folder)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path / 'data' / 'signals.db'}") as opened:
        yield opened


# --- at the same time -----------------------------------------------------------------------------------------------


def test_sources_are_read_at_the_same_time_and_reported_in_the_order_of_the_file(
    fake: Fake, tmp_path: Path, store: Store
) -> None:
    """Each source of a server waits until another one is being read too: one after the other this would never end."""
    meet = threading.Barrier(4)

    def together_only(source: Source, project: Project) -> Iterator[Record]:
        meet.wait(timeout=60)
        yield from plain(source, project)

    names = ["d", "a", "c", "b"]
    fake.works = dict.fromkeys(names, together_only)
    reports = pull(project_of(tmp_path, *names, url="https://x"), store)
    assert [report.source for report in reports] == names
    assert [(report.status, report.new) for report in reports] == [("changed", ROWS)] * 4
    with store.look() as look:
        assert {name: held.row["records"] for name, held in look.contents(names).items()} == dict.fromkeys(names, ROWS)


@pytest.mark.parametrize("more, most", [({}, FILES), ({"url": "https://x"}, SERVERS)])
def test_the_number_at_once_is_bounded(
    fake: Fake, tmp_path: Path, store: Store, more: dict[str, str], most: int
) -> None:
    def slow(source: Source, project: Project) -> Iterator[Record]:
        time.sleep(0.05)
        yield from plain(source, project, 4)

    names = [f"s{number:02}" for number in range(20)]
    fake.works = dict.fromkeys(names, slow)
    reports = pull(project_of(tmp_path, *names, **more), store)
    assert [report.source for report in reports] == names
    assert fake.most <= most


def test_many_writers_at_once_store_what_one_after_the_other_would(fake: Fake, tmp_path: Path, store: Store) -> None:
    names = [f"s{number}" for number in range(12)]
    project = project_of(tmp_path, *names, url="https://x")
    reports = pull(project, store)
    with open_store(f"sqlite:///{tmp_path / 'one.db'}") as other:
        alone = [pull(project, other, source=name)[0] for name in names]
        assert [one.content for one in reports] == [one.content for one in alone]
        releases = project.releases[0]
        assert store.evidence(releases, names).scores == other.evidence(releases, names).scores
    again = pull(project, store)
    assert [(one.status, one.new, one.changed, one.unchanged) for one in again] == [("unchanged", 0, 0, ROWS)] * 12


def test_two_that_fail_do_not_stop_the_others(fake: Fake, tmp_path: Path, store: Store) -> None:
    def late(source: Source, project: Project) -> Iterator[Record]:
        yield from plain(source, project)
        raise SignalsError(f"source {source.name!r}: cut off", "Export it again")

    def early(source: Source, _project: Project) -> Iterator[Record]:
        raise SignalsError(f"source {source.name!r}: no such file")
        yield

    fake.works = {"b": early, "d": late}
    reports = pull(project_of(tmp_path, "a", "b", "c", "d", "e"), store)
    assert [report.status for report in reports] == ["changed", "failed", "changed", "failed", "changed"]
    assert reports[3].error == "source 'd': cut off. Export it again"
    assert store.last_pull("d") is None


@pytest.mark.parametrize("error", [StoreError("the store is full"), ZeroDivisionError("ours")])
def test_what_is_no_mistake_of_a_source_ends_the_pull(
    fake: Fake, tmp_path: Path, store: Store, error: Exception
) -> None:
    stopped: list[str] = []

    def wrong(_source: Source, _project: Project) -> Iterator[Record]:
        raise error
        yield

    def long(source: Source, project: Project) -> Iterator[Record]:
        try:
            for _ in range(600):
                yield from plain(source, project, 1)
                stopping.pause(0.1)
        except stopping.StoppedError:
            stopped.append(source.name)
            raise

    fake.works = {"a": long, "b": wrong}
    with pytest.raises(type(error), match=str(error)):
        pull(project_of(tmp_path, "a", "b", url="https://x"), store)
    assert stopped == ["a"]
    assert store.last_pull("a") is None


def test_jobs_that_were_not_begun_are_left(tmp_path: Path) -> None:
    done: list[int] = []

    def work(number: int) -> Callable[[], int]:
        def doing() -> int:
            if number == 0:
                raise ValueError("first")
            time.sleep(0.02)
            done.append(number)
            return number

        return doing

    jobs = [Job(Source(str(number), "judge", "fake", {}), work(number)) for number in range(200)]
    with pytest.raises(ValueError, match="first"):
        together(jobs)
    assert len(done) < 199


def test_steps_are_told_one_at_a_time_and_end_with_the_report(fake: Fake, tmp_path: Path, store: Store) -> None:
    steps: list[Step] = []
    inside = threading.Lock()

    def watch(step: Step | None) -> None:
        if step is not None:
            assert inside.acquire(blocking=False)
            steps.append(step)
            inside.release()

    lines: list[str] = []
    reports = pull(project_of(tmp_path, "a", "b", "c"), store, watch=watch, progress=lines.append)
    for name in "abc":
        phases = [step.phase for step in steps if step.source == name]
        assert phases == ["looks", "reads", "stores", "done"]
    assert {step.source: step.report for step in steps if step.report} == {one.source: one for one in reports}
    assert f"a: storing {ROWS} records" in lines


# --- stopping -------------------------------------------------------------------------------------------------------

STOPPED = """
import os, signal, sys, threading, time
sys.path[:0] = {paths!r}
signal.signal(signal.SIGINT, signal.default_int_handler)  # what starts the tests in the background may have it ignored
from pathlib import Path
from test_pull_together import Fake, plain, project_of
from signals import connectors
from signals.connectors import stopping
fake = Fake({{}})
connectors.REGISTRY["fake"] = fake
begun = threading.Barrier(3)

def slow(source, project):
    yield from plain(source, project)
    begun.wait()
    if source.name == "stuck":
        time.sleep(60)          # as one that waits for an answer: it cannot hear
    while True:
        stopping.pause(60)

fake.works = {{"slow": slow, "stuck": slow}}
project = project_of(Path(sys.argv[1]), "slow", "stuck", "quick", url="https://x")

def interrupt():
    begun.wait()
    time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=interrupt, daemon=True).start()
from signals.cli.evidence import pull_all
pull_all(project)
"""


@pytest.mark.parametrize("stuck", [True, False])
def test_an_interrupt_ends_promptly_and_leaves_the_store_as_it_was(
    fake: Fake, tmp_path: Path, root: Path, stuck: bool
) -> None:
    project = project_of(tmp_path, "slow", "stuck", "quick", url="https://x")
    with open_store(project.store_url) as store:
        fake.works = dict.fromkeys(("slow", "stuck", "quick"), lambda source, project: plain(source, project, shift=1))
        pull(project, store)
        before = {name: store.evidence(project.releases[0], [name]) for name in ("slow", "stuck")}
    code = STOPPED.format(paths=[str(root), str(root / "tests")])
    code = code if stuck else code.replace("time.sleep(60)  ", "pass  ")
    start = time.monotonic()
    words = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 130, done.stderr
    assert done.stderr == "Stopped. Done: quick. As before: slow, stuck.\n"
    assert time.monotonic() - start < 55  # nobody waited for the one that sleeps
    with open_store(project.store_url) as store:
        for name, evidence in before.items():
            assert store.evidence(project.releases[0], [name]) == evidence
            assert len(store.pulls(name)) == 1
        assert store.pulls("quick")[0].changed == 1
    with sqlite3.connect(tmp_path / "data" / "signals.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_pause_ends_as_soon_as_it_is_told_to() -> None:
    stop = threading.Event()
    threading.Timer(0.05, stop.set).start()
    start = time.monotonic()
    with stopping.stoppable(stop):
        stopping.check()
        with pytest.raises(stopping.StoppedError):
            stopping.pause(60)
        with pytest.raises(stopping.StoppedError):
            stopping.check()
    assert time.monotonic() - start < 30
    stopping.pause(0.0)  # nobody to tell: it only waits


@pytest.mark.parametrize("rows", [50, 100_000])
def test_records_stop_coming_when_the_reading_is_told_to_stop(rows: int) -> None:
    """Also after the last one: what was read is then not stored."""
    stop, steps = threading.Event(), list[Step]()
    stop.set()
    source, passed = Source("a", "judge", "fake", {}), list[Record]()
    stream = told(plain(source, None, rows), source, steps.append)  # type: ignore[arg-type] # it needs no project
    with stopping.stoppable(stop), pytest.raises(stopping.StoppedError):
        passed.extend(stream)
    assert len(passed) < 100
    assert steps == []


# --- dry ------------------------------------------------------------------------------------------------------------


def counts(report: PullReport) -> tuple[str, int, int, int, int]:
    return (report.status, report.new, report.changed, report.removed, report.unchanged)


def dump(path: Path) -> list[str]:
    with sqlite3.connect(path) as connection:
        return list(connection.iterdump())


def test_a_dry_pull_says_what_a_pull_would_change_and_changes_nothing(fake: Fake, tmp_path: Path, store: Store) -> None:
    project = project_of(tmp_path, "a", "b", "c")
    pull(project, store)
    path = tmp_path / "data" / "signals.db"
    before = dump(path)

    def edited(source: Source, project: Project) -> Iterator[Record]:
        yield from list(plain(source, project, ROWS + 4, shift=1.0))[2:]

    def broken(source: Source, project: Project) -> Iterator[Record]:
        yield from plain(source, project)
        raise SignalsError("cut off at postgresql://me:secret@host/db")

    fake.works = {"a": edited, "b": broken}
    a, b, c = dry_pull(project)
    assert counts(a.report) == ("changed", 4, 1, 2, ROWS - 3)
    assert (b.report.status, b.report.error) == ("failed", "cut off at postgresql://me:***@host/db")
    assert counts(c.report) == ("unchanged", 0, 0, 0, ROWS)
    assert [len(records) for records in a.first.values()] == [3]
    assert a.first["ItemScore"][0].record == "a-1/prompt-v6"
    assert dump(path) == before
    done = pull(project, store)
    assert counts(done[0]) == counts(a.report)
    assert done[0].content == a.report.content
    assert counts(done[2]) == counts(c.report)


def test_a_dry_pull_of_a_new_project_makes_no_store(fake: Fake, tmp_path: Path) -> None:
    project = project_of(tmp_path, "a")
    (reading,) = dry_pull(project)
    assert counts(reading.report) == ("changed", ROWS, 0, 0, 0)
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["sources.yaml"]


def test_a_dry_pull_leaves_the_pages_that_a_server_gave(fake: Fake, tmp_path: Path, store: Store) -> None:
    """A pull died after one page; a dry one goes on from there, and the next real one still can."""
    asked: list[str | None] = []

    def pages(following: str | None, _since: Any) -> Iterator[Any]:
        from signals.connectors.api.paging import Page

        asked.append(following)
        if following is None:
            yield Page([{"id": "i1", "value": 0.5}], "two")
        if limit:
            raise SignalsError("the server goes away")
        yield Page([{"id": "i2", "value": 1.0}], None)

    def server(source: Source, project: Project) -> Iterator[Record]:
        def fetch(spool: Any) -> None:
            spool.gather("row", pages, lambda row: row["id"], lambda _row: None)

        with spooled(source, project, {"connector": "fake"}, fetch) as spool:
            for row in spool.rows("row"):
                yield ItemScore(row["id"], row["id"], ARMS[0], "s", row["value"])

    fake.works = {"a": server}
    project = project_of(tmp_path, "a", url="https://x")
    limit = True
    assert pull(project, store)[0].status == "failed"
    kept = spool_path(project.sources[0], project)
    assert kept.is_file()
    before = kept.read_bytes()
    limit = False
    (reading,) = dry_pull(project)
    assert reading.report.records == 2
    assert asked == [None, "two"]
    assert kept.read_bytes() == before
    assert [path.name for path in kept.parent.iterdir() if path.suffix == ".db"] == [kept.name]
    (done,) = pull(project, store)
    assert done.records == 2
    assert asked == [None, "two", "two"]
    assert not kept.exists()
    dry_pull(project)
    assert not kept.exists()


@pytest.mark.parametrize("what", ["source", "release"])
def test_a_dry_pull_knows_the_names(fake: Fake, tmp_path: Path, what: str) -> None:
    with pytest.raises(SignalsError, match=f"unknown {what} 'nobody'"):
        dry_pull(project_of(tmp_path, "a"), **{what: "nobody"})


def test_a_dry_pull_of_one_source(fake: Fake, tmp_path: Path) -> None:
    project = project_of(tmp_path, "a", "b")
    assert [one.source.name for one in dry_pull(project, source="b")] == ["b"]
    assert dry_pull(replace(project, sources=())) == ()
