"""The forest plot drawn: as SVG for the HTML memo, as fixed-width text for the Markdown memo."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from signals.memo.forest import Bar, Forest, Mark, Row
from signals.model import Call


@dataclass(frozen=True)
class Palette:
    """Colours and fonts of the SVG: any of CSS. The default follows the page's variables and works without them."""

    ink: str = "var(--ink,#1a1f2b)"
    soft: str = "var(--soft,#5a6475)"
    line: str = "var(--line,#dfe3ea)"
    paper: str = "var(--paper,#ffffff)"
    harm: str = "var(--harm,#fdeaea)"
    ship: str = "var(--ship,#117a45)"
    hold: str = "var(--hold,#8a5a00)"
    rollback: str = "var(--rollback,#c3302b)"
    focus: str = "var(--focus,#2f5fd6)"
    rim: bool = True  # of the ground's colour around words, where the reader of the SVG paints strokes below fills
    font: str = "'Source Sans 3','Segoe UI',Helvetica,Arial,sans-serif"

    def tone(self, call: Call | None) -> str:
        """The colour of a call; grey when there is none."""
        return {"ship": self.ship, "hold": self.hold, "rollback": self.rollback}[call] if call else self.soft


PAPER = Palette(
    ink="#1a1f2b", soft="#4d5666", line="#cfd4dd", paper="#ffffff", harm="#fdeaea", ship="#117a45", hold="#8a5a00",
    rollback="#c3302b", focus="#2f5fd6", rim=False, font="Libertinus Serif",
)  # fmt: skip
"""For PDF and Word: plain colours on white, and the serif that typst brings along."""

WIDTH, LEFT, RIGHT, TOP, STEP = 760.0, 222.0, 592.0, 26.0, 42.0


def forest_svg(plot: Forest, palette: Palette | None = None, *, prefix: str = "forest") -> str:
    """The forest plot as plain SVG text, the same bytes for the same rows.

    Args:
        plot: Rows and axis.
        palette: Colours; the default reads CSS variables and falls back to the light theme.
        prefix: Start of the ids inside; give another when two plots share a page.

    Returns:
        One ``<svg role="img">`` with a title and a description that holds all numbers.
    """
    colours = palette or Palette()
    height = TOP + STEP * len(plot.rows) + 4
    ids = escape(prefix)
    spoken = ". ".join(row.spoken for row in plot.rows) or "No signals"
    box = f'viewBox="0 0 {WIDTH:g} {height:g}" width="100%" font-family="{colours.font}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {box} aria-labelledby="{ids}-title {ids}-desc">',
        f'<title id="{ids}-title">Signals in units of the decision margin</title>',
        f'<desc id="{ids}-desc">{escape(spoken)}.</desc>',
        *_frame(plot, colours, height),
    ]
    for place, row in enumerate(plot.rows):
        parts += _drawn(plot, row, TOP + STEP * place, colours)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _x(plot: Forest, value: float) -> float:
    return LEFT + (RIGHT - LEFT) * plot.axis.at(value)


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _zero(room: float) -> str:
    """The word over the middle line that fits between the other two."""
    return "no change" if room >= 44 else "0" if room >= 10 else ""


def _text(
    x: float, y: float, text: str, colour: str, size: float = 12, *, anchor: str = "start", bold: bool = False
) -> str:
    weight = ' font-weight="700"' if bold else ""
    return (
        f'<text x="{_n(x)}" y="{_n(y)}" font-size="{size:g}" text-anchor="{anchor}"{weight}'
        f' style="fill:{colour}">{escape(text)}</text>'
    )


def _frame(plot: Forest, colours: Palette, height: float) -> list[str]:
    bottom = height - 4
    limit, zero, gain = (_x(plot, value) for value in (-1, 0, 1))
    box = f'x="{_n(LEFT)}" y="{_n(TOP)}" width="{_n(limit - LEFT)}" height="{_n(bottom - TOP)}"'
    parts = [
        f'<rect {box} style="fill:{colours.harm}"/>',
        _text(limit + 2, TOP - 8, "limit −1", colours.soft, 11, anchor="end"),
        _text(zero, TOP - 8, _zero(zero - limit), colours.soft, 11, anchor="middle"),
        _text(gain - 2, TOP - 8, "+1", colours.soft, 11),
    ]
    for x, dash in ((limit, ' stroke-dasharray="3 3"'), (zero, ""), (gain, ' stroke-dasharray="3 3"')):
        parts.append(
            f'<line x1="{_n(x)}" x2="{_n(x)}" y1="{_n(TOP)}" y2="{_n(bottom)}"{dash} style="stroke:{colours.soft}"/>'
        )
    for place in range(len(plot.rows) + 1):
        y = _n(TOP + STEP * place)
        parts.append(f'<line x1="0" x2="{WIDTH:g}" y1="{y}" y2="{y}" style="stroke:{colours.line}"/>')
    return parts


def _drawn(plot: Forest, row: Row, top: float, colours: Palette) -> list[str]:
    middle = top + STEP / 2
    decides = row.mark == "decides"
    state = f" ({row.note})" if row.note and row.low is not None else ""
    parts = [f"<g><title>{escape(row.spoken)}</title>"]
    if decides:
        parts.append(f'<rect x="0" y="{_n(top)}" width="3" height="{_n(STEP)}" style="fill:{colours.tone(row.tone)}"/>')
    parts += [
        _text(10, middle - 3, "" if row.rank is None else str(row.rank), colours.soft, 12, bold=decides),
        _text(26, middle - 3, _short(row.signal + state, 28), colours.ink, 13, bold=decides),
        _text(26, middle + 12, _short(row.caption, 38), colours.soft, 10.5),
        _text(WIDTH - 2, middle - 3, _short(row.effect, 24), colours.ink, 13, anchor="end", bold=decides),
        _text(WIDTH - 2, middle + 12, _short(row.interval, 30), colours.soft, 10.5, anchor="end"),
    ]
    bar = plot.bar(row)
    if bar is None:
        parts.append(_text((LEFT + RIGHT) / 2, middle + 4, _short(row.note, 60), colours.soft, 12, anchor="middle"))
    else:
        parts += _shape(row, bar, middle, colours)
    return [*parts, "</g>"]


def _shape(row: Row, bar: Bar, middle: float, colours: Palette) -> list[str]:
    colour = colours.tone(row.tone)
    span = RIGHT - LEFT
    left, right = LEFT + span * bar.left, LEFT + span * bar.right
    thick = {"decides": 10.0, "agrees": 6.0, "overruled": 6.0, "untrusted": 6.0}.get(row.mark, 3.0)
    hollow = row.mark in ("overruled", "untrusted")
    dash = ' stroke-dasharray="4 3"' if row.mark == "untrusted" else ""
    style = f"fill:none;stroke:{colour};stroke-width:1.6" if hollow else f"fill:{colour}"
    box = f'x="{_n(left)}" y="{_n(middle - thick / 2)}" width="{_n(max(right - left, 1))}" height="{_n(thick)}"'
    parts = [f'<rect {box} rx="{_n(min(thick / 2, 4))}"{dash} style="{style}"/>']
    for cut, x, way in ((bar.cut_left, LEFT, -1), (bar.cut_right, RIGHT, 1)):
        if cut:
            tip, base = x + 7 * way, x - 2 * way
            points = f"{_n(base)},{_n(middle - 7)} {_n(tip)},{_n(middle)} {_n(base)},{_n(middle + 7)}"
            parts.append(f'<polygon points="{points}" style="{style}"/>')
    if bar.point is not None:
        x = LEFT + span * bar.point
        size = min(max((right - left) / 3, 2.5), 6 if row.mark == "decides" else 5)  # a dot may not hide its bar
        ring = f"fill:{colours.paper};stroke:{colour}" if hollow else f"fill:{colour};stroke:{colours.paper}"
        parts.append(f'<circle cx="{_n(x)}" cy="{_n(middle)}" r="{_n(size)}" stroke-width="1.4" style="{ring}"/>')
    return parts


def _short(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 1].rstrip() + "…"


_LINES: dict[Mark, tuple[str, str]] = {
    "decides": ("━", "●"),
    "agrees": ("─", "●"),
    "overruled": ("═", "○"),
    "quiet": ("─", "·"),
    "untrusted": ("╌", "○"),
    "none": (" ", " "),
}


def forest_text(plot: Forest, width: int = 61) -> str:
    """The same plot in one fixed-width text block, for Markdown: ``░`` is harm beyond the limit."""
    if not plot.rows:
        return "no signals"
    names = max(len(_short(row.signal, 18)) for row in plot.rows)

    def column(fraction: float) -> int:
        return round(fraction * (width - 1))

    limit, zero, gain = (column(plot.axis.at(value)) for value in (-1, 0, 1))
    ticks = [" "] * width
    for place, tick in ((limit - 1, "−1"), (zero, "0"), (gain - 1, "+1")):
        ticks[max(place, 0) : max(place, 0) + len(tick)] = list(tick)
    lines = [f"{'':{names}}  {''.join(ticks).rstrip()}"]
    for row in plot.rows:
        cells = ["░" if place < limit else "┊" if place in (limit, gain) else "│" if place == zero else " "
                 for place in range(width)]  # fmt: skip
        bar = plot.bar(row)
        if bar is None:
            text = _short(row.note, width - 2)
            cells[1 : 1 + len(text)] = list(text)
        else:
            line, dot = _LINES[row.mark]
            left, right = column(bar.left), column(bar.right)
            cells[left : right + 1] = line * (right - left + 1)
            if bar.cut_left:
                cells[0] = "◀"
            if bar.cut_right:
                cells[-1] = "▶"
            if bar.point is not None:
                cells[column(bar.point)] = dot
        lines.append(f"{_short(row.signal, 18):{names}}  {''.join(cells).rstrip()}")
    return "\n".join(lines)
