"""Sources into the store: each is read when it, or the way it is read, has changed since its last pull."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from threading import Lock
from typing import Literal

from signals.connectors import Tally, get
from signals.connectors.base import Keeps
from signals.connectors.batch import Batch, within
from signals.connectors.env import resolved
from signals.connectors.stopping import check
from signals.model import Project, Record, SignalsError, Source, digest
from signals.pull.together import Job, still_running, together
from signals.store import PulledMeanwhileError, PullReport, Store, StoreError
from signals.strictyaml import suggest

READERS_VERSION = 4
"""Raise it when a connector reads the same input differently than before: every source is then read again."""

ATTEMPTS = 5
SAY_EVERY = 10_000  # records

Progress = Callable[[str], None]
Phase = Literal["waits", "looks", "reads", "stores", "done"]


@dataclass(frozen=True)
class Step:
    """How far one source is. ``records`` counts those read so far; ``report`` is there when it is done."""

    source: str
    phase: Phase
    records: int = 0
    report: PullReport | None = None

    def __str__(self) -> str:
        """Say it in a few words."""
        if self.phase == "reads":
            return f"{self.records:,} records" if self.records else "reading"
        if self.phase == "stores":
            return f"storing {self.records:,} records"
        if self.report is not None:
            return self.report.status
        return {"looks": "looking for changes", "waits": "waiting"}.get(self.phase, self.phase)


Watch = Callable[[Step | None], None]
"""Told of every step, by one thread at a time; with None several times a second, so that a clock can be shown."""


def pull(
    project: Project,
    store: Store,
    *,
    release: str | None = None,
    source: str | None = None,
    full: bool = False,
    progress: Progress | None = None,
    watch: Watch | None = None,
) -> tuple[PullReport, ...]:
    """Bring the store up to date with every source, one report each, in the order of ``sources.yaml``.

    Sources are read at the same time. One that cannot be read keeps the evidence of its last good pull and stops none
    of the others: its report has the status ``failed`` and an ``error`` of one or more lines. Each source is stored as
    a whole or not at all, whatever stops the pull; those that were stored by then stay.

    Args:
        project: Releases and sources.
        store: Where the evidence goes.
        release: Must be the id of a known release. A source feeds releases by the variants it names, which only
            reading it tells, so all sources are read whatever the release.
        source: Only this source.
        full: Read even what has not changed.
        progress: Told in one line what is being done, by one thread at a time.
        watch: The same, step by step.

    Raises:
        SignalsError: An unknown source or release, or a store that fails.
        KeyboardInterrupt: When it comes; readers are told to stop first.
    """
    chosen = sources_of(project, release, source)
    store.sync_releases(project.releases)
    say = announcer(progress, watch)
    batch = Batch(chosen)
    jobs = [Job(one, partial(_pull_one, one, project, store, batch, full=full, say=say)) for one in chosen]
    return tuple(together(jobs, None if watch is None else partial(watch, None)))


def sources_of(project: Project, release: str | None, source: str | None) -> tuple[Source, ...]:
    """The sources to read.

    Raises:
        SignalsError: An unknown source or release.
    """
    for what, name, known in (
        ("release", release, [one.id for one in project.releases]),
        ("source", source, [one.name for one in project.sources]),
    ):
        if name is not None and name not in known:
            raise SignalsError(f"unknown {what} {name!r}", suggest(name, known))
    return tuple(one for one in project.sources if source is None or one.name == source)


Say = Callable[[Step], None]


def announcer(progress: Progress | None, watch: Watch | None) -> Say:
    """Tell both, one thread at a time."""
    turn = Lock()

    def say(step: Step) -> None:
        with turn:
            if progress is not None and step.phase in ("looks", "reads", "stores"):
                progress(f"{step.source}: {step}")
            if watch is not None:
                watch(step)

    return say


def definition_of(source: Source, project: Project) -> str:
    """Hash of everything besides the input that decides which records a source gives."""
    filled = resolved(source, project)
    package = getattr(get(source.connector), "package", None)  # of others: a new version may read otherwise
    return digest(
        {
            "readers": READERS_VERSION, "signal": source.signal, "connector": source.connector,
            "options": filled.options, "map": filled.map, "where": filled.where, "values": filled.values,
            "timezone": filled.timezone,
            # Units that both arms of a release saw are set aside, so which variants are arms matters.
            "arms": sorted({pair for release in project.releases for pair in release.pairs}),
            **({"package": package} if package else {}),
        }
    )  # fmt: skip


def _pull_one(source: Source, project: Project, store: Store, batch: Batch, *, full: bool, say: Say) -> PullReport:
    say(Step(source.name, "looks"))
    with within(batch):
        report = _pulled(source, project, store, full=full, say=say)
    say(Step(source.name, "done", report.records, report))
    return report


def _pulled(source: Source, project: Project, store: Store, *, full: bool, say: Say) -> PullReport:
    started = datetime.now(UTC)
    definition = ""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            definition = definition_of(source, project)
            connector = get(source.connector)
            fingerprint = connector.fingerprint(source, project)
        except SignalsError as error:
            return store.record_failure(source, definition, started, str(error))
        last = store.last_pull(source.name)
        again = full and attempt == 1
        if not again and last and fingerprint is not None and _same(last, fingerprint, definition):
            store.record_unchanged(source.name)
            return _skipped(last, started)
        if again and isinstance(connector, Keeps):
            connector.forget(source, project)
        tally = Tally()
        say(Step(source.name, "reads"))
        try:
            records = told(connector.read(source, project, tally), source, say)
            return store.apply(source, fingerprint, definition, records, tally)
        except StoreError:
            raise
        except PulledMeanwhileError as error:
            # What we read may be older than what the other process stored: look again.
            if attempt == ATTEMPTS:
                return store.record_failure(source, definition, started, str(error))
        except SignalsError as error:
            return store.record_failure(source, definition, started, str(error))
    raise AssertionError("unreachable")


def told(records: Iterable[Record], source: Source, say: Say) -> Iterator[Record]:
    """The records, told of as they come; stops when the reading is told to."""
    number = 0
    for number, record in enumerate(records, 1):
        if number % 100 == 0:
            check()
        if number % SAY_EVERY == 0:
            say(Step(source.name, "reads", number))
        yield record
    check()
    say(Step(source.name, "stores", number))


def _same(last: PullReport, fingerprint: str, definition: str) -> bool:
    return (last.fingerprint, last.definition) == (fingerprint, definition)


def _skipped(last: PullReport, started: datetime) -> PullReport:
    now = datetime.now(UTC)
    seconds = (now - started).total_seconds()
    return replace(
        last, status="unchanged", started=started, seconds=seconds, checked=now, new=0, changed=0, removed=0,
        unchanged=last.records,
    )  # fmt: skip


__all__ = [
    "Phase", "Progress", "Step", "Watch", "announcer", "definition_of", "get", "pull", "sources_of", "still_running",
    "told",
]  # fmt: skip
