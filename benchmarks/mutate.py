"""How long diff and mutation analysis take: ``python -m benchmarks.mutate``."""

from __future__ import annotations

import resource
import time

from signals.policy import load_policy, parse_policy
from signals.starter import PRESETS, preset_file
from signals.workbench.edits.diff import compare
from signals.workbench.edits.mutate import mutate


def main() -> None:
    for name in PRESETS:
        policy = load_policy(preset_file(name))
        edited = parse_policy(policy.text.replace("otherwise: hold", "otherwise: ship", 1))
        start = time.perf_counter()
        report = mutate(policy)
        between = time.perf_counter()
        changes = len(compare(policy, edited).changes)
        end = time.perf_counter()
        print(
            f"{name}: {len(report.mutants)} edits in {between - start:.2f} s, "
            f"a diff with {changes} groups in {end - between:.3f} s"
        )
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
