"""Exposures and orders with everything that goes wrong in them, and what they come to, counted by hand in Python."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from signals.connectors import Tally, get
from signals.model import OutcomeCell, Project
from signals.project import load_project

START = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)  # evening: elsewhere it is another day

EXPOSURES = ("user_id", "variation", "ts", "plan", "team", "experiment")
ORDERS = ("user_id", "ts", "amount", "qty", "event")


@dataclass(frozen=True)
class Shop:
    """Rows of two tables, in the order of ``EXPOSURES`` and ``ORDERS``; times are UTC."""

    exposures: list[tuple[Any, ...]]
    orders: list[tuple[Any, ...]]


def shop(seed: int = 1, users: int = 400) -> Shop:
    """Repeated exposures, crossovers, ties, empty cells, orders at the very edges of windows."""
    draw = random.Random(seed)
    exposures: list[tuple[Any, ...]] = []
    orders: list[tuple[Any, ...]] = []
    for user in range(users):
        first = START + timedelta(seconds=draw.randrange(10 * 86_400), microseconds=draw.randrange(1_000_000))
        variant = draw.choice(["control", "candidate"])
        plan, team = draw.choice(["free", "pro", None]), f"team-{user % 40}"
        exposures.append((user, variant, first, plan, team, "x"))
        if draw.random() < 0.3:
            exposures.append((user, variant, first + timedelta(hours=draw.randrange(1, 200)), "late", team, "x"))
        if draw.random() < 0.05:  # at the same moment, with another label
            exposures.append((user, variant, first, "aaa", team, "x"))
        if draw.random() < 0.05:
            other = "candidate" if variant == "control" else "control"
            exposures.append((user, other, first + timedelta(hours=3), plan, team, "x"))
        if draw.random() < 0.05:
            exposures.append((user, "holdout", first - timedelta(hours=3), plan, team, "x"))
        if draw.random() < 0.1:
            exposures.append((user, "control", first - timedelta(days=1), plan, team, "another"))
        orders += _orders(draw, user, first)
    exposures += [(None, "control", START, "free", "team-1", "x"), (9001, None, START, "free", "team-1", "x")]
    exposures += [(9002, "control", None, "pro", "team-1", "x")]
    orders += [(12345, START, 5.0, 1, "paid"), (None, START, 5.0, 1, "paid")]
    draw.shuffle(exposures)
    draw.shuffle(orders)
    return Shop(exposures, orders)


def _orders(draw: random.Random, user: int, first: datetime) -> list[tuple[Any, ...]]:
    orders: list[tuple[Any, ...]] = []
    for _ in range(draw.choice([0, 0, 1, 2, 3])):
        at = first + timedelta(seconds=draw.randrange(-20 * 86_400, 12 * 86_400))
        orders.append((user, at, round(draw.lognormvariate(3, 1), 2), draw.randrange(5), "paid"))
    edges = (timedelta(), timedelta(days=7), timedelta(days=7, microseconds=-1), timedelta(days=-14))
    orders += [(user, first + edge, 10.0, 1, "paid") for edge in edges if draw.random() < 0.1]
    if draw.random() < 0.1:
        orders.append((user, first + timedelta(days=1), 1000.0, 1, "refund"))
    if draw.random() < 0.05:
        orders.append((user, first + timedelta(days=1), draw.choice([None, math.nan, math.inf]), 1, "paid"))
    return orders


Unit = tuple[str, tuple[str, ...], datetime, float, float]
"""Variant, labels, first exposure, outcome, covariate."""


def units_of(rows: Shop, *, window: float | None, before: float, labels: tuple[str, ...] = ("plan",)) -> list[Unit]:
    """The units that count, by the words of the design: first exposure, one arm, outcomes inside the window."""
    seen: dict[tuple[Any, bool], list[dict[str, Any]]] = defaultdict(list)
    for row in rows.exposures:
        one = dict(zip(EXPOSURES, row, strict=True))
        if one["experiment"] == "x" and None not in (one["user_id"], one["variation"], one["ts"]):
            seen[one["user_id"], one["variation"] == "holdout"].append(one)
    orders = defaultdict(list)
    for row in rows.orders:
        one = dict(zip(ORDERS, row, strict=True))
        if one["event"] == "paid" and one["amount"] is not None and math.isfinite(one["amount"]):
            orders[one["user_id"]].append(one)
    found: list[Unit] = []
    for (user, _), several in seen.items():
        if len({one["variation"] for one in several}) > 1:
            continue
        first = min(one["ts"] for one in several)
        earliest = min(tuple(one[name] or "(empty)" for name in labels) for one in several if one["ts"] == first)
        end = datetime.max.replace(tzinfo=UTC) if window is None else first + timedelta(seconds=window)
        y = math.fsum(one["amount"] for one in orders[user] if first <= one["ts"] < end)
        x = math.fsum(one["amount"] for one in orders[user] if first - timedelta(seconds=before) <= one["ts"] < first)
        found.append((several[0]["variation"], earliest, first, y, x))
    return found


def moments(units: list[Unit]) -> dict[tuple[str, tuple[str, ...], date], dict[str, float]]:
    """Two-pass moments by variant, labels and first day."""
    groups: dict[Any, list[Unit]] = defaultdict(list)
    for unit in units:
        groups[unit[0], unit[1], unit[2].astimezone(UTC).date()].append(unit)
    found = {}
    for key, group in groups.items():
        n, ys, xs = len(group), [unit[3] for unit in group], [unit[4] for unit in group]
        y, x = math.fsum(ys) / n, math.fsum(xs) / n
        found[key] = {
            "n": n, "mean": y, "m2": math.fsum((one - y) ** 2 for one in ys),
            "m3": math.fsum((one - y) ** 3 for one in ys), "x_mean": x, "x_m2": math.fsum((one - x) ** 2 for one in xs),
            "xy": math.fsum((one - y) * (other - x) for one, other in zip(ys, xs, strict=True)),
        }  # fmt: skip
    return found


ENTRY = """
  orders:
    signal: conversion
    connector: warehouse
    exposures: {{table: {exposures}, unit: user_id, variant: variation, at: ts, where: {{experiment: x}}}}
    outcome:
      {{table: {orders}, unit: user_id, at: ts, value: amount, window: 7d, where: {{event: paid}}, until: "2026-06-01"}}
    covariate: {{table: {orders}, value: amount, before: 14d}}
    map: {{segment.plan: plan}}
"""


def project(folder: Path, entry: str) -> Project:
    """A project whose only source is the entry."""
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "sources.yaml").write_text(
        "releases:\n  - {id: r, kind: prompt, control: control, candidate: candidate, started: 2026-03-01}\n"
        f"sources:{entry}",
        encoding="utf-8",
    )
    return load_project(folder)


def read(of: Project) -> tuple[list[OutcomeCell], Tally]:
    """The cells of its only source."""
    tally = Tally()
    source = of.sources[0]
    found = list(get(source.connector).read(source, of, tally))
    assert all(isinstance(cell, OutcomeCell) for cell in found)
    return found, tally  # type: ignore[return-value] # just looked at


def by_key(cells: list[OutcomeCell]) -> dict[tuple[str, tuple[str, ...], date | None], OutcomeCell]:
    """Cells by what they are about; each once."""
    found = {(cell.variant, tuple(label for _, label in cell.segment), cell.day): cell for cell in cells}
    assert len(found) == len(cells)
    return found


def assert_same(cells: list[OutcomeCell], wanted: dict[Any, dict[str, float]]) -> None:
    """Cells hold the moments that were counted by hand."""
    found = by_key(cells)
    assert set(found) == set(wanted)
    for key, numbers in wanted.items():
        m = found[key].moments
        assert m.n == numbers["n"], key
        for name in ("mean", "x_mean", "m2", "x_m2", "xy", "m3"):
            scale = max(1.0, abs(numbers[name]), numbers["n"])
            assert math.isclose(getattr(m, name), numbers[name], rel_tol=1e-8, abs_tol=1e-7 * scale), (key, name)
