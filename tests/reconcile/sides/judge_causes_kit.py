"""Releases whose judge disagrees with users or with a panel for a known reason, built at the level of raw records.

Items of the golden set and users fall in three plans. The candidate's quality effect of a plan is one number of points;
users' conversion follows it exactly (one margin of points is one margin of conversion), people see it item by item, and
the judge sees it with a bias on top. So every part of the gap is known in closed form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from signals.model import (
    Cause,
    Evidence,
    ItemScore,
    Margin,
    Metric,
    Moments,
    OutcomeCell,
    Rating,
    Reconciliation,
    Signal,
)
from signals.readings import measure, read
from signals.reconcile.pairs.attribute import attribute
from signals.reconcile.pairs.contradictions import toward
from signals.reconcile.pairs.pair import pair_numbers
from signals.reconcile.sides.side import other_of, side_of
from tests.readings.reading_kit import AS_OF, RELEASE, signal
from tests.reconcile.sides.items_kit import PLANS, plan

POINTS, CONVERTED = 0.1, 0.005  # margins
JUDGE = signal("judge", name="judge", margin=Margin(POINTS, False, "0.1"))
USERS = signal(
    "experiment", name="conversion", margin=Margin(CONVERTED, False, "0.5pp"), metric=Metric("converted", "proportion")
)
PANEL = signal("panel", name="panel", margin=Margin(POINTS, False, "0.1"))

Three = tuple[float, float, float]


@dataclass(frozen=True)
class World:
    """One known truth.

    Attributes:
        golden: Shares of the golden set by plan.
        users: Shares of users by plan.
        quality: The candidate's effect by plan, in points.
        bias: What the judge adds to it by plan.
        unheard: What conversion lacks of it, in points: nothing that a correction of the judge could know.
        items: Of the golden set.
        graded: How many of them people graded.
        raters: How many people.
        rater_sd: How they differ.
        per_arm: Users of each arm.
        panel_shares: Of the items that people grade; None: a random draw of the golden set.
    """

    golden: Three = (0.6, 0.3, 0.1)
    users: Three = (0.2, 0.3, 0.5)
    quality: Three = (0.0, 0.0, 0.0)
    bias: Three = (0.0, 0.0, 0.0)
    unheard: float = 0.0
    items: int = 300
    graded: int = 120
    raters: int = 8
    rater_sd: float = 0.1
    per_arm: int = 100_000
    panel_shares: Three | None = None

    @property
    def parts(self) -> Mapping[str, float]:
        """What every part of the gap between judge and conversion is, in margins."""
        q, b, g, u = (np.array(one) for one in (self.quality, self.bias, self.golden, self.users))
        plain, weighed, corrected, both = g @ (q + b), u @ (q + b), g @ q, u @ q
        return {
            "population": float((plain - weighed + corrected - both) / 2.0) / POINTS,
            "judge_bias": float((plain - corrected + weighed - both) / 2.0) / POINTS,
            "unexplained": self.unheard / POINTS,
        }

    def judged(self, rng: np.random.Generator) -> Evidence:
        """The golden set, scored by the judge, and what people said of some of it."""
        where = rng.choice(3, self.items, p=self.golden)
        base, own = rng.uniform(1, 7, self.items), rng.normal(0, 0.5, self.items)
        truth = np.array(self.quality)[where] + own
        said = truth + np.array(self.bias)[where] + rng.normal(0, 0.4, self.items)
        lenient = rng.normal(0, self.rater_sd, self.raters)
        grades = truth[:, None] + lenient + rng.normal(0, 0.5, (self.items, self.raters))
        scores, ratings = [], []
        for i in range(self.items):
            for arm, gain in zip(RELEASE.arms, (0.0, said[i]), strict=True):
                scores.append(
                    ItemScore(f"{i}/{arm}", f"i{i}", arm, "gpt", float(base[i] + gain), segment=plan(PLANS[where[i]]))
                )
        for i in self._graded(where, rng):
            segment = plan(PLANS[where[i]])
            for r in range(self.raters):
                for arm, gain in zip(RELEASE.arms, (0.0, grades[i, r]), strict=True):
                    ratings.append(
                        Rating(f"{i}/{r}/{arm}", f"i{i}", f"r{r}", arm, float(base[i] + gain), segment=segment)
                    )
        return Evidence(RELEASE, scores=tuple(scores), human=tuple(ratings))

    def _graded(self, where: np.ndarray, rng: np.random.Generator) -> list[int]:
        if self.panel_shares is None:
            return list(range(self.graded))
        found: list[int] = []
        for k, part in enumerate(self.panel_shares):
            here = np.flatnonzero(where == k)
            found += here[: round(self.graded * part)].tolist()
        return sorted(found)

    def converted(self, rng: np.random.Generator) -> Evidence:
        """Users who converted, by plan."""
        cells = []
        for arm, gain in zip(RELEASE.arms, (0.0, 1.0), strict=True):
            for k, count in enumerate(rng.multinomial(self.per_arm, self.users)):
                rate = 0.2 + gain * (self.quality[k] - self.unheard) * CONVERTED / POINTS
                yes = int(rng.binomial(count, rate))
                n, mean = int(count), yes / int(count)
                moments = Moments(n, mean, n * mean * (1 - mean))
                cells.append(OutcomeCell("converted", arm, plan(PLANS[k]), None, moments, 0.0, 1.0))
        return Evidence(RELEASE, outcomes=tuple(cells))


def diagnosed(world: World, seed: int, against: Signal = USERS, judge: Signal = JUDGE) -> Reconciliation:
    """The whole path, from raw records to the diagnosis of the judge against users or a panel."""
    rng = np.random.default_rng(seed)
    ours = world.judged(rng)
    theirs = world.converted(rng) if against.kind == "experiment" else Evidence(RELEASE, ratings=ours.human)
    return explained((judge, ours), (against, theirs))


def explained(one: tuple[Signal, Evidence], two: tuple[Signal, Evidence]) -> Reconciliation:
    """The diagnosis of a pair from its evidence."""
    signals = {one[0].name: one[0], two[0].name: two[0]}
    evidence = {one[0].name: one[1], two[0].name: two[1]}
    numbers = {name: measure(found, evidence[name]) for name, found in signals.items()}
    readings = {name: read(found, numbers[name], AS_OF) for name, found in signals.items()}
    (first, second) = signals.values()
    sides = [
        side_of(
            mine,
            evidence[mine.name],
            numbers[mine.name],
            other_of(
                other,
                evidence[other.name],
                evidence[mine.name],
                toward(readings[mine.name], readings[other.name]),
                mine.kind,
            ),
        )
        for mine, other in ((first, second), (second, first))
    ]  # fmt: skip
    return attribute(pair_numbers(*sides), signals, readings)


def largest(found: Reconciliation) -> Cause:
    """The cause with the largest share of the gap, as it is drawn."""
    return max((cause for cause in found.causes if cause.counts), key=lambda cause: abs(cause.part.value or 0.0))  # type: ignore[union-attr]  # those that count have one


def part(found: Reconciliation, name: str) -> Cause:
    """The row of a cause that was not refused."""
    return next(cause for cause in found.causes if cause.name == name and not cause.refused)


POPULATION = World(quality=(0.4, 0.0, -0.4))
BIAS = World(bias=(0.4, 0.4, 0.4))
BOTH = World(quality=(0.4, 0.0, -0.4), bias=(0.4, 0.4, 0.4))
UNEVEN = World(quality=(0.4, 0.0, -0.4), bias=(0.6, 0.1, -0.1))
NOISE = World(quality=(0.1, 0.1, 0.1))
CONSTRUCT = World(quality=(0.3, 0.3, 0.3), unheard=0.6)
WORLDS = {
    "population": POPULATION,
    "judge_bias": BIAS,
    "both": BOTH,
    "uneven": UNEVEN,
    "noise": NOISE,
    "unexplained": CONSTRUCT,
}


def tally(world: World, seeds: range, **path: Signal) -> dict[str, float]:
    """How often: the intervals of the parts cover the truth, each cause is blamed and largest; the worst sum."""
    truth = world.parts
    count = dict.fromkeys(
        [f"{what} {name}" for name in (*truth, "noise") for what in ("covers", "blames", "largest")], 0
    )
    worst = 0.0
    for seed in seeds:
        found = diagnosed(world, seed, **path)
        summed = sum(cause.part.value or 0.0 for cause in found.causes if cause.counts and cause.part)
        worst = max(worst, abs(summed - (found.gap.value or 0.0)))
        count[f"largest {largest(found).name}"] += 1
        for name in (*truth, "noise"):
            count[f"blames {name}"] += part(found, name).blamed
        for name, value in truth.items():
            row = part(found, name)
            interval = row.part
            if "together" in row.evidence:  # the row then holds all that no cause could be blamed for alone
                value = sum(truth[one] for one in truth if one == name or not part(found, one).blamed)  # noqa: PLW2901 - another truth
            assert interval is not None
            assert interval.low is not None
            assert interval.high is not None
            count[f"covers {name}"] += interval.low <= value <= interval.high
    return {name: times / len(seeds) for name, times in count.items()} | {"sum": worst}
