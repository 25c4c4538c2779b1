"""Coverage cells of panel readings: items and raters are both drawn anew in every run.

``value = item + rater + noise``; the item's SD is .5 and the noise's 1, so a rater SD of .25 is a modest difference of
taste. Peers who take raters as fixed cover 60 % at 100 items by 3 such raters.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Literal

import numpy as np
from scipy.special import ndtr

from benchmarks.cells import Cell, Run, outcome
from signals.checks import BY_NAME
from signals.model import Signal
from signals.readings.crossed import Cell as Answer
from signals.readings.crossed import interval, superiority
from signals.stats.agreement import Agreement, Level, alpha_interval, krippendorff_alpha
from signals.stats.difference import RefusedError
from signals.stats.gwet import Weights, gwet_ac

ITEM, NOISE = 0.5, 1.0
CONFIDENCE = 0.95

Rng = np.random.Generator
Layout = tuple[np.ndarray, np.ndarray]  # item and rater of each answer
Draw = Callable[[Rng, tuple[int, ...]], np.ndarray]


def _signal(raters: Literal["random", "fixed"] = "random") -> Signal:
    return Signal("panel", "panel", "?", "higher", CONFIDENCE, raters=raters)


RANDOM, FIXED = _signal(), _signal("fixed")


# --- who rates what ---------------------------------------------------------------------------------------------------


def full(items: int, raters: int) -> Callable[[Rng], Layout]:
    """Every rater rates every item."""
    return lambda _: (np.repeat(np.arange(items), raters), np.tile(np.arange(raters), items))


def holes(items: int, raters: int, share: float) -> Callable[[Rng], Layout]:
    """Each answer is there with this probability."""

    def draw(rng: Rng) -> Layout:
        item, rater = np.nonzero(rng.random((items, raters)) < share)
        return item, rater

    return draw


def crowd(items: int, each: int, raters: int) -> Callable[[Rng], Layout]:
    """Each item goes to a few raters drawn from many."""

    def draw(rng: Rng) -> Layout:
        return np.repeat(np.arange(items), each), rng.random((items, raters)).argsort(axis=1)[:, :each].ravel()

    return draw


def teams(count: int, items: int, raters: int) -> Callable[[Rng], Layout]:
    """Teams that share neither items nor raters."""
    item, rater = full(items, raters)(np.random.default_rng(0))
    team = np.repeat(np.arange(count), item.size)
    return lambda _: (np.tile(item, count) + team * items, np.tile(rater, count) + team * raters)


def one_each(items: int, shares: np.ndarray) -> Callable[[Rng], Layout]:
    """Each item goes to one rater; ``shares`` says how busy each rater is."""
    return lambda rng: (np.arange(items), rng.choice(shares.size, items, p=shares / shares.sum()))


# --- what they say ----------------------------------------------------------------------------------------------------


def normal(scale: float) -> Draw:
    """Normal effects with this SD."""
    return lambda rng, shape: rng.normal(0.0, scale, shape)


def skewed(scale: float) -> Draw:
    """Exponential effects with mean 0 and this SD: most raters alike, a few far above."""
    return lambda rng, shape: scale * (rng.exponential(1.0, shape) - 1.0)


def values(rng: Rng, layout: Layout, rater: Draw, noise: float = NOISE) -> np.ndarray:
    """One value per answer, with mean 0."""
    items, raters = rng.normal(0.0, ITEM, layout[0].max() + 1), rater(rng, (layout[1].max() + 1,))
    found: np.ndarray = items[layout[0]] + raters[layout[1]] + rng.normal(0.0, noise, layout[0].size)
    return found


def answers(layout: Layout, value: np.ndarray) -> list[Answer]:
    """As the reading takes them."""
    return list(map(Answer, map(str, layout[0].tolist()), map(str, layout[1].tolist()), value.tolist()))


def printed(signal: Signal, cells: list[Answer], truth: float, *, net: bool = False, graded: bool = False) -> Run:
    """What the reading prints; flagged also when a check warns by its default."""
    estimate = (superiority(signal, cells, CONFIDENCE) if graded else interval(signal, cells, CONFIDENCE, net=net))[0]
    few = len({cell.item for cell in cells}) < (BY_NAME["min_items"].default or 0)
    alone = len({cell.rater for cell in cells}) < (BY_NAME["min_raters"].default or 0)
    return outcome(estimate, truth, flagged=few or alone)


# --- the cells --------------------------------------------------------------------------------------------------------


def mean(situation: str, layout: Callable[[Rng], Layout], rater: Draw) -> Cell:
    """The mean of measured differences; its truth is 0."""

    def simulate(rng: Rng) -> Run:
        where = layout(rng)
        return printed(RANDOM, answers(where, values(rng, where, rater)), 0.0)

    return Cell("panel, mean", situation, simulate)


def fixed(situation: str, layout: Callable[[Rng], Layout], effects: tuple[float, ...]) -> Cell:
    """Raters are the very ones whose word is the rule: the truth is the mean of theirs."""

    def simulate(rng: Rng) -> Run:
        where = layout(rng)
        return printed(FIXED, answers(where, values(rng, where, lambda *_: np.array(effects))), float(np.mean(effects)))

    return Cell("panel, mean, raters fixed", situation, simulate)


def grades(rng: Rng, layout: Layout, shift: float, taste: float) -> np.ndarray:
    """Grade 1 to 5 of the candidate less that of the control: raters differ in level and in taste."""
    items, raters = layout[0].max() + 1, layout[1].max() + 1
    base = 3.6 + rng.normal(0.0, 0.8, items)[layout[0]] + rng.normal(0.0, 0.5, raters)[layout[1]]
    gain = shift + rng.normal(0.0, 0.4, items)[layout[0]] + rng.normal(0.0, taste, raters)[layout[1]]
    size = layout[0].size
    arms = [np.clip(np.rint(base + up + rng.normal(0.0, 0.6, size)), 1, 5) for up in (0.0, gain)]
    found: np.ndarray = arms[1] - arms[0]
    return found


@cache
def _true_grades(shift: float, taste: float, net: bool) -> float:
    # Fresh item and rater for every answer: a million of them leave an error of .001.
    rng = np.random.default_rng(7)
    drawn = [grades(rng, (np.arange(250_000), np.arange(250_000)), shift, taste) for _ in range(4)]
    return float(np.mean([np.sign(part).mean() if net else part.mean() for part in drawn]))


def graded(situation: str, layout: Callable[[Rng], Layout], shift: float, taste: float, *, net: bool = False) -> Cell:
    """Grades from 1 to 5: their mean difference, or net superiority."""

    def simulate(rng: Rng) -> Run:
        where = layout(rng)
        return printed(
            RANDOM, answers(where, grades(rng, where, shift, taste)), _true_grades(shift, taste, net), graded=net
        )

    return Cell("panel, net superiority" if net else "panel, mean of 5-point grades", situation, simulate)


def preferred(situation: str, layout: Callable[[Rng], Layout], lean: float, taste: float, tie: float) -> Cell:
    """Choices by a latent normal: the candidate above ``tie``, the control below ``-tie``."""
    spread = float(np.sqrt(ITEM**2 + taste**2 + NOISE**2))
    truth = float(ndtr((lean - tie) / spread) - ndtr((-tie - lean) / spread))

    def simulate(rng: Rng) -> Run:
        where = layout(rng)
        latent = lean + values(rng, where, normal(taste))
        return printed(RANDOM, answers(where, (latent > tie) * 1.0 - (latent < -tie) * 1.0), truth, net=True)

    return Cell("panel, net preference", situation, simulate)


EVEN, TOP = (-1.5, -0.5, 0.5, 1.5), (-2.2, -1.8, -1.4, -1.0)
"""Where grades 0 to 4 part: evenly, or so that most outputs get the highest."""


def outputs(rng: Rng, items: int, raters: int, noise: float, cuts: tuple[float, ...], share: float) -> np.ndarray:
    """Grades 0 to 4 of both outputs of each item, shape (items, 2, raters); NaN where there is none."""
    latent = rng.normal(0.0, 1.0, (items, 1, 1)) + rng.normal(0.0, 0.4, (items, 2, 1))
    found = np.searchsorted(cuts, latent + rng.normal(0.0, noise, (items, 2, raters))).astype(float)
    found[rng.random(found.shape) >= share] = np.nan
    return found


def pairs(grade: np.ndarray) -> list[tuple[tuple[int, int], float]]:
    """(output, grade), an output being (item, arm)."""
    item, arm, rater = np.nonzero(~np.isnan(grade))
    return list(zip(zip(item.tolist(), arm.tolist(), strict=True), grade[item, arm, rater].tolist(), strict=True))


@cache
def _true_agreement(raters: int, noise: float, cuts: tuple[float, ...], share: float, level: Level, ac: bool) -> float:
    drawn = pairs(outputs(np.random.default_rng(7), 30_000, raters, noise, cuts, share))
    found = _coefficient(drawn, level).value if ac else krippendorff_alpha(drawn, level)
    assert found is not None
    return found


def _coefficient(drawn: list[tuple[tuple[int, int], float]], level: Level) -> Agreement:
    weights: dict[Level, Weights] = {"nominal": "identity", "ordinal": "ordinal", "interval": "quadratic"}
    found = gwet_ac(drawn, range(5), weights[level], lambda unit: unit[0])
    assert found is not None
    return found


def agreement(
    situation: str,
    items: int,
    raters: int,
    noise: float,
    cuts: tuple[float, ...] = EVEN,
    share: float = 1.0,
    level: Level = "ordinal",
    *,
    ac: bool = False,
) -> Cell:
    """Alpha, or AC1 and AC2, over items; the truth is that of 30,000 items."""

    def simulate(rng: Rng) -> Run:
        truth = _true_agreement(raters, noise, cuts, share, level, ac)
        drawn = pairs(outputs(rng, items, raters, noise, cuts, share))
        try:
            found = _coefficient(drawn, level) if ac else alpha_interval(drawn, level, lambda unit: unit[0])
        except RefusedError:
            found = None
        if found is None or found.low is None or found.high is None:
            return Run(None, None, flagged=True)
        return Run(found.low <= truth <= found.high, found.high - found.low, flagged=False)

    return Cell("panel, Gwet's AC" if ac else "panel, Krippendorff's alpha", f"{situation}, {level}", simulate)


CELLS: tuple[Cell, ...] = (
    mean("100 items × 2 raters, rater SD .25", full(100, 2), normal(0.25)),
    mean("100 items × 3 raters, rater SD .25", full(100, 3), normal(0.25)),
    mean("100 items × 5 raters, rater SD .25", full(100, 5), normal(0.25)),
    mean("100 items × 5 raters who do not differ", full(100, 5), normal(0.0)),
    mean("100 items × 8 raters, rater SD .1", full(100, 8), normal(0.1)),
    mean("100 items × 8 raters, rater SD .25", full(100, 8), normal(0.25)),
    mean("100 items × 8 raters who do not differ", full(100, 8), normal(0.0)),
    mean("30 items × 20 raters, rater SD .25", full(30, 20), normal(0.25)),
    mean("10 items × 3 raters, rater SD .25", full(10, 3), normal(0.25)),
    mean("60 items × 8 raters, half filled, rater SD .5", holes(60, 8, 0.5), normal(0.5)),
    mean("60 items × 8 raters who do not differ, half filled", holes(60, 8, 0.5), normal(0.0)),
    mean("200 items × 30 raters, a tenth filled, rater SD .5", holes(200, 30, 0.1), normal(0.5)),
    mean("100 items, each by 3 of 60 raters, rater SD .25", crowd(100, 3, 60), normal(0.25)),
    mean("5 teams of 30 items × 3 raters, rater SD .5", teams(5, 30, 3), normal(0.5)),
    mean("100 items × 8 raters, skewed rater effects, SD .5", full(100, 8), skewed(0.5)),
    mean("40 items × 25 raters, skewed rater effects, SD .5", full(40, 25), skewed(0.5)),
    mean("200 items, each by one of 8 raters, rater SD .5", one_each(200, np.ones(8)), normal(0.5)),
    mean("200 items, each by one of 8 unequally busy raters", one_each(200, 0.6 ** np.arange(8)), normal(0.5)),
    mean("300 items, each by one of 50 raters, rater SD .5", one_each(300, np.ones(50)), normal(0.5)),
    fixed("100 items × 3 raters, .5 apart", full(100, 3), (-0.5, 0.0, 0.5)),
    graded("100 items × 5 raters", full(100, 5), 0.2, 0.15),
    graded("60 items × 12 raters, half filled", holes(60, 12, 0.5), 0.2, 0.15),
    graded("100 items × 5 raters", full(100, 5), 0.2, 0.15, net=True),
    graded("40 items × 15 raters", full(40, 15), 0.2, 0.15, net=True),
    graded("60 items × 10 raters, far better", full(60, 10), 2.0, 0.15, net=True),
    graded("60 items × 20 raters, far better", full(60, 20), 2.0, 0.15, net=True),
    preferred("50 items × 3 raters, few ties", full(50, 3), 0.2, 0.25, 0.1),
    preferred("200 items × 5 raters, a third ties", full(200, 5), 0.2, 0.25, 0.5),
    preferred("60 items × 12 raters, a third ties", full(60, 12), 0.2, 0.25, 0.5),
    preferred("100 items × 8 raters, nine of ten ties", full(100, 8), 0.2, 0.25, 2.0),
    preferred("100 items × 10 raters, 98 % ties", full(100, 10), 0.0, 0.25, 2.8),
    preferred("60 items × 20 raters, 90 % for the candidate", full(60, 20), 1.5, 0.25, 0.05),
    preferred("60 items × 20 raters of strong taste, 90 % for the candidate", full(60, 20), 1.5, 0.5, 0.05),
    preferred("100 items × 10 raters, 96 % for the candidate", full(100, 10), 2.1, 0.25, 0.05),
    agreement("12 items × 3 raters", 12, 3, 0.7),
    agreement("30 items × 3 raters", 30, 3, 0.7),
    agreement("200 items × 5 raters", 200, 5, 0.7),
    agreement("100 items × 3 raters, nearly all at the top", 100, 3, 0.7, TOP),
    agreement("100 items × 5 raters, half filled", 100, 5, 1.5, share=0.5),
    agreement("60 items × 4 raters", 60, 4, 1.0, level="interval"),
    agreement("12 items × 3 raters", 12, 3, 0.7, ac=True),
    agreement("30 items × 3 raters", 30, 3, 0.7, ac=True),
    agreement("200 items × 5 raters", 200, 5, 0.7, ac=True),
    agreement("100 items × 3 raters, nearly all at the top", 100, 3, 0.7, TOP, ac=True),
    agreement("100 items × 5 raters, half filled", 100, 5, 1.5, share=0.5, level="nominal", ac=True),
)
