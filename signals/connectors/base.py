"""The protocol that every connector keeps, and the tally that it fills while it reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from signals.model import Problem, Project, Record, SetAside, SignalsError, Source
from signals.strictyaml import Document, Loc

if TYPE_CHECKING:
    from signals.connectors.options import Entry


class Tally:
    """Counts of one read: rows seen, rows kept, rows set aside with reasons.

    ``rows_read`` counts the rows that belong to the source (after ``where``). ``rows_kept`` counts those that ended in
    a record; a failed judgement that is kept with its error counts as kept.
    """

    def __init__(self) -> None:
        self.rows_read = 0
        self.rows_kept = 0
        self._rows: dict[tuple[str, str | None, bool], int] = {}
        self._units: dict[tuple[str, str | None, bool], int] = {}
        self._examples: dict[tuple[str, bool], str] = {}

    def set_aside(
        self,
        why: str,
        variant: str | None = None,
        rows: int = 1,
        fault: bool = True,
        example: str = "",
        units: int = 0,
    ) -> None:
        """Count rows that do not become evidence.

        Args:
            why: The reason. Rows with the same reason, variant and fault are counted together.
            variant: The arm, when the row names one.
            rows: How many.
            fault: False when nothing is wrong with the rows.
            example: The first such row: place and offending text. Only the first per reason is kept.
            units: How many units the rows are of, when whole units are set aside.
        """
        if rows <= 0:
            return
        key = (why, variant, fault)
        self._rows[key] = self._rows.get(key, 0) + rows
        if units:
            self._units[key] = self._units.get(key, 0) + units
        if example:
            self._examples.setdefault((why, fault), example)

    def looked_for(self, why: str) -> None:
        """Keep an entry for a reason even when no row has it: looked for and not found differs from not looked for."""
        self._rows.setdefault((why, None, False), 0)

    @property
    def entries(self) -> tuple[SetAside, ...]:
        """What was set aside, in a stable order."""

        def text(why: str, fault: bool) -> str:
            example = self._examples.get((why, fault))
            return f"{why} (first: {example})" if example else why

        ordered = sorted(self._rows.items(), key=lambda entry: (entry[0][0], entry[0][1] or "", entry[0][2]))
        return tuple(
            SetAside(rows, text(why, fault), variant, fault, self._units.get((why, variant, fault)))
            for (why, variant, fault), rows in ordered
        )

    def require_rows(self, source: Source, where: str) -> None:
        """Refuse a source that gave nothing: no data never reads as fine.

        Raises:
            SignalsError: When no row was read, or none could be kept.
        """
        if self.rows_read == 0:
            remedy = "Check `where:` and the file" if source.where else "Export it again"
            selected = " match `where:`" if source.where else ""
            raise SignalsError(f"source {source.name!r}: 0 rows{selected}", remedy, file=where)
        if self.rows_kept == 0:
            worst = max(self.entries, key=lambda entry: entry.rows)
            raise SignalsError(
                f"source {source.name!r}: none of the {self.rows_read:,} rows can be used: {worst.why}",
                f"Check `map:` and `values:` of {source.name!r}",
                file=where,
            )


class Connector(Protocol):
    """Reads one kind of tool's output. It never judges: it turns rows into records, or sets them aside.

    Several threads ask at once, each about another source: nothing of a source may stay in the connector.
    """

    name: str
    shapes: tuple[str, ...]  # the records it may bring, the usual ones first; a source says which by its key `shape`

    def entry(self) -> type[Entry]:
        """The model of its entry in sources.yaml: a subclass of ``options.Entry`` that forbids other keys."""
        ...

    def check(self, source: Source, document: Document, loc: Loc) -> tuple[Problem, ...]:
        """What is wrong with the source's own keys, as places in ``document`` (its entry is at ``loc``)."""
        ...

    def fingerprint(self, source: Source, project: Project) -> str | None:
        """``sha256:`` of everything that would be read; None when only reading it would tell (a query)."""
        ...

    def read(self, source: Source, project: Project, tally: Tally) -> Iterator[Record]:
        """Every record of the source. Records and their ids depend on the input alone.

        Raises:
            SignalsError: When the source as a whole cannot be used. It may be raised after some records were given,
                so callers keep nothing until the iterator has ended.
        """
        ...


@runtime_checkable
class Keeps(Protocol):
    """A connector that may keep, between pulls, what a server said."""

    def forget(self, source: Source, project: Project) -> None:
        """Throw it away: the next read asks for everything."""
        ...
