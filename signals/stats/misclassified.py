"""Pass rates of a pass/fail judge, corrected for how often it errs on items that people passed and failed.

Rogan and Gladen (1978), "Estimating prevalence from the results of a screening test", American Journal of Epidemiology
107:71-76. Unlike a correction of means it stays right when the labelled items hold another share of passes than the
others, as long as the judge errs on each kind of output equally often in both.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from signals.stats.difference import Difference, RefusedError, critical, from_se

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_SKILL = 0.2  # sensitivity + specificity - 1 below this: dividing by it mostly magnifies noise
SURE_SKILL = 4.0  # standard errors that it must stand above zero
FEW_OUTPUTS = 10  # outputs that people passed, or failed, to know an error rate from


def corrected_rate(
    p: float, specificity: float, sensitivity: float, n: int, m0: int, m1: int, confidence: float
) -> tuple[float, float, float]:
    """One pass rate with its interval: Lang and Reiczigel (2014), as Lee and others (2025), arXiv:2511.21140, use it.

    Args:
        p: Share that the judge passed.
        specificity: Share that the judge failed among those that people failed.
        sensitivity: Share that the judge passed among those that people passed.
        n: Outputs that the judge scored.
        m0: Outputs that people failed.
        m1: Outputs that people passed.
        confidence: Two-sided.

    Returns:
        (rate, low, high) as fractions, held within 0..1.

    Raises:
        RefusedError: When the judge tells passes from failures no better than chance.
    """
    if sensitivity + specificity <= 1.0:
        raise RefusedError("the judge tells passes from failures no better than chance")
    z = critical(confidence)
    size, size0, size1 = n + z * z, m0 + 2.0, m1 + 2.0
    q = (n * p + z * z / 2.0) / size
    q0, q1 = (m0 * specificity + 1.0) / size0, (m1 * sensitivity + 1.0) / size1
    skill = q0 + q1 - 1.0
    rate = (q + q0 - 1.0) / skill
    v0, v1 = q0 * (1.0 - q0) / size0, q1 * (1.0 - q1) / size1
    shift = 2.0 * z * z * (rate * v1 - (1.0 - rate) * v0)
    se = math.sqrt(q * (1.0 - q) / size + (1.0 - rate) ** 2 * v0 + rate**2 * v1) / skill
    point = (p + specificity - 1.0) / (sensitivity + specificity - 1.0)
    low, high = rate + shift - z * se, rate + shift + z * se
    return min(1.0, max(0.0, point)), min(1.0, max(0.0, low)), min(1.0, max(0.0, high))


@dataclass(frozen=True)
class Misclassified:
    """The corrected difference, and each arm's sensitivity, specificity and corrected rate as (control, candidate)."""

    difference: Difference
    sensitivity: tuple[float, float]
    specificity: tuple[float, float]
    rates: tuple[float, float]
    labelled: int


def corrected_difference(
    judge: Sequence[tuple[float, float]],
    people: Sequence[tuple[float, float] | None],
    clusters: Sequence[Hashable],
    confidence: float,
) -> Misclassified:
    """Difference of corrected pass rates, by item, with a delete-one-cluster jackknife over everything.

    Each arm has its own error rates, from its labelled outputs: a judge that errs otherwise on the candidate's answers
    is what the correction is for, and a test for it before pooling would let half of such judges pass. Items that
    people graded and the others are two samples of fixed size.

    Args:
        judge: (control, candidate) of each item, 0 or 1.
        people: The same by people, or None where they did not grade both outputs.
        clusters: The cluster of each item.
        confidence: Two-sided.

    Raises:
        RefusedError: With fewer than ten labelled outputs of an arm that people passed, or failed, or when sensitivity
            plus specificity is not surely above one.
    """
    known = np.array([one is not None for one in people], dtype=bool)
    f = np.asarray(judge, dtype=float).reshape(-1, 2)
    y = np.array([(0.0, 0.0) if one is None else one for one in people], dtype=float).reshape(-1, 2)
    names: dict[Hashable, int] = {}
    index = np.array([names.setdefault(cluster, len(names)) for cluster in clusters], dtype=np.intp)
    columns = [np.ones(len(f)), f[:, 0], f[:, 1]]
    for arm in (0, 1):
        columns += [known * y[:, arm], known * y[:, arm] * f[:, arm]]
        columns += [known * (1.0 - y[:, arm]), known * (1.0 - y[:, arm]) * (1.0 - f[:, arm])]
    sums = np.stack([np.bincount(index, weights=one, minlength=len(names)) for one in columns])
    whole = sums.sum(axis=1)
    least = whole[[3, 5, 7, 9]].min()
    if least < FEW_OUTPUTS:
        raise RefusedError(
            f"people passed, or failed, only {least:.0f} outputs of an arm: too few to know how often the judge errs "
            f"there; {FEW_OUTPUTS} are needed"
        )
    effect, skill, sensitivity, specificity, rates = error_rates(whole)
    carries = np.bincount(index, weights=known, minlength=len(names)) > 0
    moves, skills, _, _, _ = error_rates(whole[:, None] - sums)
    doubt = math.sqrt(float(((skills - skill) ** 2).sum()))
    if float(skill.min()) < max(LEAST_SKILL, SURE_SKILL * doubt):
        shown = f"sensitivity + specificity − 1 is {float(skill.min()):.2f}"
        raise RefusedError(f"the judge tells passes from failures too poorly ({shown})")
    squared, df = _two_samples(moves, carries)
    return Misclassified(
        from_se(float(effect), math.sqrt(squared), confidence, df),
        (float(sensitivity[0]), float(sensitivity[1])),
        (float(specificity[0]), float(specificity[1])),
        (float(rates[0]), float(rates[1])),
        int(known.sum()),
    )


def error_rates(
    sums: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Effect, skill, sensitivity, specificity and rates; all but effect and skill have the arm as first axis.

    Args:
        sums: Over items, shape (11, ...): their number, passes by the judge in control and candidate; then per arm how
            many outputs people passed, how many of these the judge passed, how many people failed, and how many of
            these the judge failed.
    """
    items, passed = sums[0], sums[1:3]
    cells = np.stack([sums[3:7], sums[7:11]])
    yes, hit, no, refusal = (cells[:, k] for k in range(4))
    sensitivity, specificity = hit / np.maximum(yes, 1.0), refusal / np.maximum(no, 1.0)
    skill = sensitivity + specificity - 1.0
    rates = (passed / items + specificity - 1.0) / np.where(np.abs(skill) < 1e-9, 1e-9, skill)
    return rates[1] - rates[0], skill.min(axis=0), sensitivity, specificity, rates


def _two_samples(moves: NDArray[np.float64], carries: NDArray[np.bool_]) -> tuple[float, float]:
    """Squared standard error over clusters with and without labels, each around its own mean, and its df."""
    squared = spread = 0.0
    for here in (carries, ~carries):
        groups = int(here.sum())
        if groups < 2:
            continue
        part = (groups - 1) / groups * float(((moves[here] - moves[here].mean()) ** 2).sum())
        squared += part
        spread += part**2 / max(groups - 2, 1)
    if squared <= 0.0:
        raise RefusedError("the judge passed or failed everything, so the uncertainty cannot be estimated")
    return squared, squared**2 / spread
