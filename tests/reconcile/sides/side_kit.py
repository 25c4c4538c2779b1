"""Makers of users and of their cells, for the sides of experiments and thumbs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from signals.model import Evidence, FeedbackCell, Margin, Metric, OutcomeCell, Release, Signal
from signals.reconcile.sides.base import Mix, Other, Side
from signals.stats.moments import from_arrays

RELEASE = Release("r1", "prompt", "old", "new", date(2026, 11, 1))
START = date(2026, 11, 2)
ARMS = ("old", "new")


def day(number: int) -> date:
    return START + timedelta(days=number)


def signal(kind: Any = "experiment", **fields: Any) -> Signal:
    made: dict[str, Any] = {"name": "s", "kind": kind, "question": "?", "better": "higher", "confidence": 0.95}
    made["margin"] = Margin(0.005, False, "0.5pp")
    if kind == "experiment":
        made["metric"] = Metric("converted", "proportion")
    made.update(fields)
    return Signal(**made)


def other(**fields: Any) -> Other:
    return Other(**{"signal": "panel", "kind": "panel", **fields})


@dataclass
class Users:
    """One arm's users as arrays: outcome or positives y, covariate or impressions x, denominators or responses d."""

    y: Any
    day: Any
    plan: Any
    x: Any = None
    d: Any = None

    def take(self, index: Any) -> Users:
        part = {name: None if getattr(self, name) is None else getattr(self, name)[index] for name in ("x", "d")}
        return Users(self.y[index], self.day[index], self.plan[index], **part)


def outcome_cells(
    users: Mapping[str, Users], *, metric: str = "converted", segments: bool = True, **fields: Any
) -> Any:
    cells = []
    for arm, one in users.items():
        for key, index in _cells(one, segments):
            moments = from_arrays(*(None if v is None else v[index] for v in (one.y, one.x, one.d)))
            cells.append(OutcomeCell(metric, arm, key[1], day(key[0]), moments, **fields))
    return tuple(cells)


def feedback_cells(users: Mapping[str, Users], *, segments: bool = True, shown: bool = True) -> Any:
    """Users with positives y, responses d and answers shown x."""
    cells = []
    for arm, one in users.items():
        for key, index in _cells(one, segments):
            moments = from_arrays(one.y[index], one.x[index] if shown else None, one.d[index])
            impressions = int(one.x[index].sum()) if shown else None
            cells.append(FeedbackCell(arm, key[1], day(key[0]), impressions, True, moments, 0.01))
    return tuple(cells)


def _cells(one: Users, segments: bool) -> list[tuple[tuple[int, Any], Any]]:
    plans = sorted(set(one.plan.tolist())) if segments else [None]
    place = sum(k * (one.plan == plan) for k, plan in enumerate(plans)) if segments else np.zeros(one.day.size, int)
    code = one.day * len(plans) + place
    order = np.argsort(code, kind="stable")
    found = []
    for index in np.split(order, np.flatnonzero(np.diff(code[order])) + 1):
        when, which = divmod(int(code[index[0]]), len(plans))
        plan = plans[which]
        found.append(((when, () if plan is None else (("plan", plan),)), index))
    return found


def evidence(**fields: Any) -> Evidence:
    return Evidence(RELEASE, **fields)


def covariance(side: Side) -> Any:
    return sum(np.outer(move, move) for move in side.moves.values())


def causes(side: Side) -> list[str]:
    return [one.cause for one in side.corrections]


def at(side: Side, *names: str) -> float:
    """The number under these corrections."""
    return float(side.values[mask(side, *names)])


def mask(side: Side, *names: str) -> int:
    return sum(1 << causes(side).index(name) for name in names)


def refusals(side: Side) -> dict[str, tuple[str, str]]:
    return {one.cause: (one.refused, one.remedy) for one in side.refused}


def plans(**shares: float) -> Mix:
    return Mix("conversion's users", {(("plan", name),): part for name, part in shares.items()})
