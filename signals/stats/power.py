"""Power and minimum detectable effect of any signal from the standard error of its own estimate.

Normal theory, standard library only: readings are derived with it each time a page is drawn.
"""

from __future__ import annotations

import math
from statistics import NormalDist

NORMAL = NormalDist()


def power(effect: float, se: float, crit: float) -> float:
    """Chance that an interval of ``crit`` standard errors to each side excludes zero when the truth is ``effect``.

    Raises:
        ValueError: When ``se`` or ``crit`` is not positive.
    """
    _check(se, crit)
    shift = abs(effect) / se
    return NORMAL.cdf(shift - crit) + NORMAL.cdf(-shift - crit)


def mde(se: float, crit: float, wanted: float = 0.8) -> float:
    """Least true effect that is found with power ``wanted``: ``(crit + z_wanted) * se``, in the unit of ``se``.

    With a normal 95 % interval and 80 % power that is 2.80 standard errors. The chance of a significant result on
    the wrong side is left out, as is usual; it is below 1e-5 there.
    """
    _check(se, crit)
    return (crit + NORMAL.inv_cdf(wanted)) * se


def _check(se: float, crit: float) -> None:
    if not (se > 0 and crit > 0 and math.isfinite(se) and math.isfinite(crit)):
        raise ValueError(f"standard error {se} and critical value {crit} must be positive")
