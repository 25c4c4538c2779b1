"""The past releases of the bundled example, of which it is known how they turned out. Used by make_example.py.

Nothing here is real. They are there to try an edit of the policy on: `signals policy replay`. Their judge and panel
come as plain tables, which are a tenth of the size of the tools' own exports.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from random import Random

from example_golden import Item, faults, stars
from example_stories import DAYS, Story, iso, midnight

PAST = (
    # The judge's row decides: conversion, panel and thumbs are flat. People agree with this judge moderately ...
    Story(
        "search-v5", "search-v4", "search-v5", date(2026, 7, 6), (398_212, 398_905), (87_607, 87_799),
        (2_010_400, 2_012_100), (120_500, 120_640), (96_400, 96_552), 120, 0.05, False, 72, (6, 6, 7, 6), (6, 7, 6, 6),
        judge_noise=0.24,
    ),
    # ... and with this one well.
    Story(
        "orders-v3", "orders-v2", "orders-v3", date(2026, 7, 27), (401_377, 400_864), (108_372, 108_313),
        (1_604_210, 1_601_930), (96_250, 96_118), (73_150, 73_097), 120, 0.05, False, 72, (7, 6, 6, 7), (6, 6, 7, 6),
        judge_noise=0.12,
    ),
    Story(
        "refund-v2", "refund-v1", "refund-v2", date(2026, 8, 17), (60_120, 59_874), (14_429, 15_328),
        (240_300, 239_410), (14_420, 14_371), (11_248, 11_498), 110, 0.06, False, 60, (19, 21, 20), (3, 2, 3),
    ),
    Story(
        "tone-v6", "tone-v5", "tone-v6", date(2026, 9, 7), (399_540, 400_218), (99_885, 100_095),
        (1_204_400, 1_206_100), (72_260, 72_371), (56_363, 56_449), 110, 0.07, True, 60, (3, 2, 3), (18, 20, 19),
    ),
    Story(
        "brief-v2", "brief-v1", "brief-v2", date(2026, 9, 21), (400_910, 401_122), (116_264, 116_366),
        (1_402_700, 1_403_350), (84_160, 84_205), (67_328, 65_680), 110, 0.0, False, 72, (6, 7, 6, 6), (6, 6, 6, 7),
    ),
    Story(
        "voice-v3", "voice-v2", "voice-v3", date(2026, 10, 5), (120_480, 120_117), (36_144, 34_594),
        (480_900, 479_600), (28_850, 28_776), (22_792, 22_733), 110, 0.03, False, 60, (8, 7, 7), (7, 7, 8),
    ),
)  # fmt: skip


def judge_table(rng: Random, story: Story, items: Sequence[Item]) -> Iterable[tuple[object, ...]]:
    """(item, variant, score, judge, judge_version, scored_at, plan, locale): one row per answer."""
    at = midnight(story.start) + timedelta(days=DAYS - 1, hours=7, minutes=30)
    for number, item in enumerate(items):
        if number in faults(story):
            continue  # an answer that failed; the tables hold what was scored
        for arm, variant in enumerate(story.arms):
            at += timedelta(seconds=1 + rng.randrange(4))
            yield item.id, variant, f"{item.scores[arm]:.2f}", "helpfulness", "r3", iso(at), item.plan, item.locale


def panel_table(rng: Random, story: Story, items: Sequence[Item]) -> Iterable[tuple[object, ...]]:
    """(item, rater, variant, stars, rated_at): one row per answer that a rater graded."""
    good = [item for number, item in enumerate(items) if number not in faults(story)]
    chosen = sorted(rng.sample(good, story.panel_items), key=lambda item: item.id)
    grades = stars(rng, story, chosen)
    tasks = [(item, arm) for item in chosen for arm in (0, 1)]
    rng.shuffle(tasks)
    for rater in range(len(story.up)):
        at = midnight(story.start) + timedelta(days=9, hours=9 + rater)
        for item, arm in tasks:
            at += timedelta(seconds=12 + rng.randrange(25))
            yield item.id, f"{story.product}-{rater + 1}", story.arms[arm], grades[item.id, rater, arm], iso(at)
