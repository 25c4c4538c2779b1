"""How far forecasts of success were off: of one route, of all of them, and of the worst.

A router says of every request with which probability it will be handled well on the path that it chooses. What becomes
of the requests says whether it knew. *Overconfidence* is the mean forecast less the share that went well, known as
calibration in the large (Cox 1958, Biometrika 45:562-565; Van Calster and others 2019, BMC Medicine 17:230).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from signals.model import RoutedCell
from signals.stats.difference import Difference, RefusedError, from_se

FEWEST = 20
"""Known outcomes below which a route tells nothing of its forecasts."""


@dataclass(frozen=True)
class Forecasts:
    """Forecasts against outcomes, over any number of cells.

    Attributes:
        known: Requests with a forecast whose outcome is known.
        realised: Their mean outcome.
        predicted: Their mean forecast.
        spread: Sum of squared deviations of forecast less outcome from its mean.
        chance: Sum of p(1 - p): the variance of the number of successes when the forecasts p are right.
        z: Spiegelhalter's statistic, standard normal when the forecasts are right; None when all of them are 0, 1/2 or
            1, where it says nothing.
    """

    known: int
    realised: float
    predicted: float
    spread: float
    chance: float
    z: float | None


def together(cells: Sequence[RoutedCell]) -> Forecasts:
    """The cells as one.

    Spiegelhalter (1986), Statistics in Medicine 5:421-433: ``sum (y - p)(1 - 2p)`` over the root of
    ``sum p(1 - p)(1 - 2p)^2``, the part of the Brier score that a forecaster who is right cannot help.

    Raises:
        RefusedError: When no outcome of them is known.
    """
    some = [cell for cell in cells if cell.known and cell.tenth >= 0]
    known = sum(cell.known for cell in some)
    if not known:
        raise RefusedError("no outcome is known of a request with a forecast")
    realised = math.fsum(cell.known * cell.realised for cell in some) / known
    predicted = math.fsum(cell.known * cell.predicted for cell in some) / known
    gap = predicted - realised
    spread = math.fsum(cell.spread + cell.known * (cell.predicted - cell.realised - gap) ** 2 for cell in some)
    variance = math.fsum(cell.score_spread for cell in some)
    z = math.fsum(cell.score for cell in some) / math.sqrt(variance) if variance > 0.0 else None
    return Forecasts(known, realised, predicted, spread, math.fsum(cell.chance for cell in some), z)


def overconfidence(found: Forecasts, confidence: float) -> Difference:
    """Mean forecast less mean outcome, with an interval by Student's t.

    The variance is the larger of what forecasts and outcomes show and what it would be were the forecasts right: a few
    lucky requests are no proof of anything.

    Args:
        found: What ``together`` gives.
        confidence: Two-sided.

    Raises:
        RefusedError: With fewer than ``FEWEST`` known outcomes, or when nothing varies.
    """
    if found.known < FEWEST:
        raise RefusedError(f"{found.known} outcomes are known, and {FEWEST} are needed")
    variance = max(found.spread / (found.known - 1), found.chance / found.known) / found.known
    if variance <= 0.0:
        raise RefusedError("all forecasts are certain and all outcomes alike, so their error cannot be estimated")
    return from_se(found.predicted - found.realised, math.sqrt(variance), confidence, found.known - 1)


def worst_route(
    routes: Mapping[str, Sequence[RoutedCell]], confidence: float
) -> tuple[str, Forecasts, Difference, int]:
    """The route whose overconfidence is surest: its name, forecasts, overconfidence, and how many were compared.

    Its lower bound holds with ``confidence`` (one-sided) although it was chosen for being the worst: each route is
    tested at the confidence that leaves that much to all of them (Bonferroni).

    Raises:
        RefusedError: When no route has outcomes enough.
    """
    found = []
    for name in sorted(routes):
        try:
            one = together(routes[name])
        except RefusedError:
            continue
        if one.known >= FEWEST:
            found.append((name, one))
    if not found:
        raise RefusedError(f"no route has {FEWEST} requests with a forecast and a known outcome")
    each = 1.0 - 2.0 * (1.0 - confidence) / len(found)
    judged = []
    for name, one in found:
        try:
            judged.append((name, one, overconfidence(one, each), len(found)))
        except RefusedError:
            continue
    if not judged:
        raise RefusedError("all forecasts are certain and all outcomes alike, so their error cannot be estimated")
    return max(judged, key=lambda entry: entry[2].low)
