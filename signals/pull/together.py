"""Several sources at once: threads, because reading mostly waits for a server, a disk or a database.

What waits for a server or a database takes a place of its own, so that a slow one does not keep files from being read.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from signals.connectors.stopping import StoppedError, stoppable
from signals.model import Source

FILES = min(4, os.cpu_count() or 1)
"""Sources that are files, at once: each takes a processor and its own memory."""
SERVERS = 8
"""Sources that are servers or databases, at once. With ``FILES`` fewer than the store's connections."""
TICK = 0.2  # seconds
GRACE = 3.0
"""Seconds that readers get to stop: an answer of a server, or one query, cannot be broken off."""
NAME = "signals-pull"

T = TypeVar("T")


@dataclass(frozen=True)
class Job(Generic[T]):
    """One source and what to do with it."""

    source: Source
    work: Callable[[], T]

    @property
    def waits(self) -> bool:
        """Whether it is a server or a database."""
        return "url" in self.source.options


def together(jobs: Sequence[Job[T]], tick: Callable[[], None] | None = None) -> list[T]:
    """Do all jobs and give their results in the order of the jobs.

    Args:
        jobs: A mistake of a source is theirs to turn into a result.
        tick: Called several times a second by this thread, until all are done.

    Raises:
        Exception: The first that a job raises; the others are told to stop first.
        KeyboardInterrupt: After the others were told to stop. See ``still_running``.
    """
    if len(jobs) == 1 and tick is None:
        return [jobs[0].work()]
    stop = threading.Event()
    done: SimpleQueue[tuple[int, T | None, BaseException | None]] = SimpleQueue()
    threads = [
        threading.Thread(target=_worker, args=(queue, stop, done), name=NAME, daemon=True)
        for queue, most in ((_queue(jobs, waits=False), FILES), (_queue(jobs, waits=True), SERVERS))
        for _ in range(min(most, len(queue)))
    ]
    results: dict[int, T] = {}
    try:
        for thread in threads:
            thread.start()
        while len(results) < len(jobs):
            try:
                number, result, error = done.get(timeout=TICK)
            except Empty:
                result = error = number = None
            if tick is not None:
                tick()
            if error is not None:
                raise error
            if number is not None:
                results[number] = result  # type: ignore[assignment]  # without an error there is one
    finally:
        stop.set()
        for thread in threads:
            if thread.ident is not None:
                thread.join(GRACE / len(threads) if len(results) < len(jobs) else None)
    return [results[number] for number in range(len(jobs))]


def still_running() -> bool:
    """Whether a reader goes on although it was told to stop: what waits for an answer cannot hear it."""
    return any(thread.name == NAME for thread in threading.enumerate())


def _queue(jobs: Sequence[Job[T]], *, waits: bool) -> deque[tuple[int, Job[T]]]:
    return deque((number, job) for number, job in enumerate(jobs) if job.waits == waits)


def _worker(
    queue: deque[tuple[int, Job[T]]],
    stop: threading.Event,
    done: SimpleQueue[tuple[int, T | None, BaseException | None]],
) -> None:
    while not stop.is_set():
        try:
            number, job = queue.popleft()
        except IndexError:
            return
        try:
            with stoppable(stop):
                result = job.work()
        except StoppedError:
            return
        except BaseException as error:  # noqa: BLE001 - it is raised where the pull was asked for
            done.put((number, None, error))
            return
        done.put((number, result, None))
