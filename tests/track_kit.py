"""A made-up project with many past releases: a proxy that follows the outcome until it stops doing so."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from random import Random

from signals.model import Project
from signals.pull import pull
from signals.review import load, store_of

START = date(2025, 1, 6)

POLICY = """\
schema: 1
name: many
owner: council
confidence: 0.95
signals:
  conversion:
    kind: experiment
    question: Do they finish?
    owner: growth
    metric: {name: done, type: proportion}
    better: higher
    margin: 0.5pp
  judge:
    kind: judge
    question: Does the golden set improve?
    owner: evals
    better: higher
    margin: 2pp
  thumbs:
    kind: feedback
    question: Do they like it?
    owner: product
    better: higher
    margin: 1pp
hierarchy:
  - {signal: conversion, win: ship, loss: rollback}
  - {signal: judge, win: ship, loss: hold}
  - {signal: thumbs, loss: hold}
otherwise: hold
"""

SOURCES = """\
store: sqlite:///signals.db
releases:
{releases}
sources:
  golden:
    signal: judge
    connector: table
    path: golden.csv
    shape: item_score
    map: {{item: item, variant: variant, value: score, scorer: judge, scorer_version: version, at: at}}
  orders:
    signal: conversion
    connector: table
    path: orders.csv
    shape: outcome_counts
    map: {{variant: variant, units: users, successes: good, day: day}}
  thumbs:
    signal: thumbs
    connector: table
    path: thumbs.csv
    shape: feedback_counts
    map: {{variant: variant, impressions: shown, responses: rated, positives: up, day: day}}
"""


def make(folder: Path, releases: int = 24, drift: float = 0.0, after: int = 12, items: int = 60) -> Project:
    """A pulled project; the judge's benefit follows conversion's, plus ``drift`` margins from release ``after`` on.

    The last release is open, the others are closed; every fourth outcome is unknown. The first two releases are
    candidates of one family.
    """
    rng = Random(20_261_124)
    golden, orders = ["item,variant,score,judge,version,at"], ["variant,users,good,day"]
    thumbs, listed = ["variant,shown,rated,up,day"], []
    for number in range(releases):
        start = START + timedelta(days=14 * number)
        end = start + timedelta(days=7)
        truth = rng.gauss(0.0, 2.0)  # in margins
        promised = truth + rng.gauss(0.0, 0.7) + (drift if number >= after else 0.0)
        outcome = "unknown" if number % 4 == 3 else "good" if truth + rng.gauss(0.0, 0.8) > 0 else "bad"
        closed = "" if number == releases - 1 else f", as_of: {end}T09:00:00Z"
        family = ", family: first" if number < 2 else ""
        listed.append(
            f"  - {{id: r{number:02}, kind: prompt, control: r{number}a, candidate: r{number}b, started: {start}, "
            f"outcome: {outcome}{closed}{family}}}"
        )
        day = end - timedelta(days=1)
        for item in range(items):
            base = rng.uniform(0.35, 0.65)
            for arm, shift in (("a", 0.0), ("b", 0.02 * promised)):
                score = base + shift + rng.gauss(0.0, 0.03)
                golden.append(f"i{item},r{number}{arm},{score:.4f},j,1,{day}T08:00:00Z")
        for arm, shift in (("a", 0.0), ("b", truth)):
            users = 200_000
            orders.append(f"r{number}{arm},{users},{round(users * (0.3 + 0.005 * shift + rng.gauss(0, 0.001)))},{day}")
            up = round(9000 * (0.7 + 0.01 * shift + rng.gauss(0.0, 0.004)))
            thumbs.append(f"r{number}{arm},90000,9000,{up},{day}")
    (folder / "data").mkdir(parents=True)
    (folder / "hierarchy.yaml").write_text(POLICY)
    (folder / "data" / "sources.yaml").write_text(SOURCES.format(releases="\n".join(listed)))
    for name, rows in (("golden", golden), ("orders", orders), ("thumbs", thumbs)):
        (folder / "data" / f"{name}.csv").write_text("\n".join(rows) + "\n")
    found = load(folder)
    assert not [report.error for report in pull(found, store_of(found)) if report.error]
    return found
