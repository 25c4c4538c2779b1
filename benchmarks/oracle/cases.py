"""Data and our own answers as JSON, for ``compare.py`` to hold against the other library.

Run with the project's own Python: ``python -m benchmarks.oracle.cases > cases.json``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from signals.model import Moments
from signals.stats.cuped import cuped
from signals.stats.difference import Difference, critical
from signals.stats.means import fieller, log_delta, ratio, ratio_difference, welch
from signals.stats.moments import from_arrays, merge, variance
from signals.stats.multiplicity import benjamini_hochberg, holm
from signals.stats.power import mde, times_needed
from signals.stats.proportion import ratio_interval, score_interval
from signals.stats.srm import sample_ratio_p

Case = dict[str, Any]
SIZES = ((12, 15), (200, 150), (4_000, 4_000), (20_000, 2_000))


def main() -> None:
    """All cases, in a fixed order and with fixed data."""
    rng = np.random.default_rng(20_261_123)
    found = [*means(rng), *ratios(rng), *adjusted(rng), *proportions(rng), *several(rng), *powers(rng), *splits()]
    json.dump(found, sys.stdout, allow_nan=False)


def means(rng: np.random.Generator) -> Iterator[Case]:
    for confidence in (0.9, 0.95, 0.99):
        for n0, n1 in SIZES:
            control, candidate = rng.lognormal(1.0, 0.8, n0), rng.lognormal(1.05, 0.9, n1)
            m0, m1 = from_arrays(control), split_and_merged(candidate)
            v0, v1 = (variance(m.m2, m.n) / m.n for m in (m0, m1))
            exact = fieller(m1.mean, v1, m0.mean, v0, confidence)
            yield case(
                "mean", {"y": (control, candidate)}, confidence, welch(m1, m0, confidence),
                log_lift=log_delta(m1.mean, v1, m0.mean, v0, confidence), fieller_lift=exact,
            )  # fmt: skip


def split_and_merged(values: np.ndarray) -> Moments:
    """As the store keeps them: moments of parts, added up."""
    return merge(from_arrays(part) for part in np.array_split(values, 7))


def ratios(rng: np.random.Generator) -> Iterator[Case]:
    for n0, n1 in SIZES:
        columns = []
        for n, rate in ((n0, 0.30), (n1, 0.33)):
            sessions = 1.0 + rng.poisson(2.0, n)
            columns.append((rng.binomial(sessions.astype(int), rng.beta(3, 3 / rate - 3, n)).astype(float), sessions))
        (y0, d0), (y1, d1) = columns
        m0, m1 = from_arrays(y0, d=d0), from_arrays(y1, d=d1)
        (r0, v0), (r1, v1) = ratio(m0), ratio(m1)
        yield case(
            "ratio", {"y": (y0, y1), "d": (d0, d1)}, 0.95, ratio_difference(m1, m0, 0.95),
            log_lift=log_delta(r1, v1, r0, v0, 0.95),
        )  # fmt: skip


def adjusted(rng: np.random.Generator) -> Iterator[Case]:
    """Their theta is of the whole sample and ours of the inside of the arms: equal but for the effect itself."""
    for n0, n1, correlation in ((3_000, 3_000, 0.7), (10_000, 10_000, 0.3), (12_000, 4_000, 0.6)):
        x0, x1 = rng.normal(5, 2, n0), rng.normal(5, 2, n1)
        noise = np.sqrt(1 - correlation**2)
        y0 = correlation * (x0 - 5) / 2 + noise * rng.normal(size=n0) + 3.0
        y1 = correlation * (x1 - 5) / 2 + noise * rng.normal(size=n1) + 3.02
        found = cuped(from_arrays(y1, x=x1), from_arrays(y0, x=x0), 0.95)
        yield case("cuped", {"y": (y0, y1), "x": (x0, x1)}, 0.95, found.difference)


def proportions(rng: np.random.Generator) -> Iterator[Case]:
    """Their interval is Wald's: comparable where there are many events, and the pooled test at zero anywhere."""
    for n0, n1, p0, p1 in ((40_000, 40_000, 0.1, 0.106), (90_000, 30_000, 0.4, 0.39), (60_000, 60_000, 0.02, 0.021)):
        y0, y1 = (rng.random(n0) < p0).astype(float), (rng.random(n1) < p1).astype(float)
        counts = (y1.sum(), n1, y0.sum(), n0)
        yield case(
            "proportion", {"y": (y0, y1)}, 0.95, score_interval(*counts, 0.95),
            log_lift=ratio_interval(*counts, 0.95),
        )  # fmt: skip


def several(rng: np.random.Generator) -> Iterator[Case]:
    for size in (2, 6, 15):
        p = [float(one) for one in rng.beta(0.4, 2.0, size)]
        yield {"kind": "several", "p": p, "holm": holm(p), "fdr": benjamini_hochberg(p)}


def powers(rng: np.random.Generator) -> Iterator[Case]:
    """One arm's data; both arms alike, as a plan assumes."""
    for n in (400, 5_000):
        y = rng.gamma(2.0, 3.0, n)
        m = from_arrays(y)
        se = float(np.sqrt(2.0 * variance(m.m2, n) / (n / 2)))  # the units are divided between two arms
        crit = critical(0.95)
        effect = 0.05 * m.mean
        yield {
            "kind": "power", "y": list(map(float, y)), "effect": effect, "mde": mde(se, crit),
            "units": n * times_needed(se, crit * se, effect),
        }  # fmt: skip


def splits() -> Iterator[Case]:
    for counts, share in (((5_000, 5_100), 0.5), ((90_100, 9_800), 0.1), ((1_021, 979), 0.5)):
        yield {"kind": "split", "counts": counts, "share": share, "p": sample_ratio_p(counts, (1 - share, share))}


def case(kind: str, columns: dict[str, Any], confidence: float, found: Difference, **lifts: Any) -> Case:
    """Columns are (control, candidate) per name; lifts are bounds relative to the control level."""
    return {
        "kind": kind,
        "columns": {name: [list(map(float, values)) for values in arms] for name, arms in columns.items()},
        "confidence": confidence,
        "ours": {"effect": found.effect, "low": found.low, "high": found.high, "p": found.p_value, "se": found.se},
        "lifts": {name: list(bounds) for name, bounds in lifts.items() if bounds is not None},
    }


if __name__ == "__main__":
    main()
