"""Case 1, sampled at 3 am: a golden set that was drawn while the batch jobs ran.

Somebody took the requests of one night. Most of them were nightly jobs, which are an eighth of the week's traffic and
none of its revenue. On those the new prompt is six points better, and on the whole set four. The few requests of
people in it say the opposite: asked about prices, the new prompt hedges, and in the day that is what people ask. In
the twin the set was drawn from all hours and the prompt answers prices as well as anything else: the same four points,
and this time they are true of the traffic.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

from signals.cases.case import Case, Right, Setting
from signals.cases.kit import begin, days_before, rng, stamp, table

SOURCES = """\
releases:
  - id: night-shift
    kind: prompt
    control: desk-v4
    candidate: desk-v5
    started: 2026-11-03
    owner: help-desk-team
    as_of: 2026-11-17T09:00:00Z
    synthetic: true

sources:
  golden-set:                          # the judge's scores, 0 to 1
    signal: judge
    connector: table
    path: exports/judge_scores.csv
    shape: item_score
    map: {item: item_id, variant: variant, value: score, scorer: judge, scorer_version: judge_version,
          at: scored_at, segment.plan: plan}
  traffic:                             # one week of requests, and what their plans pay
    signal: judge
    connector: table
    path: exports/traffic.csv
    shape: traffic_mix
    map: {segment.plan: plan, share: share_of_requests, value_share: share_of_revenue}
  panel-stars:                         # people rated every second item of the golden set
    signal: panel
    connector: table
    path: exports/panel_stars.csv
    shape: rating
    scale: [1, 5]
    map: {item: item_id, rater: rater, variant: variant, value: stars, at: rated_at, segment.plan: plan}
  orders:                              # visitors and buyers, counted by the warehouse; jobs do not buy
    signal: conversion
    connector: table
    path: exports/orders_daily.csv
    shape: outcome_counts
    map: {variant: variant, units: users, successes: buyers, day: day, segment.plan: plan, segment.locale: locale}
  thumbs-daily:                        # answers shown, rated, and rated up
    signal: thumbs
    connector: table
    path: exports/thumbs_daily.csv
    shape: feedback_counts
    map: {variant: variant, impressions: shown, responses: rated, positives: thumbs_up, day: day}
"""

ARMS = ("desk-v4", "desk-v5")
JOBS = "nightly-jobs"
REQUESTS = {JOBS: 0.12, "free": 0.46, "team": 0.30, "enterprise": 0.12}  # of a week
REVENUE = {JOBS: 0.0, "free": 0.08, "team": 0.37, "enterprise": 0.55}
NIGHT = {JOBS: 0.82, "free": 0.11, "team": 0.07, "enterprise": 0.0}  # of the requests between three and four
LOCALES = {"en": 0.6, "de": 0.4}
GAIN = 0.04  # on the golden set, whatever it was drawn from
HEDGED = 0.05  # what the prompt loses on the requests of people
ITEMS, RATED, RATERS = 240, 2, 4
USERS = 140_000  # per arm
BOUGHT, LIFT, FALL = 0.12, 0.008, 0.008
DAYS = 14


def write(folder: Path, setting: Setting) -> None:
    """Write the project."""
    exports = begin(folder, "release-week", SOURCES)
    random = rng(1, setting)
    fault = setting.strength

    drawn = {plan: REQUESTS[plan] + fault * (NIGHT[plan] - REQUESTS[plan]) for plan in REQUESTS}
    people = GAIN - fault * (GAIN + HEDGED)
    jobs = (GAIN - (1.0 - drawn[JOBS]) * people) / drawn[JOBS]  # so that the set as it was drawn shows four points
    plans = random.permutation(_quota(drawn, round(ITEMS * max(1.0, setting.size)))).tolist()
    gained = [jobs if plan == JOBS else people for plan in plans]
    quality = random.normal(0.0, 1.0, len(plans))
    taste = random.normal(0.0, 0.15, RATERS)
    scores, stars = [], []
    for arm, variant in enumerate(ARMS):
        noise = random.normal(0.0, 0.055, len(plans))
        given = random.normal(0.0, 0.35, (len(plans), RATERS))
        for item, plan in enumerate(plans):
            name, good = f"syn-{item:04}", 0.55 + 0.15 * float(quality[item]) + arm * gained[item]
            score = min(1.0, max(0.0, good + float(noise[item])))
            scores.append((name, plan, variant, f"{score:.2f}", "rubric-judge", "2026-09", stamp(days_before(1))))
            for rater in range(RATERS if item % RATED == 0 else 0):
                star = round(1.0 + 4.0 * good + float(taste[rater] + given[item, rater]))
                stars.append((name, plan, f"r{rater + 1}", variant, min(5, max(1, star)), stamp(days_before(4))))
    head = ("item_id", "plan", "variant", "score", "judge", "judge_version", "scored_at")
    table(exports / "judge_scores.csv", head, scores)
    table(exports / "panel_stars.csv", ("item_id", "plan", "rater", "variant", "stars", "rated_at"), stars)
    week = [(plan, share, REVENUE[plan]) for plan, share in REQUESTS.items()]
    table(exports / "traffic.csv", ("plan", "share_of_requests", "share_of_revenue"), week)

    asking = [plan for plan in REQUESTS if plan != JOBS]
    cells = list(product(range(DAYS), asking, LOCALES))
    weights = [REQUESTS[plan] * LOCALES[locale] / DAYS / (1.0 - REQUESTS[JOBS]) for _, plan, locale in cells]
    orders, thumbs = [], []
    for arm, variant in enumerate(ARMS):
        users = random.multinomial(random.poisson(USERS * setting.size), weights)
        bought = random.binomial(users, BOUGHT + arm * (LIFT - fault * (LIFT + FALL)))
        orders += [
            (variant, f"{days_before(DAYS - day):%Y-%m-%d}", plan, locale, int(n), int(x))
            for (day, plan, locale), n, x in zip(cells, users, bought, strict=True)
        ]
        shown = random.poisson(6 * USERS * setting.size / DAYS, DAYS)
        rated = random.binomial(shown, 0.04)
        up = random.binomial(rated, 0.78)
        thumbs += [
            (variant, f"{days_before(DAYS - day):%Y-%m-%d}", int(shown[day]), int(rated[day]), int(up[day]))
            for day in range(DAYS)
        ]
    table(exports / "orders_daily.csv", ("variant", "day", "plan", "locale", "users", "buyers"), orders)
    table(exports / "thumbs_daily.csv", ("variant", "day", "shown", "rated", "thumbs_up"), thumbs)


def _quota(shares: dict[str, float], items: int) -> list[str]:
    """That many plans in these shares: each rounded down, and what is left to the largest remainders."""
    given = {plan: int(items * share) for plan, share in shares.items()}
    most = sorted(shares, key=lambda plan: given[plan] - items * shares[plan])
    for plan in most[: items - sum(given.values())]:
        given[plan] += 1
    return [plan for plan, count in given.items() for _ in range(count)]


CASE = Case(
    number=1,
    slug="sampled-at-3-am",
    title="Sampled at 3 am",
    fault="The golden set is one night's requests, most of them jobs that nobody pays for; people lose in the day.",
    policy="release-week",
    release="night-shift",
    write=write,
    wrong=Right(calls=("rollback",), reasons=(("state:conversion=loss",), ("cause:population",))),
    clean=Right(calls=("ship",), reasons=(("state:conversion=win",),)),
    early=Right(calls=("hold", "rollback"), reasons=(("requires:conversion.non_inferior",),)),
)
