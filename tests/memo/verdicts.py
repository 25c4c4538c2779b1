"""Verdicts as the policy makes them, for tests that only need something to draw."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from signals.model import (
    Check,
    Decision,
    Estimate,
    Interval,
    Need,
    Reading,
    Release,
    RuleOutcome,
    SegmentReading,
    SetAside,
    SourceNote,
    TraceRow,
    Verdict,
)

AS_OF = datetime(2026, 11, 17, 9, 0, tzinfo=UTC)
POLICY = """\
schema: 1
name: release-week
owner: release-council
hierarchy:
  - {signal: conversion, win: ship, loss: rollback, untrusted: hold}
otherwise: hold
"""


def check(name: str, status: str, value: float | None, threshold: float | None, why: str, **more: Any) -> Check:
    return Check(name, status, value, threshold, why, **more)  # type: ignore[arg-type]


def reading(signal: str, state: str, effect: float | None, half: float, **more: Any) -> Reading:
    low = None if effect is None else effect - half
    high = None if effect is None else effect + half
    fields: dict[str, Any] = {
        "signal": signal,
        "kind": "experiment",
        "question": f"Is {signal} better?",
        "state": state,
        "why": f"the interval makes {signal} a {state}",
        "effect": effect,
        "low": low,
        "high": high,
        "benefit": Interval(effect, low, high),
        "unit": "pp",
        "better": "higher",
        "margin": 0.005,
        "confidence": 0.95,
        "method": "Miettinen–Nurminen score interval",
        "n_control": 500_000,
        "n_candidate": 500_120,
        "counted": "users",
        "non_inferior": False,
        "material": True,
        "p_value": 0.00001,
        "power": 0.98,
        "mde": 0.0012,
        "age": 7200.0,
        "voting": "raw",
        "estimates": {"raw": Estimate(effect, low, high, "score", 0.95)},
        "checks": {},
        "segments": (),
        "set_aside": (),
        "sources": (),
        "as_of": AS_OF,
    }
    return Reading(**(fields | more))


def conversion(state: str = "loss", effect: float = -0.0042, half: float = 0.0012, **more: Any) -> Reading:
    fields: dict[str, Any] = {
        "checks": {
            "sample_ratio_p": check("sample_ratio_p", "pass", 0.41, 0.001, "500,000 v 500,120", required=True),
            "min_units": check("min_units", "pass", 500_000, 2000, "the smaller arm", required=True),
            "full_weeks": check("full_weeks", "pass", 1, 1, "7 days", sort="maturity", required=True),
            "max_age": check("max_age", "pass", 7200, 259_200, "newest: 17 Nov 2026", required=True),
            "both_arms": check("both_arms", "pass", 0.0, 0.01, "0 of 1,000,120"),
        },
        "segments": (
            SegmentReading(
                "plan=enterprise", 0.11, -0.006, -0.010, -0.002, Interval(-0.006, -0.010, -0.002),
                Interval(-0.006, -0.011, -0.001), 0.005,
            ),
        ),
        "set_aside": (SetAside(1204, "variant prompt-v5 is neither arm", fault=False),),
        "sources": (SourceNote("orders", "table", AS_OF, "sha256:" + "ab" * 32, 1_001_324, 1_000_120),),
    }  # fmt: skip
    return reading("conversion", state, effect, half, **(fields | more))


def panel() -> Reading:
    return reading(
        "panel", "flat", 0.012, 0.06, kind="panel", unit="points", margin=0.1, n_control=180, n_candidate=180,
        counted="items", method="items and raters random", non_inferior=True, material=False,
        checks={
            "min_items": check("min_items", "pass", 180, 50, "items with both arms", required=True),
            "min_raters": check("min_raters", "pass", 9, 3, "raters of both arms", required=True),
            "agreement": check("agreement", "warn", 0.38, 0.4, "Krippendorff's alpha"),
        },
    )  # fmt: skip


def judge() -> Reading:
    return reading(
        "judge", "win", 0.08, 0.031, kind="judge", margin=0.02, n_control=400, n_candidate=400, counted="items",
        method="paired by item, cluster-robust (CRV3)", non_inferior=True,
        checks={
            "same_judge": check("same_judge", "pass", 1, 1, "one judge", required=True),
            "human_agreement": check("human_agreement", "fail", 0.52, 0.6, "Spearman over 180 outputs"),
            "max_error_rate": check("max_error_rate", "pass", 0.004, 0.02, "worse arm", required=True),
            "coverage": check("coverage", "unknown", None, None, "no traffic mix was pulled"),
        },
    )  # fmt: skip


def thumbs() -> Reading:
    return reading(
        "thumbs", "flat", 0.001, 0.006, kind="feedback", margin=0.01, n_control=9100, n_candidate=9300,
        counted="responses", method="per response", non_inferior=True, material=False, voting="per_response",
        checks={
            "min_responses": check("min_responses", "pass", 9100, 500, "smaller arm", required=True),
            "response_rate_shift_p": check("response_rate_shift_p", "pass", 0.22, 0.01, "2.1 % v 2.1 %"),
        },
    )  # fmt: skip


def release(name: str = "tuesday-large") -> Release:
    return Release(name, "prompt", "prompt-v6", "prompt-v7", date(2026, 11, 10), "assistant-team", synthetic=True)


def trace(role: str = "decides", state: str = "loss", says: str | None = "rollback") -> tuple[TraceRow, ...]:
    return (
        TraceRow("hierarchy[0]", "conversion", state, says, role, "conversion is below 0"),  # type: ignore[arg-type]
        TraceRow("hierarchy[1]", "panel", "flat", None, "silent", "flat lets the next row speak"),
        TraceRow("hierarchy[2]", "judge", "win", "ship", "overruled", "row 1 decided"),
        TraceRow("hierarchy[3]", "thumbs", "flat", None, "silent", "flat lets the next row speak"),
    )


def verdict(**changes: Any) -> Verdict:
    """The Tuesday standup with half a million users an arm: ROLLBACK."""
    readings = {one.signal: one for one in (conversion(), panel(), judge(), thumbs())}
    base = Verdict(
        release=release(),
        call="rollback",
        reason="decided",
        decided_by="conversion",
        rule="hierarchy[0]",
        because="the online test outranks what judges think",
        sentence="Conversion fell 0.42 pp (95 % CI −0.54 to −0.30): below 0. The judge's +8.00 pp is overruled.",
        readings=readings,
        trace=trace(),
        overruled=("judge",),
        guardrails=(
            RuleOutcome(
                "no-segment-left-behind", "guardrails[0]", "any(conversion.segments, adjusted.high < -margin)",
                False, "rollback", "An average may hide a segment.", "plan=enterprise: −0.10 pp is not below −0.50 pp",
            ),
        ),
        ship_requires=(),
        overrides=(),
        needs=(),
        policy_name="release-week",
        policy_hash="sha256:3f9c1a77" + "0" * 56,
        evidence_hash="sha256:77ab0177" + "0" * 56,
        as_of=AS_OF,
    )  # fmt: skip
    return replace(base, **changes)


def hold() -> Verdict:
    """The same loss seen by 50,000 users an arm: HOLD, with a way out."""
    weak = conversion("unclear", -0.0042, 0.0051, n_control=50_000, n_candidate=50_120, power=0.31)
    base = verdict()
    return replace(
        base,
        release=release("tuesday"),
        call="hold",
        reason="needs-data",
        decided_by=None,
        rule="otherwise",
        because="",
        sentence="Conversion changed −0.42 pp (95 % CI −0.93 to +0.09): too early to tell.",
        readings={**base.readings, "conversion": weak},
        trace=(
            TraceRow("hierarchy[0]", "conversion", "unclear", None, "silent", "unclear lets the next row speak"),
            *trace()[1:],
        ),
        needs=(
            Need("conversion", "310,000 more users", "its interval would then be half a margin wide", 310_000, "users",
                 date(2026, 12, 21), "growth"),
        ),
    )  # fmt: skip


def untrusted() -> Verdict:
    """A sample-ratio fault on the deciding signal: NO VERDICT YET."""
    broken = conversion(
        "untrusted", -0.0042, 0.0012, why="sample ratio p 0.0000012 is below 0.001",
        checks={"sample_ratio_p": check("sample_ratio_p", "fail", 1.2e-6, 0.001, "500,000 v 489,000", required=True)},
    )  # fmt: skip
    base = verdict()
    return replace(
        base,
        release=release("broken-split"),
        call="hold",
        reason="untrusted",
        sentence="Conversion cannot be believed: the arms should be equal and are 500,000 and 489,000.",
        because="",
        readings={**base.readings, "conversion": broken},
        trace=(
            TraceRow("hierarchy[0]", "conversion", "untrusted", "hold", "decides", "untrusted holds"),
            *trace()[1:],
        ),
        needs=(Need("conversion", "find what loses units in one arm", "the sample ratio fails"),),
    )


def ship() -> Verdict:
    """All agree: SHIP."""
    base = verdict()
    return replace(
        base,
        release=release("all-agree"),
        call="ship",
        sentence="Conversion rose 0.61 pp (95 % CI +0.49 to +0.73).",
        readings={**base.readings, "conversion": conversion("win", 0.0061, non_inferior=True)},
        trace=(
            TraceRow("hierarchy[0]", "conversion", "win", "ship", "decides", "conversion is above 0"),
            TraceRow("hierarchy[1]", "panel", "flat", None, "silent", "flat lets the next row speak"),
            TraceRow("hierarchy[2]", "judge", "win", "ship", "agrees", "it says the same"),
            TraceRow("hierarchy[3]", "thumbs", "flat", None, "silent", "flat lets the next row speak"),
        ),
        overruled=(),
    )


def decision(call: str = "rollback", name: str = "tuesday-large", policy: str | None = None) -> Decision:
    return Decision(
        name, call, "rollback", "mara", "as the verdict says", AS_OF,  # type: ignore[arg-type]  # plain words
        "sha256:v", policy or verdict().policy_hash, "", "sha256:e",
    )  # fmt: skip
