"""The spans of a source, looked up by their ids: kept on disk, and of each only what the source asks for.

Events often come before the spans that they judge, and from another file; a service's traces are larger than memory.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from signals.connectors.jsonfile import dig, paths_of, selected
from signals.connectors.lines import EPOCH
from signals.connectors.otel.documents import Event, Span
from signals.model import SignalsError, Source
from signals.strictyaml import suggest

ANSWERS = ("chat", "generate_content", "invoke_agent", "text_completion")
"""Operations that answer, unless ``shown:`` says which spans do."""

SIDES = ("span.", "root.")
"""Paths that lead into a span: the one that is judged, or the root of its trace."""

NO_SPAN = "the span that it judges is not in the files"
NAMELESS = "it names neither a span nor a response"
SEVERAL = "several spans have its response id"
OTHER = "its span has another response id than it has, and no span has its own"
NOT_SHOWN = "the span that it rates is none of the answers shown"


@dataclass(frozen=True, slots=True)
class Found:
    """One span of the index. ``facts`` are what the source asks for, by path without ``span.``."""

    number: int
    trace: bytes
    span: bytes
    response: str | None
    failed: bool
    shown: bool
    at: datetime | None
    facts: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Trace and span."""
        return f"{self.trace.hex()}:{self.span.hex()}"


COLUMNS = "n, trace, span, response, failed, shown, at, facts"


class Spans:
    """Spans by trace and id, by response, and by trace alone. ``close`` it in the end."""

    def __init__(self, folder: Path, source: Source) -> None:
        asked = [*source.map.values(), *source.where]
        self._source = source
        self._wanted = sorted({path[5:] for path in asked if path.startswith(SIDES)})
        self._roots = any(path.startswith("root.") for path in asked)
        shown = source.options.get("shown")
        self._shown = (
            replace(source, where={str(path)[5:]: wanted for path, wanted in shown.items()}) if shown else None
        )
        self._met: set[str] = set()
        self._known: dict[str, None] = {}
        self.count = 0
        # Pulls may end a read from another thread than began it.
        self._base = sqlite3.connect(folder / "spans.db", isolation_level=None, check_same_thread=False)
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -32768", "locking_mode = EXCLUSIVE"):
            self._base.execute(f"PRAGMA {setting}")
        self._base.execute(
            "CREATE TABLE spans (n INTEGER PRIMARY KEY, trace BLOB, span BLOB, parent BLOB, response TEXT, "
            "failed INT, shown INT, at INT, facts TEXT, UNIQUE (trace, span))"
        )
        self._base.execute("BEGIN")

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def fill(self, spans: Iterable[Span]) -> None:
        """Keep all spans; the same one again changes nothing, unless it failed there.

        Raises:
            SignalsError: When the source asks for a path that no span has.
        """
        for span in spans:
            self._add(span)
        self._base.execute("CREATE INDEX by_response ON spans (response)")
        self._base.execute("COMMIT")
        self._check()

    def _add(self, span: Span) -> None:
        facts = {path: value for path in self._wanted if (value := dig(span.row, path)) is not None}
        self._met.update(facts)
        if self.count < 20:
            self._known.update(dict.fromkeys(paths_of(span.row)))
        self._base.execute(
            "INSERT INTO spans (trace, span, parent, response, failed, shown, at, facts) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (trace, span) DO UPDATE SET failed = max(failed, excluded.failed)",
            (
                span.trace,
                span.span,
                span.parent,
                span.response,
                span.failed,
                self._answers(span),
                (span.at - EPOCH) // timedelta(microseconds=1) if span.at else None,
                json.dumps(facts),
            ),
        )
        self.count += 1

    def _answers(self, span: Span) -> bool:
        """Whether people see what this span made."""
        if self._shown is None:
            return span.row["attributes"].get("gen_ai.operation.name") in ANSWERS
        return selected(span.row, self._shown)

    def _check(self) -> None:
        """A path that no span has is a typo, or the traces were left out."""
        name = f"source {self._source.name!r}"
        for key, path in self._source.map.items():
            if not path.startswith(SIDES) or path[5:] in self._met:
                continue
            if not self.count:
                what = f"{name}: the files hold no spans, and map.{key} reads {path!r}"
                raise SignalsError(what, "Let `path:` match the traces as well as the logs")
            raise SignalsError(
                f"{name}: no span has {path!r} (map.{key})", suggest(path, [path[:5] + known for known in self._known])
            )

    # --- looking up -------------------------------------------------------------------------------------------------

    def _some(self, where: str, *values: object, limit: int = 2) -> list[Found]:
        found = self._base.execute(f"SELECT {COLUMNS} FROM spans WHERE {where} ORDER BY n LIMIT {limit}", values)  # noqa: S608  (ours)
        return [_found(row) for row in found]

    def judged(self, event: Event) -> Found | str:
        """The span that an event judges, or the reason why nobody can tell.

        That is the span it was written on. An evaluator that runs by itself writes on a span of its own, or on none,
        and names the response instead.
        """
        direct = self._some("trace = ? AND span = ?", event.trace, event.span) if event.span else []
        if direct and event.response in (None, direct[0].response):
            return direct[0]
        if event.response is not None:
            named = self._some("response = ? AND trace = ?", event.response, event.trace) if event.trace else []
            named = named or self._some("response = ?", event.response)
            if len(named) == 1:
                return named[0]
            if not direct:
                return SEVERAL if named else NO_SPAN
            return direct[0] if direct[0].response is None else SEVERAL if named else OTHER
        if event.trace and not event.span:
            roots = self._some("trace = ? AND parent = x''", event.trace)
            return roots[0] if len(roots) == 1 else NO_SPAN
        return NO_SPAN if event.trace else NAMELESS

    def rated(self, found: Found) -> Found | str:
        """The answer that a thumb on this span is about: the span itself, or the only answer of its trace."""
        if found.shown:
            return found
        answers = self._some("trace = ? AND shown AND NOT failed", found.trace)
        return answers[0] if len(answers) == 1 else NOT_SHOWN

    def row(self, found: Found) -> dict[str, Any]:
        """What ``span.`` and ``root.`` paths say of a span."""
        row = {f"span.{path}": value for path, value in found.facts.items()}
        if self._roots:
            roots = self._some("trace = ? AND parent = x''", found.trace)
            if len(roots) == 1:
                row |= {f"root.{path}": value for path, value in roots[0].facts.items()}
        return row

    def shown(self) -> Iterator[Found]:
        """The answers that people saw: a run that failed gave none.

        Raises:
            SignalsError: When there are none, or a trace has several and ``shown:`` does not say which count.
        """
        name = f"source {self._source.name!r}"
        remedy = "Say which spans are answers that people see, such as `shown: {span.name: NAME}`"
        if self._shown is None:
            several = self._base.execute(
                "SELECT trace FROM spans WHERE shown AND NOT failed GROUP BY trace HAVING count(*) > 1 "
                "ORDER BY min(n) LIMIT 1"
            ).fetchone()
            if several:
                raise SignalsError(f"{name}: the trace {several[0].hex()} has several generative spans", remedy)
        if not self.count:
            remedy = "Let `path:` match the traces as well as the logs, or set `impressions: false`"
            raise SignalsError(f"{name}: the files hold no spans, so nobody knows which answers were shown", remedy)
        met = False
        cursor = self._base.execute(f"SELECT {COLUMNS} FROM spans WHERE shown AND NOT failed ORDER BY n")  # noqa: S608  (ours)
        for row in cursor:
            met = True
            yield _found(row)
        if not met:
            nobody = "no span is a generative one" if self._shown is None else "no span is what `shown:` says"
            raise SignalsError(f"{name}: {nobody}", f"{remedy}, or `impressions: false`")


def _found(row: tuple[Any, ...]) -> Found:
    at = None if row[6] is None else EPOCH + timedelta(microseconds=row[6])
    return Found(row[0], row[1], row[2], row[3], bool(row[4]), bool(row[5]), at, json.loads(row[7]))


def only(source: Source, sides: tuple[str, ...]) -> Source:
    """The source with only that part of ``where:`` that looks at these sides."""
    return replace(source, where={path: wanted for path, wanted in source.where.items() if path.startswith(sides)})
