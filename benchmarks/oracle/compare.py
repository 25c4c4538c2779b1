"""tea-tasting 2.0.0 over the data of ``cases.py``, held against our answers; exit code 1 when one is off.

Runs in an environment of its own, without a line of ours: ``.venv-oracle/bin/python compare.py < cases.json``. Every
comparison has its tolerance, in the unit that the last column names: where both libraries compute one formula it is
rounding; where they differ by design, it says how far apart the two methods may honestly be.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import tea_tasting as tt

EXACT = 1e-8  # of the interval's width, or relative for p-values: both compute the same formula

Row = tuple[str, float, float, float, str]
"""What, ours, theirs, the largest difference allowed, in words."""


def analyse(case: dict[str, Any], metric: Any) -> Any:
    """Their result for one metric over the case's columns."""
    arms = [np.repeat(arm, len(values)) for arm, values in enumerate(case["columns"]["y"])]
    table = {name: np.concatenate(columns) for name, columns in case["columns"].items()}
    data = pa.table({**table, "variant": np.concatenate(arms)})
    return tt.Experiment(one=metric).analyze(data, control=0)["one"]


def interval(case: dict[str, Any], theirs: Any, allowed: float, why: str) -> Iterator[Row]:
    """Effect and bounds; ``allowed`` is a share of the interval's width."""
    ours = case["ours"]
    slack = allowed * (ours["high"] - ours["low"])
    yield "effect", ours["effect"], theirs.effect_size, slack, why
    yield "low", ours["low"], theirs.effect_size_ci_lower, slack, why
    yield "high", ours["high"], theirs.effect_size_ci_upper, slack, why


def lift(case: dict[str, Any], name: str, theirs: Any, allowed: float, why: str) -> Iterator[Row]:
    """Bounds of the relative effect."""
    low, high = case["lifts"][name]
    slack = allowed * (high - low)
    yield f"{name} low", low, theirs.rel_effect_size_ci_lower, slack, why
    yield f"{name} high", high, theirs.rel_effect_size_ci_upper, slack, why


def mean(case: dict[str, Any]) -> Iterator[Row]:
    level = case["confidence"]
    theirs = analyse(case, tt.Mean("y", equal_var=False, use_t=True, confidence_level=level))
    yield from interval(case, theirs, EXACT, "Welch, one formula")
    yield "p", case["ours"]["p"], theirs.pvalue, EXACT * theirs.pvalue, "Welch, one formula"
    normal = analyse(case, tt.Mean("y", equal_var=False, use_t=False, confidence_level=level))
    yield from lift(case, "log_lift", normal, EXACT, "normal on the log scale, one formula")
    if min(map(len, case["columns"]["y"])) >= 2_000:
        yield from lift(case, "fieller_lift", normal, 0.02, "Fieller against the log scale: 2 % of the width")


def ratio(case: dict[str, Any]) -> Iterator[Row]:
    theirs = analyse(case, tt.RatioOfMeans("y", "d", equal_var=False, use_t=False))
    yield from interval(case, theirs, EXACT, "delta method, one formula")
    yield "p", case["ours"]["p"], theirs.pvalue, EXACT * theirs.pvalue, "delta method, one formula"
    yield from lift(case, "log_lift", theirs, EXACT, "normal on the log scale, one formula")


def cuped(case: dict[str, Any]) -> Iterator[Row]:
    theirs = analyse(case, tt.Mean("y", "x", equal_var=False, use_t=True))
    yield from interval(case, theirs, 0.005, "theta of all units against theta within arms: 0.5 % of the width")


def proportion(case: dict[str, Any]) -> Iterator[Row]:
    wald = analyse(case, tt.Proportion("y", method="norm", correction=False, equal_var=False))
    yield from interval(case, wald, 0.002, "score interval against Wald's, many events: 0.2 % of the width")
    yield from lift(case, "log_lift", wald, 0.01, "score interval against the log scale: 1 % of the width")
    pooled = analyse(case, tt.Proportion("y", method="norm", correction=False, equal_var=True))
    # Ours has the factor N/(N-1) of Miettinen and Nurminen.
    yield "p", case["ours"]["p"], pooled.pvalue, 1e-3 * pooled.pvalue, "pooled z test: 0.1 %"


def several(case: dict[str, Any]) -> Iterator[Row]:
    results = {number: tt.experiment.ExperimentResult({"one": _result(p)}) for number, p in enumerate(case["p"])}
    stepped = tt.adjust_fwer(results, arbitrary_dependence=True, method="bonferroni")
    ranked = tt.adjust_fdr(results)
    for name, found in (("holm", stepped), ("fdr", ranked)):
        for number, ours in enumerate(case[name]):
            yield name, ours, found[number]["one"]["pvalue_adj"], 1e-12, "one procedure"


def _result(p: float) -> dict[str, float]:
    """An experiment's result of which only the p-value counts."""
    return {"control": 1.0, "treatment": 1.0, "effect_size": 0.0, "rel_effect_size": 0.0, "pvalue": p}


def power(case: dict[str, Any]) -> Iterator[Row]:
    data = pa.table({"y": case["y"]})
    plan = {"alpha": 0.05, "power": 0.8, "use_t": False, "equal_var": False}
    least = tt.Mean("y", n_obs=len(case["y"]), **plan).solve_power(data, "effect_size")[0].effect_size
    yield "mde", case["mde"], least, 1e-4 * least, "normal theory; theirs counts the wrong side too: 0.01 %"
    units = tt.Mean("y", effect_size=case["effect"], **plan).solve_power(data, "n_obs")[0].n_obs
    yield "units", case["units"], units, 1.0 + 1e-4 * units, "normal theory: one unit, and 0.01 %"


def split(case: dict[str, Any]) -> Iterator[Row]:
    control, candidate = case["counts"]
    data = pa.table({"variant": np.repeat([0, 1], [control, candidate])})
    planned = {0: 1 - case["share"], 1: case["share"]}
    metric = tt.SampleRatio(planned, method="norm", correction=False)
    theirs = tt.Experiment(one=metric).analyze(data, control=0)["one"].pvalue
    yield "p", case["p"], theirs, EXACT * theirs + 1e-15, "one statistic"


KINDS = {
    "mean": mean, "ratio": ratio, "cuped": cuped, "proportion": proportion, "several": several, "power": power,
    "split": split,
}  # fmt: skip


def main() -> int:
    """0 when everything agrees; prints what does not, and how much was compared."""
    compared: Counter[str] = Counter()
    worst: dict[str, float] = {}
    wrong = 0
    for number, case in enumerate(json.load(sys.stdin)):
        kind = case["kind"]
        for what, ours, theirs, allowed, why in KINDS[kind](case):
            off = abs(ours - theirs)
            compared[kind] += 1
            worst[kind] = max(worst.get(kind, 0.0), off / allowed if allowed else 0.0)
            if not off <= allowed:  # a number that is none is off too
                wrong += 1
                print(f"case {number}, {kind} {what}: ours {ours!r}, theirs {theirs!r}, allowed {allowed:.3g} ({why})")
    for kind in KINDS:
        if not compared[kind]:
            wrong += 1
            print(f"{kind}: nothing was compared")
        else:
            print(f"{kind:<11} {compared[kind]:>3} numbers agree to at most {worst[kind]:.0%} of what is allowed")
    print(f"{sum(compared.values())} numbers compared with tea-tasting {tt.__version__}, {wrong} off")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
