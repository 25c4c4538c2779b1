"""Case 3, the Tuesday standup: four signals, four answers, fifteen minutes.

The candidate writes longer answers. The judge rewards length and says +8 points on every version of this story. In the
faulty one nobody else wants it: trained people see no difference, and of the users who used to finish two in a hundred
do not any more. In the twin the judge is right: people like the answers as much better as it says, and of a hundred
users who finished there are two more.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

from signals.cases.case import Case, Right, Setting
from signals.cases.kit import begin, days_before, rng, stamp, table

SOURCES = """\
releases:
  - id: tuesday
    kind: prompt
    control: assist-v6
    candidate: assist-v7
    started: 2026-11-03
    owner: assistant-team
    as_of: 2026-11-17T09:00:00Z
    synthetic: true

sources:
  conversion-daily:                    # users and conversions, counted by the warehouse
    signal: conversion
    connector: table
    path: exports/conversion_daily.csv
    shape: outcome_counts
    map: {variant: variant, units: users, successes: conversions, day: day, segment.plan: plan, segment.locale: locale}
  golden-set:                          # the judge's scores, 0 to 1
    signal: judge
    connector: table
    path: exports/judge_scores.csv
    shape: item_score
    map: {item: item_id, variant: variant, value: score, scorer: judge, scorer_version: judge_version, at: scored_at}
  panel-stars:
    signal: panel
    connector: table
    path: exports/panel_stars.csv
    shape: rating
    scale: [1, 5]
    map: {item: item_id, rater: rater, variant: variant, value: stars, at: rated_at}
  thumbs-daily:                        # answers shown, rated, and rated up
    signal: thumbs
    connector: table
    path: exports/thumbs_daily.csv
    shape: feedback_counts
    map: {variant: variant, impressions: shown, responses: rated, positives: thumbs_up, day: day}
"""

ARMS = ("assist-v6", "assist-v7")
DAYS = 14
USERS = 500_000  # per arm; at size 0.1 the same story is too early to call
PLANS = {"free": 0.55, "pro": 0.34, "enterprise": 0.11}
LOCALES = {"en": 0.5, "de": 0.3, "fr": 0.2}
CONVERTED = 0.30
LIFT, FALL = 0.02, 0.02  # of the users who convert: in the twin, in the faulty release
JUDGE = 0.08
STARS = 4 * JUDGE  # the judge's points on the panel's scale of 1 to 5
ITEMS, RATERS = 110, 6


def write(folder: Path, setting: Setting) -> None:
    """Write the project."""
    exports = begin(folder, "release-week", SOURCES)
    users_of, thumbs_of, golden = rng(3, setting).spawn(3)  # of their own: more users leave the golden set as it is
    cells = list(product(range(DAYS), PLANS, LOCALES))
    weights = [PLANS[plan] * LOCALES[locale] / DAYS for _, plan, locale in cells]
    rows = []
    for arm, variant in enumerate(ARMS):
        rate = CONVERTED * (1.0 + arm * (LIFT - (LIFT + FALL) * setting.strength))
        users = users_of.multinomial(users_of.poisson(USERS * setting.size), weights)
        converted = users_of.binomial(users, rate)
        rows += [
            (variant, f"{days_before(DAYS - day):%Y-%m-%d}", plan, locale, int(n), int(x))
            for (day, plan, locale), n, x in zip(cells, users, converted, strict=True)
        ]
    table(exports / "conversion_daily.csv", ("variant", "day", "plan", "locale", "users", "conversions"), rows)

    ratings = []
    for variant in ARMS:
        shown = thumbs_of.poisson(8 * USERS * setting.size / DAYS, DAYS)
        rated = thumbs_of.binomial(shown, 0.06)
        up = thumbs_of.binomial(rated, 0.81)
        ratings += [
            (variant, f"{days_before(DAYS - day):%Y-%m-%d}", int(shown[day]), int(rated[day]), int(up[day]))
            for day in range(DAYS)
        ]
    table(exports / "thumbs_daily.csv", ("variant", "day", "shown", "rated", "thumbs_up"), ratings)

    items = max(ITEMS, round(ITEMS * setting.size))
    quality = golden.normal(0.0, 1.0, items)
    taste = golden.normal(0.0, 0.15, RATERS)
    scores, stars = [], []
    for arm, variant in enumerate(ARMS):
        score = 0.55 + 0.14 * quality + JUDGE * arm + golden.normal(0.0, 0.05, items)
        liked = 2.8 + 0.9 * quality + STARS * (1.0 - setting.strength) * arm
        given = liked[:, None] + taste + golden.normal(0.0, 0.45, (items, RATERS))
        for item in range(items):
            name = f"syn-{item:04}"
            scored = f"{min(1.0, max(0.0, float(score[item]))):.2f}"
            scores.append((name, variant, scored, "rubric-judge", "2026-09", stamp(days_before(1))))
            for rater in range(RATERS):
                star = min(5, max(1, round(float(given[item, rater]))))
                stars.append((name, f"r{rater + 1}", variant, star, stamp(days_before(4))))
    table(exports / "judge_scores.csv", ("item_id", "variant", "score", "judge", "judge_version", "scored_at"), scores)
    table(exports / "panel_stars.csv", ("item_id", "rater", "variant", "stars", "rated_at"), stars)


CASE = Case(
    number=3,
    slug="tuesday-standup",
    title="The Tuesday standup",
    fault="The judge rewards longer answers; people see no difference, and fewer of them finish what they came for.",
    policy="release-week",
    release="tuesday",
    write=write,
    wrong=Right(calls=("rollback",), reasons=(("state:conversion=loss",), ("cause:judge_bias",))),
    clean=Right(calls=("ship",), reasons=(("state:conversion=win",),)),
    strengths=(0.0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 1.0),
    early=Right(calls=("hold", "rollback"), reasons=(("cause:judge_bias",),)),
)
