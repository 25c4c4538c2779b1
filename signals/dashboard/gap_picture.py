"""The gap between a signal and the outcome signal, release by release, and the alarm's sum, as HTML.

Places are percentages of a box, as in the forest plot: the page's sanitiser lets no SVG through, and a box fills a card
of any width while its text keeps its size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from signals.memo.phrases import clean
from signals.track import Alarm, GapTrend, decimals

EDGE = 2.5  # percent left free at both ends of the releases
ROOM = 0.12  # share of the height left free above and below
APART = 16.0  # percent of the height below which two labels would touch
THICK = 0.9  # percent of the height: half the thickness of the trend


@dataclass(frozen=True)
class _Scale:
    """From a value to percent of the height, from the top."""

    least: float
    most: float

    @staticmethod
    def of(values: Sequence[float]) -> _Scale:
        least, most = min(values), max(values)
        room = ((most - least) or 1.0) * ROOM
        return _Scale(least - room, most + room)

    def at(self, value: float) -> float:
        return 100.0 * (self.most - value) / (self.most - self.least)


def gap_plot(gap: GapTrend) -> str:
    """Gaps as dots with their trend; below, the sum as columns with its limit. Below ten releases the dots alone.

    Returns:
        One element with ``role="img"`` whose label holds the sentence; an empty text without any gap.
    """
    if not gap.gaps:
        return ""
    sums = _sums(gap, gap.alarm) if gap.alarm else ""
    return f'<div class="gaps" role="img" aria-label="{escape(clean(gap.words))}">{_gaps(gap)}{sums}</div>'


def _x(place: int, many: int) -> float:
    return EDGE + (100.0 - 2 * EDGE) * (place / (many - 1) if many > 1 else 0.5)


def _gaps(gap: GapTrend) -> str:
    many = len(gap.gaps)
    scale = _Scale.of([*gap.gaps, 0.0])
    zero = scale.at(0.0)
    parts = [_rule(zero, "zero"), _label(zero, "0")]
    ends = [value for value in (max(gap.gaps), min(gap.gaps)) if abs(scale.at(value) - zero) > APART]
    parts += [_label(scale.at(value), decimals(value)) for value in ends]
    if gap.slope.value is not None:
        middle = sum(gap.gaps) / many
        left, right = (scale.at(middle + gap.slope.value * side * (many - 1) / 2) for side in (-1, 1))
        corners = ((EDGE, left - THICK), (100 - EDGE, right - THICK), (100 - EDGE, right + THICK), (EDGE, left + THICK))
        shape = ", ".join(f"{x:.2f}% {y:.2f}%" for x, y in corners)
        parts.append(f'<i class="trend" style="clip-path:polygon({shape})"></i>')
    since = many if gap.alarm is None or gap.alarm.since is None else gap.alarm.since
    for place, (release, when, value) in enumerate(zip(gap.releases, gap.started, gap.gaps, strict=True)):
        said = f"{clean(release)}, {when}: {decimals(value)} margins"
        kind = "dot after" if place >= since else "dot"
        spot = f"left:{_x(place, many):.2f}%;top:{scale.at(value):.2f}%"
        parts.append(f'<i class="{kind}" style="{spot}" title="{escape(said)}"></i>')
    return f'<div class="panel">{"".join(parts)}</div>'


def _sums(gap: GapTrend, alarm: Alarm) -> str:
    many = len(alarm.path)
    scale = _Scale.of([*alarm.path, alarm.limit, 0.0])
    zero, limit = scale.at(0.0), scale.at(alarm.limit)
    width = 0.6 * (100.0 - 2 * EDGE) / max(many - 1, 1)
    parts = [_rule(zero, "zero"), _rule(limit, "limit"), _label(limit, "limit", "bad"), _label(zero, "sum")]
    for place, (release, total) in enumerate(zip(gap.releases, alarm.path, strict=True)):
        top = scale.at(total)
        said = f"{clean(release)}: sum {decimals(total, signed=False)}, limit {decimals(alarm.limit, signed=False)}"
        kind = "column over" if total >= alarm.limit else "column"
        box = f"left:{_x(place, many) - width / 2:.2f}%;width:{width:.2f}%;top:{top:.2f}%;height:{zero - top:.2f}%"
        parts.append(f'<i class="{kind}" style="{box}" title="{escape(said)}"></i>')
    return f'<div class="panel low">{"".join(parts)}</div>'


def _rule(y: float, kind: str) -> str:
    return f'<i class="rule {kind}" style="top:{y:.2f}%"></i>'


def _label(y: float, text: str, kind: str = "") -> str:
    return f'<span class="label {kind}" style="top:{y:.2f}%">{escape(text)}</span>'
