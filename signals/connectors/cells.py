"""SQL for one field of a source: its text, number and time, after recoding. Every name and value is quoted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from signals.connectors.duck import literal
from signals.connectors.entries import as_text, recoding
from signals.connectors.shapes import Shape
from signals.connectors.tabular import WIDE_NAME, WIDE_VALUE, Rows
from signals.connectors.times import formatted, local
from signals.model import SignalsError, Source

NUMERIC = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
           "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL")  # fmt: skip
ZONED, ZONED_NANOS = "TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"  # pandas writes the second; DuckDB hardly reads it
ZONE_AT_END = r":\d{2}(\.\d+)?\s*(z|utc|gmt|[+-]\d{2}(:?\d{2})?)$"
LAST_YEAR = 7_258_118_400_000_000  # 2200 in microseconds: later times are a mistake, such as a wrong unit


@dataclass(frozen=True)
class Cells:
    """Builds expressions over the view ``rows`` for the fields that the source maps."""

    source: Source
    shape: Shape
    rows: Rows

    @property
    def label(self) -> str:
        """What messages call the input as a whole: its only file, or the source."""
        return self.rows.names[0] if len(self.rows.names) == 1 else f"source {self.source.name!r}"

    def has(self, field: str) -> bool:
        """Whether the field is mapped, or comes from `wide:`."""
        wide = self.source.options.get("wide") or {}
        return field in self.source.map or field in wide or (bool(wide) and field == self.shape.graded)

    def _column(self, field: str) -> tuple[str, str]:
        wide = self.source.options.get("wide") or {}
        if field in wide:
            return WIDE_NAME, "VARCHAR"
        if wide and field == self.shape.graded:
            return WIDE_VALUE, "VARCHAR"
        column = self.source.map[field]
        return self.rows.alias[column], self.rows.types[column]

    def _recoding(self, field: str) -> dict[str, str | None]:
        labels = (self.source.options.get("wide") or {}).get(field)
        if isinstance(labels, dict):  # the column says its label
            return dict(labels)
        found = recoding(self.source, field, self.shape.graded)
        if field == "expected" and not found and self.shape.graded:  # the right answer, in the words of the answers
            return recoding(self.source, self.shape.graded, self.shape.graded)
        return found

    def text(self, field: str) -> str:
        """The cell's trimmed text; NULL when it is empty."""
        name, kind = self._column(field)
        text = plain_text(name, kind)
        recode = self._recoding(field)
        if not recode:
            return text
        cases = []
        for theirs, ours in recode.items():
            test = f"{text} = {literal(theirs.strip())}"
            number = as_number(theirs)
            if number is not None and kind != "VARCHAR":
                test = f"({test} OR TRY_CAST({name} AS DOUBLE) = {number!r})"
            elif theirs.lower() in ("true", "false") and kind == "BOOLEAN":
                test = f"{name} = {theirs.lower()}"
            cases.append(f"WHEN {test} THEN {'NULL' if ours is None else literal(ours)}")
        return f"(CASE {' '.join(cases)} ELSE {text} END)"

    def key(self, field: str) -> str:
        """The cell's trimmed text; empty when it is. Made of functions only, so that DuckDB keeps its dictionaries."""
        name, kind = self._column(field)
        text = self.text(field) if kind != "VARCHAR" or self._recoding(field) else f"trim({name})"
        return f"concat({text}, '')"

    def number(self, field: str) -> str:
        """The cell as DOUBLE; true and false are 1 and 0; NULL when it is no number (NaN and infinity pass)."""
        name, kind = self._column(field)
        if is_numeric(kind, "BOOLEAN") and not self._recoding(field):
            return f"CAST({name} AS DOUBLE)"
        text = self.text(field)
        # DuckDB reads 1_000 as 1000; an export that holds it holds an id.
        return (
            f"(CASE WHEN contains({text}, '_') THEN NULL ELSE coalesce(TRY_CAST({text} AS DOUBLE), "
            f"CASE lower({text}) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END) END)"
        )

    def empty(self, field: str) -> str:
        """Whether the cell is empty, without turning numbers into text to find out."""
        name, kind = self._column(field)
        plain = kind != "VARCHAR" and not self._recoding(field)
        return f"({name} IS NULL)" if plain else f"({self.text(field)} IS NULL)"

    def native(self, field: str) -> str:
        """The cell in its own type, for grouping by whole numbers without turning them into text."""
        name, kind = self._column(field)
        if is_numeric(kind) and not self._recoding(field):
            return name
        return self.text(field)

    def whole(self, field: str) -> bool:
        """Whether the cell can hold only whole numbers, or true and false."""
        _, kind = self._column(field)
        whole = kind == "BOOLEAN" or (is_numeric(kind) and kind.endswith(("INT", "INTEGER")))
        return whole and not self._recoding(field)

    def micros(self, field: str) -> tuple[str, str]:
        """(microseconds since 1970 in UTC or NULL, whether a time without zone stands where no zone is declared)."""
        name, kind = self._column(field)
        zone = self.source.timezone
        if kind == ZONED:
            return f"epoch_us({name})", "false"
        if kind == ZONED_NANOS:
            return f"(epoch_ns({name}) // 1000)", "false"
        if kind.startswith("TIMESTAMP") or kind == "DATE":
            moment = f"CAST({name} AS TIMESTAMP)"
            return self._local(moment), "false" if zone else f"({name} IS NOT NULL)"
        text = self.text(field)
        formats = self.source.options.get("times")
        if formats:
            micros, naive = self._iso(text)
            return formatted(text, formats, zone, micros, naive)
        return self._iso(text)

    def _iso(self, text: str) -> tuple[str, str]:
        """``micros`` of a text that is written like 2026-11-10T08:00:00Z."""
        zone = self.source.timezone
        if zone == "UTC":  # DuckDB's own zone is UTC: text with and without zone reads alike
            return f"epoch_us(TRY_CAST({text} AS TIMESTAMPTZ))", "false"
        zoned = f"(ends_with({text}, 'Z') OR regexp_matches(lower({text}), {literal(ZONE_AT_END)}))"
        local = self._local(f"TRY_CAST({text} AS TIMESTAMP)")
        micros = f"(CASE WHEN {zoned} THEN epoch_us(TRY_CAST({text} AS TIMESTAMPTZ)) ELSE {local} END)"
        naive = "false" if zone else f"(NOT {zoned} AND TRY_CAST({text} AS TIMESTAMP) IS NOT NULL)"
        return micros, naive

    def _local(self, moment: str) -> str:
        return local(moment, self.source.timezone)

    def day(self, field: str) -> str:
        """The cell as DATE (the day part of a time is taken as written), or NULL."""
        name, kind = self._column(field)
        if kind == ZONED:
            return f"CAST(make_timestamp(epoch_us({name})) AS DATE)"
        if kind == ZONED_NANOS:
            return f"CAST(make_timestamp(epoch_ns({name}) // 1000) AS DATE)"
        if kind.startswith("TIMESTAMP") or kind == "DATE":
            return f"CAST({name} AS DATE)"
        return f"TRY_CAST(left({self.text(field)}, 10) AS DATE)"

    def where(self) -> str:
        """The condition of ``where:``: each column equals its value, or one of its values."""
        return self.matches(self.source.where)

    def matches(self, wanted: Mapping[str, Any]) -> str:
        """The condition that columns have values: one each, or one of a list."""
        tests = []
        for column, values in wanted.items():
            name, kind = self.rows.alias[column], self.rows.types[column]
            allowed = values if isinstance(values, list) else [values]
            tests.append(f"({' OR '.join(equals(name, kind, value) for value in allowed) or 'false'})")
        return " AND ".join(tests) or "true"


def is_numeric(kind: str, *more: str) -> bool:
    """Whether a DuckDB type holds one number (``DOUBLE[]`` holds many)."""
    return kind.partition("(")[0] in (*NUMERIC, *more)


def plain_text(name: str, kind: str) -> str:
    """Trimmed text of a column, NULL when empty."""
    return f"nullif(trim({name}), '')" if kind == "VARCHAR" else f"CAST({name} AS VARCHAR)"


def equals(name: str, kind: str, value: Any) -> str:
    """Whether a column equals a scalar of sources.yaml: as text, or as a number when both are numbers."""
    text = plain_text(name, kind)
    if value is None or value == "":
        return f"{text} IS NULL"
    if isinstance(value, bool):
        return f"lower({text}) IN ({', '.join(literal(t) for t in (('true', '1') if value else ('false', '0')))})"
    if isinstance(value, (int, float)):
        return f"TRY_CAST({text} AS DOUBLE) = {float(value)!r}"
    number = as_number(value)
    if number is not None and is_numeric(kind):
        return f"CAST({name} AS DOUBLE) = {number!r}"
    return f"{text} = {literal(as_text(value) or '')}"


def as_number(text: str) -> float | None:
    """The finite number that a text spells, or None."""
    import math

    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def zone_fault(column: str, file: str, example: str) -> SignalsError:
    """The error for times without a zone when the source declares none."""
    return SignalsError(
        f"column {column!r} holds times without a zone (such as {example!r})",
        "Add `timezone:` to the source: the zone they were written in, such as UTC",
        file=file,
    )


def used_columns(source: Source) -> list[str]:
    """Their columns that the source reads, each once, in a fixed order."""
    wide = source.options.get("wide") or {}
    named = list(source.map.values())
    listed = [column for columns in wide.values() for column in columns]
    picked = [column for key in ("keep", "shown", "exposure") for column in source.options.get(key) or ()]
    once = once_columns(source)
    return list(dict.fromkeys([*named, *source.where, *listed, *picked, *once]))


def once_columns(source: Source) -> list[str]:
    """Their columns that tell a row from its copies; ``map.FIELD`` is the column of a field, if it has one."""
    named = [str(name) for name in source.options.get("once") or ()]
    fields = {f"map.{field}": column for field, column in source.map.items()}
    return [fields.get(name, name) for name in named if not name.startswith("map.") or name in fields]
