"""How a reading is told to stop: by an event that is looked at between records, between questions and while waiting."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Event

_STOP: ContextVar[Event | None] = ContextVar("stop", default=None)


class StoppedError(Exception):
    """The reading was told to stop: nothing is wrong with its source."""


@contextmanager
def stoppable(stop: Event) -> Iterator[None]:
    """What is read inside, by this thread, stops when the event is set."""
    token = _STOP.set(stop)
    try:
        yield
    finally:
        _STOP.reset(token)


def check() -> None:
    """Go on, or not.

    Raises:
        StoppedError: When the reading was told to stop.
    """
    stop = _STOP.get()
    if stop is not None and stop.is_set():
        raise StoppedError


def pause(seconds: float) -> None:
    """Let time pass.

    Raises:
        StoppedError: As soon as the reading is told to stop.
    """
    stop = _STOP.get()
    if stop is None:
        time.sleep(seconds)
    elif stop.wait(seconds):
        raise StoppedError
