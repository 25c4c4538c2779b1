"""Many runs: the figures, and that they do not depend on who made them."""

from __future__ import annotations

import pytest

from signals.cases.bench import Job, Outcome, Share, in_order, jobs, outcome, outcomes, rows
from signals.cases.case import Setting
from signals.cases.naive import READERS
from signals.model import Call


def made(seed: int, strength: float, call: Call, *, right: bool, accused: tuple[str, ...] = ()) -> Outcome:
    naive: dict[str, Call | None] = {**dict.fromkeys(READERS, "ship"), "A/B only": None}
    return Outcome(
        Job("c", Setting(seed, strength)), call, right, right, frozenset(accused), naive, frozenset({"majority"}), 0.5
    )


def test_shares_count_runs_and_readers_that_had_something_to_read() -> None:
    found = [
        made(1, 1.0, "hold", right=True),
        made(2, 1.0, "ship", right=False),
        made(1, 0.0, "ship", right=True, accused=("check:a.b", "guardrail:c")),
        made(2, 0.0, "ship", right=True, accused=("check:a.b",)),
        made(3, 0.0, "hold", right=False),
    ]
    faulty, twin = rows(found)
    assert (faulty.right_call, faulty.calls["hold"], faulty.calls["rollback"]) == (
        Share(1, 2),
        Share(1, 2),
        Share(0, 2),
    )
    assert twin.accused == Share(2, 3)
    assert dict(twin.accusations) == {"check:a.b": 2, "guardrail:c": 1}
    assert twin.naive["majority"] == Share(3, 3)
    assert twin.naive["judge only"] == Share(0, 3)
    assert twin.naive["A/B only"] == Share(0, 0)
    assert twin.naive["A/B only"].value is None


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"), [(0, 100, 0.0, 0.0370), (95, 100, 0.8882, 0.9785), (100, 100, 0.9630, 1.0)]
)
def test_the_interval_of_a_share_is_wilsons(hits: int, of: int, low: float, high: float) -> None:
    """As tables of the Wilson interval have it."""
    assert Share(hits, of).interval == pytest.approx((low, high), abs=1e-4)


def test_of_nothing_the_interval_says_nothing() -> None:
    assert Share(0, 0).interval == (0.0, 1.0)


def test_the_order_is_that_of_the_jobs_and_what_was_not_done_is_left_out() -> None:
    todo = jobs(["c"], [1, 2])
    done = [made(2, 0.0, "ship", right=True), made(1, 1.0, "hold", right=True)]
    assert [one.job for one in in_order(todo, done)] == [todo[0], todo[3]]


def test_another_process_gives_the_same_outcome() -> None:
    """Two jobs, so that processes are used at all."""
    todo = jobs(["untended"], [4])
    there = in_order(todo, list(outcomes(todo, processes=2)))
    assert there == tuple(outcome(job) for job in todo)


def test_who_stops_asking_stops_the_work() -> None:
    asked = []

    def watched() -> None:
        for one in outcomes(jobs(["untended"], range(1, 5), (0.0,)), processes=1):
            asked.append(one)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watched()
    assert len(asked) == 1
