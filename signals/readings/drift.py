"""Drift: how far what comes in now has moved from what came in then.

The effect is the area under the curve, above a half, of the best straight cut between the vectors of two windows: 0
when their means agree, 0.5 when one vector always tells its window. It is a distance: small or large, never good.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING

from signals.model import EmbeddingSample, Estimate, Evidence, Measure, Numbers, Segment, Signal
from signals.readings.common import Tray, estimate, nothing, per_day, refusal, set_aside_share, span
from signals.readings.slow_trend import NAME, monday, trend_of
from signals.stats.difference import Difference, RefusedError, critical

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

METHOD = "best straight cut, noncentral F interval"
TESTED = "linear discriminant trained on half of the vectors, DeLong interval on the other half"
UNIT = "AUC"
ABSENT_SHARE = 0.001
"""What a segment that is missing from one window counts as: the index is infinite at 0."""

Vectors = Sequence[EmbeddingSample]


@dataclass(frozen=True)
class _Windows:
    control: list[EmbeddingSample]
    candidate: list[EmbeddingSample]
    between: list[EmbeddingSample]
    last: str


def measure(signal: Signal, evidence: Evidence) -> Numbers:
    """Numbers of a drift signal: the distance of the candidate window from the control window, and its checks."""
    tray = Tray()
    windows = _windows(evidence, tray)
    control, candidate = windows.control, windows.candidate
    model, problem = _one_model(control, candidate)
    estimates, kept = _estimates(signal, control, candidate, problem)
    first, last = span(one.at for one in (*control, *candidate))
    dated = all(one.at is not None for one in (*control, *candidate))
    vectors = len(control) + len(candidate)
    return Numbers(
        signal=signal.name,
        kind=signal.kind,
        unit=UNIT,
        voting="raw",
        estimates=estimates,
        measures=(
            Measure("min_vectors", min(len(control), len(candidate)), "vectors in the smaller window"),
            model,
            kept,
            _mmd(control, candidate, problem),
            _psi(evidence),
            _trend(windows, problem),
            set_aside_share(evidence, vectors, tray),
        ),
        set_aside=(*evidence.set_aside, *tray.entries()),
        sources=evidence.sources,
        first_at=first if dated else None,
        last_at=last,
        counted="vectors",
        rate_per_day=per_day(vectors, first, last) if dated else None,
    )


def distance_of(signal: Signal, evidence: Evidence) -> Estimate:
    """The estimate that votes, as ``measure`` gives it, and no more."""
    windows = _windows(evidence, Tray())
    problem = _one_model(windows.control, windows.candidate)[1]
    return _estimates(signal, windows.control, windows.candidate, problem)[0]["raw"]


# --- windows --------------------------------------------------------------------------------------------------------


def _windows(evidence: Evidence, tray: Tray) -> _Windows:
    """Vectors of the two windows, by variant or, where none is given, by window; and those of the windows between."""
    old, new = evidence.release.arms
    found = _Windows([], [], [], new)
    for one in evidence.vectors:
        arm = _arm(one)
        where = found.control if arm == old else found.candidate if arm == new else found.between
        if where is found.between and one.variant:
            tray.put(f"variant {arm} is neither arm", arm)
            continue
        where.append(one)
    return found


def _arm(one: EmbeddingSample) -> str:
    return one.variant or one.window


def _one_model(control: Vectors, candidate: Vectors) -> tuple[Measure, str]:
    """The check, and why vectors cannot be compared."""
    name = "same_model"
    both = (*control, *candidate)
    models = Counter(one.model for one in both)
    lengths = sorted({len(one.vector) for one in both})
    if len(lengths) > 1:
        why = f"vectors of {' and '.join(map(str, lengths))} numbers cannot be compared"
        return Measure(name, 0.0, why), why
    if len(models) > 1:
        names = " and ".join(sorted(one or "one that is not named" for one in models))
        why = f"the vectors were made by several embedding models, {names}, and cannot be compared"
        return Measure(name, 0.0, why), why
    if not both or "" in models:
        return Measure(name, None, "the vectors do not say which embedding model made them"), ""
    return Measure(name, 1.0, f"all vectors were made by {next(iter(models))}"), ""


def _array(vectors: Vectors) -> NDArray[np.float64]:
    import numpy as np

    return np.array([one.vector for one in vectors], dtype=float)


# --- numbers --------------------------------------------------------------------------------------------------------


def _estimates(
    signal: Signal, control: Vectors, candidate: Vectors, problem: str
) -> tuple[dict[str, Estimate], Measure]:
    """The distance, that of a classifier on held-out vectors beside it, and how much of the spread was compared."""
    from signals.stats.separation import held_out_separation, separation

    counts = (len(control), len(candidate))
    if not all(counts):
        raw = nothing(signal.confidence, counts)
        return {"raw": raw}, Measure("kept_spread", None, "a window has no vectors")
    if problem:
        return {"raw": refusal(problem, signal.confidence, counts)}, Measure("kept_spread", None, problem)
    ours, theirs = _array(candidate), _array(control)
    try:
        found = separation(theirs, ours, signal.confidence)
        tried = held_out_separation(theirs, ours, signal.confidence)
    except RefusedError as refused:
        why = str(refused)
        return {"raw": refusal(why, signal.confidence, counts)}, Measure("kept_spread", None, why)
    se = (found.high - found.low) / 2.0 / critical(signal.confidence)
    difference = Difference(found.value, se, found.low, found.high, found.p_value)
    dimensions = len(control[0].vector)
    along = f"{found.directions} of {dimensions} directions"
    said = [] if found.directions == dimensions else [f"compared along {along}: what moved across them is not seen"]
    p = math.erfc(abs(tried.value) / tried.se / math.sqrt(2.0)) if tried.se else 1.0
    held_out = Difference(tried.value, tried.se, tried.low, tried.high, p)
    return (
        {
            "raw": estimate(difference, METHOD, signal.confidence, counts, warnings=said),
            "held_out": estimate(held_out, TESTED, signal.confidence, counts),
        },
        Measure("kept_spread", found.kept, along),
    )


def _mmd(control: Vectors, candidate: Vectors, problem: str) -> Measure:
    name = "mmd_p"
    if problem or not control or not candidate:
        return Measure(name, None, problem or "a window has no vectors")
    from signals.stats.separation import MOST_COMPARED, PERMUTATIONS, mmd_p

    try:
        p = mmd_p(_array(control), _array(candidate))
    except RefusedError as refused:
        return Measure(name, None, str(refused))
    sizes = [min(len(one), MOST_COMPARED) for one in (control, candidate)]
    return Measure(name, p, f"{sizes[0]} and {sizes[1]} vectors, {PERMUTATIONS} permutations")


def _psi(evidence: Evidence) -> Measure:
    """Of the declared traffic mix of the two windows; every mapped dimension together."""
    from signals.stats.drift import psi

    name = "max_psi"
    mixes: dict[str, dict[Segment, float]] = defaultdict(dict)
    for cell in evidence.mix:
        mixes[cell.window][cell.segment] = cell.share
    old, new = (mixes.get(arm, {}) for arm in evidence.release.arms)
    if not old or not new:
        return Measure(name, None, "the traffic mix of both windows is not known")
    cells = sorted({*old, *new})
    if len(cells) < 2:
        return Measure(name, None, "the traffic mix has one segment only")
    shares = [[max(mix.get(cell, 0.0), ABSENT_SHARE) for cell in cells] for mix in (old, new)]
    moved = max(cells, key=lambda cell: abs(new.get(cell, 0.0) - old.get(cell, 0.0)))
    words = ", ".join(f"{dimension}={value}" for dimension, value in moved)
    text = f"{words} went from {100 * old.get(moved, 0.0):.3g} to {100 * new.get(moved, 0.0):.3g} % of traffic"
    return Measure(name, psi(*shares), text)


def _trend(windows: _Windows, problem: str) -> Measure:
    """Distances from the control window of all later ones, in order of time: each window by name, else each week."""
    if problem or not windows.control or not windows.candidate:
        return Measure(NAME, None, problem or "a window has no vectors")
    from signals.stats.separation import distances

    model = windows.control[0].model
    size = len(windows.control[0].vector)
    later = [one for one in (*windows.between, *windows.candidate) if one.model == model and len(one.vector) == size]
    named = all(one.window for one in later)
    if not named and any(one.at is None for one in later):
        return Measure(NAME, None, "the vectors have neither windows nor times")
    groups: dict[str, list[EmbeddingSample]] = defaultdict(list)
    for one in later:
        groups[one.window if named else _week(one.at)].append(one)
    order = _in_time(groups, windows)
    try:
        found = distances(_array(windows.control), [_array(groups[name]) for name in order])
    except RefusedError as refused:
        return Measure(NAME, None, str(refused))
    return trend_of(found, "moving away from the reference")


def _week(at: datetime | None) -> str:
    return monday(at.astimezone(UTC).date()).isoformat() if at is not None else ""


def _in_time(groups: dict[str, list[EmbeddingSample]], windows: _Windows) -> list[str]:
    """Windows after the control and up to the candidate: by their middle times, else by name."""

    def middle(vectors: Vectors) -> float | None:
        times = [one.at.timestamp() for one in vectors if one.at is not None]
        return median(times) if len(times) == len(vectors) > 0 else None

    middles = {name: middle(vectors) for name, vectors in groups.items()}
    start = middle(windows.control)
    ends = [at for name, at in middles.items() if at is not None and _arm(groups[name][0]) == windows.last]
    if start is None or not ends or None in middles.values():
        names = sorted(groups)
        after = max((one.window for one in windows.control), default="")
        until = max((one.window for one in windows.candidate), default="")
        return [name for name in names if after < name <= until] if after and until else names
    return sorted(
        (name for name, at in middles.items() if at is not None and start < at <= max(ends)),
        key=lambda name: (middles[name], name),
    )
