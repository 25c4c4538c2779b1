"""Sample ratio mismatch: did the arms get the share of units that was planned?

Pearson's chi-square (Kohavi, Tang and Xu 2020, "Trustworthy Online Controlled Experiments", chapter 21).
"""

from __future__ import annotations

from collections.abc import Sequence

from scipy.special import chdtrc


def sample_ratio_p(counts: Sequence[float], shares: Sequence[float] | None = None) -> float:
    """p-value of the counts of units per arm against the planned shares (default: equal).

    Raises:
        ValueError: Below two arms, without units, or when a share is not positive.
    """
    planned = [1.0] * len(counts) if shares is None else list(shares)
    total = sum(counts)
    if len(counts) < 2 or len(planned) != len(counts):
        raise ValueError("a count and a share is needed for each of at least two arms")
    if total <= 0 or min(counts) < 0 or min(planned) <= 0:
        raise ValueError("counts must not be negative nor all zero, shares must be positive")
    expected = [total * share / sum(planned) for share in planned]
    statistic = sum((seen - due) ** 2 / due for seen, due in zip(counts, expected, strict=True))
    return float(chdtrc(len(counts) - 1, statistic))
