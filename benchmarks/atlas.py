"""Time and memory of the atlas and of lint, each in a process of its own, on generated policies.

    python -m benchmarks.atlas                      # 6 signals and 8 conditions, 10 seeds
    python -m benchmarks.atlas --signals 8 --conditions 12 --seeds 5

Each policy has one row per signal, two overrides, and its conditions spread over rows, overrides, guardrails and ship
requirements: comparisons of checks, of bounds with numbers and with margins, non-inferiority and segments.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Sequence

KINDS = ("experiment", "panel", "judge", "feedback")
TRUST = {
    "experiment": "{sample_ratio_p: 0.001, min_units: 2000, full_weeks: 1}", "panel": "{min_raters: 3, agreement: 0.4}",
    "judge": "{same_judge: true, human_agreement: 0.4}", "feedback": "{min_responses: 500}",
}  # fmt: skip
CHECK = {
    "experiment": ("n", 5000), "panel": ("agreement", 0.6), "judge": ("human_agreement", 0.6),
    "feedback": ("min_responses", 900),
}  # fmt: skip


def policy_text(seed: int, signals: int, conditions: int) -> str:
    """A policy with so many signals, and so many conditions of one or two comparisons each."""
    rng = random.Random(seed)
    kinds = {f"s{number}": KINDS[number % len(KINDS)] for number in range(signals)}
    lines = ["schema: 1", "name: generated", "signals:"]
    for name, kind in kinds.items():
        metric = "metric: {name: converted, type: proportion}, segments: [plan], " if kind == "experiment" else ""
        margin = "0.1" if kind == "panel" else "1pp"
        lines.append(f"  {name}: {{kind: {kind}, {metric}better: higher, margin: {margin}, trust: {TRUST[kind]}}}")
    asked = [_condition(rng, kinds) for _ in range(conditions)]
    lines.append("hierarchy:")
    names = list(kinds)
    for name in names:
        when = f", when: '{asked.pop()}'" if asked and rng.random() < 0.3 else ""
        answers = {"win": "ship", "loss": rng.choice(["rollback", "hold"])}
        answers |= {state: "hold" for state in ("unclear", "untrusted", "missing") if rng.random() < 0.2}
        lines.append(f"  - {{signal: {name}{when}, {', '.join(f'{s}: {c}' for s, c in answers.items())}}}")
    parts = {"overrides": [], "guardrails": [], "ship_requires": []}  # type: dict[str, list[str]]
    for number, text in enumerate(asked):
        if number < 2:
            above, put = sorted(rng.sample(names, 2))
            parts["overrides"].append(f"{{id: c{number}, put: {put}, above: {above}, when: '{text}'}}")
        elif number % 2:
            call = rng.choice(["hold", "rollback"])
            parts["guardrails"].append(f"{{id: c{number}, when: '{text}', call: {call}}}")
        else:
            parts["ship_requires"].append(f"{{id: c{number}, that: '{text}'}}")
    for key, items in parts.items():
        lines += [f"{key}:"] * bool(items) + [f"  - {item}" for item in items]
    return "\n".join(lines) + "\n"


def _condition(rng: random.Random, kinds: dict[str, str]) -> str:
    def one() -> str:
        name = rng.choice(list(kinds))
        kind = kinds[name]
        fact, limit = CHECK[kind]
        choices = [
            f"{name} is {rng.choice(['win', 'loss'])}", f"{name}.non_inferior", f"{name}.{fact} >= {limit}",
            f"{name}.benefit.low > {rng.choice(['0', '-0.005', '0.02'])}", f"{name}.benefit.low > -{name}.margin",
        ]  # fmt: skip
        if kind == "experiment":
            choices.append(f"any({name}.segments, share >= 5% and adjusted.high < -margin)")
        return rng.choice(choices)

    return one() if rng.random() < 0.5 else f"{one()} {rng.choice(['and', 'or'])} {one()}"


def measure(what: str, text: str) -> dict[str, float]:
    """Seconds and peak memory (MB) of one piece of work in this process, loading included."""
    from datetime import date

    from signals.policy import parse_policy

    policy = parse_policy(text)
    loaded = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.perf_counter()
    found: dict[str, float] = {}
    if what == "lint":
        from signals.workbench.lint.findings import lint

        found["findings"] = len(lint(policy, date(2026, 11, 17)))
    else:
        from signals.workbench.situations.atlas import atlas_of

        atlas = atlas_of(policy)
        found["situations"] = atlas.total
        if what == "table":
            from signals.workbench.situations.table import table

            found["rows"] = len(table(atlas, 40).rows)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "peak_mb": peak, "loaded_mb": loaded, **found}


def main(arguments: Sequence[str]) -> None:
    """Print one line per seed and piece of work, and the worst of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signals", type=int, default=6)
    parser.add_argument("--conditions", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--one", nargs=2, metavar=("WHAT", "SEED"), help="in this process, as JSON")
    given = parser.parse_args(arguments)
    if given.one:
        text = policy_text(int(given.one[1]), given.signals, given.conditions)
        sys.stdout.write(json.dumps(measure(given.one[0], text)))
        return
    for what in ("atlas", "table", "lint"):
        worst = {"seconds": 0.0, "peak_mb": 0.0}
        for seed in range(given.seeds):
            command = [sys.executable, "-m", "benchmarks.atlas", "--one", what, str(seed), "--signals",
                       str(given.signals), "--conditions", str(given.conditions)]  # fmt: skip
            run = subprocess.run(command, capture_output=True, text=True, check=True)
            found = json.loads(run.stdout)
            sys.stdout.write(f"{what} {seed}: " + ", ".join(f"{k} {v:,.4g}" for k, v in found.items()) + "\n")
            worst = {key: max(value, found[key]) for key, value in worst.items()}
        sys.stdout.write(f"{what}, worst: {worst['seconds']:.2f} s, {worst['peak_mb']:.0f} MB\n")


if __name__ == "__main__":
    main(sys.argv[1:])
