"""The waterfall as rows of the page: the geometry of ``memo.waterfall``, drawn with the page's own elements.

The page may hold no SVG of ours (what it shows is sanitised), and rows can be reached by keyboard one by one.
"""

from __future__ import annotations

from html import escape

from signals.memo import Waterfall
from signals.memo.waterfall import Drawn, Step

TONES = {"win": "ship", "loss": "rollback"}
EDGE = 0.12  # of the width: nearer to an edge the words over the line stand beside it


def steps(plot: Waterfall) -> str:
    """One row per step; a row's words stand above its bar and its interval below it, at any width."""
    zero = plot.at(0.0)
    lean = "0" if zero < EDGE else "-100%" if zero > 1.0 - EDGE else "-50%"
    words = f'<span style="left:{_p(zero)};transform:translateX({lean})">no change</span>'
    head = f'<div class="over" aria-hidden="true">{words}</div>'
    drawn = [plot.drawn(step) for step in plot.steps]
    rows = "".join(
        _row(step, at, zero, last=step is plot.steps[-1]) for step, at in zip(plot.steps, drawn, strict=True)
    )
    title = escape(f"{plot.title}, in {plot.unit}" if plot.unit else plot.title)
    return f'<div class="steps" role="list" aria-label="{title}">{head}{rows}</div>'


def _row(step: Step, at: Drawn, zero: float, *, last: bool) -> str:
    total = step.sort in ("start", "end")
    tone = TONES.get(step.state, "none") if total else ""
    label = f"{step.label}, {step.state}" if step.state else step.label
    join = "" if last else f'<i class="join" style="left:{_p(at.end)}"></i>'
    span = f"left:{_p(at.left)};width:{_p(at.right - at.left)}"
    drawn = (
        f'<i class="zero" style="left:{_p(zero)}"></i>{join}'
        f'<i class="bar {step.sort} {tone}" style="{span}"></i>{_whisker(at)}'
    )
    spoken = escape(step.spoken)
    named = f'role="listitem" tabindex="0" aria-label="{spoken}" title="{spoken}"'
    return (
        f'<div class="step{" total" if total else ""}" {named}>{drawn}'
        f'<span class="what">{escape(label)}</span><span class="much">{escape(step.amount)}</span></div>'
    )


def _whisker(at: Drawn) -> str:
    if at.low is None or at.high is None:
        return ""
    cut = f"{' cut-low' if at.cut_low else ''}{' cut-high' if at.cut_high else ''}"
    span = f"left:{_p(at.low)};width:{_p(at.high - at.low)}"
    return f'<i class="whisker{cut}" style="{span}"></i><i class="at" style="left:{_p(at.end)}"></i>'


def _p(fraction: float) -> str:
    return f"{100 * fraction:.2f}%"
