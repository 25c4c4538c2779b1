"""Does each interval cover as often as it says? Prints one table and writes it to ``docs/coverage.md``.

``python -m benchmarks.coverage`` runs every cell 2,000 times on all cores (under ten minutes on two);
``--runs 200 --only panel`` is for a quick look and writes nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import zlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np

from benchmarks.cells import Cell

KINDS = ("experiment", "judge", "panel", "feedback", "segments")
RUNS = 2_000
SEED = 20_261_123
LOW, HIGH, SILENT, FLAGGED = 0.935, 0.965, 0.93, 0.95
PAGE = Path(__file__).parent.parent / "docs" / "coverage.md"


@dataclass(frozen=True)
class Row:
    """What the runs of one cell came to, as fractions."""

    cell: Cell
    runs: int
    covered: float | None  # of the intervals that were printed
    width: float | None
    flagged: float
    refused: float

    @property
    def holds(self) -> bool:
        """The bound of the table: right coverage, or a word of warning nearly always."""
        if self.flagged >= FLAGGED:
            return True
        if self.covered is None:
            return False
        return LOW <= self.covered <= (1.0 if self.cell.any_time else HIGH)


def cells(only: str = "") -> list[tuple[str, int, Cell]]:
    """(kind, place in its file, cell) of every cell whose name holds ``only``."""
    found = []
    for kind in KINDS:
        for place, cell in enumerate(import_module(f"benchmarks.cells.{kind}").CELLS):
            if only in f"{kind}: {cell.interval}: {cell.situation}":
                found.append((kind, place, cell))
    return found


def run(task: tuple[str, int, int]) -> tuple[int, int, float, int, int]:
    """(intervals, covered, sum of widths, flagged, refused) of one cell; its seed depends on its name only."""
    kind, place, runs = task
    cell: Cell = import_module(f"benchmarks.cells.{kind}").CELLS[place]
    rng = np.random.default_rng([SEED, zlib.crc32(f"{kind}/{cell.interval}/{cell.situation}".encode())])
    printed = covered = flagged = refused = 0
    width = 0.0
    for _ in range(runs):
        found = cell.simulate(rng)
        flagged += found.flagged
        if found.covered is None or found.width is None:
            refused += 1
            continue
        printed += 1
        covered += found.covered
        width += found.width
    return printed, covered, width, flagged, refused


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    lines = [
        "| interval | situation | covered % | mean width | refused % | refused or warned % |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        covered = "–" if row.covered is None else f"{100 * row.covered:.1f}"
        width = "–" if row.width is None else f"{row.width:.3g}"
        mark = "" if row.holds else " ✗"
        lines.append(
            f"| {row.cell.interval} | {row.cell.situation} | {covered}{mark} | {width} | "
            f"{100 * row.refused:.1f} | {100 * row.flagged:.1f} |"
        )
    return "\n".join(lines)


def page(rows: list[Row], runs: int, seconds: float) -> str:
    """The page of the documentation."""
    return f"""# Coverage

How often each interval held the truth, over {runs:,} simulations per row, at 95 % confidence. Made by
`python -m benchmarks.coverage` in {seconds / 60:.1f} minutes on {os.cpu_count()} cores; the simulations are in
`benchmarks/cells`, the intervals are the ones that the product prints. One standard error of *covered* is 0.5 points.

A row holds when it covers 93.5 to 96.5 %, or when the interval was refused or carried a warning in at least 95 % of the
runs: so a row that covers 81 % holds when it always says that it may be too narrow. Intervals valid at any look
promise at least 95 % over *all* looks and bounds at least 95 % wherever in them the truth lies: both may cover more.
*Covered* and *mean width* (in the unit of the effect) are of the intervals that were printed. A row that does not hold
is marked ✗.

{table(rows)}
"""


def main() -> int:
    """Run, print, write; exit code 1 when a row does not hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--only", default="", help="cells whose name holds this text; nothing is written")
    given = parser.parse_args()
    chosen = cells(given.only)
    started = time.perf_counter()
    rows = []
    with ProcessPoolExecutor() as pool:
        tasks = [(kind, place, given.runs) for kind, place, _ in chosen]
        for (kind, _, cell), result in zip(chosen, pool.map(run, tasks), strict=True):
            printed, covered, width, flagged, refused = result
            row = Row(
                cell,
                given.runs,
                covered / printed if printed else None,
                width / printed if printed else None,
                flagged / given.runs,
                refused / given.runs,
            )
            rows.append(row)
            shown = "–" if row.covered is None else f"{100 * row.covered:.1f}"
            state = "holds" if row.holds else "DOES NOT HOLD"
            sys.stderr.write(f"{kind}: {cell.interval}: {cell.situation}: {shown} {state}\n")
    sys.stdout.write(table(rows) + "\n")
    if not given.only and given.runs == RUNS:
        PAGE.write_text(page(rows, given.runs, time.perf_counter() - started), encoding="utf-8")
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
