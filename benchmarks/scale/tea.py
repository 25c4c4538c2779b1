"""The same effects by tea-tasting on DuckDB through Ibis; a script of its own, for an interpreter that has both.

``python benchmarks/scale/tea.py FILES {grouped,filtered} MEMORY THREADS``: one grouped aggregate that is then analysed
per segment, or one analysis per segment of the filtered table, which is how its documentation does it.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import ibis
import tea_tasting
from tea_tasting import Experiment, Mean

try:
    from tea_tasting.data import read_aggregates
except ImportError:  # older releases
    from tea_tasting.aggr import read_aggregates

METRICS = ("converted", "revenue")


def experiment() -> Experiment:
    """Both metrics, each raw and with the covariate."""
    raw = {f"{name} raw": Mean(name) for name in METRICS}
    return Experiment({**raw, **{f"{name} cuped": Mean(name, "before") for name in METRICS}}, variant="variation_id")


def effects(result: dict) -> dict[str, float]:
    """Name of the metric -> treatment minus control."""
    return {name: one.effect_size for name, one in result.items()}


def filtered(table: ibis.Table, control: str) -> dict[str, dict[str, float]]:
    """What it is of -> effects, by one analysis of a filtered table each."""
    plans = sorted(table.select("plan").distinct().to_pyarrow()["plan"].to_pylist())
    found = {"all": effects(experiment().analyze(table, control=control))}
    for plan in plans:
        found[f"plan={plan}"] = effects(experiment().analyze(table.filter(table.plan == plan), control=control))
    return found


def grouped(table: ibis.Table, control: str) -> dict[str, dict[str, float]]:
    """The same from one grouped query."""
    metrics = experiment().metrics
    wanted = None
    for metric in metrics.values():
        wanted = metric.aggr_cols if wanted is None else wanted | metric.aggr_cols
    keyed = table.mutate(arm_and_plan=table.variation_id + "|" + table.plan)
    cells = read_aggregates(keyed, "arm_and_plan", **wanted._asdict())
    by_plan: dict[str, dict[str, object]] = {"all": {}}
    for key, cell in cells.items():
        arm, _, plan = key.partition("|")
        by_plan.setdefault(f"plan={plan}", {})[arm] = cell
        by_plan["all"][arm] = by_plan["all"][arm] + cell if arm in by_plan["all"] else cell
    found = {}
    for name, arms in by_plan.items():
        (treatment,) = (arm for arm in arms if arm != control)
        found[name] = {
            metric: one.analyze_aggregates(arms[control], arms[treatment]).effect_size
            for metric, one in metrics.items()
        }
    return found


def main() -> None:
    files, how, memory, threads, control = sys.argv[1:]
    connection = ibis.duckdb.connect(memory_limit=memory, threads=int(threads))
    analyse = {"grouped": grouped, "filtered": filtered}[how]
    analyse(connection.read_parquet(files).limit(1_000), control)  # imports what it imports
    wall = time.perf_counter()
    used = resource.getrusage(resource.RUSAGE_SELF)
    found = analyse(connection.read_parquet(files), control)
    seconds = time.perf_counter() - wall
    now = resource.getrusage(resource.RUSAGE_SELF)
    processor = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    sys.stdout.write(
        json.dumps(
            {
                "seconds": seconds, "processor": processor, "peak": now.ru_maxrss * 1024, "effects": found,
                "version": tea_tasting.__version__, "ibis": ibis.__version__,
            }
        )
        + "\n"
    )  # fmt: skip


if __name__ == "__main__":
    main()
