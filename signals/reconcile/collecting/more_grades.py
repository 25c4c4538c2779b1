"""More items for a panel, or more raters: the one does not lower what the choice of the other adds to the error."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from signals.model import Reading, Signal, Verdict
from signals.reconcile.collecting.option import Option, daily, fresh, rungs_of, short_of
from signals.words import count, plural
from signals.workbench.simulation.design import Crossed, Design, scaled


def more_grades(signal: Signal, reading: Reading, design: Design, verdict: Verdict) -> Iterator[Option]:
    """Items graded by the same raters, and raters who grade the same items."""
    raters = reading.checks.get("min_raters")
    known = int(raters.value) if raters is not None and raters.value else None
    asked = known or 1
    parts = design.panel or _parts(signal, reading, known)
    today = float(reading.n)

    def of(items: float, people: float) -> Design:
        made = scaled(design, items / today)
        if parts is None:
            return fresh(made, min_raters=people if known else None)
        panel = replace(parts, raters=round(people))
        squared = panel.squared(items) if design.panel else (
            (design.se or 0.0) ** 2 * panel.squared(items) / parts.squared(today)
        )  # fmt: skip
        return fresh(replace(made, panel=panel if design.panel else None, se=math.sqrt(squared)), min_raters=people)

    def more_items(amount: int) -> str:
        graded = "" if known is None else f", graded by the same {plural(asked, 'raters')}"
        return plural(amount, "more items") + graded

    rungs = rungs_of(verdict, reading, "items", today, short_of(reading, "min_items"))
    yield Option(
        signal.name, "items", rungs, lambda amount: of(today + amount, asked), more_items,
        lambda amount: {"item": amount}, daily(reading), supposes=_supposed(signal, parts),
    )  # fmt: skip
    missing = short_of(reading, "min_raters")
    if known is None or signal.raters == "fixed" or (parts is None and not missing):
        return
    # How far raters differ may not be known: then as many as the policy asks for, and no word on the error.
    rungs = rungs_of(verdict, reading, "raters", float(asked), missing) if parts else (math.ceil(missing - 1e-9),)
    yield Option(
        signal.name, "raters", rungs, lambda amount: of(today, asked + amount),
        lambda amount: f"{plural(amount, 'more raters')} to grade all {count(today)} items",
        lambda amount: {"rater": amount},
    )  # fmt: skip
    if parts is None:
        return

    def more(amount: int) -> int:
        """Raters in step with items."""
        return math.ceil(asked * amount / today - 1e-9)

    yield Option(
        signal.name, "items", rungs_of(verdict, reading, "", today),
        lambda amount: of(today + amount, asked + more(amount)),
        lambda amount: (
            f"{plural(amount, 'more items')} and {plural(more(amount), 'more raters')} "
            f"to grade all {count(today + amount)} items"
        ),
        # Who joins grades the new items too: a rater is priced for those of today.
        lambda amount: {"item": amount, "rater": more(amount) * (1.0 + amount / today)}, last=True,
    )  # fmt: skip


def _supposed(signal: Signal, parts: Crossed | None) -> str:
    """A variance that few raters show to be 0 may well not be, and then more items by the same ones tell less."""
    alike = parts is not None and parts.rater <= 0.0 and signal.raters != "fixed"
    return "if the raters differ as little as it seems" if alike else ""


def _parts(signal: Signal, reading: Reading, raters: int | None) -> Crossed | None:
    """Of a panel with holes: the components of a layout without any that has its variance."""
    parts = reading.components
    if raters is None or signal.raters == "fixed" or not {"item", "rater", "residual"} <= set(parts):
        return None
    return Crossed(parts["item"], parts["rater"], parts["residual"], raters)
