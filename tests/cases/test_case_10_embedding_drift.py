"""Case 10: half a year of small steps is caught, a still stream is left alone, and week against week sees neither."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from signals.cases.c10_embedding_drift import CASE, WEEKS
from signals.cases.case import Setting
from signals.cases.run import run


def weekly(folder: Path) -> list[tuple[int, int]]:
    with (folder / "data" / "exports" / "search_audit.csv").open(encoding="utf-8") as file:
        return [(int(row["searches"]), int(row["found"])) for row in csv.DictReader(file)]


def test_half_a_year_is_caught_where_no_week_says_anything(tmp_path: Path) -> None:
    found = run(CASE, Setting(1), tmp_path)
    assert (found.call, found.right_reason) == ("rollback", True)
    assert {"guardrail:clear-fall", "guardrail:slow-decline", "guardrail:slow-drift"} <= found.seen
    readings = found.verdict.readings
    assert (readings["retrieval"].state, readings["queries"].state) == ("loss", "loss")
    weeks = weekly(tmp_path)
    assert len(weeks) == WEEKS
    (n0, x0), (n1, x1) = weeks[-2:]
    pooled = (x0 + x1) / (n0 + n1)
    z = (x1 / n1 - x0 / n0) / math.sqrt(pooled * (1 - pooled) * (1 / n0 + 1 / n1))
    assert abs(z) < 1.96


def test_a_still_stream_is_left_alone(tmp_path: Path) -> None:
    found = run(CASE, Setting(1, strength=0.0), tmp_path)
    assert (found.call, found.right_call, found.accused) == ("ship", True, frozenset())
    assert {one.state for one in found.verdict.readings.values()} == {"flat"}


def test_a_fifth_of_the_fault_is_looked_at_and_not_acted_on(tmp_path: Path) -> None:
    assert run(CASE, Setting(1, strength=0.2), tmp_path).call == "hold"
