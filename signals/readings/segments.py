"""Effects per segment, with bounds that hold for all segments at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from signals.model import Estimate, Interval, Measure, SegmentEstimate, Signal
from signals.stats.difference import ROUNDING, RefusedError, critical
from signals.stats.shrink import FEWEST, heterogeneity, may_differ_little, shrink

UNLABELLED = "(none)"
VISIBLE = 0.05

Part = TypeVar("Part")

Effect = Callable[[Sequence[Part], Sequence[Part], float, int], Estimate]
"""(control parts, candidate parts, confidence, segments of the dimension) -> candidate minus control."""


@dataclass(frozen=True)
class Segmented:
    """What the segments of one signal come to.

    Attributes:
        segments: One per value of each declared dimension, with plain, adjusted and shrunk intervals.
        measures: ``heterogeneity_p`` and ``max_reversals``, always both.
        worst: ``{"worst_segment": estimate}``, or nothing where no dimension has enough segments with an interval.
    """

    segments: tuple[SegmentEstimate, ...]
    measures: tuple[Measure, ...]
    worst: Mapping[str, Estimate]


@dataclass(frozen=True)
class Row:
    """One segment while it is being worked on."""

    name: str
    dimension: str
    plain: Estimate
    adjusted: Estimate

    @property
    def error(self) -> float | None:
        """Half of the interval over the normal quantile: it keeps what a t or an always-valid interval adds."""
        if self.plain.low is None or self.plain.high is None or self.plain.effect is None:
            return None
        half = (self.plain.high - self.plain.low) / 2.0
        return half / critical(self.plain.confidence) or None


def segmented(
    signal: Signal,
    whole: Estimate,
    control: Sequence[Part],
    candidate: Sequence[Part],
    label: Callable[[Part, str], str | None],
    effect: Effect[Part],
) -> Segmented:
    """Segments of one signal: effects by themselves, together, and the worst of them.

    The adjusted bounds are simultaneous over all segments of all dimensions (Bonferroni): each is an interval at
    confidence ``1 - (1 - confidence) / K``. The shrunk ones are posterior intervals of a hierarchical model per
    dimension, and the worst segment's interval is one of them: it survives the choice of the worst. Parts without a
    value are a segment of their own, so that shares add up; a dimension that no part has a value of is left out.

    Args:
        signal: Its confidence, direction and declared dimensions.
        whole: The effect over everything, which the segments are held against.
        control: Cells or items of the control arm.
        candidate: The same of the candidate.
        label: The value of a part in a dimension, or None.
        effect: Computes one interval; its last argument says in how many the planned units fall.
    """
    rows = _rows(signal, control, candidate, label, effect)
    by_dimension: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_dimension[row.dimension].append(row)
    shrunk: dict[str, Interval] = {}
    for some in by_dimension.values():
        shrunk |= _shrunk(some, signal.confidence)
    totals = {
        name: sum(row.plain.n_control + row.plain.n_candidate for row in some) for name, some in by_dimension.items()
    }
    return Segmented(
        tuple(_segment(row, totals[row.dimension], shrunk.get(row.name)) for row in rows),
        (_heterogeneity(signal, by_dimension), _reversals(signal, whole, by_dimension)),
        _worst(signal, by_dimension, shrunk),
    )


def _rows(
    signal: Signal,
    control: Sequence[Part],
    candidate: Sequence[Part],
    label: Callable[[Part, str], str | None],
    effect: Effect[Part],
) -> list[Row]:
    named: list[tuple[str, str, Sequence[Part], Sequence[Part], int]] = []
    for dimension in signal.segments:
        ours, theirs = _by_value(control, dimension, label), _by_value(candidate, dimension, label)
        values = sorted(set(ours) | set(theirs))
        if values == [UNLABELLED]:
            continue
        named += [(f"{dimension}={value}", dimension, ours[value], theirs[value], len(values)) for value in values]
    if not named:
        return []
    joint = 1.0 - (1.0 - signal.confidence) / len(named)
    return [
        Row(name, dimension, effect(ours, theirs, signal.confidence, parts), effect(ours, theirs, joint, parts))
        for name, dimension, ours, theirs, parts in named
    ]


def _segment(row: Row, total: int, shrunk: Interval | None) -> SegmentEstimate:
    plain, adjusted = row.plain, row.adjusted
    return SegmentEstimate(
        row.name,
        (plain.n_control + plain.n_candidate) / total if total else 0.0,
        plain.n_control,
        plain.n_candidate,
        plain.effect,
        plain.low,
        plain.high,
        adjusted.low,
        adjusted.high,
        plain.control,
        plain.refused or adjusted.refused,
        shrunk,
    )


def _numbers(rows: Sequence[Row]) -> tuple[list[Row], list[float], list[float]]:
    """The rows with an interval, their effects and standard errors."""
    found = [(row, row.plain.effect, row.error) for row in rows]
    some = [(row, effect, error) for row, effect, error in found if effect is not None and error is not None]
    return [row for row, _, _ in some], [effect for _, effect, _ in some], [error for _, _, error in some]


def _shrunk(rows: Sequence[Row], confidence: float) -> dict[str, Interval]:
    some, effects, errors = _numbers(rows)
    if len(some) < FEWEST:
        return {}
    return dict(zip((row.name for row in some), shrink(effects, errors, confidence), strict=True))


def _worst(
    signal: Signal, by_dimension: Mapping[str, Sequence[Row]], shrunk: Mapping[str, Interval]
) -> dict[str, Estimate]:
    """The segment with the least expected benefit, over all dimensions, with its posterior interval.

    Which one is chosen depends on the same data, and a posterior interval does not mind: it covers 94 to 97 % of the
    chosen ones where the segment's own interval covers 74 %. Where the segments do not differ at all it covers more.
    """
    rows = [row for some in by_dimension.values() for row in some]
    ranked = [
        (signal.sign * value, row.name, row)
        for row in rows
        if row.name in shrunk and (value := shrunk[row.name].value) is not None
    ]
    if not ranked:
        return {}
    _, name, row = min(ranked, key=lambda entry: entry[:2])
    found = shrunk[name]
    warnings = _little_difference(by_dimension[row.dimension])
    if signal.kind == "experiment" and signal.looks != "fixed":
        # Simulated over 30 looks it held 88 % of the time where segments clearly differ.
        warnings.append("this interval is for a single look; the adjusted ones hold over all of them")
    left = len(rows) - len(ranked)
    if left:
        few = f"no interval, or fewer than {FEWEST} of their dimension have one"
        warnings.append(f"{left} of {len(rows)} segments cannot be ranked: {few}")
    return {
        "worst_segment": Estimate(
            found.value,
            found.low,
            found.high,
            f"worst of {len(ranked)} segments: {name}; posterior of a hierarchical normal model over its dimension",
            signal.confidence,
            control=row.plain.control,
            n_control=row.plain.n_control,
            n_candidate=row.plain.n_candidate,
            warnings=(*row.plain.warnings, *warnings),
        )
    }


def _little_difference(rows: Sequence[Row]) -> list[str]:
    """A word when the segments differ little, or may: the interval then allows for more than there is."""
    _, effects, errors = _numbers(rows)
    p = heterogeneity(effects, errors).p_value
    shown = f"heterogeneity p {p:.2g}"
    if p >= VISIBLE:
        return [f"no difference between the segments is visible ({shown}): the interval is wider than needed"]
    if may_differ_little(effects, errors):
        return [f"the segments may differ by less than half an error ({shown}): the interval may be wider than needed"]
    return []


def _heterogeneity(signal: Signal, by_dimension: Mapping[str, Sequence[Row]]) -> Measure:
    """The least p-value over dimensions times their number."""
    name = "heterogeneity_p"
    if not by_dimension:
        return Measure(name, None, _without(signal))
    found = []
    for dimension, rows in by_dimension.items():
        some, effects, errors = _numbers(rows)
        try:
            one = heterogeneity(effects, errors)
        except RefusedError:
            continue
        spread = f"Q {one.q:.1f} over {len(some)} segments ({one.df} df), I² {100 * one.excess:.0f} %"
        found.append((one.p_value, f"{dimension}: {spread}"))
    if not found:
        return Measure(name, None, "fewer than two segments have an interval")
    return Measure(name, min(1.0, len(found) * min(found)[0]), "; ".join(text for _, text in found))


def _reversals(signal: Signal, whole: Estimate, by_dimension: Mapping[str, Sequence[Row]]) -> Measure:
    """Dimensions whose every segment goes the other way than the whole, or one way while the whole does not move.

    Simpson's own example is of the second sort: an association in every part that vanishes in the whole.
    """
    name = "max_reversals"
    if not by_dimension:
        return Measure(name, None, _without(signal))
    if whole.effect is None:
        return Measure(name, None, "the effect of the whole is not known")
    way, turned, compared = _way(whole), [], 0
    for rows in by_dimension.values():
        effects = [(row.name, row.plain.effect) for row in rows if row.plain.effect is not None]
        if len(effects) < 2:
            continue
        compared += 1
        ways = {_way(row.plain) for row in rows if row.plain.effect is not None}
        if len(ways) == 1 and ways <= ({-way} if way else {1, -1}):
            scale, unit = _spoken(signal)
            each = ", ".join(f"{name} {scale * effect:+.4g}{unit}" for name, effect in effects)
            turned.append(f"{scale * whole.effect:+.4g}{unit} together, but {each}")
    if not compared:
        return Measure(name, None, "fewer than two segments have an effect")
    return Measure(name, float(len(turned)), "; ".join(turned) or "no dimension turns the sign")


def _way(one: Estimate) -> int:
    """The sign of an effect; 0 where only rounding of its levels tells it from none."""
    effect = one.effect or 0.0
    if abs(effect) <= ROUNDING * max(abs(one.control or 0.0), abs(one.candidate or 0.0)):
        return 0
    return 1 if effect > 0.0 else -1


def _spoken(signal: Signal) -> tuple[float, str]:
    """Fractions are spoken of in percentage points."""
    fractions = signal.kind == "feedback" or (signal.metric is not None and signal.metric.type == "proportion")
    return (100.0, " pp") if fractions else (1.0, "")


def _without(signal: Signal) -> str:
    return "the evidence has none of the declared segments" if signal.segments else "the signal declares no segments"


def unknown_dimensions(
    signal: Signal, parts: Iterable[Part], label: Callable[[Part, str], str | None]
) -> tuple[str, ...]:
    """A warning for each declared dimension that no part has a value of."""
    some = list(parts)
    missing = [name for name in signal.segments if not any(label(part, name) for part in some)]
    return tuple(f"the evidence has no segment {name!r}" for name in missing) if some else ()


def _by_value(
    parts: Iterable[Part], dimension: str, label: Callable[[Part, str], str | None]
) -> defaultdict[str, list[Part]]:
    found: defaultdict[str, list[Part]] = defaultdict(list)
    for part in parts:
        found[label(part, dimension) or UNLABELLED].append(part)
    return found
