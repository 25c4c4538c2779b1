"""What an evaluation tool wrote of one output, in words that all tools share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from signals.model import ScoreError


@dataclass(frozen=True, slots=True)
class Word:
    """What one scorer said of one output: ``value`` is None exactly when ``error`` says why.

    Attributes:
        scorer: Its name.
        value: The score.
        error: Why there is none.
        judge: What makes this judge itself and no other: name, model, rubric, threshold, tool version. Its digest is
            the judge's fingerprint; empty when the tool says nothing of it, and then nobody can tell judges apart.
        graded: Whether a model gave it; scores that code computes are read only when ``metric:`` names them.
        at: When it was given, where scores have times of their own.
    """

    scorer: str
    value: float | None
    error: ScoreError | None
    judge: Mapping[str, str]
    graded: bool = True
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """One output with everything that was said of it.

    Attributes:
        row: As the tool wrote it: paths of ``map:`` and ``where:`` lead into it.
        file: Where it was read, for messages.
        item: What it is an output for, as the tool says; ``map.item`` goes first.
        variant: Which variant made it, as the tool says; ``map.variant`` goes first.
        words: What scorers said, one per scorer.
        failed: Whether the run failed, so that there was nothing to judge: what was said all the same does not count.
        expected: Scorers that were asked, with their judge; one that said nothing is an error. Empty: all that are
            read from this source.
        repeat: Which of several outputs for the item by this variant; None numbers them in the order they come.
        at: When it was made or judged.
        length: Of the output, in characters; ``map.length`` goes first.
        asked: What the item asks (text, or any JSON); ``map.content`` goes first.
        line: Of the file, where rows are lines.
    """

    row: Mapping[str, Any]
    file: str
    item: str | None
    variant: str | None
    words: Sequence[Word]
    failed: bool = False
    expected: Sequence[Word] = field(default=())
    repeat: int | None = None
    at: datetime | None = None
    length: float | None = None
    asked: Any = None
    line: int | None = None

    @property
    def place(self) -> str:
        """Where it was read, for examples."""
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{self.item} in {where}" if self.item else where


def number(value: Any) -> float | None:
    """A score that a tool wrote as a number or a truth value; None for anything else, NaN and infinities too."""
    if not isinstance(value, (bool, int, float)):
        return None
    try:
        found = float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return None
    return found if math.isfinite(found) else None
