"""How long a replay takes over many releases: ``python -m benchmarks.replay [RELEASES]`` (default 1,000).

Makes a project in a temporary folder, pulls it, and times a replay with nothing computed, the first one of a process
over stored numbers, and one after an edit of a row, as the live editor asks for it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[1]
START = date(2024, 1, 1)

SOURCES = """\
store: sqlite:///data/signals.db
releases:
{releases}
sources:
  golden:
    signal: judge
    connector: table
    path: golden.csv
    shape: item_score
    map: {{item: item, variant: variant, value: score, scorer: judge, scorer_version: version, at: at}}
  panel:
    signal: panel
    connector: table
    path: panel.csv
    shape: rating
    map: {{item: item, rater: rater, variant: variant, value: stars, at: at}}
  orders:
    signal: conversion
    connector: table
    path: orders.csv
    shape: outcome_counts
    map: {{variant: variant, units: users, successes: good, day: day, segment.plan: plan}}
  thumbs:
    signal: thumbs
    connector: table
    path: thumbs.csv
    shape: feedback_counts
    map: {{variant: variant, impressions: shown, responses: rated, positives: up, day: day}}
"""


def make(folder: Path, releases: int) -> None:
    """A project with so many closed releases; small evidence of every signal for each."""
    rng = Random(20_261_123)
    lines: dict[str, list[str]] = {
        "golden": ["item,variant,score,judge,version,at"], "panel": ["item,rater,variant,stars,at"],
        "orders": ["variant,users,good,day,plan"], "thumbs": ["variant,shown,rated,up,day"],
    }  # fmt: skip
    listed = []
    for number in range(releases):
        start = START + timedelta(days=number % 900)
        end = start + timedelta(days=14)
        outcome = rng.choice(("good", "bad", "unknown"))
        listed.append(
            f"  - {{id: r{number}, kind: prompt, control: r{number}a, candidate: r{number}b, started: {start}, "
            f"as_of: {end}T09:00:00Z, outcome: {outcome}}}"
        )
        lift = rng.gauss(0, 0.02)
        for item in range(30):
            base = rng.random()
            for arm, shift in (("a", 0.0), ("b", lift)):
                score = min(1.0, max(0.0, base + shift + rng.gauss(0, 0.05)))
                at = f"{end - timedelta(days=1)}T08:00:00Z"
                lines["golden"].append(f"i{item},r{number}{arm},{score:.3f},j,1,{at}")
                if item < 15:
                    for rater in range(3):
                        stars = min(5, max(1, round(1 + 4 * score + rng.gauss(0, 0.5))))
                        lines["panel"].append(f"i{item},p{rater},r{number}{arm},{stars},{at}")
        for day in (start, end - timedelta(days=1)):
            for arm, shift in (("a", 0.0), ("b", lift)):
                for plan in ("free", "pro"):
                    users = 2_000
                    good = sum(rng.random() < 0.3 + shift for _ in range(200)) * users // 200
                    lines["orders"].append(f"r{number}{arm},{users},{good},{day},{plan}")
                lines["thumbs"].append(f"r{number}{arm},9000,900,{round(900 * (0.7 + shift))},{day}")
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for name, rows in lines.items():
        (folder / "data" / f"{name}.csv").write_text("\n".join(rows) + "\n")
    (folder / "data" / "sources.yaml").write_text(SOURCES.format(releases="\n".join(listed)))
    (folder / "hierarchy.yaml").write_text((ROOT / "hierarchy.yaml").read_text().split("\n# Situations that")[0])


def timed(folder: Path) -> None:
    """Print what replays take in this process."""
    from signals.replay import flips, replay
    from signals.review import load, parsed, policy_of

    project = load(folder)
    current = policy_of(project)
    edits = [
        ("nothing edited", "", ""),
        ("again", "", ""),
        ("a row edited", "human_agreement >= 0.5", "human_agreement >= 0.6"),
        ("another row edited", "human_agreement >= 0.5", "human_agreement >= 0.7"),
        ("a margin edited", "margin: 0.5pp", "margin: 0.6pp"),
    ]
    for name, old, new in edits:
        draft = parsed(current.text.replace(old, new) if old else current.text, "draft")
        begun = time.perf_counter()
        rows = replay(project, [draft, current])
        print(f"{name:20} {time.perf_counter() - begun:7.2f} s  {len(rows)} releases, {len(flips(rows, 0, 1))} flips")


def main() -> None:
    """Make, pull, and time in processes of their own."""
    if len(sys.argv) > 2 and sys.argv[1] == "timed":
        timed(Path(sys.argv[2]))
        return
    releases = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, releases)
        from signals.pull import pull
        from signals.review import load, store_of

        begun = time.perf_counter()
        project = load(folder)
        reports = pull(project, store_of(project))
        assert not [report.error for report in reports if report.error]
        print(f"pull                 {time.perf_counter() - begun:7.2f} s", flush=True)
        for title in ("numbers not computed yet:", "numbers stored, a new process:"):
            print(title, flush=True)
            subprocess.run([sys.executable, "-m", "benchmarks.replay", "timed", name], check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
