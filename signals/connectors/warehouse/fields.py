"""Columns of a warehouse as Ibis expressions: times in UTC, texts, numbers and filters, alike on every engine."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any

from signals.connectors.cells import as_number
from signals.connectors.entries import as_text
from signals.connectors.lines import EMPTY_SEGMENT
from signals.connectors.warehouse.definition import Relation
from signals.model import SignalsError
from signals.strictyaml import suggest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import ibis

ORDERED = ("bigquery", "snowflake")
"""Engines that cannot order by several values packed into one; they order lists instead."""


def column(table: ibis.Table, name: str, label: str) -> ibis.Column:
    """The column of that name.

    Raises:
        SignalsError: With a suggestion, when there is none.
    """
    if name not in table.columns:
        raise SignalsError(f"{label} has no column {name!r}", suggest(name, table.columns))
    return table[name]


def utc(time: ibis.Column, name: str, zone: str | None, dialect: str) -> ibis.Column:
    """A column of times as UTC without a zone, on an engine whose session is in UTC.

    Raises:
        SignalsError: When it holds no times, or times without a zone and the source declares none.
    """
    import ibis.expr.datatypes as dt

    kind = time.type()
    if not (kind.is_timestamp() or kind.is_date()):
        raise SignalsError(
            f"column {name!r} is {kind}, no time", "Make it a time where it is written, or in a `query:` (with `url:`)"
        )
    zoned = kind.is_timestamp() and kind.timezone is not None
    if dialect == "pyspark" and kind.is_timestamp():
        zoned = True  # Ibis shows Spark's TIMESTAMP, which is a moment, without a zone
    if not zoned and zone is None:
        raise SignalsError(
            f"column {name!r} holds times without a zone", "Add `timezone: UTC` to the source if they are"
        )
    if dialect == "clickhouse":  # its times are moments; the zone is how they are shown
        return time.cast(dt.Timestamp(timezone="UTC", scale=6))
    if dialect == "bigquery":  # Ibis adds durations to its TIMESTAMP only, which is a moment shown in UTC
        return time.cast(dt.Timestamp(timezone="UTC"))
    if dialect == "trino" and not zoned:
        return time.cast(dt.Timestamp(scale=6))  # without digits it means milliseconds there
    convert = {"duckdb": _duckdb_utc, "trino": _trino_utc, "snowflake": _snowflake_utc}.get(dialect)
    return convert(time) if zoned and convert else time.cast("timestamp")


def _duckdb_utc(time: ibis.Column) -> ibis.Column:
    """Without the calendar that its cast would ask for every row."""
    return from_micros(micros(time))


def micros(time: ibis.Column) -> ibis.Column:
    """DuckDB: a time as microseconds since 1970."""
    import ibis.expr.datatypes as dt

    return _builtin("epoch_us", (time.type(),), dt.int64)(time)


def from_micros(count: ibis.Column) -> ibis.Column:
    """DuckDB: microseconds since 1970 as a time in UTC, without a zone."""
    import ibis.expr.datatypes as dt

    return _builtin("make_timestamp", (dt.int64,), dt.timestamp)(count)


def _trino_utc(time: ibis.Column) -> ibis.Column:
    """A cast alone would keep the clock of the value's own zone."""
    import ibis.expr.datatypes as dt

    moved = _builtin("at_timezone", (time.type(), dt.string), time.type())(time, "UTC")
    return moved.cast(dt.Timestamp(scale=6))


def _snowflake_utc(time: ibis.Column) -> ibis.Column:
    """A cast alone would keep the clock of the value's own zone."""
    import ibis.expr.datatypes as dt

    return _builtin("convert_timezone", (dt.string, time.type()), time.type())("UTC", time).cast("timestamp")


def _builtin(name: str, takes: tuple[Any, ...], gives: Any, *, aggregate: bool = False) -> Any:
    """A function of the engine's own that Ibis has no word for."""
    import ibis

    def function(*_values: Any) -> Any:
        """Never called: the engine has it."""

    function.__name__ = name
    parameters = [inspect.Parameter(f"p{place}", inspect.Parameter.POSITIONAL_ONLY) for place in range(len(takes))]
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    kind = ibis.udf.agg if aggregate else ibis.udf.scalar
    return kind.builtin(function, signature=(takes, gives), name=name)


def variance(found: ibis.Column, dialect: str) -> ibis.Scalar:
    """The variance of the population. ClickHouse's usual one is made of a sum of squares, and loses their digits."""
    if dialect != "clickhouse":
        return found.var(how="pop")
    return _builtin("varPopStable", (found.type(),), found.type(), aggregate=True)(found)


def covariance(first: ibis.Column, second: ibis.Column, dialect: str) -> ibis.Scalar:
    """The covariance of the population."""
    if dialect != "clickhouse":
        return first.cov(second, how="pop")
    return _builtin("covarPopStable", (first.type(), second.type()), first.type(), aggregate=True)(first, second)


def label(found: ibis.Column, recode: Mapping[str, Any] | None) -> ibis.Column:
    """A column as text, recoded; NULL when it is empty."""
    text = found.cast("string").nullif("")
    if not recode:
        return text
    cases = [(text == theirs, as_text(ours)) for theirs, ours in recode.items()]
    import ibis

    return ibis.cases(*((test, ibis.null("string") if ours is None else ours) for test, ours in cases), else_=text)


def segment(found: ibis.Column, recode: Mapping[str, Any] | None) -> ibis.Column:
    """A column as the label of a segment, which is never NULL."""
    return label(found, recode).coalesce(EMPTY_SEGMENT)


def number(found: ibis.Column, name: str) -> ibis.Column:
    """A column as a 64-bit float; true and false are 1 and 0.

    Raises:
        SignalsError: When it holds neither.
    """
    kind = found.type()
    if not (kind.is_numeric() or kind.is_boolean()):
        raise SignalsError(
            f"column {name!r} is {kind}, no number",
            "Make it a number where it is written, or in a `query:` (with `url:`)",
        )
    if kind.is_boolean():
        import ibis

        return ibis.cases((found, 1), (~found, 0)).cast("float64")  # PostgreSQL takes 1.0 for a numeric
    return found.cast("float64")


def is_whole(found: ibis.Column) -> bool:
    """Whether its sums are exact, in whatever order they are made."""
    kind = found.type()
    return bool(kind.is_integer() or kind.is_boolean())


def filtered(table: ibis.Table, relation: Relation) -> ibis.Table:
    """The rows that its ``where:`` keeps.

    Raises:
        SignalsError: When a column is not there.
    """
    for name, wanted in relation.where:
        found = column(table, name, relation.label)
        table = table.filter(_one_of(found, wanted if isinstance(wanted, (list, tuple)) else [wanted]))
    return table


def _one_of(found: ibis.Column, allowed: Iterable[Any]) -> ibis.Column:
    import ibis

    return ibis.or_(*(_equals(found, value) for value in allowed))


def _equals(found: ibis.Column, value: Any) -> ibis.Column:
    """As in a file: a text that spells a number equals it where the column holds numbers."""
    kind = found.type()
    if value is None or value == "":
        return found.isnull() | (found == "") if kind.is_string() else found.isnull()
    if isinstance(value, bool):
        if kind.is_boolean():
            return found == value
        return found.cast("string").lower().isin(["true", "1"] if value else ["false", "0"])
    spelled = value if isinstance(value, (int, float)) else as_number(value)
    if kind.is_numeric():
        if spelled is None:
            raise SignalsError(f"`where:` compares {value!r} with column {found.get_name()!r}, which holds numbers")
        return found == spelled
    return found.cast("string") == (as_text(value) or "")


def no_number(raw: ibis.Column, value: ibis.Column, dialect: str) -> ibis.Column:
    """Whether a cell is empty, NaN or infinite; ``value`` is the cell as a float."""
    empty = raw.isnull()
    if not (raw.type().is_floating() or raw.type().is_decimal()):  # PostgreSQL's numeric knows NaN and infinity
        return empty
    if dialect == "duckdb":
        import ibis.expr.datatypes as dt

        return empty | ~_builtin("isfinite", (dt.float64,), dt.boolean)(value)
    # A comparison alone does not do: DuckDB answers it from a file's statistics, which leave NaN out. Nor does isinf:
    # Ibis 12 writes FALSE for it on Spark.
    return empty | (value.isnan() | value.isinf() | (value.abs() > sys.float_info.max)).coalesce(False)
