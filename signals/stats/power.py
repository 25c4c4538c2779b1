"""Power, minimum detectable effect and sample size of any signal, from the standard errors of its own estimate.

Normal theory, standard library only: readings are derived with it each time a page is drawn. Sample sizes answer one
question for all kinds of signal: when is the interval narrow enough to show, with power ``wanted`` and if nothing
changed, that nothing was lost beyond the margin? Once its half-width plus ``z_wanted`` standard errors has come down to
the margin, and that is also when the margin is the minimum detectable effect.
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


def times_needed(se: float, half: float, margin: float, wanted: float = 0.8) -> float:
    """How many times as many units bring the interval to the margin, when all of its error falls with their number.

    For items with ``se^2 = (omega^2 + sigma_A^2 / K_A + sigma_B^2 / K_B) / n`` it is the sample size of Miller (2024),
    arXiv:2411.00640, section 5; for two arms of units the usual one of a z test.

    Args:
        se: Standard error reached so far, in the unit of the margin.
        half: Half-width of the interval reached so far.
        margin: What is to be found, or ruled out.
        wanted: Power.

    Raises:
        ValueError: When an argument is not positive.
    """
    return (se / target_se(se, half, margin, wanted)) ** 2


def target_se(se: float, half: float, margin: float, wanted: float = 0.8) -> float:
    """The standard error at which the interval, still ``half / se`` of them to each side, meets the margin."""
    _check(se, half)
    _check(margin, 1.0)
    return margin / (half / se + NORMAL.inv_cdf(wanted))


def _check(se: float, crit: float) -> None:
    if not (se > 0 and crit > 0 and math.isfinite(se) and math.isfinite(crit)):
        raise ValueError(f"{se} and {crit} must be positive and finite")
