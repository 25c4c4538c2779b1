"""Pull to verdict of a project of ours over the made files, in a process of its own; and the verdict again."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.scale.files import CANDIDATE, CONTROL, DAYS, EVENTS, EXPOSURES, ORDERS, UNITS, make
from benchmarks.scale.measured import Clock, answer, peak

if TYPE_CHECKING:
    from signals.model import Project
    from signals.review import Review

RELEASE = "prompt-v7"
AS_OF = datetime(2026, 11, 17, tzinfo=UTC)
POLICY = """\
schema: 1
name: scale
owner: release-council
review_by: 2027-02-01
confidence: 0.95
signals:
{signals}hierarchy:
{hierarchy}otherwise: hold
"""
SIGNAL = """\
  {value}:
    kind: experiment
    question: Does {value} rise?
    metric: {{name: {value}, type: {kind}}}
    better: higher
    margin: 1%
    segments: [plan]
    trust: {{sample_ratio_p: 0.001, min_units: 100, full_weeks: 1}}
"""
RULE = "  - {{signal: {value}, win: ship, loss: rollback}}\n"
KINDS = {"converted": "proportion", "revenue": "mean"}
SOURCES = """\
store: sqlite:///data/signals.db
releases:
  - {{id: {release}, kind: prompt, control: {control}, candidate: {candidate}, started: 2026-11-02, owner: all}}
sources:
{sources}"""
TABLE = """\
  {value}:
    signal: {value}
    connector: table
    path: {folder}/{file}
    allow_outside: true
    shape: outcome
    map: {{unit: user_id, variant: variation_id, value: {value}, covariate: before, at: ts, segment.plan: plan}}
"""
WAREHOUSE_UNITS = """\
  {value}:
    signal: {value}
    connector: warehouse
    allow_outside: true
    exposures: {{table: {folder}/{file}, unit: user_id, variant: variation_id, at: ts}}
    outcome: {{value: {value}}}
    covariate: {{value: before}}
    grain: unit
    map: {{segment.plan: plan}}
"""
WAREHOUSE_EVENTS = WAREHOUSE_UNITS.replace("    grain: unit\n", "")
WAREHOUSE_JOINED = """\
  {value}:
    signal: {value}
    connector: warehouse
    allow_outside: true
    exposures: {{table: {folder}/{file}, unit: user_id, variant: variation_id, at: ts}}
    outcome: {{table: {folder}/{orders}, unit: user_id, at: ts, value: {value}, window: 7d}}
    covariate: {{table: {folder}/{orders}, value: revenue, before: 14d}}
    map: {{segment.plan: plan}}
"""
WAYS = {
    "table, units": (UNITS, TABLE + "    grain: unit\n"),
    "table, events": (EVENTS, TABLE),
    "warehouse, units": (UNITS, WAREHOUSE_UNITS),
    "warehouse, events": (EVENTS, WAREHOUSE_EVENTS),
    "warehouse, joined": (EXPOSURES, WAREHOUSE_JOINED),
}
"""Connector and form of the files -> the (first) file, and the entry of one metric."""


def write(folder: Path, files: Path, way: str, metrics: Sequence[str]) -> Path:
    """A project that reads the files in one way, one source per metric."""
    file, entry = WAYS[way]
    (folder / "data").mkdir(parents=True)
    words = [{"value": value, "kind": KINDS[value]} for value in metrics]
    (folder / "hierarchy.yaml").write_text(
        POLICY.format(
            signals="".join(SIGNAL.format(**one) for one in words),
            hierarchy="".join(RULE.format(**one) for one in words),
        )
    )
    sources = "".join(entry.format(**one, folder=files.resolve(), file=file, orders=ORDERS) for one in words)
    (folder / "data" / "sources.yaml").write_text(
        SOURCES.format(release=RELEASE, control=CONTROL, candidate=CANDIDATE, sources=sources)
    )
    return folder


def run(folder: Path) -> tuple[Project, Review]:
    """Pull everything and decide.

    Raises:
        SystemExit: When a source cannot be read.
    """
    from signals.pull import pull
    from signals.review import load, review, store_of

    project = load(folder)
    errors = [report.error for report in pull(project, store_of(project)) if report.error]
    if errors:
        raise SystemExit("\n".join(errors))
    return project, review(RELEASE, project, as_of=AS_OF)


def again(folder: Path) -> float:
    """Seconds of a verdict from what is stored, as a process that just started finds it."""
    from signals.review import load, review

    clock = Clock()
    review(RELEASE, load(folder), as_of=AS_OF)
    return clock.stop()["seconds"]


def cells(project: Project) -> dict[str, list[list[Any]]]:
    """Metric -> its stored cells, in the form of ``benchmarks.scale.bare.moments``."""
    from signals.review import store_of

    release = project.releases[0]
    found: dict[str, list[list[Any]]] = {}
    for source in project.sources:
        outcomes = store_of(project).evidence(release, [source.name]).outcomes
        found[source.name] = sorted(
            [
                cell.variant, dict(cell.segment)["plan"], str(cell.day), moments.n, moments.mean, moments.m2,
                moments.x_mean, moments.x_m2, moments.xy, moments.m3,
            ]
            for cell in outcomes
            for moments in [cell.moments]
        )  # fmt: skip
    return found


def effects(result: Review) -> dict[str, dict[str, float | None]]:
    """Metric -> what it is of -> candidate minus control: raw, with the covariate, and that of each segment."""
    found = {}
    for name, reading in result.verdict.readings.items():
        numbers = {kind: one.effect for kind, one in reading.estimates.items() if kind in ("raw", "cuped")}
        found[name] = numbers | {segment.name: segment.effect for segment in reading.segments}
    return found


def adjusted_metrics(result: Review) -> list[str]:
    """The metrics whose effect with the covariate votes."""
    return [name for name, one in effects(result).items() if one.get("cuped") is not None]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", type=Path)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("--metrics", nargs="+", choices=KINDS, default=list(KINDS))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # A tiny project first: whatever is imported on the way is imported now.
        make(folder / "few", 2_000)
        run(write(folder / "warm", folder / "few", given.way, given.metrics))
        before = peak()
        clock = Clock()
        project, result = run(write(folder / "all", given.files, given.way, given.metrics))
        took = clock.stop()
        most = peak()
        stored = min(again(folder / "all") for _ in range(5))
        answer(
            {
                **took, "most": most, "before": before, "stored": stored, "call": result.verdict.call,
                "cells": cells(project), "effects": effects(result), "days": DAYS,
            }
        )  # fmt: skip


if __name__ == "__main__":
    main()
