"""Many seeds of cases, over processes: how often the call and the reason are right, and what naive readers would do.

The same seeds give the same figures, whatever the number of processes and the order in which they finish.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from itertools import product
from multiprocessing import get_context
from pathlib import Path

from signals.cases.case import Setting
from signals.cases.naive import READERS
from signals.model import Call
from signals.stats.wilson import wilson


@dataclass(frozen=True)
class Job:
    """One run to be made: a case, by its slug, and its setting."""

    case: str
    setting: Setting


@dataclass(frozen=True)
class Outcome:
    """What came of it, small enough to be sent between processes.

    Attributes:
        job: Which.
        call: Ours.
        right_call: Whether it is right.
        right_reason: Whether the reasons that the case names are among those of the verdict.
        accused: Wrong accusations.
        naive: What each naive reader says, by name; None when it has nothing to read.
        naive_right: Names of the readers whose call is right.
        seconds: Processor time of the run.
    """

    job: Job
    call: Call
    right_call: bool
    right_reason: bool
    accused: frozenset[str]
    naive: Mapping[str, Call | None]
    naive_right: frozenset[str]
    seconds: float = field(compare=False)


@dataclass(frozen=True)
class Share:
    """So many of so many, with Wilson's 95 % interval (Wilson 1927, JASA 22:209-212)."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        """The share; None of nothing."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper bound."""
        if not self.of:
            return 0.0, 1.0
        return wilson(self.hits, self.of, 0.95)


@dataclass(frozen=True)
class Row:
    """The figures of one case at one strength.

    Attributes:
        case: Its slug.
        strength: Of the fault: 0 is the twin.
        right_call: Of ours.
        right_reason: The reasons that the case names are there.
        accused: Runs with at least one wrong accusation.
        calls: Share of each call.
        naive: Share of right calls of each naive reader; of none, where it has nothing to read.
        accusations: How often each wrong accusation was made.
        seconds: Processor time of a run, on average.
    """

    case: str
    strength: float
    right_call: Share
    right_reason: Share
    accused: Share
    calls: Mapping[Call, Share]
    naive: Mapping[str, Share]
    accusations: Mapping[str, int]
    seconds: float = field(compare=False)


def jobs(
    cases: Sequence[str], seeds: Sequence[int], strengths: Sequence[float] = (1.0, 0.0), size: float = 1.0
) -> tuple[Job, ...]:
    """Every case at every strength with every seed."""
    return tuple(Job(case, Setting(seed, strength, size)) for case, strength, seed in product(cases, strengths, seeds))


def outcomes(todo: Sequence[Job], processes: int | None = None) -> Iterator[Outcome]:
    """The outcome of each job, as they finish.

    Whoever stops asking, as ``Ctrl+C`` does, stops the work: jobs that have not begun are dropped.

    Args:
        todo: What is to be done.
        processes: How many at a time (default: as many as there are processors); with 1 all is done in this one.
    """
    workers = min(processes or os.cpu_count() or 1, len(todo))
    if workers <= 1:
        yield from map(outcome, todo)
        return
    # Not forked: a process with threads, as databases have them, does not survive it in good health.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_deaf) as pool:
        futures = [pool.submit(outcome, job) for job in todo]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def outcome(job: Job) -> Outcome:
    """Run one job in a folder of its own, which is gone afterwards."""
    from signals.cases.naive import calls
    from signals.cases.run import run
    from signals.cases.suite import find

    began = time.process_time()
    with tempfile.TemporaryDirectory(prefix="signals-case-") as folder:
        made = run(find(job.case), job.setting, Path(folder) / "project")
    naive = calls(made.verdict)
    right = frozenset(name for name, call in naive.items() if call in made.right.calls)
    return Outcome(
        job, made.call, made.right_call, made.right_reason, made.accused, naive, right, time.process_time() - began
    )


def rows(found: Sequence[Outcome]) -> tuple[Row, ...]:
    """The figures by case and strength, in the order in which they were asked for first."""
    groups: dict[tuple[str, float], list[Outcome]] = {}
    for one in found:
        groups.setdefault((one.job.case, one.job.setting.strength), []).append(one)
    return tuple(_row(case, strength, group) for (case, strength), group in groups.items())


def in_order(todo: Sequence[Job], found: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """Outcomes in the order of their jobs; jobs without one are left out."""
    made = {one.job: one for one in found}
    return tuple(made[job] for job in todo if job in made)


def _row(case: str, strength: float, group: Sequence[Outcome]) -> Row:
    runs = len(group)
    accusations: dict[str, int] = {}
    for name in sorted(name for one in group for name in one.accused):
        accusations[name] = accusations.get(name, 0) + 1
    calls: tuple[Call, ...] = ("ship", "hold", "rollback")
    return Row(
        case,
        strength,
        Share(sum(one.right_call for one in group), runs),
        Share(sum(one.right_reason for one in group), runs),
        Share(sum(bool(one.accused) for one in group), runs),
        {call: Share(sum(one.call == call for one in group), runs) for call in calls},
        {
            name: Share(
                sum(name in one.naive_right for one in group), sum(one.naive[name] is not None for one in group)
            )
            for name in READERS
        },
        accusations,
        sum(one.seconds for one in group) / runs,
    )


def _deaf() -> None:
    """Ctrl+C is for the process that asked: it tells the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
