"""The caller's mistakes: what is wrong, where, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, where it is, and what to do about it."""

    what: str
    remedy: str = ""
    file: str = ""
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """Render as one line: ``file:line:column: what. Remedy``."""
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part not in ("", None))
        what = self.what.rstrip(". ")
        text = f"{what}{'' if what.endswith('?') else '.'} {self.remedy}" if self.remedy else what
        return " ".join((f"{place}: {text}" if place else text).split())


class SignalsError(Exception):
    """The caller's mistake: printed as one line per problem, without a traceback, exit code 2."""

    def __init__(self, what: str | Problem | tuple[Problem, ...], remedy: str = "", **place: Any) -> None:
        if isinstance(what, str):
            what = Problem(what, remedy, **place)
        self.problems: tuple[Problem, ...] = what if isinstance(what, tuple) else (what,)
        super().__init__("\n".join(str(problem) for problem in self.problems))
