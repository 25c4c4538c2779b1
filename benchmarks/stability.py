"""How long drawing the evidence anew takes, as ratios measured in one run: ``python -m benchmarks.stability``.

Two yardsticks stand beside it. *One by one* asks the engine for every single draw instead of once per situation, timed
on a part of the draws. *Normals* is the least that any resampling must do: one normal number per signal and segment and
draw. Before, what is made once per release: designs, and the shapes of the intervals.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.simulate import seconds
from signals.policy import settle
from signals.reconcile.draws import Redraw, Resampling, resampling
from signals.reconcile.redrawn import ONE
from signals.reconcile.stability import stability
from signals.workbench.simulation.noise import Noise, Streams
from signals.workbench.simulation.outcomes import Setting

DRAWS, ALONE = 10_000, 2_000
ROOT = Path(__file__).parent.parent


def one_by_one(given: Resampling) -> None:
    """The engine asked for each of a part of the draws."""
    run = Redraw(given, given.designs, Setting(given.release.kind, ALONE))
    noise = Noise(Streams(1), ALONE, ONE.shares, tuple(run.designs), run.mix)
    table = run.table(given.centre, noise, {}, ONE)
    for draw in range(ALONE):
        settle(run.rules, table.row(draw, run.facts))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SIGNALS_STORE"] = f"sqlite:///{folder}/signals.db"
        from signals.pull import pull
        from signals.review import load, numbers_of, policy_of, store_of

        project = load(ROOT)
        pull(project, store_of(project))
        policy = policy_of(project)
        print(f"{DRAWS:,} draws, hierarchy.yaml; milliseconds, medians")
        print("release         signals  segments   before    draws  whole  times faster than  times as long as")
        print("                                                            one by one         the normals")
        for release in project.releases:
            numbers, moment = numbers_of(project, policy, release)
            given = resampling(policy, release, numbers, moment)
            segments = sum(len(design.segments) for design in given.designs.values())
            size = (len(given.designs) + segments, DRAWS)
            before = seconds(lambda n=numbers, r=release, m=moment: resampling(policy, r, n, m))
            draws = seconds(lambda g=given: g.calls(draws=DRAWS))
            whole = seconds(lambda g=given: stability(g, DRAWS))
            alone = seconds(lambda g=given: one_by_one(g)) * DRAWS / ALONE
            normals = seconds(lambda s=size: np.random.default_rng(1).standard_normal(s))
            print(f"{release.id:15} {len(given.designs):7} {segments:9} {1000 * before:8.1f} {1000 * draws:8.1f} "
                  f"{1000 * whole:6.1f} {alone / draws:18.1f} {draws / normals:17.1f}")  # fmt: skip


if __name__ == "__main__":
    main()
