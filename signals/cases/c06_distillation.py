"""Case 6, distillation: a tenth of the bill, a content judge, and two intents that the student forgot.

In the faulty release the judge is of the teacher's own family and likes the student's manner, part of the golden set
was in the student's training data, and people find the rare intents worse while the average holds. In the twin the
judge is of another family, nothing leaked, and the student holds every intent.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from signals.cases.case import Case, Right, Setting
from signals.cases.kit import begin, days_before, rng, stamp, table

if TYPE_CHECKING:
    import numpy as np

SOURCES = """\
kin:                                   # who is related to whom; the check independent_judge reads it
  atlas: [atlas-*]                     # the teacher, its students, and the judge that is tuned from it
  boreal: [boreal-*]

releases:
  - id: atlas-mini
    kind: distillation
    control: atlas-xl
    candidate: atlas-mini
    started: 2026-11-03
    owner: model-team
    as_of: 2026-11-17T09:00:00Z
    synthetic: true

sources:
  panel-stars:                         # blind grades; rare intents are drawn more often than traffic has them
    signal: panel
    connector: table
    path: exports/panel_stars.csv
    shape: rating
    scale: [1, 5]
    map: {item: item_id, rater: rater, variant: model, value: stars, at: rated_at, segment.intent: intent}
  golden-set:                          # `in_training`: found by joining the golden set with the training data
    signal: judge
    connector: table
    path: exports/judge_scores.csv
    shape: item_score
    map:
      {item: item_id, variant: model, value: score, scorer: rubric, scorer_version: judge, leaked: in_training,
       at: scored_at}
  bill:                                # mean and spread of what a request cost, by day
    signal: cost
    connector: table
    path: exports/bill_daily.csv
    shape: outcome_counts
    map: {variant: model, units: requests, mean: mean_usd, sd: sd_usd, day: day}
"""

ARMS = ("atlas-xl", "atlas-mini")
KIN, STRANGER = "atlas-judge-2", "boreal-4"
INTENTS = {
    "order_status": 85,
    "returns": 85,
    "product_advice": 85,
    "account": 85,
    "customs": 80,
    "warranty_dispute": 80,
}
TAIL = ("customs", "warranty_dispute")
DAMAGE, POLISH = 0.65, 0.2  # stars: what the tail loses, what fluent manner gains on the other intents
RATERS, EACH = 12, 2  # of them grade one item
GOLDEN = 300
LEAKED = 0.15  # of the golden set
FAVOUR, BY_HEART = 0.03, 0.12  # what kinship adds to the student's score, what training on an item adds
DAYS = 14
REQUESTS = 3_000  # per arm and day
COST = (0.0120, 0.0012)


def write(folder: Path, setting: Setting) -> None:
    """Write the project."""
    exports = begin(folder, "distillation", SOURCES)
    random = rng(6, setting)
    _bill(exports, setting, random)
    _panel(exports, setting, random)
    _golden(exports, setting, random)


def _bill(exports: Path, setting: Setting, random: np.random.Generator) -> None:
    rows = []
    for variant, mean in zip(ARMS, COST, strict=True):
        spread = 0.4 * mean
        for day, n in enumerate(random.poisson(REQUESTS * setting.size, DAYS)):
            found = mean + random.normal(0.0, spread) / max(int(n), 1) ** 0.5
            rows.append((variant, f"{days_before(DAYS - day):%Y-%m-%d}", int(n), f"{found:.7f}", f"{spread:.7f}"))
    table(exports / "bill_daily.csv", ("model", "day", "requests", "mean_usd", "sd_usd"), rows)


def _panel(exports: Path, setting: Setting, random: np.random.Generator) -> None:
    taste = random.normal(0.0, 0.15, RATERS)
    leaning = random.normal(0.0, 0.04, RATERS)  # how much more a rater likes the student than others do
    rows = []
    number = 0
    for intent, usual in INTENTS.items():
        count = max(2, round(usual * setting.size))
        quality = random.normal(0.0, 0.8, count)
        change = (-DAMAGE if intent in TAIL else POLISH) * setting.strength + random.normal(0.0, 0.28, count)
        noise = random.normal(0.0, 0.3, (count, 2, EACH))
        first = random.integers(0, RATERS, count)
        for item in range(count):
            number += 1
            for arm, variant in enumerate(ARMS):
                for place in range(EACH):
                    rater = int(first[item] + place) % RATERS
                    liked = 3.3 + quality[item] + taste[rater] + arm * (change[item] + leaning[rater])
                    star = min(5, max(1, round(float(liked + noise[item, arm, place]))))
                    rows.append((f"p-{number:04}", intent, f"r{rater + 1}", variant, star, stamp(days_before(4))))
    table(exports / "panel_stars.csv", ("item_id", "intent", "rater", "model", "stars", "rated_at"), rows)


def _golden(exports: Path, setting: Setting, random: np.random.Generator) -> None:
    count = max(2, round(GOLDEN * setting.size))
    quality = random.normal(0.62, 0.1, count)
    difference = random.normal(0.0, 0.06, count)
    leaked = random.random(count) < LEAKED * setting.strength
    judge = KIN if setting.strength > 0.0 else STRANGER
    rows = []
    for item in range(count):
        gained = difference[item] + FAVOUR * setting.strength + BY_HEART * leaked[item]
        for arm, variant in enumerate(ARMS):
            score = min(1.0, max(0.0, float(quality[item] + arm * gained)))
            known = "true" if leaked[item] else "false"
            rows.append((f"g-{item:04}", variant, f"{score:.3f}", "helpfulness", judge, known, stamp(days_before(2))))
    head = ("item_id", "model", "score", "rubric", "judge", "in_training", "scored_at")
    table(exports / "judge_scores.csv", head, rows)


CASE = Case(
    number=6,
    slug="distillation",
    title="Distillation",
    fault="The judge is the teacher's kin, part of the golden set leaked into training, and rare intents got worse.",
    policy="distillation",
    release="atlas-mini",
    write=write,
    wrong=Right(
        calls=("rollback",),
        reasons=(
            ("guardrail:no-intent-left-behind",),
            ("check:judge.independent_judge",),
            ("check:judge.max_leaked",),
        ),
    ),
    clean=Right(calls=("ship",), reasons=(("state:cost=win",),)),
    early=Right(calls=("hold", "rollback"), reasons=(("check:judge.independent_judge",), ("check:judge.max_leaked",))),
)
