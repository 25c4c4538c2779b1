"""How often intervals of a track record cover, how soon its alarm sounds: ``python -m benchmarks.track [SEEDS]``.

Releases with true effects on two signals, measured with known errors that differ from release to release. The tables
of docs/track.md are printed by it.
"""

from __future__ import annotations

import sys

import numpy as np

from signals.stats.alarm import ALLOWANCE, watch
from signals.stats.proxy import predict, relation
from signals.stats.responders import Crowd, falling_p, moved

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


def votes(seeds: int) -> None:
    """How often a signal keeps its vote at a ``track_correlation`` of 0.5, by its true correlation."""
    print("track_correlation >= 0.5, reliability 0.9: keeps its vote, not known")
    for n in (10, 13, 20, 30):
        told = []
        for rho in (-0.5, 0.0, 0.3, 0.5, 0.7, 0.9):
            rng = np.random.default_rng([n, round(100 * rho) + 100])
            found = []
            for _ in range(seeds):
                _, seen, variance = draw(rng, n, rho, 0.9, heavy=False)
                found.append(relation(*seen, *variance).correlation.value)
            kept = sum(one is not None and one >= 0.5 for one in found) / seeds
            told.append(f"{rho:4}: {kept:.3f} {sum(one is None for one in found) / seeds:.3f}")
        print(f"{n:3} | {' | '.join(told)}")


def responders(seeds: int) -> None:
    """How often a response rate is called falling at 0.01, and responders are called others at 10 %."""
    print("response_trend_p < 0.01 over 14 windows whose rates vary by 10 %: a year's fall, independent and AR(1) 0.5")
    rng = np.random.default_rng(14)
    days = [28.0 * place for place in range(14)]
    for fall in (0.0, 0.1, 0.2, 0.3, 0.5):
        called = []
        for together in (0.0, 0.5):
            scatter = rng.normal(size=(seeds, 14))
            for place in range(1, 14):
                scatter[:, place] = together * scatter[:, place - 1] + np.sqrt(1 - together**2) * scatter[:, place]
            rates = np.exp(-3.0 + np.log(1.0 - fall) * np.arange(14) / 13 + 0.1 * scatter)
            called.append(np.mean([falling_p(days, row.tolist()) < 0.01 for row in rates]))
        print(f"{fall:4} | {called[0]:.3f} {called[1]:.3f}")
    print("responder_mix_shift > 10 %, first windows of 5,000 responses, mix 50, 30, 20 %: now of 200, 1,000, 10,000")
    mix = np.array([0.5, 0.3, 0.2])
    for shift in (0.0, 0.1, 0.15, 0.2):
        told = []
        for size in (200, 1_000, 10_000):
            now = mix + np.array([shift, -0.6 * shift, -0.4 * shift])
            found = [
                moved(*(Crowd(dict(zip("abc", map(float, rng.multinomial(n, of)), strict=True)))
                        for n, of in ((5_000, mix), (size, now)))).shift
                for _ in range(min(seeds, 500))
            ]  # fmt: skip
            told.append(f"{np.mean(np.array(found) > 0.1):.3f}")
        print(f"{shift:4} | {' '.join(told)}")


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
    votes(seeds)
    responders(max(seeds, 1_000))


if __name__ == "__main__":
    main()
