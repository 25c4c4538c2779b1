"""Case 11, the debt nobody tickets: nothing broke on the day, and nothing may be believed.

The judge's model was upgraded in March, but scores of the control are kept in a cache from before. The golden set is
fourteen months old, and the candidate was tuned on it. The panel's weekly export has brought a sign-in page for weeks,
so that only a pilot from October is there. Two signals have no owner who would have noticed. In the twin all of it was
tended: one judge, recent questions, this week's grades, and people like the release.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signals.cases.case import Case, Right, Setting
from signals.cases.kit import begin, days_before, rng, stamp, table

if TYPE_CHECKING:
    import numpy as np

SOURCES = """\
releases:
  - id: answers-v9
    kind: prompt
    control: answers-v8
    candidate: answers-v9
    started: 2026-11-03
    owner: answers-team
    as_of: 2026-11-17T09:00:00Z
    synthetic: true

sources:
  golden-set:
    signal: judge
    connector: table
    path: exports/judge_scores.csv
    shape: item_score
    map:
      item: item_id
      variant: variant
      value: score
      scorer: judge
      scorer_version: judge_version
      at: scored_at
      made: written_at
  panel-pilot:                         # once, in October
    signal: panel
    connector: table
    path: exports/panel_pilot.csv
    shape: rating
    scale: [1, 5]
    map: {item: item_id, rater: rater, variant: variant, value: stars, at: rated_at}
  panel-weekly:                        # what the labelling tool sends every Monday
    signal: panel
    connector: table
    path: exports/panel_weekly.csv
    shape: rating
    scale: [1, 5]
    map: {item: item_id, rater: rater, variant: variant, value: stars, at: rated_at}
"""

ARMS = ("answers-v8", "answers-v9")
ITEMS, GRADED = 240, 104
RATERS = 3
LIFT = 0.06  # on the golden set, by one judge
STRICTER = 0.04  # the judge before March
STARS = ("item_id", "rater", "variant", "stars", "rated_at")
SIGN_IN = "<!doctype html>\n<html><head><title>Sign in</title></head><body>Your session has ended.</body></html>\n"
BROKEN = 0.5  # strength from which the weekly export fails; below it, it is only late
OWNED = re.compile(r"^    owner: .*\n", re.MULTILINE)


def write(folder: Path, setting: Setting) -> None:
    """Write the project. With the fault, the two signals of its policy have lost their owners: no call reads them."""
    exports = begin(folder, "offline-only", SOURCES)
    random, fault = rng(11, setting), setting.strength
    if fault > 0.0:
        policy = folder / "hierarchy.yaml"
        policy.write_text(OWNED.sub("", policy.read_text(encoding="utf-8")), encoding="utf-8")

    items, graded = round(ITEMS * max(1.0, setting.size)), round(GRADED * max(1.0, setting.size))
    quality = random.normal(0.0, 1.0, items)
    cached = random.random(items) < 0.6 * fault
    written = [days_before(45 + 380 * fault + float(days)) for days in random.uniform(-15, 15, items)]
    rows = []
    for arm, variant in enumerate(ARMS):
        drawn = 0.58 + 0.13 * quality + LIFT * arm + random.normal(0.0, 0.07, items)
        for item in range(items):
            old = arm == 0 and bool(cached[item])
            value = min(1.0, max(0.0, float(drawn[item]) - STRICTER * old))
            version, when = ("2025-09", days_before(270)) if old else ("2026-03", days_before(1))
            made = stamp(written[item])
            rows.append((f"syn-{item:04}", variant, f"{value:.2f}", "answer-judge", version, stamp(when), made))
    head = ("item_id", "variant", "score", "judge", "judge_version", "scored_at", "written_at")
    table(exports / "judge_scores.csv", head, rows)

    pilot = _stars(random, quality, range(graded), 0.2, days_before(33), "p")
    table(exports / "panel_pilot.csv", STARS, pilot)
    weekly = _stars(random, quality, range(graded, 2 * graded), 4 * LIFT, days_before(5 + 42 * fault), "w")
    if fault < BROKEN:
        table(exports / "panel_weekly.csv", STARS, weekly)
    else:
        (exports / "panel_weekly.csv").write_text(SIGN_IN, encoding="utf-8")


def _stars(
    random: np.random.Generator,
    quality: np.ndarray[Any, np.dtype[np.float64]],
    items: range,
    lift: float,
    when: datetime,
    who: str,
) -> list[tuple[object, ...]]:
    taste = random.normal(0.0, 0.1, RATERS)
    rows: list[tuple[object, ...]] = []
    for arm, variant in enumerate(ARMS):
        drawn = 2.9 + 0.9 * quality[items.start : items.stop, None] + taste + lift * arm
        drawn = drawn + random.normal(0.0, 0.4, (len(items), RATERS))
        rows += [
            (f"syn-{item:04}", f"{who}{rater + 1}", variant, min(5, max(1, round(float(drawn[place, rater])))),
             stamp(when))
            for place, item in enumerate(items)
            for rater in range(RATERS)
        ]  # fmt: skip
    return rows


CASE = Case(
    number=11,
    slug="untended",
    title="The debt nobody tickets",
    fault="Two judge versions, a golden set of fourteen months, a panel export that fails, and nobody who owns them.",
    policy="offline-only",
    release="answers-v9",
    write=write,
    wrong=Right(
        calls=("hold",),
        reasons=(("check:judge.same_judge",), ("check:judge.max_golden_age",), ("check:panel.max_age",)),
    ),
    clean=Right(calls=("ship",), reasons=(("state:panel=win",),)),
)
