"""What the cases write their files with."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
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


def days_before(days: float) -> datetime:
    """That long before the moment that the case is judged at."""
    return AS_OF - timedelta(days=days)


def stamp(moment: datetime) -> str:
    """As most tools write it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
