"""The A/B half of the cases, given to ``expgate`` (PyPI), which decides online experiments from counts and moments.

It reads one primary metric and guardrails with margins, so it gets the experiments of a case whose metric is a
proportion or a mean: the one that the A/B-only reader reads as primary, the others as guardrails, with our margins and
the same standard errors. Judges, panels, thumbs, quantiles and segments do not fit its input. INVALID (a broken split)
counts as a hold.

It runs in an environment of its own: ``python -m venv DIR && DIR/bin/pip install expgate==0.1.0``, then
``python -m benchmarks.casebook_expgate DIR/bin/python`` (20 seeds).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from signals.cases.bench import Share
from signals.cases.case import Case, Setting
from signals.cases.naive import first
from signals.cases.run import Run, run
from signals.cases.suite import cases, find
from signals.model import Reading

ASK = """\
import json, sys
from expgate import evaluate
print(json.dumps([evaluate(one)["decision"] for one in json.load(sys.stdin)]))
"""
CALLS = {"SHIP": "ship", "HOLD": "hold", "INVALID": "hold", "ROLLBACK": "rollback"}


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.casebook_expgate")
    parser.add_argument("python", help="of an environment that has expgate")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--case", action="append", default=[])
    asked = parser.parse_args(words)
    sys.stdout.write("| case | expgate: faulty | expgate: twin |\n|---|---:|---:|\n")
    for case in [find(name) for name in asked.case] or cases():
        faulty, twin = (shares(case, strength, asked.seeds, asked.python) for strength in (1.0, 0.0))
        sys.stdout.write(f"| {case.number} {case.title} | {_told(faulty)} | {_told(twin)} |\n")
        sys.stdout.flush()


def shares(case: Case, strength: float, seeds: int, python: str) -> Share:
    """Right calls, of the runs whose evidence it can read."""
    asked, right = [], []
    for seed in range(1, seeds + 1):
        with tempfile.TemporaryDirectory(prefix="signals-case-") as folder:
            made = run(case, Setting(seed, strength), Path(folder) / "project")
            found = summary(made)
        if found is not None:
            asked.append(found)
            right.append(made.right.calls)
    if not asked:
        return Share(0, 0)
    done = subprocess.run([python, "-c", ASK], input=json.dumps(asked), capture_output=True, text=True, check=True)
    said = [CALLS[one] for one in json.loads(done.stdout)]
    return Share(sum(call in calls for call, calls in zip(said, right, strict=True)), len(said))


def summary(made: Run) -> dict[str, Any] | None:
    """What an experimentation platform would export of this release; None when no main metric fits."""
    verdict, signals = made.verdict, made.review.policy.signals
    main_metric = first(verdict, "experiment")
    fitting = {}
    for name, reading in verdict.readings.items():
        metric, raw = signals[name].metric, reading.estimates.get("raw")
        if metric is None or metric.type not in ("proportion", "mean") or raw is None or not raw.se:
            continue
        if reading is main_metric or reading.margin:
            fitting[name] = (metric.type, reading)
    if main_metric is None or main_metric.signal not in fitting:
        return None
    # Its arms have one number of units: metrics over other units are other experiments.
    sizes = main_metric.n_control, main_metric.n_candidate
    fitting = {name: one for name, one in fitting.items() if (one[1].n_control, one[1].n_candidate) == sizes}
    specs = {
        name: {
            "type": kind,
            "direction": "increase" if reading.better == "higher" else "decrease",
            **({"role": "primary"} if reading is main_metric else {"role": "guardrail", "margin": reading.margin}),
        }
        for name, (kind, reading) in fitting.items()
    }
    arms = {
        arm: {"units": sizes[place], "metrics": {name: _level(*one, place) for name, one in fitting.items()}}
        for place, arm in enumerate(("control", "treatment"))
    }
    return {"experiment": made.case.slug, "metrics": specs, "arms": arms}


def _level(kind: str, reading: Reading, place: int) -> dict[str, float]:
    raw = reading.estimates["raw"]
    level = (raw.control or 0.0, raw.candidate or 0.0)[place]
    units = (reading.n_control, reading.n_candidate)
    if kind == "proportion":
        return {"successes": round(level * units[place])}
    # One spread for both arms, such that the difference has the standard error that we give it.
    return {"mean": level, "sd": (raw.se or 0.0) / (1 / units[0] + 1 / units[1]) ** 0.5}


def _told(share: Share) -> str:
    return "does not fit" if share.value is None else f"{share.hits} of {share.of}"


if __name__ == "__main__":
    main()
