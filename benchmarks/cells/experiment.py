"""Coverage cells of experiment readings."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.cells import Cell, Run
from signals.model import (
    QUANTILE_STEPS,
    Estimate,
    Evidence,
    Interval,
    Metric,
    Moments,
    OutcomeCell,
    QuantileCell,
    Release,
    Signal,
)
from signals.readings import measure, read
from signals.readings.common import Tray
from signals.readings.experiment_effect import Design, effect
from signals.readings.looks import looks_of
from signals.stats.moments import from_arrays, merge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

RELEASE = Release("r", "prompt", "old", "new", date(2026, 11, 1))
AS_OF = datetime(2026, 11, 20, tzinfo=UTC)
START = date(2026, 11, 2)
CLUSTER_SIZE = 20
LOOKS = 60

Draw = Callable[[np.random.Generator, int], Moments]


def signal(kind: str, **fields: Any) -> Signal:
    """An experiment signal without margin or segments."""
    metric = Metric("m", kind, fields.pop("quantile", None))  # type: ignore[arg-type]  # a metric type by name
    return Signal("s", "experiment", "?", "higher", 0.95, metric=metric, **fields)


def cell(variant: str, moments: Moments, **fields: Any) -> OutcomeCell:
    """All units of one arm."""
    return OutcomeCell("", variant, (), fields.pop("day", None), moments, **fields)


def ones(count: int, n: int) -> Moments:
    """Moments of ``count`` ones among ``n`` units."""
    return Moments(n, count / n, count * (n - count) / n)


def reading(subject: Signal, evidence: Evidence) -> tuple[Estimate, bool]:
    """The number that votes, and whether a check warns at its default threshold."""
    numbers = measure(subject, evidence)
    seen = read(subject, numbers, AS_OF)
    flagged = any(check.status in ("warn", "fail") for check in seen.checks.values())
    return numbers.estimates[numbers.voting], flagged


def judged(found: Interval | Estimate | None, truth: float, *, flagged: bool) -> Run:
    """Whether an interval holds the truth."""
    if found is None or found.low is None or found.high is None:
        return Run(None, None, flagged=True)
    return Run(found.low <= truth <= found.high, found.high - found.low, flagged)


def once(
    kind: str, draw0: Draw, draw1: Draw, sizes: tuple[int, int], truth: float, *, relative: bool = False, **fields: Any
) -> Callable[[np.random.Generator], Run]:
    """One look at two arms; ``sizes`` are (control, candidate)."""
    subject = signal(kind)
    release = replace(RELEASE, split=sizes[1] / sum(sizes))

    def simulate(rng: np.random.Generator) -> Run:
        arms = draw0(rng, sizes[0]), draw1(rng, sizes[1])
        extra = [{**fields, "members": int(m.n * (m.d_mean or 0.0))} if fields else {} for m in arms]
        cells = cell("old", arms[0], **extra[0]), cell("new", arms[1], **extra[1])
        found, flagged = reading(subject, Evidence(release, outcomes=cells))
        flagged = flagged or bool(found.warnings)
        return judged(found.relative if relative else found, truth, flagged=flagged)

    return simulate


# --- outcomes -------------------------------------------------------------------------------------------------------


def share(p: float) -> Draw:
    """Ones with chance ``p``."""
    return lambda rng, n: ones(int(rng.binomial(n, p)), n)


def normal(mean: float = 0.0) -> Draw:
    """Normal outcomes with standard deviation 1."""
    return lambda rng, n: from_arrays(rng.normal(mean, 1.0, n))


def payers(rate: float = 0.03, sigma: float = 1.5, lift: float = 1.0) -> Draw:
    """Zero, or a lognormal amount with chance ``rate``."""

    def draw(rng: np.random.Generator, n: int) -> Moments:
        paid = lift * np.exp(sigma * rng.standard_normal(int(rng.binomial(n, rate))))
        return merge([from_arrays(paid), Moments(n - paid.size, 0.0, 0.0, m3=0.0)])

    return draw


def exponential(mean: float = 1.0) -> Draw:
    """Exponential outcomes."""
    return lambda rng, n: from_arrays(rng.exponential(mean, n))


def clicks(rng: np.random.Generator, n: int) -> Moments:
    """Clicks over views per user; users differ in both."""
    views = rng.geometric(0.3, n).astype(float)
    return from_arrays(rng.binomial(views.astype(int), rng.beta(2, 3, n)), d=views)


def clusters(rng: np.random.Generator, n: int) -> Moments:
    """Sums over clusters of unequal sizes (1 to 39 units), intraclass correlation 0.2."""
    size = rng.integers(1, 2 * CLUSTER_SIZE, n).astype(float)
    total = size * rng.normal(0.0, math.sqrt(0.2), n) + np.sqrt(0.8 * size) * rng.standard_normal(n)
    return from_arrays(total, d=size)


def with_covariate(shift: float, slope: float) -> Draw:
    """An outcome that hangs on a covariate (correlation 0.7 at slope 1)."""

    def draw(rng: np.random.Generator, n: int) -> Moments:
        x = rng.exponential(1.0, n)
        return from_arrays(shift + slope * x + rng.standard_normal(n), x)

    return draw


def bought_before(p: float) -> Draw:
    """Zeros and ones whose chance hangs on a covariate between 0 and 1."""

    def draw(rng: np.random.Generator, n: int) -> Moments:
        x = rng.random(n)
        return from_arrays((rng.random(n) < 2.0 * p * x).astype(float), x)

    return draw


# --- quantiles ------------------------------------------------------------------------------------------------------


def quantile_cell(variant: str, values: Array, quantile: float) -> QuantileCell:
    """The order statistics that a source keeps."""
    ordered = np.sort(values)
    n = ordered.size
    centre, spread = n * quantile, math.sqrt(n * quantile * (1.0 - quantile))
    lows = [math.floor(centre - step * spread) for step in QUANTILE_STEPS]
    highs = [math.ceil(centre + step * spread) + 1 for step in QUANTILE_STEPS]
    return QuantileCell(
        "", variant, (), quantile, n, float(ordered[math.ceil(centre) - 1]),
        tuple(float(ordered[rank - 1]) for rank in lows if rank >= 1),
        tuple(float(ordered[rank - 1]) for rank in highs if rank <= n),
    )  # fmt: skip


def latency(quantile: float, n: int) -> Callable[[np.random.Generator], Run]:
    """Lognormal outcomes, no effect."""
    subject = signal("quantile", quantile=quantile)

    def simulate(rng: np.random.Generator) -> Run:
        arms = [rng.lognormal(0.0, 1.0, n) for _ in range(2)]
        found, flagged = reading(
            subject,
            Evidence(
                RELEASE,
                outcomes=tuple(cell(name, from_arrays(one)) for name, one in zip(RELEASE.arms, arms, strict=True)),
                quantiles=tuple(
                    quantile_cell(name, one, quantile) for name, one in zip(RELEASE.arms, arms, strict=True)
                ),
            ),
        )
        return judged(found, 0.0, flagged=flagged or bool(found.warnings))

    return simulate


def latency_any_time(quantile: float, n: int, looks: int) -> Callable[[np.random.Generator], Run]:
    """The same, looked at again and again."""
    subject = signal("quantile", quantile=quantile, looks="continuous", planned_units=2 * n)

    def simulate(rng: np.random.Generator) -> Run:
        arms = rng.lognormal(0.0, 1.0, (2, n))
        runs = []
        for upto in np.linspace(n / looks, n, looks).astype(int):
            cells = tuple(
                quantile_cell(name, one[:upto], quantile) for name, one in zip(RELEASE.arms, arms, strict=True)
            )
            found, flagged = reading(subject, Evidence(RELEASE, quantiles=cells))
            runs.append(judged(found, 0.0, flagged=flagged or bool(found.warnings)))
        return together(runs)

    return simulate


# --- many looks -----------------------------------------------------------------------------------------------------


def together(runs: list[Run]) -> Run:
    """All looks of one experiment: it covers when every printed interval does."""
    printed = [run for run in runs if run.covered is not None]
    if not printed:
        return Run(None, None, flagged=True)
    width = printed[-1].width
    return Run(all(run.covered for run in printed), width, all(run.flagged for run in printed))


Rows = Callable[[np.random.Generator, int], tuple["Array", "Array | None"]]


def coin(p: float) -> Rows:
    """Outcomes of single units: ones with chance ``p``."""
    return lambda rng, n: ((rng.random(n) < p).astype(float), None)


def amounts(rng: np.random.Generator, n: int) -> tuple[Array, None]:
    """Exponential outcomes of single units."""
    return rng.exponential(1.0, n), None


def visits(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Clicks and views of single users."""
    views = rng.geometric(0.3, n).astype(float)
    return rng.binomial(views.astype(int), rng.beta(2, 3, n)).astype(float), views


def prefixes(y: Array, d: Array | None, ends: NDArray[np.int64]) -> list[Moments]:
    """Moments of the first units, up to each of ``ends``."""
    # Around the overall mean, so that sums of powers keep their digits.
    base, base_d = y.mean(), 0.0 if d is None else d.mean()
    a, b = y - base, np.zeros_like(y) if d is None else d - base_d
    sums = np.cumsum([a, a * a, a**3, b, b * b, a * b], axis=1)[:, ends - 1] / ends
    m, m2, m3, e, e2, ae = sums
    third = m3 - 3 * m * m2 + 2 * m**3
    found = []
    for k, n in enumerate(ends.tolist()):
        one = Moments(n, float(base + m[k]), float(n * (m2[k] - m[k] ** 2)), m3=float(n * third[k]))
        if d is not None:
            one = replace(
                one,
                d_mean=float(base_d + e[k]),
                d_m2=float(n * (e2[k] - e[k] ** 2)),
                yd=float(n * (ae[k] - m[k] * e[k])),
            )
        found.append(one)
    return found


def daily(kind: str, rows: Rows, per_day: int, days: int = LOOKS) -> Callable[[np.random.Generator], Run]:
    """Continuous looks: one a day at all units so far, no effect."""
    subject = signal(kind, looks="continuous", planned_units=2 * per_day * days)
    _, looks, _ = looks_of(subject, ([], []), (), Tray())
    design = Design(kind, 0.95, looks)
    ends = per_day * np.arange(1, days + 1)

    def simulate(rng: np.random.Generator) -> Run:
        arms = [prefixes(*rows(rng, per_day * days), ends) for _ in range(2)]
        found = [effect(design, [cell("old", one)], [cell("new", two)]) for one, two in zip(*arms, strict=True)]
        return together([judged(one, 0.0, flagged=bool(one.warnings)) for one in found])

    return simulate


def planned(kind: str, draw: Draw, per_day: int, *, plan: int | None) -> Callable[[np.random.Generator], Run]:
    """Five looks planned as dates over four weeks, no effect."""
    dates = tuple(START + timedelta(days=day) for day in (4, 9, 14, 21, 28))
    subject = signal(kind, looks=dates, planned_units=plan)

    def simulate(rng: np.random.Generator) -> Run:
        days = [[cell(arm, draw(rng, per_day), day=START + timedelta(days=day)) for day in range(28)]
                for arm in RELEASE.arms]  # fmt: skip
        runs = []
        for when in dates:
            until = (when - START).days
            arms, looks, waiting = looks_of(subject, (days[0][:until], days[1][:until]), (), Tray())
            assert waiting is None
            found = effect(Design(kind, 0.95, looks), *arms)
            runs.append(judged(found, 0.0, flagged=bool(found.warnings)))
        return together(runs)

    return simulate


def family(p: float, n: int, size: int) -> Callable[[np.random.Generator], Run]:
    """Several candidates against one control: covered when all of their intervals are."""
    design = Design("proportion", 0.95, family=size)

    def simulate(rng: np.random.Generator) -> Run:
        control = [cell("old", share(p)(rng, n))]
        found = [effect(design, control, [cell("new", share(p)(rng, n))]) for _ in range(size)]
        return together([judged(one, 0.0, flagged=bool(one.warnings)) for one in found])

    return simulate


# --- the grid -------------------------------------------------------------------------------------------------------


def proportion_cells() -> list[Cell]:
    """Common and rare events, small, large and unequal arms; difference and relative lift."""
    made = []
    for p0, p1, n0, n1 in (
        (0.1, 0.1, 20, 20), (0.5, 0.5, 20, 20), (0.1, 0.1, 50, 50), (0.3, 0.2, 200, 60), (0.02, 0.03, 1000, 1000),
        (0.001, 0.001, 2000, 2000), (0.001, 0.002, 2000, 2000), (0.0005, 0.003, 1000, 1000),
        (0.0001, 0.0001, 5000, 5000), (0.02, 0.02, 10_000, 500), (0.002, 0.002, 10_000, 500),
        (0.1, 0.105, 100_000, 100_000),
    ):  # fmt: skip
        situation = f"{100 * p1:g} % v {100 * p0:g} %, {n1:,} v {n0:,} units"
        arms = share(p0), share(p1)
        made.append(Cell("experiment, proportion", situation, once("proportion", *arms, (n0, n1), p1 - p0)))
        if (p0, n0) in ((0.1, 50), (0.02, 1000), (0.001, 2000), (0.1, 100_000), (0.02, 10_000)):
            lift = once("proportion", *arms, (n0, n1), p1 / p0 - 1.0, relative=True)
            made.append(Cell("experiment, proportion, relative", situation, lift))
    return made


def mean_cells() -> list[Cell]:
    """Small normal samples; amounts paid by few; very unequal arms."""
    made = [
        Cell("experiment, mean", f"normal, {n} units per arm", once("mean", normal(), normal(0.3), (n, n), 0.3))
        for n in (5, 10, 30, 300)
    ]
    made.append(
        Cell(
            "experiment, mean",
            "exponential, 100 v 1,000 units",
            once("mean", exponential(), exponential(), (1000, 100), 0.0),
        )
    )
    for n0, n1 in ((500, 500), (5000, 5000), (20_000, 20_000), (20_000, 1000)):
        situation = f"3 % pay (lognormal, σ 1.5), {n1:,} v {n0:,} units"
        made.append(Cell("experiment, mean", situation, once("mean", payers(), payers(), (n0, n1), 0.0)))
        lifted = once("mean", payers(), payers(lift=1.1), (n0, n1), 0.1, relative=True)
        made.append(Cell("experiment, mean, relative", situation, lifted))
    made.append(
        Cell(
            "experiment, mean, relative",
            "exponential, 10 % more, 400 units per arm",
            once("mean", exponential(), exponential(1.1), (400, 400), 0.1, relative=True),
        )
    )
    return made


def other_cells() -> list[Cell]:
    """Ratios, clusters, quantiles, covariates."""
    made = []
    for n in (20, 200, 2000):
        simulate = partial(once, "ratio", clicks, clicks, (n, n), 0.0)
        made.append(Cell("experiment, ratio", f"clicks per view, {n:,} users per arm", simulate()))
        made.append(
            Cell("experiment, ratio, relative", f"clicks per view, {n:,} users per arm", simulate(relative=True))
        )
    for n0, n1 in ((5, 5), (10, 10), (30, 30), (100, 100), (60, 15)):
        made.append(
            Cell(
                "experiment, clusters",
                f"{n1} v {n0} clusters of 1 to 39, ICC 0.2",
                once("mean", clusters, clusters, (n0, n1), 0.0, counted="clusters"),
            )
        )
    for quantile in (0.5, 0.9, 0.99):
        made += [
            Cell("experiment, quantile", f"{100 * quantile:g} %, lognormal, {n:,} per arm", latency(quantile, n))
            for n in (50, 500, 5000)
        ]
    for n0, n1 in ((20, 20), (200, 200), (100, 20), (1000, 200)):
        situation = f"correlation 0.7, {n1} v {n0} units"
        arms = with_covariate(0.0, 1.0), with_covariate(0.3, 1.0)
        made.append(Cell("experiment, mean, CUPED", situation, once("mean", *arms, (n0, n1), 0.3)))
    slopes = with_covariate(0.0, 1.0), with_covariate(0.0, 2.0)
    made.append(Cell("experiment, mean, CUPED", "effect grows with the covariate, 200 v 1,000 units",
                     once("mean", *slopes, (1000, 200), 1.0)))  # fmt: skip
    arms = with_covariate(2.0, 1.0), with_covariate(2.3, 1.0)
    made.append(Cell("experiment, mean, CUPED, relative", "correlation 0.7, 200 v 200 units",
                     once("mean", *arms, (200, 200), 0.1, relative=True)))  # fmt: skip
    for p, n in ((0.1, 200), (0.1, 2000)):
        made.append(Cell("experiment, proportion, CUPED", f"{100 * p:g} %, {n:,} units per arm",
                         once("proportion", bought_before(p), bought_before(p), (n, n), 0.0)))  # fmt: skip
    return made


def look_cells() -> list[Cell]:
    """Daily looks, planned looks, several candidates: all intervals at once."""
    return [
        Cell("experiment, proportion, any look", "10 %, 70 a day and arm, 60 looks",
             daily("proportion", coin(0.1), 70), any_time=True),
        Cell("experiment, mean, any look", "exponential, 25 a day and arm, 60 looks",
             daily("mean", amounts, 25), any_time=True),
        Cell("experiment, ratio, any look", "clicks per view, 25 users a day and arm, 60 looks",
             daily("ratio", visits, 25), any_time=True),
        Cell("experiment, quantile, any look", "50 %, lognormal, 6 looks up to 2,000 per arm",
             latency_any_time(0.5, 2000, 6), any_time=True),
        Cell("experiment, proportion, five planned looks", "10 %, 40 a day and arm, plan reached on the last",
             planned("proportion", share(0.1), 40, plan=2240), any_time=True),
        Cell("experiment, proportion, five planned looks", "10 %, 40 a day and arm, plan overrun",
             planned("proportion", share(0.1), 40, plan=1500), any_time=True),
        Cell("experiment, mean, five planned looks", "normal, 5 a day and arm, no plan of units",
             planned("mean", normal(), 5, plan=None), any_time=True),
        Cell("experiment, proportion, three candidates", "10 %, 1,000 per arm, all three at once",
             family(0.1, 1000, 3)),
    ]  # fmt: skip


CELLS: tuple[Cell, ...] = (*proportion_cells(), *mean_cells(), *other_cells(), *look_cells())
