"""How far a sample is from the mix that it should look like, above what a sample of its size shows by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from signals.stats.difference import RefusedError

DRAWS = 2_000
SEED = 20_261_117


@dataclass(frozen=True)
class MixShift:
    """Total variation distance between a sample's mix and a known one: the share that would have to change segment.

    Attributes:
        distance: Between the shares seen and those known; above 0 even for a sample that was drawn from them.
        noise: What sampling alone can be blamed for at the asked confidence.
        low: One-sided lower bound of the true distance, at least 0.
    """

    distance: float
    noise: float
    low: float


def mix_shift(counts: Sequence[int], shares: Sequence[float], confidence: float) -> MixShift:
    """Total variation of a sample of items from known shares, with its noise floor taken off.

    The distance is a metric, so the true one is at least the one seen less the distance of the sample from where it
    came from, whose upper quantile is simulated (multinomial). The population stability index has a noise floor too
    (Yurdakul and Naranjo 2020, J. Risk Model Validation 14:4), but none of its own where a segment has no item, which
    is what a mix that has shifted looks like. Weissman and others (2003), HP Labs HPL-2003-97, bound the same quantile
    in closed form, about 1.4 times as wide.

    Args:
        counts: Items per segment, shape (segments,).
        shares: Known share of each, summing to 1; 0 for a segment that only the sample has.
        confidence: Of the bound, one-sided.

    Raises:
        RefusedError: Without items.
        ValueError: When the lengths differ.
    """
    import numpy as np

    if len(counts) != len(shares):
        raise ValueError(f"{len(counts)} segments against {len(shares)}")
    n = sum(counts)
    if n < 1:
        raise RefusedError("there are no items")
    seen, known = np.asarray(counts, dtype=float) / n, np.asarray(shares, dtype=float)
    distance = float(np.abs(seen - known).sum()) / 2.0
    # One item's worth of the known mix: a segment without items may still have a share where the sample came from.
    origin = (seen * n + known) / (n + 1.0)
    draws = np.random.default_rng(SEED).multinomial(n, origin / origin.sum(), size=DRAWS) / n
    noise = float(np.quantile(np.abs(draws - origin).sum(axis=1) / 2.0, confidence))
    return MixShift(distance, noise, max(0.0, distance - noise))
