"""Sources that are read in one go: what one of them has to look at anyway can answer for the others, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from signals.connectors.stopping import check
from signals.model import Source

PATIENCE = 0.2  # seconds between two looks whether the reading was told to stop


@dataclass
class _Made:
    lock: Lock = field(default_factory=Lock)
    answers: Mapping[str, Any] | None = None
    taken: set[str] = field(default_factory=set)


class Batch:
    """The sources of one pull. Answers live as long as it, and each source is given its own once.

    A source that asks again (because somebody else pulled meanwhile) makes them look again.
    """

    def __init__(self, sources: tuple[Source, ...]) -> None:
        self.sources = sources
        self._made: dict[str, _Made] = {}
        self._lock = Lock()

    def once(self, key: str, make: Callable[[], str]) -> str:
        """What ``make`` gave, made once for all that ask by this key."""
        return str(self.answer(key, key, lambda: {key: make()}, again=False))

    def answer(self, key: str, source: str, make: Callable[[], Mapping[str, Any]], *, again: bool = True) -> Any | None:
        """What ``make`` gave for the source, made once for all that ask by this key; None when it gave it nothing.

        Args:
            key: What is asked.
            source: Who asks.
            make: Gives the answers by who they are for.
            again: Whether somebody who asks a second time wants a fresh answer.
        """
        with self._lock:
            made = self._made.setdefault(key, _Made())
        while not made.lock.acquire(timeout=PATIENCE):
            check()
        try:
            if made.answers is None or (again and source in made.taken):
                made.answers, made.taken = make(), set()
            made.taken.add(source)
            return made.answers.get(source)
        finally:
            made.lock.release()


_BATCH: ContextVar[Batch | None] = ContextVar("batch", default=None)


@contextmanager
def within(batch: Batch) -> Iterator[None]:
    """What is read inside, by this thread, is part of the batch."""
    token = _BATCH.set(batch)
    try:
        yield
    finally:
        _BATCH.reset(token)


def current() -> Batch | None:
    """The batch that is being read; None when a source is read by itself."""
    return _BATCH.get()
