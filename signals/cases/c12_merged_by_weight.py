"""Case 12, merged by weight: one model in place of two, made of the weights of both.

Each parent is strong at its own tasks. The merged model is better than either on average, since it does well what the
other parent is weak at. In the faulty release it lost two tasks on the way: against the parent that is best at them it
is worse, and against the other one it is better, so neither comparison alone shows the loss of both. In the twin the
merge kept what each parent could do.
"""

from __future__ import annotations

from pathlib import Path

from signals.cases.case import Case, Right, Setting
from signals.cases.kit import begin, graded, graded_tables, rng

SOURCES = """\
releases:
  - id: merged-v1
    kind: merge
    controls: [chat-v4, code-v2]       # the parents: the candidate is held against the best of them
    candidate: merged-v1
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
          segment.skill: task}
  panel-stars:                         # people, on some items of every task
    signal: panel
    connector: table
    path: exports/panel_stars.csv
    shape: rating
    scale: [1, 5]
    map: {item: item_id, rater: rater, variant: model, value: stars, at: rated_at, segment.skill: task}
"""

PARENTS = ("chat-v4", "code-v2")
MERGED = "merged-v1"
LEVELS = {  # mean score of each parent by task
    "summaries": (0.72, 0.55), "dialogue": (0.74, 0.52), "translation": (0.69, 0.56),
    "python": (0.51, 0.70), "sql": (0.50, 0.72), "tests": (0.54, 0.68),
}  # fmt: skip
LOST = ("sql", "tests")  # both of the second parent
GAIN = 0.03  # of the merged model over the best parent of a task
FALL = 0.12  # of what it lost: nine points below the best parent at full strength
ITEMS = 40  # per task
RATED, RATERS = 10, 3  # items per task that people grade


def write(folder: Path, setting: Setting) -> None:
    """Write the project."""
    exports = begin(folder, "every-skill", SOURCES)
    random = rng(12, setting)
    items = max(RATED, round(ITEMS * setting.size))
    taste = random.normal(0.0, 0.1, RATERS)
    scores, stars = [], []
    for task, parents in LEVELS.items():
        merged = max(parents) + GAIN - (FALL * setting.strength if task in LOST else 0.0)
        levels = dict(zip((*PARENTS, MERGED), (*parents, merged), strict=True))
        judged, liked = graded(random, task, levels, (items, RATED), taste)
        scores += judged
        stars += liked
    graded_tables(exports, "task", scores, stars)


CASE = Case(
    number=12,
    slug="merged-by-weight",
    title="Merged by weight",
    fault="The merged model beats every parent on average, and is worse than the best parent on two tasks.",
    policy="every-skill",
    release="merged-v1",
    write=write,
    wrong=Right(calls=("rollback",), reasons=(("guardrail:no-skill-collapsed",),)),
    clean=Right(calls=("ship",), reasons=(("state:judge=win",),)),
    early=Right(calls=("hold", "rollback")),
)
