"""``docs/scale.md``: what a run measured, and on what."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

TIMES, SLACK = 1.3, 1.0
"""Ours may take so many times what the bare query takes, and so many seconds more."""
MEMORY = 400e6
"""Bytes that reading one row per unit may take."""
STORED = 0.1
"""Seconds that a verdict from stored numbers may take."""

HEAD = """\
# Scale

How long it takes from files to a verdict, held against the bare DuckDB query for the same moments. Written by
`python -m benchmarks.warehouse`; nothing here is typed by hand.

The experiment is made up: a conversion, a revenue that is mostly 0 and otherwise log-normal, what people spent before
as the covariate, {segments} segments, {days} days. *Units* is one row per unit (`grain: unit`, which we verify and the
bare query does not); *events* holds every exposure and every order as a row, to be grouped by unit first; *joined* is
exposures in one file and orders in another: first exposure, outcomes of 7 days, what was spent in the 14 days before.
A unit in both arms is left out. The bare query gives, per arm, segment and day: n, mean and variance of each metric and
of the covariate, how they vary together, and the skewness of revenue, for all metrics in one scan; ours is a source per
metric, which `warehouse` answers by one query and `table` by one each.

Each row is processes of their own, in turn, files in the page cache, with the same threads and memory limit for DuckDB.
Ours is everything from reading the project to the verdict, the store in it, after a tiny project made all imports.
*Bound* is {times} × the bare query's best + {slack:g} s. *Processor* is seconds of all threads: it tells how much work
there was when other work slowed the clock.
"""


@dataclass(frozen=True)
class Line:
    """The runs of one way of reading one form of the files, and of the bare query beside it."""

    rows: int
    way: str
    form: str
    metrics: tuple[str, ...]
    bare: Sequence[Mapping[str, Any]]
    ours: Sequence[Mapping[str, Any]]
    apart: float

    @property
    def bound(self) -> float:
        """Seconds that ours may take."""
        return TIMES * best(self.bare) + SLACK

    @property
    def holds(self) -> bool:
        """Whether ours is within the bound, and within the memory where that is promised."""
        return best(self.ours) <= self.bound and (self.form != "units" or most(self.ours, "most") <= MEMORY)


def best(runs: Sequence[Mapping[str, Any]], what: str = "seconds") -> float:
    """The smallest."""
    return float(min(run[what] for run in runs))


def most(runs: Sequence[Mapping[str, Any]], what: str) -> float:
    """The largest."""
    return float(max(run[what] for run in runs))


def machine(duckdb: str, threads: int, memory: str) -> str:
    """One paragraph of facts about where it ran."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return (
        f"Run on {datetime.now(UTC):%Y-%m-%d} on {os.cpu_count()} cores ({platform.machine()}) with "
        f"{total / 2**30:.0f} GB; DuckDB {duckdb} with {threads} threads and a memory limit of {memory}, "
        f"Python {platform.python_version()}."
    )


def busy(loads: Sequence[float]) -> str:
    """One sentence about the other work on the machine; nothing when there was none to speak of."""
    cores = os.cpu_count() or 1
    if max(loads) <= cores + 0.5:
        return ""
    return (
        f"The machine was not idle: between {min(loads):.1f} and {max(loads):.1f} processes wanted its {cores} cores "
        "while this ran, so seconds are longer than the work."
    )


def table(lines: Sequence[Line]) -> str:
    """All lines as a Markdown table."""
    names = (
        "rows", "read by, from", "metrics", "bare s (min / median)", "ours s (min / median)", "bound s", "slack s",
        "processor s bare, ours", "peak MB bare, ours", "spilled MB bare, ours", "apart",
    )  # fmt: skip
    rows = [f"| {' | '.join(names)} |", "|---:|---|---|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for line in lines:
        mark = "" if line.holds else " ✗"
        rows.append(
            f"| {line.rows:,} | {line.way} | {', '.join(line.metrics)} | {_pair(line.bare)} | {_pair(line.ours)}{mark} "
            f"| {line.bound:.2f} | {line.bound - best(line.ours):.2f} "
            f"| {best(line.bare, 'processor'):.1f}, {best(line.ours, 'processor'):.1f} "
            f"| {most(line.bare, 'peak') / 1e6:.0f}, {most(line.ours, 'most') / 1e6:.0f} "
            f"| {most(line.bare, 'spilled') / 1e6:.0f}, {most(line.ours, 'spilled') / 1e6:.0f} | {line.apart:.0e} |"
        )
    return "\n".join(rows)


def _pair(runs: Sequence[Mapping[str, Any]]) -> str:
    return f"{best(runs):.2f} / {median(run['seconds'] for run in runs):.2f}"


def stored(lines: Sequence[Line]) -> str:
    """One paragraph about verdicts from stored numbers."""
    seconds = min(best(line.ours, "stored") for line in lines)
    mark = "" if seconds <= STORED else " ✗"
    return (
        f"A verdict from stored numbers, in process, policy and sources read anew: {1e3 * seconds:.0f} ms{mark} "
        f"(at most {1e3 * STORED:.0f} ms)."
    )


def tea(found: Mapping[str, Mapping[str, Any]]) -> str:
    """What tea-tasting took and how far its effects are from ours; or why it is not there."""
    if not found:
        return "tea-tasting was not beside it: give the interpreter of an environment that has it as `--tea`."
    rows = [
        "| tea-tasting | rows | s (min / median) | processor s | peak MB | raw apart | adjusted apart |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for how, one in found.items():
        rows.append(
            f"| {how} | {one['rows']:,} | {_pair(one['runs'])} | {best(one['runs'], 'processor'):.1f} "
            f"| {most(one['runs'], 'peak') / 1e6:.0f} | {one['raw']:.0e} | {one['cuped']:.0e} |"
        )
    last = next(iter(found.values()))["runs"][0]
    return (
        f"tea-tasting {last['version']} through Ibis {last['ibis']} on the same file of units, both metrics raw and "
        "with the covariate, in all and per segment: by one grouped query, or by filtering the table once per segment. "
        "*Apart* is the largest difference between any of its absolute effects and ours: it weighs the covariate by "
        "both arms thrown together and we within them, which differ by less the more units there are.\n\n"
        + "\n".join(rows)
    )


def page(lines: Sequence[Line], teas: Mapping[str, Mapping[str, Any]], facts: str, segments: int, days: int) -> str:
    """The page of the documentation."""
    head = HEAD.format(segments=segments, days=days, times=TIMES, slack=SLACK)
    legend = (
        "*Apart* is the largest difference between any moment of ours and of the bare query, as a share of the spread "
        f"that it is measured in. ✗ marks what is over its bound, or over {MEMORY / 1e6:.0f} MB with one row per unit."
    )
    return "\n".join([head, facts, "", table(lines), "", legend, "", stored(lines), "", tea(teas), ""])


def write(path: Path, text: str) -> None:
    """Put the page where it belongs."""
    path.write_text(text, encoding="utf-8")
