"""Small policies and readings, for tests that decide about them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from signals.model import Check, Estimate, Interval, Reading, Release, SegmentReading, Verdict
from signals.policy import Policy, decide, parse_policy

AS_OF = datetime(2026, 11, 17, 9, tzinfo=UTC)
HEAD = """\
schema: 1
name: small
owner: council
signals:
  conversion:
    kind: experiment
    owner: growth
    metric: {name: converted, type: proportion}
    better: higher
    margin: 0.5pp
    segments: [plan]
    trust: {sample_ratio_p: 0.001, min_units: 2000, full_weeks: 1, max_age: 3d}
  panel:
    kind: panel
    better: higher
    margin: 0.1
    trust: {min_items: 50, min_raters: 3}
  judge:
    kind: judge
    better: higher
    margin: 2pp
    trust: {same_judge: true, human_agreement: 0.4}
  cost:
    kind: experiment
    metric: {name: usd, type: mean}
    better: lower
    margin: 1%
"""
ROWS = """\
hierarchy:
  - {signal: conversion, win: ship, loss: rollback, untrusted: hold}
  - {signal: panel, win: ship, loss: rollback}
  - {signal: judge, when: judge.human_agreement >= 0.6, win: ship, loss: hold}
"""


def policy(rest: str = "", rows: str = ROWS) -> Policy:
    return parse_policy(HEAD + rows + rest, "hierarchy.yaml")


def release(**changes: Any) -> Release:
    fields: dict[str, Any] = {
        "id": "r1", "kind": "prompt", "control": "v6", "candidate": "v7", "started": date(2026, 11, 3), "owner": "team",
    }  # fmt: skip
    return Release(**(fields | changes))


KINDS = {"conversion": "experiment", "panel": "panel", "judge": "judge", "cost": "experiment"}
SHAPES = {"win": (3.0, 1.0), "loss": (-3.0, 1.0), "flat": (0.0, 0.5), "unclear": (-1.2, 1.8), "untrusted": (1.0, 0.5)}


def check(name: str, value: float | None, status: str = "pass", **more: Any) -> Check:
    fields = {"threshold": None, "why": f"{name} is {value}"} | more
    return Check(name, status, value, **fields)  # type: ignore[arg-type]


def reading(signal: str, state: str, **changes: Any) -> Reading:
    """A reading of that state: the interval follows, in units of the margin."""
    margin = {"conversion": 0.005, "panel": 0.1, "judge": 0.02, "cost": 0.04}[signal]
    sign = -1 if signal == "cost" else 1
    fields: dict[str, Any] = {
        "signal": signal, "kind": KINDS[signal], "question": "", "state": state, "why": f"{signal} looks {state}",
        "unit": {"panel": "points", "cost": "usd"}.get(signal, "pp"), "better": "lower" if sign < 0 else "higher",
        "margin": margin, "confidence": 0.95, "method": "a method", "n_control": 50_000, "n_candidate": 50_000,
        "counted": "users", "p_value": 0.5, "power": 0.5, "mde": margin, "age": 7200.0, "voting": "raw",
        "checks": {"human_agreement": check("human_agreement", 0.7)} if signal == "judge" else {},
        "segments": (), "set_aside": (), "sources": (), "as_of": AS_OF - timedelta(hours=2),
    }  # fmt: skip
    if state == "missing":
        fields |= {
            "effect": None, "low": None, "high": None, "benefit": Interval(None, None, None), "margin": None,
            "non_inferior": None, "material": None, "estimates": {}, "n_control": 0, "n_candidate": 0, "age": None,
        }  # fmt: skip
    else:
        middle, half = changes.pop("shape", SHAPES[state])
        value, low, high = middle * margin, (middle - half) * margin, (middle + half) * margin
        effect, bottom, top = sign * value, min(sign * low, sign * high), max(sign * low, sign * high)
        fields |= {
            "effect": effect, "low": bottom, "high": top, "benefit": Interval(value, low, high),
            "non_inferior": low > -margin, "material": low >= margin or high <= -margin,
            "equivalent": low > -margin and high < margin,
            "estimates": {"raw": Estimate(effect, bottom, top, "a method", 0.95, se=half * margin / 1.96)},
        }  # fmt: skip
    return Reading(**(fields | changes))


def segment(name: str, share: float, low: float | None, high: float | None) -> SegmentReading:
    """Adjusted bounds in units of conversion's margin."""
    bounds = Interval(None, None if low is None else low * 0.005, None if high is None else high * 0.005)
    return SegmentReading(name, share, None, None, None, bounds, bounds, 0.005)


def verdict(rules: Policy, as_of: datetime = AS_OF, subject: Release | None = None, **states: Any) -> Verdict:
    """Decide about signals given by state, or as readings; the others are missing."""
    readings = {
        name: state if isinstance(state, Reading) else reading(name, state)
        for name, state in (dict.fromkeys(rules.signals, "missing") | states).items()
    }
    return decide(rules, subject or release(), readings, as_of, "sha256:e")
