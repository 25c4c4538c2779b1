"""What an answer of Statsig says of a group, and the test that its numbers are what they are taken for.

``testStd`` and ``controlStd`` are **standard errors of the mean**, although the API does not say so: in the example of
its own description the reported half-width of the interval is exactly 1.2816 (80 %) and 1.6449 (90 %) times
``sqrt(testStd² + controlStd²)``. The variance over units is the square of the standard error times the units. Its
p-values are not read: the first of that example is one-sided and the second two-sided.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

from signals.connectors.api.arms import (
    CLOSE,
    Part,
    counted,
    number,
    one_variant_each,
    pick,
    same,
    spread_of,
    successes,
    whole,
)
from signals.connectors.jsonfile import dig, recoded, scalar, selected
from signals.model import Moments, SignalsError, Source

Row = Mapping[str, Any]

LISTS = ("primaryMetrics", "secondaryMetrics", "otherMetrics", "primary_metrics", "secondary_metrics", "other_metrics")
ALL_UNITS = ("event_count", "event_count_custom", "sum", "count", "count_distinct")
"""Metric types whose mean is a plain one over all units (Statsig's page on Pulse metrics)."""
PER_DAY = ("event_user", "event_dau", "daily_participation")
"""Over all units too, but a rate per day, unless they say only whether a unit ever did it."""
WAREHOUSE = "user_warehouse"
NAME = "group.name"

MISSING = "the tool gives no units, mean or standard error"
UNTESTED = "it is compared with no group that has numbers, so nothing shows that its std is a standard error"
NO_SPREAD = "its standard error is 0 although its mean is not"
LEVELS = (*(percent / 100 for percent in range(50, 100)), 0.995, 0.999)
"""Confidence levels that people choose."""
SLACK = 0.0005
SAVE = "Save the answer again with cuped=false and confidence=95 and without corrections for several comparisons"


Side = tuple[int, float, float]
"""A group's units, mean, and standard error of the mean."""


@dataclass(frozen=True)
class Pulse:
    """One comparison: its two groups (``id`` and ``name``) and the answer's ``data``."""

    control: Row
    test: Row
    data: Row


@dataclass
class Answers:
    """The comparisons of one experiment with one control, and definitions of metrics by id."""

    pulses: list[Pulse] = field(default_factory=list)
    metrics: dict[str, Row] = field(default_factory=dict)
    raw: bool = True  # whether it is known that CUPED was off


def metric_names(data: Row) -> dict[str, str | None]:
    """{id: name} of the metrics of an answer."""
    return {one["metricID"]: scalar(said(one, "metricName")) for one in _rows(data)}


def said(row: Row, key: str) -> Any:
    """The value of a key that stands there in camelCase or in snake_case."""
    snake = "".join(f"_{char.lower()}" if char.isupper() else char for char in key)
    return row.get(key, row.get(snake))


def sort_of(metric: str, definition: Row) -> str:
    """The metric's type: from its id (``name::type``), and for those of a warehouse from its definition."""
    sort = metric.rpartition("::")[2] if "::" in metric else str(definition.get("type") or "")
    if sort == WAREHOUSE or not sort:
        return str(dig(definition, "warehouseNative.aggregation") or "")
    return sort


def parts(answers: Answers, source: Source) -> Iterator[Part]:
    """Every group of the experiment, for the source's metric.

    Raises:
        SignalsError: When the metric is no mean over units, or the answer contradicts itself.
    """
    names = {key: name for pulse in answers.pulses for key, name in metric_names(pulse.data).items()}
    metric = pick(source.options.get("metric"), names)
    called = names[metric] or metric
    sort = sort_of(metric, answers.metrics.get(metric, {}))
    if sort not in (*ALL_UNITS, *PER_DAY):
        what = f"the metric {called!r} is of type {sort}, which is no plain mean over all units"
        remedy = "Read it from the warehouse with `connector: table`, or choose another metric"
        if not sort:
            what = f"nothing says what kind of metric {called!r} is, and only plain means over all units can be read"
            remedy = "Save the answer of /console/v1/metrics/ID beside the results"
        raise SignalsError(what, remedy)
    path = source.map.get("variant", NAME)
    groups: dict[str, Row] = {}
    found: dict[str, Side | None] = {}
    tested: set[str] = set()
    for pulse in answers.pulses:
        row = _one(pulse, metric, called)
        sides = _side(row, "control"), _side(row, "test")
        for side, group in zip(sides, (pulse.control, pulse.test), strict=True):
            name = str(group["id"])
            if found.setdefault(name, side) != side:
                what = f"the group {group['name']!r} has other numbers in one answer than in another"
                raise SignalsError(what, "Statsig computed it anew in between: pull again")
            groups[name] = group
        if sides[0] and sides[1] and sides[0][0] and sides[1][0]:
            _consistent(row, sides[1], sides[0], called)
            tested |= {str(pulse.control["id"]), str(pulse.test["id"])}
    variants = {name: recoded(scalar(dig({"group": group}, path)), source, "variant", None)
                for name, group in groups.items()}  # fmt: skip
    one_variant_each(variants)
    for name, group in groups.items():
        if selected({"group": group}, source):
            made = _moments(found[name], sort, called, raw=answers.raw)
            if not isinstance(made, str) and made.n and name not in tested:
                made = UNTESTED
            yield Part(variants[name], (), None, made, f"{called}, group {group['name']}")


def _one(pulse: Pulse, metric: str, called: str) -> Row:
    """The metric's row of an answer. It may stand in several lists, with the same numbers."""
    rows = [row for row in _rows(pulse.data) if row["metricID"] == metric]
    if not rows:
        raise SignalsError(f"the results of the group {pulse.test['name']!r} do not hold {called!r}", "Pull again")
    if scalar(error := rows[0].get("error")):
        raise SignalsError(f"Statsig could not compute {called!r}: {scalar(error)}", "Look at the metric in Statsig")
    keys = [f"{side}{what}" for side in ("control", "test") for what in ("Units", "Mean", "Std")]
    if any(said(row, key) != said(rows[0], key) for row in rows[1:] for key in keys):
        raise SignalsError(f"{called!r} stands twice in one answer, with other numbers", SAVE)
    return rows[0]


def _side(row: Row, name: str) -> Side | None:
    """The numbers of one group, None when one of them is missing or cannot be."""
    count, mean, error = (number(said(row, f"{name}{what}")) for what in ("Units", "Mean", "Std"))
    units = whole(count)
    return (units, mean, error) if units is not None and mean is not None and error is not None and error >= 0 else None


def _consistent(row: Row, test: Side, control: Side, called: str) -> None:
    """Refuse an answer whose change or interval does not follow from its means and standard errors.

    Raises:
        SignalsError: When it contradicts itself, or has no interval to be tested by.
    """
    (units, mean, error), (units_c, mean_c, error_c) = test, control
    together = math.hypot(error, error_c)
    change, half = number(said(row, "absoluteChange")), number(said(row, "confidenceIntervalDelta"))
    if change is None:
        change = number(row.get("value"))  # its name in older answers
    if change is not None and not same(change, mean - mean_c, scale=max(together, CLOSE * abs(mean))):
        what = f"{called!r} contradicts itself: its change is {change:g} and its means differ by {mean - mean_c:g}"
        raise SignalsError(what, SAVE)
    if half is None:
        what = f"{called!r} has no confidence interval, so nothing shows that its std are standard errors"
        raise SignalsError(what, "Statsig gives intervals from the second day on: pull again then")
    if together == 0 and half == 0:
        return
    level = _level(half, error, error_c, units, units_c) if together > 0 else None
    if level is None:
        ratio = half / together if together else math.inf
        what = (
            f"{called!r} contradicts itself: the half-width of its interval, {half:g}, is {ratio:.4g} times the "
            f"standard error {together:g} that its std give, and no usual confidence level makes that"
        )
        raise SignalsError(what, SAVE)


def _level(half: float, error: float, error_c: float, units: int, units_c: int) -> float | None:
    """The confidence level that the half-width has: by the normal distribution, or by Welch's t for few units."""
    together = math.hypot(error, error_c)
    ratio = half / together
    if (usual := _usual(2.0 * NormalDist().cdf(ratio) - 1.0)) is not None:
        return usual
    if min(units, units_c) < 2:
        return None
    from scipy.stats import t

    squares = (error / together) ** 2, (error_c / together) ** 2
    freedom = 1.0 / (squares[0] ** 2 / (units - 1) + squares[1] ** 2 / (units_c - 1))
    return _usual(2.0 * float(t.cdf(ratio, freedom)) - 1.0)


def _usual(level: float) -> float | None:
    return next((one for one in LEVELS if abs(level - one) <= min(SLACK, (1.0 - one) / 10.0)), None)


def _moments(side: Side | None, sort: str, called: str, *, raw: bool) -> Moments | str:
    """The moments over a group's units: the variance is the squared standard error of the mean times the units."""
    if side is None:
        return MISSING
    units, mean, error = side
    if units == 0:
        return Moments(0, 0.0, 0.0)
    spread = error * error * units
    ones = successes(units, mean, spread)
    if ones is not None:
        return counted(units, ones)
    if sort in PER_DAY:
        what = f"the metric {called!r} is a rate per day ({sort}), which is no plain mean over units"
        raise SignalsError(what, "Roll it up as a one-time event in Statsig, or choose another metric")
    if not raw:
        what = f"nothing says whether {called!r} is adjusted (CUPED)"
        raise SignalsError(what, "Save the answer with cuped=false and say so: `cuped: false`")
    if error == 0 and mean != 0:
        return NO_SPREAD
    return spread_of(units, mean, error * math.sqrt(units))


def _rows(data: Row) -> list[Row]:
    lists = [given for given in (data.get(key) for key in LISTS) if isinstance(given, list)]
    found = [row for given in lists for row in given]
    return [row for row in found if isinstance(row, Mapping) and isinstance(row.get("metricID"), str)]
