"""Case 9: one replay, two mixes of traffic, and answers that have to be the same in both."""

from __future__ import annotations

from pathlib import Path

import pytest

from signals.cases.c09_lossless_they_said import CASE, WORKLOADS
from signals.cases.case import Setting
from signals.cases.naive import calls
from signals.cases.run import Run, run


@pytest.fixture(scope="module")
def slower(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(CASE, Setting(1), tmp_path_factory.mktemp("slower"))


def test_faster_on_the_bench_and_slower_where_the_traffic_is(slower: Run) -> None:
    assert (slower.call, slower.right_reason, slower.accused) == ("rollback", True, frozenset())
    latency, judge = slower.verdict.readings["latency"], slower.verdict.readings["judge"]
    raw = latency.estimates["raw"]
    assert (latency.voting, judge.equivalent) == ("reweighted", True)
    assert (raw.high or 0.0) < -1.0 < 0.0 < (latency.low or 0.0)
    assert latency.checks["coverage"].value == pytest.approx(1.0)
    q90 = {name: work.seconds * 1.469 for name, work in WORKLOADS.items()}  # exp(0.3 * 1.2816)
    want = sum(work.traffic * q90[name] * (work.times - 1.0) for name, work in WORKLOADS.items())
    assert (latency.low or 0.0) < want < (latency.high or 0.0)
    assert calls(slower.verdict)["A/B only"] == "ship"


def test_the_twin_is_the_same_replay_under_other_traffic(slower: Run, tmp_path: Path) -> None:
    found = run(CASE, Setting(1, strength=0.0), tmp_path)
    assert (found.call, found.right_reason, found.accused) == ("ship", True, frozenset())
    files = [
        [(one.folder / "data" / "exports" / name).read_bytes() for name in ("replay.csv", "judge_scores.csv")]
        for one in (slower, found)
    ]
    assert files[0] == files[1]


def test_answers_that_are_not_the_same_stop_the_fastest_engine(tmp_path: Path) -> None:
    """The twin's files with better answers: equivalence is asked for, not just no loss."""
    from signals.pull import pull
    from signals.review import load, review, store_of

    CASE.write(tmp_path, Setting(1, strength=0.0))
    path = tmp_path / "data" / "exports" / "judge_scores.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    better = []
    for line in lines:
        cells = line.split(",")
        if cells[1] == "engine-draft":
            cells[2] = f"{float(cells[2]) + 0.05:.2f}"
        better.append(",".join(cells))
    path.write_text("\n".join(better), encoding="utf-8")
    project = load(tmp_path)
    pull(project, store_of(project))
    verdict = review(CASE.release, project).verdict
    assert (verdict.call, verdict.decided_by) == ("hold", "judge")
    assert verdict.readings["judge"].state == "win"
    assert verdict.readings["latency"].state == "win"
