"""How often intervals of a track record cover, how soon its alarm sounds: ``python -m benchmarks.track [SEEDS]``.

Releases with true effects on two signals, measured with known errors that differ from release to release. The tables
of docs/track.md are printed by it.
"""

from __future__ import annotations

import sys

import numpy as np

from signals.stats.alarm import ALLOWANCE, watch
from signals.stats.proxy import predict, relation

Array = np.ndarray


def draw(rng: np.random.Generator, n: int, rho: float, reliability: float, heavy: bool) -> tuple[Array, ...]:
    """True and measured effects of ``n`` releases, and their variances; true effects have variance 1."""
    z = rng.standard_t(5, (2, n)) / np.sqrt(5 / 3) if heavy else rng.normal(size=(2, n))
    truth = np.array([z[0], rho * z[0] + np.sqrt(1 - rho**2) * z[1]])
    variance = (1 - reliability) / reliability * rng.uniform(0.4, 1.6, (2, n))
    return truth, truth + rng.normal(size=(2, n)) * np.sqrt(variance), variance


def coverage(
    n: int, rho: float, reliability: float, heavy: bool, seeds: int, shared: float | None = None
) -> list[float]:
    """Refused; covered and width of the correlation; without a line; covered slope and prediction."""
    rng = np.random.default_rng([n, round(100 * rho), round(100 * reliability), heavy])
    refused = lineless = 0
    held: list[tuple[bool, float]] = []
    lines: list[tuple[bool, bool]] = []
    for _ in range(seeds):
        truth, seen, variance = draw(rng, n + 1, rho, reliability, heavy)
        if shared is not None:
            common = rng.normal(size=n + 1)
            for row in (0, 1):
                own = rng.normal(size=n + 1)
                error = np.sqrt(abs(shared)) * common * (1 if row == 0 else np.sign(shared))
                seen[row] = truth[row] + np.sqrt(variance[row]) * (error + np.sqrt(1 - abs(shared)) * own)
        found = relation(*seen[:, :n], *variance[:, :n], shared=shared is not None)
        if found.refused:
            refused += 1
            continue
        low, high = found.correlation.low, found.correlation.high
        assert low is not None and high is not None  # noqa: PT018  # for the type checker
        held.append((low <= rho <= high, high - low))
        if not found.lines:
            lineless += 1
            continue
        slope = found.slope
        assert slope.low is not None and slope.high is not None  # noqa: PT018  # for the type checker
        _, least, most = predict(found, seen[0, n], variance[0, n])
        lines.append((slope.low <= rho <= slope.high, bool(least <= truth[1, n] <= most)))
    share = np.mean(held, axis=0) if held else (np.nan, np.nan)
    of_line = np.mean(lines, axis=0) if lines else (np.nan, np.nan)
    return [refused / seeds, *share, lineless / seeds, *of_line]


def hawkins(gaps: Array) -> Array:
    """The self-starting chart for normal gaps, for comparison; the sum after each release."""
    from scipy.special import ndtri, stdtr

    path = np.zeros(gaps.shape)
    total = np.zeros(len(gaps))
    for i in range(2, gaps.shape[1]):
        before = gaps[:, :i]
        t = (gaps[:, i] - before.mean(1)) / before.std(1, ddof=1) * np.sqrt(i / (i + 1))
        total = np.maximum(0, total + ndtri(np.clip(stdtr(i - 1, t), 1e-12, 1 - 1e-12)) - ALLOWANCE)
        path[:, i] = total
    return path


def alarms(seeds: int) -> None:
    """False alarms and how soon a change is found, of both charts."""
    rng = np.random.default_rng(7)
    limit = float(np.quantile(hawkins(rng.normal(size=(20_000, 50))).max(1), 0.95))
    sizes = np.exp(0.7 * rng.normal(size=(seeds, 50)))
    cases = {
        "nothing changes, normal": rng.normal(size=(seeds, 50)),
        "nothing changes, t3": rng.standard_t(3, (seeds, 50)),
        "nothing changes, errors of other sizes": sizes * rng.normal(size=(seeds, 50)),
        "1 sd more from release 16": rng.normal(size=(seeds, 50)) + (np.arange(50) >= 15),
        "2 sd more from release 16": rng.normal(size=(seeds, 50)) + 2 * (np.arange(50) >= 15),
        "0.1 sd more each release": rng.normal(size=(seeds, 50)) + 0.1 * np.arange(50),
    }  # fmt: skip
    print(f"{'':40} {'ranks: by 25':>12} {'by 50':>6} {'Hawkins: by 25':>15} {'by 50':>6}")
    for name, gaps in cases.items():
        ours = np.array([50 if (at := watch(row).at) is None else at for row in gaps])
        theirs = hawkins(gaps) >= limit
        print(f"{name:40} {(ours < 25).mean():12.3f} {(ours < 50).mean():6.3f} "
              f"{theirs[:, :25].any(1).mean():15.3f} {theirs.any(1).mean():6.3f}")  # fmt: skip


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    print("tails   n  reliability  rho | refused  covered  width | no line  slope  prediction")
    for heavy in (False, True):
        for n in (10, 20, 50):
            for reliability in (0.95, 0.6):
                for rho in (0.0, 0.5, 0.9):
                    found = coverage(n, rho, reliability, heavy, seeds)
                    tails = "t5" if heavy else "normal"
                    told = "{:7.3f}  {:7.3f}  {:5.2f} | {:7.3f}  {:5.3f}  {:.3f}".format(*found)
                    print(f"{tails:6} {n:2}  {reliability:11}  {rho:3} | {told}", flush=True)
    print("errors correlated, and not known how: n 20, reliability 0.8, rho 0.5")
    for shared in (-0.9, 0.0, 0.9):
        found = coverage(20, 0.5, 0.8, heavy=False, seeds=seeds, shared=shared)
        print(f"{shared:4} | {found[1]:.3f} {found[2]:.2f} | {found[4]:.3f} {found[5]:.3f}")
    alarms(seeds)


if __name__ == "__main__":
    main()
