"""How far raters agree, drawn anew: around what was measured, on the scale on which its error is nearly normal.

A rank correlation is drawn by Fisher's z, which keeps it between -1 and 1; Krippendorff's alpha and its lower bound by
the logarithm of 1 minus it, on which its interval is made. Errors are over samples of items, with the raters as they
are. They are drawn independently of the effects and of other signals' agreement: with items drawn again, neither the
bundled search-v5 nor orders-v3 shows a correlation of 0.15 or more with any effect. Judge and panel that are held
against the same grades agree together (0.4 to 0.6 there), which matters only where both lie near their thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from signals.model import Numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

CORRELATIONS = ("human_agreement",)
ALPHAS = ("agreement", "agreement_low")


def agreement_errors(numbers: Mapping[str, Numbers], names: Mapping[str, object]) -> dict[str, float]:
    """The errors of agreement that are known, by full name of the check, each on the scale on which it is drawn.

    Args:
        numbers: By signal.
        names: The signals that are drawn.
    """
    found = {}
    for name in names:
        for one in numbers[name].measures:
            if one.value is None or not one.se:
                continue
            if one.name in CORRELATIONS and abs(one.value) < 1.0:
                found[f"{name}.{one.name}"] = one.se / (1.0 - one.value**2)
            elif one.name in ALPHAS and one.value < 1.0:
                found[f"{name}.{one.name}"] = one.se / (1.0 - one.value)
    return found


def drawn_agreement(check: str, value: float, error: float, noise: Array) -> Array:
    """Agreement around its measured value; exactly that value where the noise is 0.

    Args:
        check: Its name without the signal's.
        value: As measured.
        error: Of ``agreement_errors``.
        noise: Standard normal, shape (draws,).
    """
    if check in CORRELATIONS:
        moved = np.tanh(error * noise)
        return np.asarray((value + moved) / (1.0 + value * moved))
    # More noise is more agreement, on every scale.
    return np.asarray(value - (1.0 - value) * np.expm1(-error * noise))
