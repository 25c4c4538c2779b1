"""Makers of judged and rated items whose segments matter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from signals.model import Evidence, ItemScore, MixShare, Rating, Segment
from signals.reconcile.sides.base import Mix, Other, Side
from tests.readings.reading_kit import RELEASE

PLANS = ("free", "pro", "team")


def plan(name: str) -> Segment:
    return (("plan", name),)


def mix(shares: Mapping[str, float], value: Mapping[str, float] | None = None, of: str = "conversion's users") -> Mix:
    return Mix(
        of,
        {plan(name): part for name, part in shares.items()},
        None if value is None else {plan(name): part for name, part in value.items()},
    )


def other(of: Mix | None = None, **fields: Any) -> Other:
    made: dict[str, Any] = {"signal": "conversion", "kind": "experiment", "mix": of}
    return Other(**(made | fields))


def judged(
    n: int = 300,
    *,
    seed: int = 1,
    shares: tuple[float, ...] = (0.5, 0.3, 0.2),
    effects: tuple[float, ...] = (0.3, 0.0, -0.2),
    bias: tuple[float, ...] = (0.2, 0.2, 0.2),
    labelled: int = 0,
    raters: int = 3,
    rater_sd: float = 0.3,
    cluster_of: int = 1,
    swap: bool = False,
    traffic: tuple[MixShare, ...] = (),
    locales: bool = False,
) -> Evidence:
    """Scores in points: people's effect by plan, the judge's bias on top of it, items and raters random."""
    rng = np.random.default_rng(seed)
    where = rng.choice(len(shares), n, p=shares)
    lenient = rng.normal(0, rater_sd, raters)
    scores, ratings = [], []
    control, candidate = RELEASE.arms if not swap else RELEASE.arms[::-1]
    for i in range(n):
        segment = plan(PLANS[where[i]])
        if locales:
            segment = (("locale", "de" if i % 3 else "fr"), *segment)
        base, own = rng.uniform(1, 7), rng.normal(0, 0.5)
        truth = effects[where[i]] + own
        said = truth + bias[where[i]] + rng.normal(0, 0.4)
        cluster = f"c{i // cluster_of}" if cluster_of > 1 else ""
        for arm, value in ((control, base), (candidate, base + said)):
            scores.append(ItemScore(f"{i}/{arm}", f"i{i}", arm, "gpt", float(value), segment=segment, cluster=cluster))
        for r in range(raters if i < labelled else 0):
            gap = truth + lenient[r] + rng.normal(0, 0.5)
            for arm, value in ((control, base), (candidate, base + gap)):
                ratings.append(Rating(f"{i}/{r}/{arm}", f"i{i}", f"r{r}", arm, float(value), segment=segment))
    return Evidence(RELEASE, scores=tuple(scores), human=tuple(ratings), mix=traffic)


def traffic_of(shares: Mapping[str, float], value: Mapping[str, float] | None = None) -> tuple[MixShare, ...]:
    return tuple(
        MixShare(name, plan(name), part, None if value is None else value[name]) for name, part in shares.items()
    )


def variance(side: Side, mask: int = 0) -> float:
    return sum(float(move[mask]) ** 2 for move in side.moves.values())


def covariance(side: Side) -> np.ndarray:
    return np.sum([np.outer(move, move) for move in side.moves.values()], axis=0)


def value_of(side: Side, *causes: str) -> float:
    """The side's number with exactly these corrections."""
    names = [one.cause for one in side.corrections]
    return float(side.values[sum(1 << names.index(cause) for cause in causes)])  # type: ignore[arg-type]  # any name
