"""How far each source is: one line per source on stderr, rewritten in place while a pull runs on a terminal."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING, TextIO

from signals.words import clean

if TYPE_CHECKING:
    from signals.pull import Step

MARKS = {"waits": "·", "looks": "…", "reads": "…", "stores": "…", "done": "✓"}
EVERY = 0.1  # seconds between two drawings


class Board:
    """The lines. Methods may be called by several threads."""

    def __init__(self, sources: Sequence[str], stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self.live = self._stream.isatty() and bool(sources)
        self.steps: dict[str, Step | None] = dict.fromkeys(sources)
        self._begun: dict[str, float] = {}
        self._ended: dict[str, float] = {}
        self._drawn, self._last = 0, 0.0
        self._turn = Lock()

    def __call__(self, step: Step | None) -> None:
        """Note a step; None: only let the clocks move."""
        with self._turn:
            if step is not None:
                self.steps[step.source] = step
                self._begun.setdefault(step.source, time.monotonic())
                if step.phase == "done":
                    self._ended[step.source] = time.monotonic()
            if self.live and time.monotonic() - self._last >= EVERY:
                self._draw()

    def close(self, *, keep: bool) -> None:
        """End: leave the lines as they are by now, or take them away (a table tells the rest)."""
        with self._turn:
            if not self.live:
                return
            if keep:
                self._draw()
            elif self._drawn:
                self._stream.write(f"\r\033[{self._drawn}A\033[J")
                self._stream.flush()
            self.live, self._drawn = False, 0

    def _draw(self) -> None:
        columns, rows = shutil.get_terminal_size((80, 24))
        lines = self._lines(max(1, rows - 2))
        up = f"\r\033[{self._drawn}A" if self._drawn else "\r"
        text = "".join(f"{line[: columns - 1]}\033[K\n" for line in lines)
        self._stream.write(f"{up}{text}\033[J")
        self._stream.flush()
        self._drawn, self._last = len(lines), time.monotonic()

    def _lines(self, room: int) -> list[str]:
        """One line per source; where there is no room for all, those at work, and how many others there are."""
        shown = list(self.steps)
        rest = ""
        if len(shown) > room:
            done = sum(name in self._ended for name in shown)
            waiting = sum(name not in self._begun for name in shown)
            shown = [name for name in shown if name in self._begun and name not in self._ended][: room - 1]
            rest = f"{done} done, {waiting} waiting"
        wide = min(30, max((len(clean(name)) for name in shown), default=0))
        return [*(self._line(name, wide) for name in shown), *([rest] if rest else [])]

    def _line(self, name: str, wide: int) -> str:
        step = self.steps[name]
        label = clean(name)[:wide].ljust(wide)
        if step is None:
            return f"{MARKS['waits']} {label}  waiting"
        seconds = self._ended.get(name, time.monotonic()) - self._begun[name]
        failed = step.report is not None and step.report.status == "failed"
        words = f"{step.records:,} records, {step}" if step.report is not None and not failed else str(step)
        return f"{'✗' if failed else MARKS[step.phase]} {label}  {words}  {seconds:,.0f} s"
