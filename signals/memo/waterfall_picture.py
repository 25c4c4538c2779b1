"""The waterfall drawn as SVG: one picture for the HTML memo and for the page.

Positions along the axis are percentages and everything else is pixels, so the picture takes the width that it gets and
its text keeps its size, on a phone too. A row's words stand above its bar and its interval below it: nothing overlaps
at any width, and where a line passes behind words they keep a rim of the ground's colour.
"""

from __future__ import annotations

from html import escape

from signals.memo.picture import Palette
from signals.memo.waterfall import Drawn, Step, Waterfall
from signals.model import Call

TOP, ROW = 18, 56
WORDS, BAR, THICK, WHISKER = 21, 28, 12, 47  # pixels from the top of a row
LONGEST = 28  # characters of a label that fit beside the number at 390 pixels
_SAID: dict[str, Call] = {"win": "ship", "loss": "rollback"}


def waterfall_svg(
    plot: Waterfall, palette: Palette | None = None, *, prefix: str = "waterfall", width: int | None = None
) -> str:
    """The waterfall as plain SVG text, the same bytes for the same steps.

    Args:
        plot: Steps and axis.
        palette: Colours; the default reads CSS variables and falls back to the light theme.
        prefix: Start of the ids inside; give another when two pictures share a page.
        width: Pixels, for paper; default: as wide as its place.

    Returns:
        One ``<svg role="img">``, with a title and a description that holds all numbers.
    """
    colours = palette or Palette()
    height = TOP + ROW * len(plot.steps)
    ids = escape(prefix)
    unit = f", in {plot.unit}" if plot.unit else ""
    spoken = ". ".join(step.spoken for step in plot.steps)
    zero, wide = plot.at(0.0), width or "100%"
    named = f'aria-labelledby="{ids}-title {ids}-desc" font-family="{colours.font}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{wide}" height="{height}" {named}>',
        f'<title id="{ids}-title">{escape(plot.title + unit)}</title>',
        f'<desc id="{ids}-desc">{escape(spoken)}.</desc>',
        _line(zero, zero, TOP - 2, height, colours.soft),
        _text(zero, TOP - 6, "no change", colours.soft, 11.5, anchor=_leaning(zero), colours=colours),
    ]
    drawn = [plot.drawn(step) for step in plot.steps]
    for place, at in enumerate(drawn[:-1]):  # from the end of a bar to the beginning of the next
        top = TOP + ROW * place + BAR + THICK
        parts.append(_line(at.end, at.end, top, top + ROW - THICK, colours.soft, dash="2 3"))
    for place, (step, at) in enumerate(zip(plot.steps, drawn, strict=True)):
        parts += _row(step, at, TOP + ROW * place, colours)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _row(step: Step, at: Drawn, top: float, colours: Palette) -> list[str]:
    total = step.sort in ("start", "end")
    label = f"{step.label}, {step.state}" if step.state else step.label
    short = label if len(label) <= LONGEST else label[: LONGEST - 1].rstrip() + "…"
    return [
        f"<g><title>{escape(step.spoken)}</title>",
        *_bar(step, at, top + BAR, colours),
        *_whisker(at, top + WHISKER, colours.ink),
        _text(0, top + WORDS, short, colours.ink, 13, bold=total, colours=colours),
        _text(1, top + WORDS, step.amount, colours.ink, 13, anchor="end", bold=total, colours=colours),
        "</g>",
    ]


def _bar(step: Step, at: Drawn, top: float, colours: Palette) -> list[str]:
    if step.sort in ("start", "end"):
        return [_box(at, top, f"fill:{colours.tone(_SAID.get(step.state))}")]
    if step.sort == "explains":
        return [_box(at, top, f"fill:{colours.focus}")]
    if step.sort == "widens":
        return [_box(at, top, f"fill:{colours.paper};stroke:{colours.focus};stroke-width:1.8")]
    if step.sort == "unexplained":
        return [_box(at, top, f"fill:{colours.paper};stroke:{colours.ink};stroke-width:1.4", ' stroke-dasharray="5 3"')]
    middle = top + THICK / 2  # stripes: a line as thick as the bar, interrupted
    return [
        _line(at.left, at.right, middle, middle, colours.soft, dash="2 4", width=THICK),
        _box(at, top, f"fill:none;stroke:{colours.soft};stroke-width:1"),
    ]


def _whisker(at: Drawn, y: float, colour: str) -> list[str]:
    if at.low is None or at.high is None:
        return []
    parts = [_line(at.low, at.high, y, y, colour, width=1.4)]
    for x, cut, way in ((at.low, at.cut_low, 1), (at.high, at.cut_high, -1)):
        if cut:
            points = f"M{5 * way},-4 L0,0 L{5 * way},4"
            arrow = f'<path d="{points}" style="fill:none;stroke:{colour};stroke-width:1.4"/>'
            parts.append(f'<svg x="{_p(x)}" y="{_n(y)}" width="1" height="1" overflow="visible">{arrow}</svg>')
        else:
            parts.append(_line(x, x, y - 3, y + 3, colour, width=1.4))
    return [*parts, _line(at.end, at.end, y - 5, y + 5, colour, width=2.4)]


def _leaning(x: float) -> str:
    """Where words near the edge have their room."""
    return "start" if x < 0.12 else "end" if x > 0.88 else "middle"


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _p(fraction: float) -> str:
    return f"{_n(100 * fraction)}%"


def _box(at: Drawn, top: float, style: str, more: str = "") -> str:
    place = f'x="{_p(at.left)}" y="{_n(top)}" width="{_p(at.right - at.left)}" height="{THICK}"'
    return f'<rect {place} rx="2"{more} style="{style}"/>'


def _line(
    x1: float, x2: float, y1: float, y2: float, colour: str, *, dash: str = "", width: float = 1
) -> str:  # fmt: skip
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    place = f'x1="{_p(x1)}" x2="{_p(x2)}" y1="{_n(y1)}" y2="{_n(y2)}"'
    return f'<line {place}{dashed} style="stroke:{colour};stroke-width:{_n(width)}"/>'


def _text(
    x: float,
    y: float,
    text: str,
    colour: str,
    size: float,
    *,
    colours: Palette,
    anchor: str = "start",
    bold: bool = False,
) -> str:
    weight = ' font-weight="700"' if bold else ""
    rim = f";paint-order:stroke;stroke:{colours.paper};stroke-width:5;stroke-linejoin:round" if colours.rim else ""
    return (
        f'<text x="{_p(x)}" y="{_n(y)}" font-size="{size:g}" text-anchor="{anchor}"{weight}'
        f' style="fill:{colour}{rim}">{escape(text)}</text>'
    )
