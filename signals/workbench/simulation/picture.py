"""Operating characteristics as a picture: the chance of each call against the true effect.

Each call has a colour, a line style and a marker of its own, and its name at the end of its line: colour is never the
only carrier. All numbers are in the description.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import Literal

from signals.model import Call
from signals.words import CALL_WORDS, count, number
from signals.workbench.simulation.outcomes import Characteristics, Point

Theme = Literal["auto", "light", "dark"]

WIDTH, HEIGHT = 760.0, 420.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 640.0, 78.0, 334.0
ORDER: tuple[Call, ...] = ("ship", "hold", "rollback")
DASH: dict[Call, str] = {"ship": "", "hold": "7 4", "rollback": "2 4"}
APART = 17.0  # between two names at the end of their lines
FONT = "'Source Sans 3','Segoe UI',Helvetica,Arial,sans-serif"

LIGHT = {
    "ink": "#1a1f2b", "soft": "#5a6475", "line": "#dfe3ea", "paper": "#ffffff", "band": "#f3f5f8",
    "ship": "#117a45", "hold": "#8a5a00", "rollback": "#c3302b",
}  # fmt: skip
DARK = {
    "ink": "#e8ebf1", "soft": "#a7b0c0", "line": "#39414f", "paper": "#12161d", "band": "#1b212b",
    "ship": "#4fc98a", "hold": "#e0a83f", "rollback": "#ff7a73",
}  # fmt: skip


def picture(result: Characteristics, theme: Theme = "auto", *, prefix: str = "oc") -> str:
    """The chances of ship, hold and rollback along the true effect, as SVG text: the same bytes for the same result.

    Args:
        result: As ``operating_characteristics`` gives it, with at least two points.
        theme: ``auto`` follows the reader's light or dark setting.
        prefix: Of the ids and the class inside; give another when two pictures share a page.

    Returns:
        One ``<svg role="img">`` with a title and a description.

    Raises:
        ValueError: With fewer than two points.
    """
    if len(result.points) < 2:
        raise ValueError("a line needs two points")
    ids = escape(prefix, quote=True)
    varied = joined(result.vary)
    title = f"Chance of each call when the true effect on {varied} is this"
    box = f'viewBox="0 0 {WIDTH:g} {HEIGHT:g}" width="100%" font-family="{FONT}"'
    spoken = f'aria-labelledby="{ids}-title {ids}-desc"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" class="{ids}" {box} {spoken}>',
        f'<title id="{ids}-title">{escape(title)}</title>',
        f'<desc id="{ids}-desc">{escape(_spoken(result))}</desc>',
        f"<style>{_style(ids, theme)}</style>",
        f'<rect class="paper" width="{WIDTH:g}" height="{HEIGHT:g}"/>',
        *_heading(result, title),
        *_frame(result),
        *_ticks(result),
        *(line for call in ORDER for line in _line(result, call)),
        *_names(result),
    ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def joined(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``; more than four are counted."""
    if len(names) > 4:
        return f"{len(names)} signals together"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _style(ids: str, theme: Theme) -> str:
    rules = _rules(ids, DARK if theme == "dark" else LIGHT)
    return f"{rules} @media (prefers-color-scheme: dark) {{ {_rules(ids, DARK)} }}" if theme == "auto" else rules


def _rules(ids: str, colours: dict[str, str]) -> str:
    """Every rule is of this picture's class only, so that it leaves the rest of a page alone."""
    rules = [f".{ids} .{name} {{ fill: {colours[name]} }}" for name in colours]
    rules += [f".{ids} .s-{name} {{ stroke: {colours[name]}; fill: none }}" for name in colours]
    return " ".join(rules)


def _x(result: Characteristics, at: float) -> float:
    low, high = result.points[0].at or 0.0, result.points[-1].at or 0.0
    return LEFT + (RIGHT - LEFT) * (at - low) / (high - low)


def _y(share: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * share


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _text(
    x: float, y: float, text: str, shade: str, size: float = 12, *, anchor: str = "start", bold: bool = False
) -> str:
    weight = ' font-weight="700"' if bold else ""
    return (
        f'<text x="{_n(x)}" y="{_n(y)}" class="{shade}" font-size="{size:g}" text-anchor="{anchor}"{weight}>'
        f"{escape(text)}</text>"
    )


def _heading(result: Characteristics, title: str) -> list[str]:
    setting = result.setting
    looks = f", {setting.looks} looks" if setting.looks > 1 else ""
    null = (
        f"When nothing differs: ships {_percent(result.false_ship)}, rolls back {_percent(result.false_rollback)}. "
        f"Policy {result.policy}, {count(setting.draws)} draws{looks}."
    )
    return [_text(16, 26, title, "ink", 15, bold=True), _text(16, 46, null, "soft", 12.5)]


def _percent(value: float) -> str:
    return f"{100 * value:.2g} %" if 0.0 < value < 0.1 else f"{100 * value:.0f} %"


def _frame(result: Characteristics) -> list[str]:
    """Grid, and the band within one margin of no change."""
    low, high = result.points[0].at or 0.0, result.points[-1].at or 0.0
    left, right = _x(result, max(low, -1.0)), _x(result, min(high, 1.0))
    parts = []
    if right > left:
        parts.append(
            f'<rect class="band" x="{_n(left)}" y="{_n(TOP)}" width="{_n(right - left)}" height="{_n(BOTTOM - TOP)}"/>'
        )
        word = "within one margin" if result.unit == "margin" else "within one standard error"
        parts.append(_text((left + right) / 2, TOP - 8, word, "soft", 11.5, anchor="middle"))
    for quarter in range(5):
        y = _y(quarter / 4)
        parts.append(f'<path class="s-line" d="M{_n(LEFT)} {_n(y)}H{_n(RIGHT)}"/>')
        parts.append(_text(LEFT - 8, y + 4, f"{25 * quarter} %", "soft", 11.5, anchor="end"))
    if low < 0.0 < high:
        x = _x(result, 0.0)
        parts.append(f'<path class="s-soft" stroke-width="1.2" d="M{_n(x)} {_n(TOP)}V{_n(BOTTOM)}"/>')
    return parts


def _ticks(result: Characteristics) -> list[str]:
    """Whole margins, and under them the effect in its unit when one signal is varied."""
    parts = []
    whole = [point for point in result.points if (point.at or 0.0) % 1.0 == 0.0] or list(result.points)
    every = -(-len(whole) // 9)
    for point in whole[::every]:
        x = _x(result, point.at or 0.0)
        parts.append(f'<path class="s-soft" d="M{_n(x)} {_n(BOTTOM)}v5"/>')
        parts.append(_text(x, BOTTOM + 20, _signed(point.at or 0.0), "ink", 12, anchor="middle"))
        if len(result.vary) == 1:
            name = result.vary[0]
            unit = result.units.get(name, "")
            shown = number(point.effects[name], unit, signed=True, bare=True)
            parts.append(_text(x, BOTTOM + 36, shown, "soft", 11.5, anchor="middle"))
    parts.append(_text(LEFT, BOTTOM + 60, "← worse", "soft", 12))
    parts.append(_text(RIGHT, BOTTOM + 60, "better →", "soft", 12, anchor="end"))
    parts.append(_text(RIGHT + 26, BOTTOM + 20, f"{result.unit}s", "ink", 12))
    if len(result.vary) == 1:
        parts.append(_text(RIGHT + 26, BOTTOM + 36, result.units.get(result.vary[0], ""), "soft", 11.5))
    label = f"true benefit of {joined(result.vary)}"
    parts.append(_text((LEFT + RIGHT) / 2, BOTTOM + 60, label, "ink", 12.5, anchor="middle"))
    return parts


def _signed(value: float) -> str:
    return f"{value:+g}".replace("-", "−") if value else "0"


def _line(result: Characteristics, call: Call) -> list[str]:
    places = [(_x(result, point.at or 0.0), _y(point.calls[call])) for point in result.points]
    path = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in places)
    dash = f' stroke-dasharray="{DASH[call]}"' if DASH[call] else ""
    width = 3 if call == "rollback" else 2.4  # dots need more ink
    cap = ' stroke-linecap="round"' if call == "rollback" else ""
    marks = [_mark(call, x, y) for x, y in places]
    return [f'<path class="s-{call}" stroke-width="{width:g}"{dash}{cap} d="{path}"/>', *marks]


def _mark(call: Call, x: float, y: float) -> str:
    """A circle ships, a square holds, a triangle rolls back."""
    if call == "ship":
        return f'<circle class="{call}" cx="{_n(x)}" cy="{_n(y)}" r="3.6"/>'
    if call == "hold":
        return f'<rect class="{call}" x="{_n(x - 3.2)}" y="{_n(y - 3.2)}" width="6.4" height="6.4"/>'
    return f'<path class="{call}" d="M{_n(x - 4.2)} {_n(y - 3.4)}h8.4l-4.2 7.4z"/>'


def _names(result: Characteristics) -> list[str]:
    """The names at the right end of the lines, moved apart where they would cover each other."""
    last = result.points[-1]
    ends = _spread([_y(last.calls[call]) for call in ORDER])
    parts = []
    for call, y in zip(ORDER, ends, strict=True):
        parts.append(_mark(call, RIGHT + 16, y))
        parts.append(_text(RIGHT + 26, y + 4.5, CALL_WORDS[call], call, 13, bold=True))
    return parts


def _spread(ends: Sequence[float]) -> list[float]:
    """Heights in the order given, at least ``APART`` from each other and not below the axis."""
    order = sorted(range(len(ends)), key=lambda place: ends[place])
    moved = list(ends)
    for before, after in pairwise(order):
        moved[after] = max(moved[after], moved[before] + APART)
    over = max(0.0, moved[order[-1]] - BOTTOM)
    for number_, place in enumerate(reversed(order)):
        moved[place] = min(moved[place], BOTTOM - number_ * APART) if over else moved[place]
    return moved


def _spoken(result: Characteristics) -> str:
    return " ".join(_point(result, point) for point in result.points)


def _point(result: Characteristics, point: Point) -> str:
    rates = ", ".join(f"{call} {100 * point.calls[call]:.1f} %" for call in ORDER)
    return f"{_signed(point.at or 0.0)} {result.unit}s: {rates}."
