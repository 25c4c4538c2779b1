"""One picture per case: the share of each call as the fault fades, and of the right reason."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from signals.cases.bench import Row
from signals.cases.case import Case
from signals.model import Call

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 46, 150, 44, 46
BAR = 30
CALLS: tuple[Call, ...] = ("rollback", "hold", "ship")
STYLE = """\
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 14px } .in { font-size: 11px; fill: #fff }
  .ship { fill: #1a7f4b } .hold { fill: #8a6100 } .rollback { fill: #b3261e }
  .axis { stroke: #6e7781; fill: none } .reason { stroke: #1f2328; fill: none; stroke-width: 2 }
  .dot { fill: #fff; stroke: #1f2328; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .in { fill: #0d1117 }
    .ship { fill: #57c98a } .hold { fill: #d9a93b } .rollback { fill: #f2857b }
    .axis { stroke: #8b949e } .reason { stroke: #e6edf3 } .dot { fill: #0d1117; stroke: #e6edf3 }
  }"""


def picture(case: Case, made: Sequence[Row], seeds: int) -> str:
    """An SVG that reads in light and dark, and without its colours: every band and the line are named in words.

    Args:
        case: Which.
        made: Its rows, one per strength.
        seeds: How many runs each bar stands for.
    """
    told = "; ".join(
        f"strength {row.strength:g}: {', '.join(f'{call} {_percent(row, call)}' for call in CALLS)}, "
        f"right reason {100 * (row.right_reason.value or 0.0):.0f}"
        for row in made
    )
    # The right reason of the twin is another one: nothing is wrong with it.
    line = [(_x(row.strength), _y(row.right_reason.value or 0.0)) for row in made if row.strength > 0.0]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="t d">',
        f'<title id="t">{escape(case.title)}: the call as the fault fades</title>',
        f'<desc id="d">Percent of {seeds} runs. {escape(told)}.</desc>',
        f"<style>\n{STYLE}\n</style>",
        f'<text class="title" x="{LEFT}" y="22">{escape(case.title)}: the call as the fault fades</text>',
        *_axes(seeds, [row.strength for row in made]),
        *(_bar(row) for row in made),
        f'<polyline class="reason" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in line)}"/>',
        *(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in line),
        *_legend(),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _x(strength: float) -> float:
    return LEFT + BAR + strength * (WIDTH - LEFT - RIGHT - 2 * BAR)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _percent(row: Row, call: Call) -> str:
    return f"{100 * (row.calls[call].value or 0.0):.0f}"


def _bar(row: Row) -> str:
    parts, base, middle = [], 0.0, _x(row.strength)
    narrow = BAR if row.strength in (0.0, 1.0) else BAR * 0.7
    for call in CALLS:
        share = row.calls[call].value or 0.0
        if share:
            top, low = _y(base + share), _y(base)
            parts.append(
                f'<rect class="{call}" x="{middle - narrow / 2:.1f}" y="{top:.1f}" width="{narrow:.1f}" '
                f'height="{low - top:.1f}"/>'
            )
            if share >= 0.1:
                place = (top + low) / 2 + 4
                letter = call[0].upper()
                parts.append(f'<text class="in" x="{middle:.1f}" y="{place:.1f}" text-anchor="middle">{letter}</text>')
        base += share
    return "".join(parts)


def _axes(seeds: int, strengths: Sequence[float]) -> list[str]:
    end = WIDTH - RIGHT
    parts = [f'<path class="axis" d="M{LEFT} {_y(1):.1f}V{_y(0):.1f}H{end}"/>']
    parts += [
        f'<text x="{LEFT - 6}" y="{_y(share) + 4:.1f}" text-anchor="end">{100 * share:.0f} %</text>'
        for share in (0.0, 0.5, 1.0)
    ]
    parts += [
        f'<text x="{_x(strength):.1f}" y="{_y(0) + 17:.1f}" text-anchor="middle">{strength:g}</text>'
        for strength in strengths
    ]
    middle = (LEFT + end) / 2
    words = f"strength of the fault (0: clean twin), {seeds} runs each"
    return [*parts, f'<text x="{middle:.1f}" y="{HEIGHT - 10}" text-anchor="middle">{words}</text>']


def _legend() -> list[str]:
    x, parts = WIDTH - RIGHT + 14, []
    for place, call in enumerate(reversed(CALLS)):
        y = TOP + 14 + 22 * place
        parts.append(f'<rect class="{call}" x="{x}" y="{y - 10}" width="12" height="12"/>')
        parts.append(f'<text x="{x + 18}" y="{y}">{call[0].upper()}  {call.upper()}</text>')
    y = TOP + 14 + 22 * len(CALLS)
    parts.append(f'<path class="reason" d="M{x - 2} {y - 4}h16"/>')
    parts.append(f'<circle class="dot" cx="{x + 6}" cy="{y - 4}" r="3.5"/>')
    parts.append(f'<text x="{x + 18}" y="{y}">right reason</text>')
    return parts
