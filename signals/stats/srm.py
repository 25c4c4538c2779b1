"""Sample ratio mismatch: did the arms get the share of units that was planned?

Pearson's chi-square for one look at a total (Kohavi, Tang and Xu 2020, "Trustworthy Online Controlled Experiments",
chapter 21), an exact binomial test for parts that may be small, and a test that may be looked at every day.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from scipy.special import bdtr, bdtrc, chdtrc, gammaln

CONCENTRATIONS = (100.0, 1_000.0, 10_000.0)
"""Of the alternative around the planned split: standard deviations of 5, 1.6 and 0.5 percentage points at one half.

Units until p is below .001 when the candidate loses 10, 3 or 1 % of its units: k = 100 needs 6,600, 89,000 and 909,000;
k = 10,000 needs 10,300, 78,000 and 728,000; the mean of the three, which is an e-value too, 6,900, 81,000 and 787,000.
"""

EXACT_BELOW = 10_000


def sample_ratio_p(counts: Sequence[float], shares: Sequence[float] | None = None) -> float:
    """p-value of the counts of units per arm against the planned shares (default: equal).

    Raises:
        ValueError: Below two arms, without units, or when a share is not positive.
    """
    planned = _shares(counts, shares)
    total = sum(counts)
    expected = [total * share for share in planned]
    statistic = sum((seen - due) ** 2 / due for seen, due in zip(counts, expected, strict=True))
    return float(chdtrc(len(counts) - 1, statistic))


def part_p(control: int, candidate: int, share: float) -> float:
    """Two-sided p-value of one part (a day, a segment) against the candidate's planned ``share``.

    Exact binomial, twice the smaller tail, up to 10,000 units; Pearson's chi-square above.

    Raises:
        ValueError: As ``sample_ratio_p``.
    """
    total = control + candidate
    if total >= EXACT_BELOW:
        return sample_ratio_p([control, candidate], [1.0 - share, share])
    _shares([control, candidate], [1.0 - share, share])
    below = float(bdtr(candidate, total, share))
    above = float(bdtrc(candidate - 1, total, share)) if candidate else 1.0
    return min(1.0, 2.0 * min(below, above))


def log_e_value(
    counts: Sequence[float], shares: Sequence[float] | None = None, concentration: float = 1_000.0
) -> float:
    """Logarithm of the evidence against the planned shares: a Dirichlet-multinomial Bayes factor.

    Lindon and Malek (2022), "Anytime-Valid Inference for Multinomial Count Data", NeurIPS. Under the planned shares it
    exceeds 1/p at any time with a chance of at most p, however often it is looked at.

    Args:
        counts: Units per arm so far.
        shares: Planned; default: equal.
        concentration: Of the Dirichlet alternative around the planned shares, in units.

    Raises:
        ValueError: As ``sample_ratio_p``.
    """
    planned = _shares(counts, shares)
    total = float(sum(counts))
    found = float(gammaln(concentration) - gammaln(concentration + total))
    for seen, share in zip(counts, planned, strict=True):
        prior = concentration * share
        found += float(gammaln(prior + seen) - gammaln(prior)) - seen * math.log(share)
    return found


def sequential_p(
    cumulative: Iterable[Sequence[float]],
    shares: Sequence[float] | None = None,
    concentrations: Sequence[float] = CONCENTRATIONS,
) -> float:
    """p-value of the planned shares that stays valid when the counts are looked at again and again.

    The inverse of the greatest evidence at any look; see ``log_e_value``, of which it takes the mean over
    ``concentrations``.

    Args:
        cumulative: Units per arm up to each look, in order of time.
        shares: Planned; default: equal.
        concentrations: Of the alternatives that are averaged.

    Raises:
        ValueError: As ``sample_ratio_p``; also without any look.
    """
    best = None
    for counts in cumulative:
        logs = [log_e_value(counts, shares, k) for k in concentrations]
        top = max(logs)
        found = top + math.log(sum(math.exp(one - top) for one in logs) / len(logs))
        best = found if best is None else max(best, found)
    if best is None:
        raise ValueError("there is no look")
    return math.exp(-best) if best > 0.0 else 1.0


def _shares(counts: Sequence[float], shares: Sequence[float] | None) -> list[float]:
    """The planned shares, adding up to 1."""
    planned = [1.0] * len(counts) if shares is None else list(shares)
    if len(counts) < 2 or len(planned) != len(counts):
        raise ValueError("a count and a share is needed for each of at least two arms")
    if sum(counts) <= 0 or min(counts) < 0 or min(planned) <= 0:
        raise ValueError("counts must not be negative nor all zero, shares must be positive")
    return [share / sum(planned) for share in planned]
