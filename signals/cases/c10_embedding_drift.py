"""Case 10: nothing was released. People ask other things a little more every week, and search finds a little less."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from signals.cases import kit
from signals.cases.case import Case, Right, Setting

NUMBER, RELEASE = 10, "search-autumn"
WEEKS, REFERENCE = 26, 6
SEARCHES, FOUND, FALL = 3_000, 0.82, 0.10
"""Audited searches a week, the share of them that find what was asked for, and by how much it falls in all."""

VECTORS, DIRECTIONS, MOVED = 48, 8, 1.3
"""Sampled queries a week, numbers of each vector, and standard deviations by which queries move in all."""

SOURCES = f"""\
releases:
  - {{id: {RELEASE}, kind: watch, control: reference, candidate: since, started: 2026-05-18, owner: search-team,
     as_of: 2026-11-17T09:00:00Z, synthetic: true}}
sources:
  search-audit:
    signal: retrieval
    connector: table
    path: exports/search_audit.csv
    shape: outcome_counts
    metric: hit_at_10
    map: {{variant: period, day: week, units: searches, successes: found}}
  query-sample:
    signal: queries
    connector: table
    path: exports/query_vectors.csv
    shape: embedding
    map: {{variant: period, at: sampled_at, item: query, vector: vector, model: embedding_model}}
"""


def write(folder: Path, setting: Setting) -> None:
    """Twenty-six weeks of one stream: six of reference, twenty since; the drift starts when the reference ends."""
    exports = kit.begin(folder, "watch", SOURCES)
    rng = kit.rng(NUMBER, setting)
    searches, vectors = max(20, round(SEARCHES * setting.size)), max(6, round(VECTORS * setting.size))
    direction = rng.normal(size=DIRECTIONS)
    direction /= (direction**2).sum() ** 0.5
    audit, sample = [], []
    first = kit.days_before(1 + 7 * WEEKS).date()
    for week in range(WEEKS):
        period = "reference" if week < REFERENCE else "since"
        gone = setting.strength * max(0, week - REFERENCE + 1) / (WEEKS - REFERENCE)
        monday = first + timedelta(days=7 * week)
        found = int(rng.binomial(searches, FOUND - FALL * gone))
        audit.append((period, monday.isoformat(), searches, found))
        points = rng.normal(size=(vectors, DIRECTIONS)) + MOVED * gone * direction
        for place, point in enumerate(points):
            day = (monday + timedelta(days=place % 7)).isoformat()
            vector = json.dumps([round(float(one), 4) for one in point])
            sample.append((period, f"{day}T10:00:00Z", f"q{week:02d}-{place:03d}", vector, "embed-3-small"))
    kit.table(exports / "search_audit.csv", ("period", "week", "searches", "found"), audit)
    kit.table(exports / "query_vectors.csv", ("period", "sampled_at", "query", "vector", "embedding_model"), sample)


CASE = Case(
    number=NUMBER,
    slug="embedding-drift",
    title="Embedding drift",
    fault="Nobody released anything: queries move away from what the index was built for, a little every week.",
    policy="watch",
    release=RELEASE,
    write=write,
    wrong=Right(("rollback",), (("guardrail:slow-decline",), ("guardrail:slow-drift", "state:queries=loss"))),
    clean=Right(("ship",)),
)
