"""Random valid policies, and random releases for them whose readings are made as real ones are."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

from signals.checks import BY_NAME
from signals.model import Estimate, Interval, Measure, Numbers, Release, SegmentEstimate, Signal
from signals.policy import Policy, parse_policy
from signals.policy.facts import Value, extract
from signals.readings import read

AS_OF = datetime(2026, 11, 17, 9, tzinfo=UTC)
KINDS = ("experiment", "panel", "judge", "feedback")
TRUST = {
    "experiment": {"sample_ratio_p": ["0.001", "0.01"], "min_units": ["100", "2000"], "full_weeks": ["1", "2"],
                   "novelty_p": ["0.01"], "max_age": ["3d"]},
    "panel": {"min_raters": ["3"], "agreement": ["0.4", "0.2"], "max_age": ["14d"]},
    "judge": {"same_judge": ["true"], "human_agreement": ["0.4", "0.5"], "max_error_rate": ["0.05"]},
    "feedback": {"min_responses": ["500"], "response_rate_shift_p": ["0.01"]},
}  # fmt: skip
LIMITS = {
    "sample_ratio_p": ["0.001", "5%"], "min_units": ["100", "2000", "5000"], "full_weeks": ["1", "2"],
    "novelty_p": ["0.01", "0.2"], "min_raters": ["3", "5"], "agreement": ["0.4", "0.6"],
    "human_agreement": ["0.4", "0.5", "0.6"], "max_error_rate": ["5%", "0.1"], "min_responses": ["500", "900"],
    "response_rate_shift_p": ["0.01", "0.3"], "n": ["100", "4000"], "age": ["1d", "3d"], "max_age": ["1d", "3d"],
    "p_value": ["0.05"], "power": ["0.8"],
}  # fmt: skip
STATES = ("win", "loss", "flat", "unclear", "untrusted", "missing")


def random_text(seed: int, *, entangled: bool = False) -> str:
    """The YAML of a policy with a few signals; with ``entangled`` also comparisons between facts."""
    rng = random.Random(seed)
    signals: dict[str, str] = {}
    lines = ["schema: 1", f"name: p{seed}", "signals:"]
    for number in range(rng.randint(1, 4)):
        kind = rng.choice(KINDS)
        name = f"{kind[0]}{number}"
        signals[name] = kind
        lines += [f"  {name}:", f"    kind: {kind}", f"    better: {rng.choice(['higher', 'lower'])}"]
        if kind == "experiment":
            lines.append("    metric: {name: converted, type: proportion}")
        if rng.random() < 0.85:
            margin = rng.choice(["1%", "2%"]) if kind == "experiment" and rng.random() < 0.3 else None
            lines.append(f"    margin: {margin or ('0.1' if kind == 'panel' else '1pp')}")
        if kind == "experiment":
            lines.append("    segments: [plan]")
        trust = {name: rng.choice(limits) for name, limits in TRUST[kind].items() if rng.random() < 0.4}
        if trust:
            lines.append("    trust: {" + ", ".join(f"{key}: {value}" for key, value in trust.items()) + "}")
    lines.append("hierarchy:")
    for _ in range(rng.randint(1, 5)):
        lines.append(_row(rng, signals, entangled))
    lines.append(f"otherwise: {rng.choice(['hold', 'hold', 'hold', 'ship', 'rollback'])}")
    ranked = [line.split("signal: ")[1].split(",")[0].rstrip("}") for line in lines if "signal: " in line]
    pairs = [(a, b) for a in ranked for b in ranked if a != b]
    for number in range(rng.choice([0, 0, 1, 2]) if pairs else 0):
        put, above = rng.choice(pairs)
        lines += ["overrides:"] * (number == 0)
        lines.append(
            f"  - {{id: o{number}, put: {put}, above: {above}, when: '{_condition(rng, signals, entangled)}'}}"
        )
    for number in range(rng.choice([0, 1, 1, 2])):
        lines += ["guardrails:"] * (number == 0)
        call = rng.choice(["hold", "rollback"])
        lines.append(f"  - {{id: g{number}, when: '{_condition(rng, signals, entangled)}', call: {call}}}")
    for number in range(rng.choice([0, 1, 1, 2])):
        lines += ["ship_requires:"] * (number == 0)
        lines.append(f"  - {{id: r{number}, that: '{_condition(rng, signals, entangled)}'}}")
    return "\n".join(lines) + "\n"


def random_policy(seed: int, *, entangled: bool = False) -> Policy:
    return parse_policy(random_text(seed, entangled=entangled))


def _row(rng: random.Random, signals: dict[str, str], entangled: bool) -> str:
    answers = {}
    for state in STATES:
        if rng.random() < 0.45:
            calls = (
                ["ship", "hold", "rollback", "next"] if state not in ("untrusted", "missing") else ["hold", "rollback"]
            )
            answers[state] = rng.choice(calls)
    parts = [f"signal: {rng.choice(list(signals))}"]
    if rng.random() < 0.3:
        parts.append(f"when: '{_condition(rng, signals, entangled)}'")
    return "  - {" + ", ".join([*parts, *(f"{state}: {call}" for state, call in answers.items())]) + "}"


def _condition(rng: random.Random, signals: dict[str, str], entangled: bool, depth: int = 0) -> str:
    if depth < 2 and rng.random() < 0.4:
        parts = [_condition(rng, signals, entangled, depth + 1) for _ in range(2)]
        return "(" + f" {rng.choice(['and', 'or'])} ".join(parts) + ")"
    if depth < 2 and rng.random() < 0.15:
        return f"not ({_condition(rng, signals, entangled, depth + 1)})"
    name = rng.choice(list(signals))
    kind = signals[name]
    pick = rng.random()
    if pick < 0.3:
        return f"{name} {rng.choice(['is', 'is not'])} {rng.choice(STATES)}"
    if pick < 0.45:
        return f"{name}.{rng.choice(['non_inferior', 'material', 'equivalent'])}"
    if pick < 0.6:
        bound, limit = (
            rng.choice(["benefit", "benefit.low", "benefit.high"]),
            rng.choice(["0", "0.01", "-0.01", "0.03"]),
        )
        return f"{name}.{bound} {rng.choice(['<', '<=', '>', '>='])} {limit}"
    if pick < 0.68:
        return f"has({name}.{rng.choice(['benefit', 'age', 'non_inferior'])})"
    if pick < 0.78 and kind == "experiment":
        body = rng.choice(["share >= 5% and adjusted.high < -margin", "low > 0", "adjusted.high < 0 or high < -1pp",
                           'name == "plan=pro"'])  # fmt: skip
        return f"{rng.choice(['any', 'all'])}({name}.segments, {body})"
    if entangled and pick < 0.9:
        return f"{name}.benefit.low {rng.choice(['>', '<='])} -{name}.margin"
    fact = rng.choice([*TRUST[kind], "n", "p_value", "power"])
    if fact == "same_judge":
        return f"{name}.same_judge"
    return f"{name}.{fact} {rng.choice(['<', '<=', '>', '>='])} {rng.choice(LIMITS[fact])}"


# --- releases -------------------------------------------------------------------------------------------------------


def random_facts(policy: Policy, rng: random.Random, kind: str = "prompt") -> dict[str, Value]:
    """The facts of a release whose numbers lie near everything that the policy asks about."""
    release: Any = Release("r", kind, "a", "b", date(2026, 11, 3))  # type: ignore[arg-type]  # a kind by its name
    readings = {name: read(signal, _numbers(signal, rng), AS_OF) for name, signal in policy.signals.items()}
    return extract(policy.signals, readings, release, AS_OF)


def _numbers(signal: Signal, rng: random.Random) -> Numbers | None:
    if rng.random() < 0.1:
        return None
    points = [0.0, 0.01, -0.01, 0.03, 0.1, -0.1, 0.005, -0.02, 0.002, -0.002, 0.05, -0.05, 0.2, -0.2]
    low, effect, high = sorted(rng.choices(points, k=3))
    refused = rng.random() < 0.05
    estimate = Estimate(
        effect, None if refused else low, None if refused else high, "a method", 0.95, se=0.01,
        p_value=rng.choice([0.01, 0.05, 0.4, None]), control=rng.choice([0.3, 0.5, 0.0]),
        n_control=rng.choice([0, 50, 100, 2500]),        n_candidate=rng.choice([50, 100, 2500]),
        refused="too little" if refused else None,
    )  # fmt: skip
    measures = []
    for spec in BY_NAME.values():
        if signal.kind not in spec.kinds or spec.name in ("max_age", "last_pull") or rng.random() < 0.15:
            continue
        near = [float(limit.rstrip("%d")) / (100 if "%" in limit else 1) for limit in LIMITS.get(spec.name, ["0.5"])]
        value = rng.choice([rng.choice(near), rng.choice(near) * 1.3, rng.choice(near) * 0.6])
        if spec.unit == "yes":
            value = rng.choice([0.0, 1.0])
        if spec.unit == "count":
            value = float(round(value))
        measures.append(Measure(spec.name, value, "made up"))
    age = rng.choice(
        [None, timedelta(hours=3), timedelta(days=1), timedelta(days=2), timedelta(days=3), timedelta(days=9)]
    )
    segments = tuple(_segment(name, rng) for name in ("plan=free", "plan=pro", "plan=team")[: rng.randint(0, 3)])
    return Numbers(
        signal.name, signal.kind, "pp", "raw", {"raw": estimate}, tuple(measures),
        segments if signal.segments else (), last_at=AS_OF - age if age else None,
    )  # fmt: skip


def _segment(name: str, rng: random.Random) -> SegmentEstimate:
    points = [0.0, -0.01, 0.01, -0.02, 0.02, -0.005, 0.003]
    low, effect, high = sorted(rng.choices(points, k=3))
    outer_low, outer_high = min(low, *rng.choices(points, k=1)), max(high, *rng.choices(points, k=1))
    gone = rng.random() < 0.15
    return SegmentEstimate(
        name, rng.choice([0.03, 0.05, 0.4]), 50, 50, effect, None if gone else low, None if gone else high,
        None if gone else outer_low, None if gone else outer_high, rng.choice([0.3, 0.5]),
        shrunk=None if gone else Interval(effect, low, high),
    )  # fmt: skip
