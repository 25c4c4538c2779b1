"""Case 8, silent corruption: a document model whose output is plausible, complete, and wrong.

In the faulty release the new model fills in more and hands less back. The judge reads its output without the document
and is content, no error is raised, and three in ten line items of the company's own documents are wrong. In the twin
the same model reads them better than the old one did.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from signals.cases.case import Case, Right, Setting
from signals.cases.kit import begin, days_before, rng, stamp, table

if TYPE_CHECKING:
    import numpy as np

SOURCES = """\
releases:
  - id: reader-v3
    kind: document
    control: reader-v2
    candidate: reader-v3
    started: 2026-11-03
    owner: document-team
    as_of: 2026-11-17T09:00:00Z
    synthetic: true

sources:
  audit:                               # own documents, read by both models; line items found right, paper in hand
    signal: audit
    connector: table
    path: exports/audit.csv
    shape: rating
    scale: [0, 1]
    map: {item: document, rater: auditor, variant: model, value: share_right, at: audited_at}
  payment-run:                         # documents that passed without a person, and those found wrong when paid
    signal: confidently_wrong
    connector: table
    path: exports/payment_run.csv
    shape: outcome_counts
    map: {variant: model, units: passed, successes: found_wrong, day: day}
  handed-back:
    signal: handed_back
    connector: table
    path: exports/traffic_daily.csv
    shape: outcome_counts
    map: {variant: model, units: documents, successes: handed_back, day: day}
  errors:
    signal: failed
    connector: table
    path: exports/traffic_daily.csv
    shape: outcome_counts
    map: {variant: model, units: documents, successes: errors, day: day}
  golden-set:                          # public invoices; the judge sees the output alone
    signal: judge
    connector: table
    path: exports/judge_scores.csv
    shape: item_score
    map: {item: item_id, variant: model, value: score, scorer: rubric, scorer_version: judge, at: scored_at}
"""

ARMS = ("reader-v2", "reader-v3")
WRONG, BETTER, CORRUPT = 0.05, 0.015, 0.30  # of line items: the old model, the new one in the twin, and in the story
AUDITED, AUDITORS, EACH = 200, 8, 2
HEAPS = 15.0  # of errors: the smaller, the more of them fall on few documents
OVERLOOKED = 0.03  # of the wrong line items, by one auditor
DAYS = 14
DOCUMENTS, PASSED = 1500, 750  # per arm and day: read, and reconciled by the payment run
FOUND = (0.03, 0.015, 0.12)  # wrong when paid, as WRONG: it finds only what a supplier complains of
BACK = (0.14, 0.12, 0.09)  # handed back, likewise
FAILED = 0.004
GOLDEN = 150
LOOKS_BETTER = (0.02, 0.03)  # in the twin, and in the story


def write(folder: Path, setting: Setting) -> None:
    """Write the project."""
    exports = begin(folder, "documents", SOURCES)
    random = rng(8, setting)
    _audit(exports, setting, random)
    _traffic(exports, setting, random)
    count = max(2, round(GOLDEN * setting.size))
    quality = random.normal(0.8, 0.08, count)
    gained = random.normal(_between(LOOKS_BETTER, setting), 0.06, count)
    rows = [
        (f"inv-{item:04}", variant, f"{min(1.0, max(0.0, float(quality[item] + arm * gained[item]))):.3f}",
         "plausible", "judge-2026-09", stamp(days_before(2)))
        for item in range(count)
        for arm, variant in enumerate(ARMS)
    ]  # fmt: skip
    table(exports / "judge_scores.csv", ("item_id", "model", "score", "rubric", "judge", "scored_at"), rows)


def _between(ends: tuple[float, float], setting: Setting) -> float:
    """From the twin's number to the story's."""
    return ends[0] + (ends[1] - ends[0]) * setting.strength


def _audit(exports: Path, setting: Setting, random: np.random.Generator) -> None:
    count = max(2, round(AUDITED * setting.size))
    lines = 4 + random.poisson(8.0, count)
    rows = []
    for arm, variant in enumerate(ARMS):
        rate = _between((BETTER, CORRUPT), setting) if arm else WRONG
        # Errors come in heaps: a document whose table is misread is wrong all over.
        wrong = random.binomial(lines, random.beta(HEAPS * rate, HEAPS * (1.0 - rate), count))
        for item in range(count):
            for place in range(EACH):
                seen = random.binomial(int(wrong[item]), 1.0 - OVERLOOKED)
                auditor = f"a{(item + place) % AUDITORS + 1}"
                right = f"{1.0 - seen / int(lines[item]):.4f}"
                rows.append((f"doc-{item:04}", auditor, variant, right, stamp(days_before(3))))
    table(exports / "audit.csv", ("document", "auditor", "model", "share_right", "audited_at"), rows)


def _traffic(exports: Path, setting: Setting, random: np.random.Generator) -> None:
    daily, paid = [], []
    for arm, variant in enumerate(ARMS):
        back = _between(BACK[1:], setting) if arm else BACK[0]
        found = _between(FOUND[1:], setting) if arm else FOUND[0]
        documents = random.poisson(DOCUMENTS * setting.size, DAYS)
        passed = random.poisson(PASSED * setting.size, DAYS)
        for day in range(DAYS):
            date, read, sent = f"{days_before(DAYS - day):%Y-%m-%d}", int(documents[day]), int(passed[day])
            daily.append((variant, date, read, int(random.binomial(read, back)), int(random.binomial(read, FAILED))))
            paid.append((variant, date, sent, int(random.binomial(sent, found))))
    table(exports / "traffic_daily.csv", ("model", "day", "documents", "handed_back", "errors"), daily)
    table(exports / "payment_run.csv", ("model", "day", "passed", "found_wrong"), paid)


CASE = Case(
    number=8,
    slug="silent-corruption",
    title="Silent corruption",
    fault="The output looks right and raises no error, and three in ten line items of the own documents are wrong.",
    policy="documents",
    release="reader-v3",
    write=write,
    wrong=Right(calls=("rollback",), reasons=(("state:audit=loss",), ("guardrail:wrong-without-a-word",))),
    clean=Right(calls=("ship",), reasons=(("state:audit=win",),)),
    early=Right(calls=("hold", "rollback"), reasons=(("state:audit=loss", "guardrail:wrong-without-a-word"),)),
)
