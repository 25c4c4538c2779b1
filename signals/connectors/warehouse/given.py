"""The door for SQL of your own: a SELECT that gives moments, one row per variant, day and segment."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from signals.connectors.aggregate import from_counts, snap
from signals.connectors.base import Tally
from signals.connectors.entries import recoding
from signals.connectors.lines import EMPTY_SEGMENT
from signals.connectors.shapes import metric_name
from signals.connectors.warehouse.definition import Relation
from signals.connectors.warehouse.engines import Engine
from signals.model import Moments, OutcomeCell, SignalsError, Source
from signals.strictyaml import suggest

if TYPE_CHECKING:
    import ibis

REQUIRED = ("variant", "units", "mean", "variance")
OPTIONAL = (
    "day", "covariate_mean", "covariate_variance", "covariance", "denominator_mean", "denominator_variance",
    "denominator_covariance", "covariate_denominator_covariance", "least", "most",
)  # fmt: skip
"""Columns that the query may give; every other one is a segment. Variances and covariances are of the population."""
COVARIATE = ("covariate_mean", "covariate_variance", "covariance")
DENOMINATOR = ("denominator_mean", "denominator_variance", "denominator_covariance")


def given_cells(source: Source, engine: Engine, tally: Tally) -> Iterator[OutcomeCell]:
    """The cells of ``moments: {query: …}``.

    Raises:
        SignalsError: When a column is missing, or a row's numbers cannot be moments.
    """
    table = engine.table(Relation(None, str(source.options["moments"]["query"])))
    for name in REQUIRED:
        if name not in table.columns:
            raise SignalsError(f"the query gives no column {name!r}", suggest(name, table.columns), **engine.place)
    given = set(table.columns)
    for group, what in ((COVARIATE, "covariate"), (DENOMINATOR, "denominator")):
        if given & set(group) and not set(group) <= given:
            lack = next(name for name in group if name not in given)
            raise SignalsError(f"the query gives a {what} without {lack!r}", f"Give {', '.join(group)}", **engine.place)
    segments = tuple(sorted(name for name in given if name not in (*REQUIRED, *OPTIONAL)))
    engine.read_only()
    metric = metric_name(source)
    ours = {name: recoding(source, name, None) for name in ("variant", *(f"segment.{one}" for one in segments))}
    seen: set[tuple[Any, ...]] = set()
    for row in engine.rows(_floats(table)):
        tally.rows_read += 1
        # As they will be called: two rows that `values:` gives one name would be two cells of one name.
        labels = (_text(row[name], ours[f"segment.{name}"]) or EMPTY_SEGMENT for name in segments)
        key = (_text(row["variant"], ours["variant"]), row.get("day"), *labels)
        if key in seen:
            raise SignalsError(
                f"the query gives {_named(key)} twice", "GROUP BY variant, day and segments", **engine.place
            )
        seen.add(key)
        variant = _text(row["variant"], ours["variant"])
        if variant is None or not row["units"]:
            tally.set_aside("variant or units are empty", variant)
            continue
        tally.rows_kept += 1
        segment = tuple((name, _text(row[name], ours[f"segment.{name}"]) or EMPTY_SEGMENT) for name in segments)
        least, most = (None if row.get(name) is None else float(row[name]) for name in ("least", "most"))
        try:
            yield OutcomeCell(metric, variant, segment, _day(row.get("day")), _moments(row), least, most)
        except (TypeError, ValueError) as error:
            raise SignalsError(
                f"the query's row of {_named(key)}: {error}", "Look at that row", **engine.place
            ) from None


def _floats(table: ibis.Table) -> ibis.Table:
    """With decimals as floats: PostgreSQL's avg of whole numbers has more digits than can be brought over."""
    found = {name: table[name] for name in table.columns if table[name].type().is_decimal()}
    numbers = {*REQUIRED, *OPTIONAL} - {"variant", "day"}
    changed = {name: one.cast("float64" if name in numbers else "string") for name, one in found.items()}
    return table.mutate(**changed) if changed else table


def _text(value: Any, recode: Mapping[str, str | None]) -> str | None:
    """A cell as text, recoded; None when it is empty."""
    text = None if value in (None, "") else str(value)
    return recode.get(text, text) if text is not None else None


def _named(key: tuple[Any, ...]) -> str:
    return " ".join(str(part) for part in key if part is not None)


def _day(value: Any) -> date | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _number(row: Mapping[str, Any], name: str) -> float:
    value = float(row[name])
    if not math.isfinite(value):
        raise ValueError(f"{name} is {value}")
    return value


def _moments(row: Mapping[str, Any]) -> Moments:
    units = _number(row, "units")
    n, mean, variance = round(units), _number(row, "mean"), _number(row, "variance")
    if n != units or n < 0:
        raise ValueError(f"units is {units:g}, no number of units")
    _not_negative("variance", variance)
    # A mean and a variance that only zeros and ones can have: then the counts are exact.
    positives = round(mean * n)
    if 0 <= mean <= 1 and math.isclose(positives, mean * n, abs_tol=1e-6) and _is_zero_one(row, mean, variance):
        made = from_counts(n, positives)
    else:
        made = Moments(n, snap(mean, math.sqrt(variance)), snap(variance * n, variance * n))
    more: dict[str, float] = {}
    if "covariate_mean" in row:
        x = _number(row, "covariate_variance")
        more |= {"x_mean": _number(row, "covariate_mean"), "x_m2": _not_negative("covariate_variance", x) * n}
        more["xy"] = _covariance(row, "covariance", variance, x) * n
    if "denominator_mean" in row:
        d = _number(row, "denominator_variance")
        more |= {"d_mean": _number(row, "denominator_mean"), "d_m2": _not_negative("denominator_variance", d) * n}
        more["yd"] = _covariance(row, "denominator_covariance", variance, d) * n
    if "x_mean" in more and "d_mean" in more:
        if "covariate_denominator_covariance" not in row:
            raise ValueError("covariate_denominator_covariance is missing")
        more["xd"] = _covariance(row, "covariate_denominator_covariance", x, d) * n
    return replace(made, **more)  # type: ignore[arg-type] # `more` holds no n


def _is_zero_one(row: Mapping[str, Any], mean: float, variance: float) -> bool:
    ends = row.get("least"), row.get("most")
    if any(end is not None and float(end) not in (0.0, 1.0) for end in ends):
        return False
    return math.isclose(variance, mean * (1 - mean), rel_tol=1e-9, abs_tol=1e-15)


def _not_negative(name: str, value: float) -> float:
    if value < 0:
        raise ValueError(f"{name} is {value:g}: a variance is not negative")
    return value


def _covariance(row: Mapping[str, Any], name: str, first: float, second: float) -> float:
    value = _number(row, name)
    if abs(value) > math.sqrt(first * second) * (1 + 1e-6) + 1e-12:
        raise ValueError(f"{name} is {value:g}, which those variances do not allow")
    return value
