"""Order-independent attribution: what each of several corrections takes away, whatever order they are made in."""

from __future__ import annotations

from math import factorial
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def weights(corrections: int) -> NDArray[np.float64]:
    """The matrix that makes Shapley values out of the numbers under every combination of corrections.

    Row i of ``weights(k) @ values`` is what correction i takes away from ``values[0]``: its average effect over all
    orders in which the corrections can be made (Shapley 1953, A value for n-person games). The rows sum to
    ``values[0] - values[-1]``.

    Args:
        corrections: k, at least 0.

    Returns:
        Shape (k, 2**k). Column ``mask`` is the combination of the corrections whose bits are set.
    """
    found = np.zeros((corrections, 2**corrections))
    for mask in range(2**corrections):
        made = mask.bit_count()
        for one in range(corrections):
            if not mask >> one & 1:
                share = factorial(made) * factorial(corrections - made - 1) / factorial(corrections)
                found[one, mask] += share
                found[one, mask | 1 << one] -= share
    return found
