"""How long a simulation takes, as ratios measured in one run: ``python -m benchmarks.simulate``.

Two yardsticks stand beside it. *One by one* is the same simulation with the engine asked for every single draw, timed
on a part of the draws. *Normals* is the least that any simulation must do: drawing one normal number per signal and
draw.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from signals.policy import load_policy, settle
from signals.workbench.simulation.noise import Noise, Streams
from signals.workbench.simulation.outcomes import STEPS, Setting
from signals.workbench.simulation.plan import planned
from signals.workbench.simulation.reach import Look
from signals.workbench.simulation.simulate import Simulation, operating_characteristics, simulate

DRAWS, ALONE, REPEATS = 100_000, 2_000, 5
ROOT = Path(__file__).parent.parent


def seconds(job: Callable[[], object]) -> float:
    """The median of a few runs."""
    job()
    found = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        job()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def main() -> None:
    policy = load_policy(ROOT / "hierarchy.yaml")
    designs = planned(policy)
    run = Simulation(policy, designs, Setting())

    def one_by_one() -> None:
        known = run._resolved({})
        table = run.table(known, Noise(Streams(1), ALONE, [1.0], tuple(designs), run.mix), {}, Look(0, (1.0,)))
        for draw in range(ALONE):
            settle(run.rules, table.row(draw, run.facts))

    point = seconds(lambda: simulate(policy, designs, {}, Setting(draws=DRAWS)))
    curve = seconds(lambda: operating_characteristics(policy, designs, setting=Setting(draws=DRAWS)))
    alone = seconds(one_by_one) * DRAWS / ALONE
    normals = seconds(lambda: np.random.default_rng(1).standard_normal((len(designs), DRAWS)))
    print(f"{len(designs)} signals, {DRAWS:,} draws, hierarchy.yaml, planned designs; medians of {REPEATS}")
    print(f"one true effect              {point:6.2f} s   {alone / point:6.1f} times faster than one by one")
    print(f"                                        {point / normals:6.1f} times as long as drawing the normals")
    print(f"a curve of {len(STEPS)} effects, null  {curve:6.2f} s   {curve / point:6.1f} times one true effect")


if __name__ == "__main__":
    main()
