"""What is kept of a server's answers: whenever a pull dies, the next one ends as if it never had."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.connectors.api import client, spool
from signals.connectors.api.client import StatusError
from signals.connectors.api.paging import Page, by_cursor, by_number
from signals.model import Project, SignalsError, Source
from signals.project import load_project
from signals.pull import pull
from signals.store import open_store


class Dead(BaseException):
    """A process that is gone: no handler may stop it."""


class Shelf:
    """A list on a server, by time; it may die, forget its cursors, or lose and change rows between pulls."""

    def __init__(self, rows: dict[str, tuple[float, Any]], size: int = 2) -> None:
        self.rows, self.size, self.asked, self.dies = rows, size, 0, -1

    def pages(self, start: str | None, since: datetime | None) -> Iterator[Page]:
        begin = since.timestamp() if since else float("-inf")
        listed = sorted((at, name, said) for name, (at, said) in self.rows.items() if at >= begin)
        first = int(start or 0)
        while True:
            if self.dies == 0:
                raise Dead
            self.dies -= 1
            self.asked += 1
            rows = [{"id": name, "at": at, "said": said} for at, name, said in listed[first : first + self.size]]
            first += self.size
            yield Page(rows, str(first) if first < len(listed) else None)
            if first >= len(listed):
                return

    def fetch(self, kept: spool.Spool) -> None:
        kept.gather("row", self.pages, lambda row: row["id"], lambda row: datetime.fromtimestamp(row["at"], UTC))

    @property
    def told(self) -> list[tuple[str, Any]]:
        return [(name, said) for _, name, said in sorted((at, name, said) for name, (at, said) in self.rows.items())]


def place(root: Path, **options: Any) -> tuple[Source, Project]:
    source = Source("one", "judge", "tool", options)
    return source, Project(root, root / "h", root / "data" / "s.yaml", f"sqlite:///{root}/s.db", (), (source,))


def read(root: Path, shelf: Shelf, about: str = "a", **options: Any) -> list[tuple[str, Any]]:
    source, project = place(root, **options)
    with spool.spooled(source, project, {"about": about}, shelf.fetch) as kept:
        return [(row["id"], row["said"]) for row in kept.rows("row")]


def shelf_of(count: int, size: int = 2) -> Shelf:
    return Shelf({f"r{n}": (1000.0 * n, n) for n in range(count)}, size)


@pytest.mark.parametrize("dies", range(6))
def test_whenever_it_dies_the_next_one_asks_for_the_rest_only(tmp_path, dies):
    shelf = shelf_of(9)
    shelf.dies = dies
    if dies < 5:
        with pytest.raises(Dead):
            read(tmp_path, shelf)
    shelf.dies = -1
    assert read(tmp_path, shelf) == shelf.told
    assert shelf.asked == 5, "each page once"
    assert not list(tmp_path.glob("*.pages/*.db"))


@settings(max_examples=25, deadline=None)
@given(
    first=st.dictionaries(st.sampled_from("abcdefghij"), st.tuples(st.integers(0, 40), st.integers()), min_size=1),
    second=st.dictionaries(st.sampled_from("abcdefghij"), st.tuples(st.integers(30, 80), st.integers())),
    dies=st.integers(0, 8),
    size=st.integers(1, 4),
)
def test_a_window_sees_every_change_inside_of_it(tmp_path_factory, first, second, dies, size):
    """Rows that are at most as old as the newest one minus the window are as the server has them now."""
    root = tmp_path_factory.mktemp("window")
    shelf = Shelf({name: (float(at), said) for name, (at, said) in first.items()}, size)
    assert read(root, shelf, reread=10.0) == shelf.told
    begin = max(at for at, _ in shelf.rows.values()) - 10.0
    old = {name: row for name, row in shelf.rows.items() if row[0] < begin}
    shelf.rows = {name: (float(at), said) for name, (at, said) in second.items() if at >= begin} | old
    shelf.dies = dies
    try:
        read(root, shelf, reread=10.0)
    except Dead:
        shelf.dies = -1
        asked = shelf.asked
        assert read(root, shelf, reread=10.0) == shelf.told
        assert shelf.asked - asked <= max(1, -(-len(shelf.rows) // size))
        return
    shelf.dies = -1
    assert read(root, shelf, reread=10.0) == shelf.told


def test_a_window_counts_from_the_last_pull_that_ended(tmp_path):
    """Newest first: a pull that died has the newest rows and not those before them."""
    shelf = shelf_of(4, size=1)
    read(tmp_path, shelf, reread=1000.0)
    shelf.rows |= {f"s{n}": (1000.0 * n, n) for n in range(4, 10)}
    backwards = Shelf(shelf.rows, 1)

    def pages(start: str | None, since: datetime | None) -> Iterator[Page]:
        yield Page(list(shelf.pages(None, since))[-1].rows, "more")
        raise Dead

    backwards.pages = pages  # type: ignore[method-assign]
    with pytest.raises(Dead):
        read(tmp_path, backwards, reread=1000.0)
    client.CLOCK.sleep(7 * 3600)  # too late to go on where it stopped
    assert read(tmp_path, shelf, reread=1000.0) == shelf.told


@pytest.mark.parametrize("options", [{}, {"reread": 1000.0}])
def test_rows_that_a_full_read_does_not_meet_are_gone(tmp_path, options):
    shelf = shelf_of(4)
    shelf.dies = 1
    with pytest.raises(Dead):
        read(tmp_path, shelf, **options)
    client.CLOCK.sleep(7 * 3600)
    shelf.dies = -1
    del shelf.rows["r0"]
    assert read(tmp_path, shelf, **options) == shelf.told


def test_a_place_that_the_server_forgot_begins_anew(tmp_path):
    shelf = shelf_of(5)
    shelf.dies = 2
    with pytest.raises(Dead):
        read(tmp_path, shelf)
    shelf.dies = -1
    del shelf.rows["r0"]
    whole = shelf.pages

    def pages(start: str | None, since: datetime | None) -> Iterator[Page]:
        if start is not None:
            raise StatusError(410, "gone", "")
        yield from whole(start, since)

    shelf.pages = pages  # type: ignore[method-assign]
    assert read(tmp_path, shelf) == shelf.told


def test_other_keys_and_damage_begin_anew(tmp_path):
    for harm in ("keys", "damage", "form"):
        shelf = shelf_of(5)
        shelf.dies = 1
        with pytest.raises(Dead):
            read(tmp_path, shelf)
        (file,) = tmp_path.glob("*.pages/*.db")
        if harm == "damage":
            file.write_bytes(b"not a database at all" * 100)
        if harm == "form":
            with sqlite3.connect(file) as connection:
                connection.execute("UPDATE pull SET form = 0")
            connection.close()
        shelf.dies, shelf.asked = -1, 0
        assert read(tmp_path, shelf, about="b" if harm == "keys" else "a") == shelf.told
        assert shelf.asked == 3


def test_an_error_while_the_rows_are_read_keeps_nothing(tmp_path):
    source, project = place(tmp_path)
    with pytest.raises(SignalsError, match="bad map"), spool.spooled(source, project, {}, shelf_of(3).fetch):
        raise SignalsError("bad map")
    assert not list(tmp_path.glob("*.pages/*.db"))


def test_errors_of_the_list_name_the_source(tmp_path):
    shelf = shelf_of(3)
    shelf.rows[""] = (0.0, 1)
    with pytest.raises(
        SignalsError, match=r"s\.yaml: source 'one': the server's list of rows holds a row without an id"
    ):
        read(tmp_path, shelf)


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path):
    (tmp_path / "s.db.pages").write_text("a file where the folder should be")
    shelf = shelf_of(5)
    assert read(tmp_path, shelf) == shelf.told
    assert read(tmp_path, shelf, reread=1000.0) == shelf.told


def test_the_files_lie_beside_the_store_or_in_the_project(tmp_path):
    source, project = place(tmp_path)
    assert spool.spool_path(source, project).parent == tmp_path / "s.db.pages"
    other = Project(tmp_path, tmp_path, tmp_path, "postgresql://u:p@h/d", (), ())
    assert spool.spool_path(source, other).parent == tmp_path / ".pages"
    wild = Source("../../etc/ä b", "judge", "tool", {})
    assert spool.spool_path(wild, project).parent == tmp_path / "s.db.pages"
    assert spool.spool_path(wild, project) != spool.spool_path(Source("../../etc/ö b", "j", "t", {}), project)


@given(rows=st.lists(st.integers()), size=st.integers(1, 7))
def test_no_way_of_paging_loses_or_doubles_a_row(rows, size):
    named = list(enumerate(rows))

    def cut(first: int) -> dict[str, Any]:
        more = {"next": str(first + size)} if first + size < len(named) else {}
        return {"rows": named[first : first + size], **more}

    cursors = by_cursor(lambda c: cut(int(c or 0)), lambda a: a["rows"], lambda a: a.get("next"))
    numbers = by_number(lambda n: cut((n - 1) * size), lambda a: a["rows"], last=lambda a: None, size=size)
    offsets = by_number(cut, lambda a: a["rows"], last=lambda a: None, size=size, first=0, step=size)
    for pages in (cursors, numbers, offsets):
        assert [row for page in pages for row in page.rows] == named


# --- a process that is killed ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_killed_process_leaves_what_the_next_one_needs(desk, server, monkeypatch):
    monkeypatch.setattr(client, "CLOCK", client.Clock())  # the process that is killed has the real one
    traces = json.loads((desk.files / "mlflow_control.traces.json").read_text())["traces"]
    held = threading.Event()

    def answer(asked: Any) -> Any:
        first = int(asked.body.get("page_token") or 0)
        if first == 6 and not held.is_set():
            held.wait(60)
            return server.Answer(dead=True)
        more = {"next_page_token": str(first + 3)} if first + 3 < len(traces) else {}
        return server.Answer({"traces": traces[first : first + 3], **more})

    server.answer = answer
    mapping = {"variant": "trace_metadata.mlflow.sourceRun"}
    entry = {"signal": "judge", "connector": "mlflow", "url": "${SERVER_URL}", "experiment": "1", "map": mapping}
    desk.sources(src=entry)
    project = load_project(desk.root)
    store = open_store(project.store_url)
    process = subprocess.Popen([sys.executable, "-m", "signals", "pull", "--project", str(desk.root)])
    try:
        deadline = time.monotonic() + 60
        while len(server.asked) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
        held.set()
    asked = len(server.asked)
    assert asked == 3
    (report,) = pull(project, store)
    assert (report.error, report.records) == (None, 12)
    assert [one.body["page_token"] for one in server.asked[asked:]] == ["6", "9"]
