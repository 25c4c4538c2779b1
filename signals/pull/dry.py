"""Read the sources and store nothing: what a pull would bring, what it would change, what the first records look like.

A server's pages go to a folder of the reading's own. What earlier pulls kept of them (a pull that died, ``reread:``) is
copied there first, so that the reading goes on from where a pull would, and leaves the kept pages as they were.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from signals.connectors import Tally, get
from signals.connectors.api.spool import spool_path
from signals.connectors.base import Keeps
from signals.connectors.batch import Batch, within
from signals.model import Project, Record, SignalsError, Source
from signals.pull import Say, Step, Watch, announcer, definition_of, sources_of, told
from signals.pull.together import Job, together
from signals.store import PullReport, Store, StoreError, failed_report, open_store

FIRST = 3
"""Records of each shape that are shown."""

Look = Callable[[Source, Iterator[Record]], Iterable[Record]]
"""Lets the records of a source pass, and looks at each."""


@dataclass
class Reading:
    """What reading one source came to. ``report`` counts what a pull would change."""

    source: Source
    report: PullReport
    first: Mapping[str, Sequence[Record]] = field(default_factory=dict)  # by the name of the record's class


def dry_pull(
    project: Project,
    *,
    release: str | None = None,
    source: str | None = None,
    full: bool = False,
    watch: Watch | None = None,
    look: Look | None = None,
) -> tuple[Reading, ...]:
    """Read the sources as ``pull`` would, whether they have changed or not, and compare with what the store holds.

    Args:
        project: Releases and sources.
        release: As for ``pull``.
        source: Only this source.
        full: Ask servers for everything.
        watch: Told of every step.
        look: Sees every record as it passes.

    Raises:
        SignalsError: An unknown source or release, or a store that fails.
    """
    chosen = sources_of(project, release, source)
    say = announcer(None, watch)
    with _beside(project) as (store, elsewhere):
        if not full:
            for one in chosen:
                _copy_pages(one, project, elsewhere)
        batch = Batch(chosen)
        jobs = [Job(one, partial(_read, one, elsewhere, store, batch, say, look)) for one in chosen]
        return tuple(together(jobs, None if watch is None else partial(watch, None)))


@contextmanager
def _beside(project: Project) -> Iterator[tuple[Store, Project]]:
    """The store to compare with (an empty one while the project has none), and the project with a place of its own."""
    with tempfile.TemporaryDirectory(prefix="signals-", ignore_cleanup_errors=True) as folder:
        elsewhere = replace(project, store_url=f"sqlite:///{Path(folder) / 'store.db'}")
        scheme, _, path = project.store_url.partition(":///")
        missing = scheme.partition("+")[0] == "sqlite" and path and not Path(path.partition("?")[0]).exists()
        with open_store(elsewhere.store_url if missing else project.store_url) as store:
            yield store, elsewhere


def _copy_pages(source: Source, project: Project, elsewhere: Project) -> None:
    """What is kept of a server's pages; none when there are none, or another process is at them."""
    kept, copy = spool_path(source, project), spool_path(source, elsewhere)
    if not kept.is_file():
        return
    copy.parent.mkdir(mode=0o700, exist_ok=True)
    try:
        uri = f"{kept.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=0)) as old, closing(sqlite3.connect(copy)) as new:
            old.backup(new)
    except sqlite3.Error:
        with suppress(OSError):
            copy.unlink()


def _read(source: Source, project: Project, store: Store, batch: Batch, say: Say, look: Look | None) -> Reading:
    started = datetime.now(UTC)
    tally, first = Tally(), dict[str, list[Record]]()
    say(Step(source.name, "reads"))
    try:
        definition_of(source, project)
        connector = get(source.connector)
        passing = _noted(connector.read(source, project, tally), first)
        seen = look(source, passing) if look is not None else passing
        with within(batch):
            report = store.compare(source, told(seen, source, say), tally)
    except StoreError:
        raise
    except SignalsError as error:
        report = failed_report(source, "", started, str(error))
    finally:
        _forget(source, project)
    say(Step(source.name, "done", report.records, report))
    return Reading(source, report, first)


def _noted(records: Iterable[Record], first: dict[str, list[Record]]) -> Iterator[Record]:
    for record in records:
        mine = first.setdefault(type(record).__name__, [])
        if len(mine) < FIRST:
            mine.append(record)
        yield record


def _forget(source: Source, elsewhere: Project) -> None:
    """Nothing that a server said stays longer than needed."""
    with suppress(SignalsError):
        connector = get(source.connector)
        if isinstance(connector, Keeps):
            connector.forget(source, elsewhere)
