"""Records as rows and back: exact floats, UTC times, one digest per row.

A record that cannot be stored truly (a NaN, a time without a zone, a NUL in a text) is refused with a reason instead
of being bent: the caller sets it aside and counts it.
"""

from __future__ import annotations

import hashlib
import json
import math
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from functools import lru_cache
from operator import attrgetter
from sys import byteorder
from typing import Any

from sqlalchemy import BigInteger, Boolean, Double, Table

from signals.model import (
    EmbeddingSample,
    FeedbackCell,
    ItemScore,
    MixShare,
    Moments,
    OutcomeCell,
    Preference,
    QuantileCell,
    Rating,
    Record,
    RoutedCell,
    Segment,
)
from signals.store import tables
from signals.store.tables import UtcTime

MAX_RECORD = 400  # characters; a longer record id is stored as its beginning and its hash
MAX_KEY = 2000  # bytes; PostgreSQL cannot index more than about 2700
MAX_INT = 2**63


class RefusedError(ValueError):
    """Why a record cannot be stored."""


@dataclass(frozen=True)
class Shape:
    """How one class of records maps to one table. ``columns`` leaves out ``source`` and ``digest``."""

    table: Table
    columns: tuple[str, ...]
    keys: tuple[str, ...]  # what identifies a record within its source
    kinds: tuple[str, ...]  # per column: text, float, int, bool, time, day, segment, vector
    flatten: Callable[[Any], tuple[Any, ...]]
    build: Callable[[Sequence[Any]], Any]
    cells: bool  # of many units, unlike one observation
    again: bool = False  # of units that other records of the source count already

    def row(self, record: Record) -> dict[str, Any]:
        """The row of a record, digest included.

        Raises:
            RefusedError: When a value cannot be stored as it is.
        """
        stored, hashed = {}, [self.table.name]
        for name, kind, value in zip(self.columns, self.kinds, self.flatten(record), strict=True):
            if value is not None or kind in ("day", "segment"):
                value = WRITERS[kind](name, value)  # noqa: PLW2901 - one name for one thing
            stored[name] = value
            hashed.append(value)
        if sum(len(str(stored[name]).encode()) for name in self.keys) > MAX_KEY:
            raise RefusedError("its names are too long to be told apart")
        stored["digest"] = hashlib.sha256(HASHED.encode(hashed).encode()).digest()
        return stored

    def record(self, row: Sequence[Any]) -> Any:
        """The record of a row that holds ``columns`` in their order."""
        return self.build(
            [READERS[kind](value) if kind in READERS else value for kind, value in zip(self.kinds, row, strict=True)]
        )


def _hashable(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value.isoformat()


HASHED = json.JSONEncoder(default=_hashable)


def _text(name: str, value: Any) -> str:
    text = str(value)
    if "\0" in text:
        raise RefusedError(f"its {name} holds a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise RefusedError(f"its {name} holds half a character") from None
    if name == "record" and len(text) > MAX_RECORD:
        return text[: MAX_RECORD // 4] + "… sha256:" + hashlib.sha256(text.encode()).hexdigest()
    return text


def _float(name: str, value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise RefusedError(f"its {name} is {number}, not a finite number")
    return number + 0.0  # −0.0 becomes 0.0: SQLite does not keep the sign


def _int(name: str, value: Any) -> int:
    number = int(value)
    if not -MAX_INT <= number < MAX_INT:
        raise RefusedError(f"its {name} does not fit 64 bits")
    return number


def _time(name: str, value: datetime) -> datetime:
    if value.tzinfo is None:
        raise RefusedError(f"its {name} has no time zone")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise RefusedError(f"its {name} is outside the years 1 to 9999") from None


def _day(_name: str, value: date | None) -> str:
    return value.isoformat() if value else ""


@lru_cache(maxsize=65_536)
def _segment(_name: str, value: Segment) -> str:
    return _text("segment", json.dumps(value, separators=(",", ":"), ensure_ascii=False)) if value else ""


def _vector(name: str, value: Sequence[float]) -> bytes:
    numbers = array("d", (_float(name, number) for number in value))
    if byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


@lru_cache(maxsize=65_536)
def read_segment(text: str) -> Segment:
    """The segment of its stored text."""
    return tuple((name, value) for name, value in json.loads(text)) if text else ()


def _read_vector(value: bytes) -> tuple[float, ...]:
    numbers = array("d", value)
    if byteorder == "big":
        numbers.byteswap()
    return tuple(numbers)


WRITERS: dict[str, Callable[[str, Any], Any]] = {
    "text": _text, "float": _float, "int": _int, "bool": lambda _name, value: bool(value), "time": _time, "day": _day,
    "segment": _segment, "vector": _vector,
}  # fmt: skip
READERS: dict[str, Callable[[Any], Any]] = {
    "day": lambda value: date.fromisoformat(value) if value else None,
    "segment": read_segment,
    "vector": _read_vector,
}


def _kind(table: Table, name: str) -> str:
    if name in ("day", "segment", "vector"):
        return name
    if name in ("lows", "highs"):
        return "vector"
    for type_, kind in ((UtcTime, "time"), (Double, "float"), (BigInteger, "int"), (Boolean, "bool")):
        if isinstance(table.c[name].type, type_):
            return kind
    return "text"


MOMENTS = tuple(field.name for field in fields(Moments))


def _shape(table: Table, attributes: Sequence[str], build: Callable[[Sequence[Any]], Any]) -> Shape:
    columns = tuple(attribute.removeprefix("moments.") for attribute in attributes)
    return Shape(
        table=table,
        columns=columns,
        keys=tuple(column.name for column in table.primary_key if column.name != "source"),
        kinds=tuple(_kind(table, name) for name in columns),
        flatten=attrgetter(*attributes),
        build=build,
        cells="n" in columns,
        again="quantile" in columns or "known" in columns,
    )


def _flat(table: Table, record: type[Any]) -> Shape:
    return _shape(table, [field.name for field in fields(record)], lambda values: record(*values))


def _outcome(values: Sequence[Any]) -> OutcomeCell:
    metric, variant, segment, day, least, most, counted, members, *moments = values
    return OutcomeCell(metric, variant, segment, day, Moments(*moments), least, most, counted, members)


def _feedback(values: Sequence[Any]) -> FeedbackCell:
    variant, segment, day, impressions, users_known, loudest, *moments = values
    return FeedbackCell(variant, segment, day, impressions, users_known, Moments(*moments), loudest)


_CELL = tuple(f"moments.{name}" for name in MOMENTS)
SHAPES: dict[type[Any], Shape] = {
    ItemScore: _flat(tables.item_score, ItemScore),
    Rating: _flat(tables.rating, Rating),
    Preference: _flat(tables.preference, Preference),
    OutcomeCell: _shape(
        tables.outcome_moments,
        ("metric", "variant", "segment", "day", "least", "most", "counted", "members", *_CELL),
        _outcome,
    ),
    QuantileCell: _flat(tables.outcome_quantile, QuantileCell),
    RoutedCell: _flat(tables.outcome_routed, RoutedCell),
    FeedbackCell: _shape(
        tables.feedback_moments,
        ("variant", "segment", "day", "impressions", "users_known", "top_user_share", *_CELL),
        _feedback,
    ),
    MixShare: _flat(tables.traffic_mix, MixShare),
    EmbeddingSample: _flat(tables.embedding_sample, EmbeddingSample),
}
