"""Segments of many draws, with the law that parts of one whole have.

Where arm means are weighted means of segment means, a segment's estimate has the covariance ``share * se_i^2`` with
the whole's. So independent segment noise is drawn first, and then moved to agree with the whole that was drawn:
segments and whole have exactly the joint normal law of strata and their sum. Segments of another dimension are moved to
the same whole with noise of their own, which is their law when the two dimensions are independent among the units.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from signals.model import Signal
from signals.stats.tails import chi_square_tail, critical
from signals.workbench.simulation.columns import Column, Element
from signals.workbench.simulation.design import Design, SegmentDesign
from signals.workbench.simulation.intervals import ENOUGH_EVENTS, ENOUGH_UNITS, bounds
from signals.workbench.simulation.noise import Noise
from signals.workbench.simulation.reach import Look, reach_at
from signals.workbench.simulation.truth import Truth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

ROUNDING = 1e-6


@dataclass(frozen=True)
class SegmentDraws:
    """One segment: its estimate over the draws and, where it has an interval, half of it plain and adjusted."""

    design: SegmentDesign
    effect: Array
    half: Array | float | None
    far: Array | float | None


def draw(signal: Signal, design: Design, truth: Truth, noise: Noise, look: Look) -> tuple[SegmentDraws, ...]:
    """Every segment that has units in both arms."""
    by_dimension: dict[str, list[tuple[SegmentDesign, float]]] = {}
    for one, true in zip(design.segments, truth.segments, strict=True):
        by_dimension.setdefault(one.dimension, []).append((one, true))
    found: list[SegmentDraws] = []
    for some in by_dimension.values():
        found += _dimension(signal, design, some, noise, look)
    return tuple(found)


def _dimension(
    signal: Signal, design: Design, some: Sequence[tuple[SegmentDesign, float]], noise: Noise, look: Look
) -> list[SegmentDraws]:
    known = [(one, true, error) for one, true in some if (error := _error(design, one, true)) is not None]
    own = [
        error * noise.normal(design.signal, f"segment {one.name}", look.number, grows=design.grows)
        for one, _, error in known
    ]
    total = sum(one.share for one, _, _ in known) or 1.0
    shares = [one.share / total for one, _, _ in known]
    # What the segments do not explain of the whole: the arms' chance mix of segments.
    explained = math.fsum((share * error) ** 2 for share, (_, _, error) in zip(shares, known, strict=True))
    rest = max(0.0, (design.se or 0.0) ** 2 - explained)
    whole = math.sqrt(explained + rest)
    lucky = signal.sign * noise.effect(design.signal, look.number, grows=design.grows)
    mix = noise.normal(design.signal, f"mix {some[0][0].dimension}", look.number, grows=design.grows)
    drift = whole * lucky - sum(s * e for s, e in zip(shares, own, strict=True)) - math.sqrt(rest) * mix
    parts = len(some)
    made = []
    for (one, true, error), share, noisy in zip(known, shares, own, strict=True):
        effect = true + noisy + share * error**2 / whole**2 * drift if whole > 0.0 else true + noisy
        half, far = _halves(signal, design, one, true, error, noise, look, parts)
        made.append(SegmentDraws(one, np.asarray(effect), half, far))
    return made


def _error(design: Design, one: SegmentDesign, true: float) -> float | None:
    if one.se is None or design.law != "proportion" or one.control is None:
        return one.se
    p0, p1 = one.control, min(1.0, max(0.0, one.control + true))
    squared = p0 * (1.0 - p0) / one.n_control + p1 * (1.0 - p1) / one.n_candidate
    return math.sqrt(squared / design.worth)


def _halves(
    signal: Signal,
    design: Design,
    one: SegmentDesign,
    true: float,
    error: float,
    noise: Noise,
    look: Look,
    parts: int,
) -> tuple[Array | float | None, Array | float | None]:
    if one.refused or _too_few(design, one, true):
        return None, None
    units = one.n_control + one.n_candidate
    joint = 1.0 - (1.0 - signal.confidence) / len(design.segments)
    near, far = (
        reach_at(signal, design, level, look, df=one.df, units=units, parts=parts)
        for level in (signal.confidence, joint)
    )
    if near is None or far is None:
        return None, None
    se: Array | float = error
    if one.df is not None:
        total = one.df / look.share if design.grows else one.df
        se = error * np.sqrt(noise.square(design.signal, f"spread {one.name}", total, look.number, grows=design.grows))
    return near * se, far * se


def _too_few(design: Design, one: SegmentDesign, true: float) -> bool:
    """Whether an always-valid interval is refused, by the events that are expected."""
    if design.rule != "always":
        return False
    if design.law != "proportion" or one.control is None:
        return min(one.n_control, one.n_candidate) < ENOUGH_UNITS
    arms = ((one.n_control, one.control), (one.n_candidate, min(1.0, max(0.0, one.control + true))))
    # Around what was seen these are whole counts but for rounding.
    return min(min(n * p, n * (1.0 - p)) for n, p in arms) < ENOUGH_EVENTS - ROUNDING


def elements(signal: Signal, design: Design, some: Sequence[SegmentDraws]) -> tuple[Element, ...]:
    """The segments as conditions ask for them, oriented: positive is good."""
    drawn = {one.design.name: one for one in some}
    return tuple(_element(signal, design, one, drawn.get(one.name)) for one in design.segments)


def _element(signal: Signal, design: Design, one: SegmentDesign, drawn: SegmentDraws | None) -> Element:
    found = {"name": Column(one.name), "share": Column(one.share)}
    margin = signal.margin.absolute(one.control) if signal.margin else None
    if margin is not None:
        found["margin"] = Column(margin)
    if drawn is None:
        return found
    benefit = signal.sign * drawn.effect
    found["benefit"] = Column(benefit)
    for prefix, half in (("", drawn.half), ("adjusted.", drawn.far)):
        if half is not None:
            low, high = bounds(benefit, half, bounded=design.bounded)
            found[f"{prefix}low"], found[f"{prefix}high"] = Column(low), Column(high)
    return found


def heterogeneity(signal: Signal, some: Sequence[SegmentDraws]) -> Column | None:
    """``heterogeneity_p``: the least p-value over dimensions times their number; None below two intervals each."""
    found = []
    for rows in _by_dimension(some).values():
        sure = [(one.effect, one.half) for one in rows if one.half is not None]
        if len(sure) >= 2:
            found.append(_equal_p(signal, sure))
    return Column(np.minimum(1.0, len(found) * np.min(found, axis=0))) if found else None


def reversals(whole: Array, some: Sequence[SegmentDraws]) -> Column | None:
    """``max_reversals``: dimensions whose every segment has the other sign than the whole, or one while it has none."""
    turned = []
    for rows in _by_dimension(some).values():
        if len(rows) >= 2:
            up, down = (np.all([sign * one.effect > 0.0 for one in rows], axis=0) for sign in (1.0, -1.0))
            turned.append((up & (whole <= 0.0)) | (down & (whole >= 0.0)))
    return Column(np.sum(turned, axis=0, dtype=float)) if turned else None


def _by_dimension(some: Sequence[SegmentDraws]) -> dict[str, list[SegmentDraws]]:
    found: dict[str, list[SegmentDraws]] = {}
    for one in some:
        found.setdefault(one.design.dimension, []).append(one)
    return found


def _equal_p(signal: Signal, rows: Sequence[tuple[Array, Array | float]]) -> Array:
    """Cochran's test of equal effects, as ``stats.shrink.heterogeneity``."""
    reach = critical(signal.confidence)
    weights = [(reach / half) ** 2 for _, half in rows]
    total = sum(weights)
    mean = sum(weight * effect for weight, (effect, _) in zip(weights, rows, strict=True)) / total
    q = sum(weight * (effect - mean) ** 2 for weight, (effect, _) in zip(weights, rows, strict=True))
    return chi_square_tail(len(rows) - 1, np.asarray(q))
