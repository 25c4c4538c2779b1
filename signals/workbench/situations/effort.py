"""How much work one question about a policy may take: counted in steps, so that it ends the same way everywhere.

A clock would refuse a policy on a busy machine and take it on another. All parts of one question (a lint, a difference,
a mutation report) draw on one budget; a part may get a smaller one of its own, so that it leaves something to the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

WORK = 1_000_000
"""Steps that one question may take: about half a second. A step is a look at one branch of a diagram, or as much."""


class TooLargeError(Exception):
    """What is asked has no answer within the work that is allowed."""


class _Budget:
    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left


_NOW: ContextVar[_Budget | None] = ContextVar("budget", default=None)


@contextmanager
def effort(most: int = WORK) -> Iterator[None]:
    """Allow so many steps inside, or what an outer budget has left when that is less.

    Without any budget around it, work is not counted. Not for generators: their caller would pay from it too.
    """
    outer = _NOW.get()
    allowed = most if outer is None else max(0, min(most, outer.left))
    here = _Budget(allowed)
    token = _NOW.set(here)
    try:
        yield
    finally:
        _NOW.reset(token)
        if outer is not None:
            outer.left -= allowed - here.left


def spend(steps: int) -> None:
    """Count work.

    Raises:
        TooLargeError: When the budget has no more.
    """
    budget = _NOW.get()
    if budget is not None:
        budget.left -= steps
        if budget.left < 0:
            raise TooLargeError


def left() -> int | None:
    """Steps that may still be taken; None when work is not counted."""
    budget = _NOW.get()
    return None if budget is None else max(0, budget.left)
