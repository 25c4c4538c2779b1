"""One proportion with its score interval, without numpy and scipy: what is drawn from stored numbers stays light."""

from __future__ import annotations

import math

from signals.stats.student import critical


def wilson(x: float, n: float, confidence: float) -> tuple[float, float]:
    """Wilson (1927) score interval of one proportion, as fractions.

    Raises:
        ValueError: When there are no units, or more successes than units.
    """
    if n <= 0 or not 0 <= x <= n:
        raise ValueError(f"{x} of {n} is no proportion")
    z2 = critical(confidence) ** 2
    p = x / n
    middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n)
    half = math.sqrt(z2 * (p * (1.0 - p) / n + z2 / (4.0 * n * n))) / (1.0 + z2 / n)
    # The bounds at 0 and n successes are 0 and 1 exactly; rounding would leave 1e-17 there.
    return (0.0 if x <= 0 else max(0.0, middle - half)), (1.0 if x >= n else min(1.0, middle + half))
