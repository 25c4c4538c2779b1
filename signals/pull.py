"""Sources into the store: each is read when it, or the way it is read, has changed since its last pull."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from signals.connectors import Tally, get
from signals.connectors.base import Keeps
from signals.connectors.env import resolved
from signals.model import Project, Record, SignalsError, Source, digest
from signals.store import PulledMeanwhileError, PullReport, Store, StoreError
from signals.strictyaml import suggest

READERS_VERSION = 4
"""Raise it when a connector reads the same input differently than before: every source is then read again."""

ATTEMPTS = 5
SAY_EVERY = 10_000  # records

Progress = Callable[[str], None]


def pull(
    project: Project,
    store: Store,
    *,
    release: str | None = None,
    source: str | None = None,
    full: bool = False,
    progress: Progress | None = None,
) -> tuple[PullReport, ...]:
    """Bring the store up to date with every source, one report each, in the order of ``sources.yaml``.

    A source that cannot be read keeps the evidence of its last good pull and stops none of the others: its report has
    the status ``failed`` and an ``error`` of one or more lines.

    Args:
        project: Releases and sources.
        store: Where the evidence goes.
        release: Must be the id of a known release. A source feeds releases by the variants it names, which only
            reading it tells, so all sources are read whatever the release.
        source: Only this source.
        full: Read even what has not changed.
        progress: Told in one line what is being done.

    Raises:
        SignalsError: An unknown source or release, or a store that fails.
    """
    _known("release", release, [one.id for one in project.releases])
    _known("source", source, [one.name for one in project.sources])
    store.sync_releases(project.releases)
    say = progress or (lambda _line: None)
    return tuple(
        _pull_one(one, project, store, full=full, say=say)
        for one in project.sources
        if source is None or one.name == source
    )


def _known(what: str, name: str | None, names: list[str]) -> None:
    if name is not None and name not in names:
        raise SignalsError(f"unknown {what} {name!r}", suggest(name, names))


def definition_of(source: Source, project: Project) -> str:
    """Hash of everything besides the input that decides which records a source gives."""
    filled = resolved(source, project)
    return digest(
        {
            "readers": READERS_VERSION, "signal": source.signal, "connector": source.connector,
            "options": filled.options, "map": filled.map, "where": filled.where, "values": filled.values,
            "timezone": filled.timezone,
            # Units that both arms of a release saw are set aside, so which variants are arms matters.
            "arms": sorted({release.arms for release in project.releases}),
        }
    )  # fmt: skip


def _pull_one(source: Source, project: Project, store: Store, *, full: bool, say: Progress) -> PullReport:
    started = datetime.now(UTC)
    definition = ""
    say(f"{source.name}: looking for changes")
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
        try:
            records = _told(connector.read(source, project, tally), source, say)
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


def _told(records: Iterable[Record], source: Source, say: Progress) -> Iterator[Record]:
    number = 0
    for number, record in enumerate(records, 1):
        if number % SAY_EVERY == 0:
            say(f"{source.name}: {number:,} records")
        yield record
    say(f"{source.name}: storing {number:,} records")


def _same(last: PullReport, fingerprint: str, definition: str) -> bool:
    return (last.fingerprint, last.definition) == (fingerprint, definition)


def _skipped(last: PullReport, started: datetime) -> PullReport:
    now = datetime.now(UTC)
    seconds = (now - started).total_seconds()
    return replace(
        last, status="unchanged", started=started, seconds=seconds, checked=now, new=0, changed=0, removed=0,
        unchanged=last.records,
    )  # fmt: skip
