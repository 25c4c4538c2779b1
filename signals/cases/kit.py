"""What the cases write their files with."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signals.cases.case import Setting
from signals.starter import preset_file

if TYPE_CHECKING:
    import numpy as np

AS_OF = datetime(2026, 11, 17, 9, tzinfo=UTC)
"""The Tuesday on which every case is judged: the clock of the machine changes nothing."""


def rng(number: int, setting: Setting) -> np.random.Generator:
    """Random numbers of one case: by its number and the seed alone, so that a strength changes the fault only."""
    import numpy as np

    return np.random.default_rng([number, setting.seed])


def begin(folder: Path, policy: str, sources: str) -> Path:
    """Write policy and ``data/sources.yaml``; the folder for evidence files.

    The store is in the folder, whatever ``$SIGNALS_STORE`` says: made-up evidence stays out of the one that people use.

    Args:
        folder: An empty folder, or one that is not there yet.
        policy: Name of a preset; its text is taken as it is.
        sources: Releases and sources, as YAML; where the store is, is put before it.
    """
    data = folder / "data"
    (data / "exports").mkdir(parents=True, exist_ok=True)
    text = preset_file(policy).read_text(encoding="utf-8")
    (folder / "hierarchy.yaml").write_text(text, encoding="utf-8")
    (data / "sources.yaml").write_text(f"store: sqlite:///data/signals.db\n{sources}", encoding="utf-8")
    return data / "exports"


def table(path: Path, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """One CSV file, as a warehouse exports it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def graded(
    random: np.random.Generator,
    kind: str,
    levels: Mapping[str, float],
    size: tuple[int, int],
    taste: np.ndarray,
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Outputs of one kind of work, scored by a judge and, the first of them, by people.

    Args:
        random: Drawn from in a fixed order.
        kind: The skill or the task.
        levels: How good each model is at it, 0 to 1.
        size: Items, and how many of them people grade.
        taste: By how much each rater is kinder than another, in points of 1 to 5.

    Returns:
        Rows (item, kind, model, score, judge, its version, time) and (item, kind, rater, model, stars, time).
    """
    items, rated = size
    hard = random.normal(0.0, 0.12, items)
    scored, said = stamp(days_before(1)), stamp(days_before(4))
    scores: list[tuple[Any, ...]] = []
    stars: list[tuple[Any, ...]] = []
    for model, level in levels.items():
        value = (level + hard + random.normal(0.0, 0.04, items)).clip(0.0, 1.0)
        liked = 1.0 + 4.0 * value[:rated, None] + taste + random.normal(0.0, 0.25, (rated, len(taste)))
        scores += [
            (f"{kind}-{item:03}", kind, model, f"{value[item]:.3f}", "rubric-judge", "2026-09", scored)
            for item in range(items)
        ]
        stars += [
            (f"{kind}-{item:03}", kind, f"r{rater + 1}", model, min(5, max(1, round(liked[item, rater]))), said)
            for item, rater in product(range(rated), range(len(taste)))
        ]
    return scores, stars


def graded_tables(exports: Path, kind: str, scores: Iterable[Sequence[Any]], stars: Iterable[Sequence[Any]]) -> None:
    """Both files of ``graded``, whose kind of work is called ``kind``."""
    head = ("item_id", kind, "model", "score", "judge", "judge_version", "scored_at")
    table(exports / "judge_scores.csv", head, scores)
    table(exports / "panel_stars.csv", ("item_id", kind, "rater", "model", "stars", "rated_at"), stars)


def days_before(days: float) -> datetime:
    """That long before the moment that the case is judged at."""
    return AS_OF - timedelta(days=days)


def stamp(moment: datetime) -> str:
    """As most tools write it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
