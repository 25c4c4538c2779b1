"""Case 7, adapters at war: five adapters, each fine by itself, composed into one model.

Until now every request went to the adapter of its skill. The candidate carries all of them at once, and the golden set
gains on the whole: what the adapters have in common adds up. In the faulty release two of them write to the same
weights and cancel out, so two skills fall back to what the base model could do, while the average still rises. In the
twin they keep out of each other's way.
"""

from __future__ import annotations

from pathlib import Path

from signals.cases.case import Case, Right, Setting
from signals.cases.kit import begin, graded, graded_tables, rng

SOURCES = """\
releases:
  - id: composed-v1
    kind: adapter
    control: one-adapter-each          # every request served by the adapter of its skill
    candidate: composed-v1
    started: 2026-11-03
    owner: model-team
    as_of: 2026-11-17T09:00:00Z
    synthetic: true

sources:
  golden-set:                          # mean of five judgements, 0 to 1
    signal: judge
    connector: table
    path: exports/judge_scores.csv
    shape: item_score
    map: {item: item_id, variant: model, value: score, scorer: judge, scorer_version: judge_version, at: scored_at,
          segment.skill: skill}
  panel-stars:                         # people, on some items of every skill
    signal: panel
    connector: table
    path: exports/panel_stars.csv
    shape: rating
    scale: [1, 5]
    map: {item: item_id, rater: rater, variant: model, value: stars, at: rated_at, segment.skill: skill}
"""

MODELS = ("one-adapter-each", "composed-v1")
SKILLS = {  # share of the golden set, level of the base model, level with its adapter
    "answers": (0.24, 0.62, 0.72), "summaries": (0.22, 0.60, 0.70), "drafting": (0.20, 0.58, 0.69),
    "extraction": (0.16, 0.57, 0.70), "legal": (0.10, 0.55, 0.68), "sql": (0.08, 0.52, 0.68),
}  # fmt: skip
AT_WAR = ("legal", "sql")
GAIN = 0.05  # of a skill whose adapter is not disturbed
ITEMS = 450
RATED, RATERS = 12, 3  # items per skill that people grade


def write(folder: Path, setting: Setting) -> None:
    """Write the project."""
    exports = begin(folder, "every-skill", SOURCES)
    random = rng(7, setting)
    taste = random.normal(0.0, 0.1, RATERS)
    scores, stars = [], []
    for skill, (share, base, adapted) in SKILLS.items():
        items = max(RATED, round(ITEMS * share * setting.size))
        fall = (adapted + GAIN - base) * setting.strength if skill in AT_WAR else 0.0
        levels = dict(zip(MODELS, (adapted, adapted + GAIN - fall), strict=True))
        judged, liked = graded(random, skill, levels, (items, RATED), taste)
        scores += judged
        stars += liked
    graded_tables(exports, "skill", scores, stars)


CASE = Case(
    number=7,
    slug="adapters-at-war",
    title="Adapters at war",
    fault="Composed, two adapters cancel out: two skills fall to the level of the base model, and the average rises.",
    policy="every-skill",
    release="composed-v1",
    write=write,
    wrong=Right(calls=("rollback",), reasons=(("guardrail:no-skill-collapsed",),)),
    clean=Right(calls=("ship",), reasons=(("state:judge=win",),)),
    early=Right(calls=("hold", "rollback")),
)
