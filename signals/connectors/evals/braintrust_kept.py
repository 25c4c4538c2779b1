"""What is kept of Braintrust's cases and spans while the rest is read: in a temporary file, and never in memory.

Texts are kept as bytes: they sort as Python's strings do, and hold what UTF-8 cannot.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from signals.connectors.evals.braintrust_rows import Row
from signals.connectors.paths import InputFile
from signals.model import SignalsError

CACHE = 32_768
"""Kilobytes of the file that stay in memory."""

TABLES = """
CREATE TABLE cases (n INTEGER PRIMARY KEY, key BLOB UNIQUE, version TEXT, chosen INT, created BLOB, variant BLOB,
    item BLOB, trace BLOB, span BLOB, scores TEXT, broken TEXT);
CREATE TABLE repeats (key BLOB PRIMARY KEY, place INT) WITHOUT ROWID;
CREATE TABLE traces (trace BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE spans (n INTEGER PRIMARY KEY, trace BLOB, key BLOB, version TEXT, created BLOB, name BLOB, parents TEXT,
    scores TEXT, failed INT, UNIQUE (trace, key));
CREATE TABLE bare (n INTEGER PRIMARY KEY, file INT, line INT, data TEXT);
CREATE TABLE inputs (content BLOB PRIMARY KEY, meta TEXT) WITHOUT ROWID;
CREATE TABLE named (run BLOB, item BLOB, content BLOB, PRIMARY KEY (run, item)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Case:
    """The newest version of a case's own span. ``scores`` is None when the run failed: nothing that was said counts."""

    created: str
    variant: str | None
    item: str | None
    trace: str
    span: str
    scores: Mapping[str, Any] | None
    broken: frozenset[str]


@dataclass(frozen=True, slots=True)
class Said:
    """The newest version of a scorer's span."""

    version: int
    created: str
    by: str  # name of the scorer's function
    parents: tuple[str, ...]
    scores: Mapping[str, Any]
    failed: bool


class Kept:
    """Cases, scorers' spans and metadata. ``close`` it in the end."""

    def __init__(self) -> None:
        self._files: list[InputFile] = []
        # Without a name SQLite makes a temporary file that is gone in any case. Pulls may end a read from another
        # thread than began it.
        self._base = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for setting in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{CACHE}"):
            self._base.execute(f"PRAGMA {setting}")
        self._base.executescript(TABLES)
        self._base.execute("BEGIN")

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def _do(self, sql: str, *values: object) -> sqlite3.Cursor:
        try:
            return self._base.execute(sql, values)
        except sqlite3.OperationalError as error:
            what = f"the temporary folder cannot hold what was read: {error}"
            raise SignalsError(what, "Make room, or set SQLITE_TMPDIR") from None

    # --- cases --------------------------------------------------------------------------------------------------------

    def version(self, key: str) -> int | None:
        """The newest version of a case's own span that was met."""
        found = self._do("SELECT version FROM cases WHERE key = ?", _bytes(key)).fetchone()
        return int(found[0]) if found else None

    def case(self, key: str, version: int, case: Case | None) -> None:
        """Keep a version of a case's own span in place of any other; no case when the source does not select it."""
        about: tuple[object, ...] = (None,) * 7
        if case is not None:
            scores = None if case.scores is None else json.dumps(dict(case.scores))
            about = (*map(_bytes, (case.created, case.variant, case.item, case.trace, case.span)),
                     scores, json.dumps(sorted(case.broken)))  # fmt: skip
        self._do(
            "INSERT INTO cases (key, version, chosen, created, variant, item, trace, span, scores, broken) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET version = excluded.version, "
            "chosen = excluded.chosen, created = excluded.created, variant = excluded.variant, item = excluded.item, "
            "trace = excluded.trace, span = excluded.span, scores = excluded.scores, broken = excluded.broken",
            _bytes(key), _version(version), case is not None, *about,
        )  # fmt: skip

    def cases(self) -> Iterator[Case]:
        """Every case that the source selects."""
        columns = "created, variant, item, trace, span, scores, broken"
        for *texts, scores, broken in self._do(f"SELECT {columns} FROM cases WHERE chosen ORDER BY n"):  # noqa: S608  (ours)
            created, variant, item, trace, span = map(_text, texts)
            found = None if scores is None else json.loads(scores)
            yield Case(created or "", variant, item, trace or "", span or "", found, frozenset(json.loads(broken)))

    def number(self) -> None:
        """Number the cases of one item and variant by their times; see ``repeat``."""
        self._do(
            "INSERT INTO repeats SELECT key, row_number() OVER (PARTITION BY variant, item ORDER BY created, key) - 1 "
            "FROM cases WHERE chosen"
        )

    def repeat(self, key: str) -> int | None:
        """Which trial of its item a case is."""
        found = self._do("SELECT place FROM repeats WHERE key = ?", _bytes(key)).fetchone()
        return found[0] if found else None

    # --- traces -------------------------------------------------------------------------------------------------------

    def trace(self, trace: str) -> None:
        """Note that a trace has a case's own span."""
        self._do("INSERT OR IGNORE INTO traces VALUES (?)", _bytes(trace))

    def said(self, trace: str, key: str, said: Said) -> None:
        """Keep the span of a scorer, unless one as new is there."""
        self._do(
            "INSERT INTO spans (trace, key, version, created, name, parents, scores, failed) VALUES "
            "(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (trace, key) DO UPDATE SET version = excluded.version, "
            "created = excluded.created, name = excluded.name, parents = excluded.parents, scores = excluded.scores, "
            "failed = excluded.failed WHERE excluded.version > spans.version",
            _bytes(trace), _bytes(key), _version(said.version), _bytes(said.created), _bytes(said.by),
            json.dumps(said.parents), json.dumps(dict(said.scores)), said.failed,
        )  # fmt: skip

    def of(self, trace: str) -> list[Said]:
        """What the scorers of a trace said, oldest first."""
        found = self._do(
            "SELECT version, created, name, parents, scores, failed FROM spans WHERE trace = ? "
            "ORDER BY created, name, n",
            _bytes(trace),
        )
        return [
            Said(int(version), _text(created) or "", _text(name) or "", tuple(json.loads(parents)), json.loads(scores),
                 bool(failed))
            for version, created, name, parents, scores, failed in found
        ]  # fmt: skip

    def orphans(self) -> tuple[int, str]:
        """How many traces have scores and no case of their own, and the first of them by name."""
        count, first = self._do(
            "SELECT count(*), min(trace) FROM (SELECT DISTINCT trace FROM spans WHERE trace NOT IN traces)"
        ).fetchone()
        return int(count), _text(first) or ""

    # --- metadata -----------------------------------------------------------------------------------------------------

    def bare(self, row: Row) -> None:
        """Keep a case that has no metadata, to be looked at when all is known."""
        if row.file not in self._files:
            self._files.append(row.file)
        self._do(
            "INSERT INTO bare (file, line, data) VALUES (?, ?, ?)",
            self._files.index(row.file), row.line, json.dumps(dict(row.data)),
        )  # fmt: skip

    def bares(self) -> Iterator[Row]:
        """The cases without metadata, as they came."""
        for file, line, data in self._do("SELECT file, line, data FROM bare ORDER BY n"):
            yield Row(json.loads(data), self._files[file], line)

    def alike(self, content: str) -> dict[str, Any] | None:
        """The metadata that all cases with an input share so far."""
        found = self._do("SELECT meta FROM inputs WHERE content = ?", _bytes(content)).fetchone()
        return json.loads(found[0]) if found else None

    def share(self, content: str, meta: Mapping[str, Any]) -> None:
        """Say what they share."""
        self._do("INSERT OR REPLACE INTO inputs VALUES (?, ?)", _bytes(content), json.dumps(dict(meta)))

    def first(self, run: str, item: str, content: str) -> str:
        """The input that a run had first under an item: this one, when there was none."""
        names = _bytes(run), _bytes(item)
        if self._do("INSERT OR IGNORE INTO named VALUES (?, ?, ?)", *names, _bytes(content)).rowcount:
            return content
        found = self._do("SELECT content FROM named WHERE run = ? AND item = ?", *names).fetchone()
        return _text(found[0]) or ""


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8", "surrogatepass")


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("utf-8", "surrogatepass")


def _version(version: int) -> str:
    return f"{version:030d}"  # of up to 29 digits: more than SQLite's numbers have
