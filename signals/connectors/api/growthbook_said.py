"""What an answer of GrowthBook says of each variation, and which of its numbers are a plain mean over units.

The API's description (``ExperimentResults``) and the server's serialisation of it give, per variation: ``users``, the
units of the variation in this part; ``numerator``, the sum; ``denominator``, the sum of the denominator where the
metric is a ratio, else the units of the metric, else 0; ``mean``, never adjusted; ``stddev``, over units, **adjusted
where CUPED is on**. A number that is missing is written as 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from signals.connectors.api.arms import (
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
from signals.connectors.lines import EMPTY_SEGMENT
from signals.connectors.shapes import segment_dimensions
from signals.model import Moments, SignalsError, Source

Row = Mapping[str, Any]

BINARY = ("binomial", "proportion", "retention")
PLAIN = ("mean", "count", "duration", "revenue")
DIMENSIONS = ("none", "experiment", "user", "date")
NAME = "variation.name"

MISSING = "the tool has no statistics here (it writes 0 in their place)"
NO_UNITS = "the answer does not say how many units there are"
OTHER_UNITS = "its denominator is not the number of units: a ratio, or a metric of some of the units"
NOT_TOTAL = "its mean is not its total over its units: a quantile or an adjusted number"
NOT_WHOLE = "a metric of yes and no whose total is not a whole number from 0 to units"
ADJUSTED = "its standard deviation is adjusted (CUPED or post-stratification) and is not that of the outcome"
UNADJUSTED = "Switch that off and analyse it again, or read the metric from the warehouse with `connector: table`"
PERHAPS = "nothing says whether its standard deviation is adjusted (CUPED)"
NO_SPREAD = "its standard deviation is 0 although its mean is not"


@dataclass
class Answers:
    """One experiment: its results, what it is, and the definitions of its metrics by id (as far as they are known)."""

    result: Row
    experiment: Row = field(default_factory=dict)
    metrics: dict[str, Row] = field(default_factory=dict)


def metric_ids(result: Row) -> list[str]:
    """The metrics that the results are of, in their order."""
    found: dict[str, None] = {}
    for part in _list(result, "results"):
        for metric in _list(part, "metrics"):
            if isinstance(metric.get("metricId"), str):
                found[metric["metricId"]] = None
    return list(found)


def kind_of(definition: Row) -> str | None:
    """What sort of metric it is; None when the definition is not known."""
    if definition.get("metricType"):
        return str(definition["metricType"])
    if dig(definition, "sql.denominatorMetricId"):
        return "ratio"
    return scalar(definition.get("type"))


def adjusted(answers: Answers, metric: str) -> bool | None:
    """Whether the metric's variance is adjusted; None when nothing says so.

    What the experiment says holds for all of its metrics, unless it makes an exception for this one.
    """
    places = (dig(answers.experiment, "settings"), dig(answers.result, "settings"))
    settings = [place for place in places if isinstance(place, Mapping)]
    if any(place.get("postStratificationEnabled") is True for place in settings):
        return True
    said = next((s["regressionAdjustmentEnabled"] for s in settings
                 if isinstance(s.get("regressionAdjustmentEnabled"), bool)), None)  # fmt: skip
    if said is not True:
        return said
    exceptions = [exception for place in settings for exception in _exceptions(place, metric)]
    return not (exceptions and all(one.get("regressionAdjustmentEnabled") is False for one in exceptions))


def _exceptions(settings: Row, metric: str) -> Iterator[Row]:
    listed = [(one.get("metricId"), one.get("overrides")) for key in ("goals", "secondaryMetrics", "guardrails")
              for one in _list(settings, key)]  # fmt: skip
    listed += [(one.get("id"), one) for one in _list(settings, "metricOverrides")]
    for name, made in listed:
        if name == metric and isinstance(made, Mapping) and made.get("regressionAdjustmentOverride") is True:
            yield made


def parts(answers: Answers, source: Source) -> Iterator[Part]:
    """Every variation in every part of the results of the source's metric.

    Raises:
        SignalsError: When the answer is not the one of a plain experiment, or the metric is no mean over units.
    """
    result = answers.result
    if answers.experiment.get("type") == "multi-armed-bandit":
        what = "the experiment is a bandit: it moves units to the better variation while it runs"
        raise SignalsError(what, "Its arms are not those of a fixed split. Run an experiment for the release")
    sort = str(dig(result, "dimension.type") or "none")
    if sort not in DIMENSIONS:
        what = f"the results are divided by {sort!r}, which is not known before a unit is exposed"
        raise SignalsError(what, "Ask for the results as a whole, by `pre:date`, or by a dimension of the units")
    names = {key: scalar(answers.metrics.get(key, {}).get("name")) for key in metric_ids(result)}
    metric = pick(source.options.get("metric"), names)
    kind = kind_of(answers.metrics.get(metric, {}))
    called = names[metric] or metric
    if kind is not None and kind not in (*BINARY, *PLAIN):
        what = f"the metric {called!r} is of type {kind}, which is no plain mean over units"
        raise SignalsError(what, "Read it from the warehouse with `connector: table`, or choose another metric")
    state = adjusted(answers, metric)
    if state is None and source.options.get("cuped") is False:
        state = False
    variants = _variants(answers, source, metric)
    for part in _list(result, "results"):
        label = scalar(part.get("dimension"))
        segment, day = _slice(label, sort, source)
        seen: set[str] = set()
        for variation in _variations(part, metric):
            name = str(variation.get("variationId"))
            place = f"{called} in {label or 'all'}, variation {name}"
            if name in seen:
                raise SignalsError(f"{place}: stands twice in the answer", "Save the answer again")
            seen.add(name)
            if not selected({"dimension": label, "variation": _variation(answers, name)}, source):
                continue
            found: Moments | str = _moments(variation, kind, state, called)
            if sort == "date" and day is None:
                found = "the part of the results is not a day"
            yield Part(variants.get(name), segment, day, found, place, label)


def _variations(part: Row, metric: str) -> Iterator[Row]:
    """The variations of one metric in one part of the results."""
    for one in _list(part, "metrics"):
        if one.get("metricId") == metric:
            yield from _list(one, "variations")


def _slice(label: str | None, sort: str, source: Source) -> tuple[tuple[tuple[str, str], ...], date | None]:
    if sort == "date":
        try:
            return (), date.fromisoformat((label or "")[:10])
        except ValueError:
            return (), None
    value = label if label and not label.startswith("__NULL") else EMPTY_SEGMENT
    made = recoded(value, source, "dimension", None) or EMPTY_SEGMENT
    return tuple((name, made) for name in segment_dimensions(source.map)), None


def _variants(answers: Answers, source: Source, metric: str) -> dict[str, str | None]:
    """{their id: our variant} of the variations that the results are of."""
    path = source.map.get("variant", NAME)
    found: dict[str, str | None] = {}
    for part in _list(answers.result, "results"):
        for variation in _variations(part, metric):
            name = scalar(variation.get("variationId"))
            if name is not None and name not in found:
                text = scalar(dig({"variation": _variation(answers, name)}, path))
                found[name] = recoded(text, source, "variant", None)
    if found and not any(found.values()):
        what = f"{path!r} is empty for every variation"
        remedy = "Save /api/v1/experiments/ID beside the results, or write `map: {variant: variation.id}`"
        raise SignalsError(what, remedy)
    one_variant_each(found)
    return found


def _variation(answers: Answers, name: str) -> Row:
    """What is known of a variation: id, key and name."""
    for one in _list(answers.experiment, "variations"):
        if one.get("variationId") == name:
            return {"id": name, "key": one.get("key"), "name": one.get("name")}
    return {"id": name}


def _moments(variation: Row, kind: str | None, state: bool | None, called: str) -> Moments | str:
    """The moments over the variation's units, or why they cannot be had.

    Raises:
        SignalsError: When the variance is, or may be, an adjusted one.
    """
    said = next(iter(_list(variation, "analyses")), None)
    units = whole(number(variation.get("users")))
    if units is None:
        return NO_UNITS
    if units == 0:
        return Moments(0, 0.0, 0.0)
    if said is None:
        return MISSING
    total, over, mean, sd = (number(said.get(key)) for key in ("numerator", "denominator", "mean", "stddev"))
    if total is None or over is None or mean is None or sd is None or sd < 0 or over == 0 or said.get("errorMessage"):
        return MISSING
    if over != units:
        return OTHER_UNITS
    if not same(mean, total / over, scale=sd):
        return NOT_TOTAL
    ones = whole(total)
    if kind in BINARY:  # the total is never adjusted
        return NOT_WHOLE if ones is None or ones > units else counted(units, ones)
    if kind is None and ones is not None and successes(units, mean, sd * sd) == ones:
        return counted(units, ones)
    _unadjusted(state, called)
    if sd == 0 and mean != 0:
        return NO_SPREAD
    return spread_of(units, mean, sd)


def _unadjusted(state: bool | None, called: str) -> None:
    if state:
        raise SignalsError(f"the metric {called!r}: {ADJUSTED}", UNADJUSTED)
    if state is None:
        remedy = "Say `cuped: false` when CUPED is off for it in GrowthBook"
        raise SignalsError(f"the metric {called!r}: {PERHAPS}", remedy)


def _list(data: Any, key: str) -> list[Row]:
    found = data.get(key) if isinstance(data, Mapping) else None
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
