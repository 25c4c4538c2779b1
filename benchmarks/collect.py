"""How long the next best evidence takes, beside one resampling of 10,000 draws: ``python -m benchmarks.collect``."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from benchmarks.simulate import seconds
from signals.reconcile.collecting.collect import collections
from signals.reconcile.draws import resampling
from signals.reconcile.stability import stability

ROOT = Path(__file__).parent.parent


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SIGNALS_STORE"] = f"sqlite:///{folder}/signals.db"
        from signals.pull import pull
        from signals.review import load, numbers_of, policy_of, review, store_of

        project = load(ROOT)
        pull(project, store_of(project))
        policy = policy_of(project)
        print("hierarchy.yaml; milliseconds, medians")
        print("release         proposed  resampling  collections  times")
        for release in project.releases:
            numbers, moment = numbers_of(project, policy, release)
            given, verdict = resampling(policy, release, numbers, moment), review(release.id, project).verdict
            sure = stability(given)
            found, _ = collections(given, verdict, sure)
            once = seconds(lambda g=given: g.calls())
            whole = seconds(lambda g=given, v=verdict, s=sure: collections(g, v, s))
            print(f"{release.id:15} {len(found):8} {1000 * once:11.1f} {1000 * whole:12.1f} {whole / once:6.1f}")


if __name__ == "__main__":
    main()
