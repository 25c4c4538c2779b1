"""The charts of the Signals page: a view's numbers as Plotly figures, in the page's colours. Nothing is computed.

Every chart can be read without colour: shapes and dashes tell its parts apart, and labels stand inside the picture, so
that it keeps its width on a phone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from signals.memo.phrases import clean
from signals.model import Estimate, Reading
from signals.model.inside import Course, NamedEstimate, SegmentView
from signals.words import bounds, estimate_title, number

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

CONFIG: dict[str, Any] = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False, "showTips": False}
"""No buttons, and no zooming: a finger that scrolls the page over a chart must not be caught by it."""

NOT_DRAWN = ("judge_bias", "worst_segment")
"""Estimates that answer another question than the one that votes: in the table, not in the picture."""

HOVER = "%{text}<extra></extra>"
MOST_SEGMENTS = 30
LONGEST = 48  # characters of a name inside a picture; the table has it whole
ROW, HEAD = 15, 21  # pixels per interval and per label
BEYOND = 1.35  # of what the later days need: the first days' intervals are too wide to be shown whole


@dataclass(frozen=True)
class Ink:
    """The page's colours; the style sheet has the same."""

    ink: str
    soft: str
    line: str
    paper: str
    harm: str
    focus: str
    band: str
    veil: str  # behind a label, so that a line does not cross its letters


LIGHT = Ink(
    "#1a1f2b", "#5a6475", "#dfe3ea", "#ffffff", "#fdeaea", "#2f5fd6", "rgba(47,95,214,0.16)", "rgba(255,255,255,0.7)"
)
DARK = Ink(
    "#e8ebf1", "#a3adbd", "#2e3542", "#0f131a", "#3a1719", "#7d9ff0", "rgba(125,159,240,0.22)", "rgba(15,19,26,0.7)"
)


def by_day(course: Course, reading: Reading, ink: Ink) -> Figure:
    """The estimate as it grew, with its band and the margin."""
    import plotly.graph_objects as go

    scale, unit = _scale(clean(reading.unit))
    days = [point.day for point in course.points]
    made = [point.estimate for point in course.points]
    figure = _figure(ink, 330)
    low, high, _ = reach(course, reading)
    known = [(day, one) for day, one in zip(days, made, strict=True) if one.low is not None and one.high is not None]
    edges = [one.high for _, one in known] + [one.low for _, one in reversed(known)]
    if known:
        figure.add_trace(
            go.Scatter(
                x=[day for day, _ in known] + [day for day, _ in reversed(known)],
                y=[scale * edge for edge in edges if edge is not None],
                fill="toself", fillcolor=ink.band, line={"color": ink.focus, "width": 1, "dash": "dot"},
                hoverinfo="skip", mode="lines",
            )
        )  # fmt: skip
    shown = [(day, one) for day, one in zip(days, made, strict=True) if one.effect is not None]
    figure.add_trace(
        go.Scatter(
            x=[day for day, _ in shown], y=[scale * (one.effect or 0.0) for _, one in shown], mode="lines+markers",
            line={"color": ink.focus, "width": 2.5},
            marker={"size": 7, "color": ink.focus, "symbol": ["circle" if one.low is not None else "circle-open"
                                                              for _, one in shown]},
            text=[f"{day:%-d %b}: {_told(one.effect, one.low, one.high, reading)}" for day, one in shown],
            hovertemplate=HOVER,
        )
    )  # fmt: skip
    _margins(figure, reading, ink, vertical=False, ends=(scale * low, scale * high))
    figure.update_yaxes(range=[scale * low, scale * high], ticksuffix=f" {unit}" if unit == "pp" else "", nticks=7)
    figure.update_xaxes(tickformat="%-d %b", nticks=7)
    figure.update_layout(margin={"r": 66})
    return figure


def reach(course: Course, reading: Reading) -> tuple[float, float, bool]:
    """Lower and upper end of the picture in the signal's unit, and whether the band goes on beyond it.

    The later two thirds of the days are shown whole, with zero and the margin; the first may be cut off.
    """
    later = course.points[len(course.points) // 3 :]
    wanted = [0.0, *([reading.margin, -reading.margin] if reading.margin is not None else [])]
    for point in later:
        one = point.estimate
        wanted += [edge for edge in (one.effect, one.low, one.high) if edge is not None]
    middle, half = (max(wanted) + min(wanted)) / 2.0, (max(wanted) - min(wanted)) / 2.0 or 1.0
    low, high = middle - BEYOND * half, middle + BEYOND * half
    every = [edge for point in course.points for edge in (point.estimate.low, point.estimate.high) if edge is not None]
    return low, high, any(edge < low or edge > high for edge in every)


def estimates(rows: Sequence[NamedEstimate], reading: Reading, ink: Ink) -> Figure | None:
    """The estimates below one another; None when fewer than two have an interval in the signal's unit."""
    import plotly.graph_objects as go

    drawn = drawable(rows)
    if len(drawn) < 2:
        return None
    scale, unit = _scale(clean(reading.unit))
    figure = _figure(ink, 70 + (HEAD + ROW + 6) * len(drawn))
    # Bounds that hold whatever the silent think can be a hundred times as wide as what was measured.
    pointed = [one for _, one in drawn if one.effect is not None]
    ends = _room(figure, [edge for one in pointed for edge in (one.effect, one.low, one.high)], scale, reading)
    for place, (row, one) in enumerate(drawn):
        width, colour = (6, ink.focus) if row.votes else (2.5, ink.soft)
        low, high = max(scale * (one.low or 0.0), ends[0]), min(scale * (one.high or 0.0), ends[1])
        figure.add_trace(
            go.Scatter(
                x=[low, high], y=[-place, -place], mode="lines", hoverinfo="skip",
                line={"color": colour, "width": width},
            )
        )  # fmt: skip
        sides = ((ends[0], "triangle-left", low), (ends[1], "triangle-right", high))
        cut = [(end, symbol) for end, symbol, edge in sides if edge == end]
        if cut:
            figure.add_trace(
                go.Scatter(
                    x=[end for end, _ in cut], y=[-place] * len(cut), mode="markers", hoverinfo="skip",
                    cliponaxis=False, marker={"size": 11, "symbol": [symbol for _, symbol in cut], "color": colour},
                )
            )  # fmt: skip
        if one.effect is not None:
            figure.add_trace(
                go.Scatter(
                    x=[scale * one.effect], y=[-place], mode="markers", hovertemplate=HOVER,
                    text=[f"{_bare(clean(row.name))}: {_told(one.effect, one.low, one.high, reading)}"],
                    marker={"size": 12 if row.votes else 10, "symbol": "circle" if row.votes else "circle-open",
                            "color": ink.focus if row.votes else ink.soft, "line": {"width": 2}},
                )
            )  # fmt: skip
        name = f"{estimate_title(clean(row.name))}{' · votes' if row.votes else ''}"
        _label(figure, -place + 0.42, name, ink, strong=row.votes)
    _margins(figure, reading, ink, vertical=True, ends=None)
    _rows(figure, (0.95, -len(drawn) + 0.6), unit)
    return figure


def drawable(rows: Sequence[NamedEstimate]) -> list[tuple[NamedEstimate, Estimate]]:
    """Those that can stand on one axis: with an interval, in the signal's own unit, about the same question."""
    return [
        (row, row.estimate)
        for row in rows
        if row.estimate is not None and row.name not in NOT_DRAWN and not row.estimate.unit
        if row.estimate.low is not None and row.estimate.high is not None
    ]


def segments(rows: Sequence[SegmentView], reading: Reading, ink: Ink) -> Figure | None:
    """Benefit per segment: its own interval, the shrunk and the adjusted one; None without any interval."""
    import plotly.graph_objects as go

    some = [row for row in rows if row.raw.low is not None or row.adjusted.low is not None][:MOST_SEGMENTS]
    if not some:
        return None
    scale, unit = _scale(clean(reading.unit))
    figure = _figure(ink, 76 + (HEAD + 3 * ROW) * len(some))
    tall = HEAD / ROW + 3.0
    looks = (
        ("its own", "circle", ink.focus, 3.0, "solid", 0),
        ("shrunk", "diamond", ink.ink, 2.0, "dash", 1),
        ("adjusted", "line-ns", ink.soft, 1.5, "solid", 2),
    )
    for name, symbol, colour, width, dash, offset in looks:
        x: list[float | None] = []
        y: list[float | None] = []
        marks: list[tuple[float, float, str]] = []
        for place, row in enumerate(some):
            one = (row.raw, row.shrunk, row.adjusted)[offset]
            if one is None or one.low is None or one.high is None:
                continue
            at = -tall * place - HEAD / ROW - offset - 0.1
            x += [scale * one.low, scale * one.high, None]
            y += [at, at, None]
            told = f"{_bare(clean(row.name))}, {name}: {_told(one.value, one.low, one.high, reading)}"
            middle = [(scale * one.value, at, told)] if one.value is not None and offset < 2 else []
            ends = [(scale * one.low, at, told), (scale * one.high, at, told)] if offset == 2 else []
            marks += [*middle, *ends]
        line = {"color": colour, "width": width, "dash": dash}
        figure.add_trace(go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", showlegend=False))
        figure.add_trace(
            go.Scatter(
                x=[mark[0] for mark in marks], y=[mark[1] for mark in marks], mode="markers", name=name,
                showlegend=True, text=[mark[2] for mark in marks], hovertemplate=HOVER,
                marker={"symbol": symbol, "size": 9, "color": colour, "line": {"color": colour, "width": 2}},
            )
        )  # fmt: skip
    for place, row in enumerate(some):
        _label(figure, -tall * place - 0.55, clean(row.name), ink, strong=True)
    spans = [one for row in some for one in (row.raw, row.shrunk, row.adjusted) if one is not None]
    _room(figure, [end for one in spans for end in (one.low, one.high)], scale, reading)
    _margins(figure, reading, ink, vertical=True, ends=None, oriented=True)
    _rows(figure, (0.9, -tall * len(some) + 0.4), unit)
    legend = {
        "orientation": "h",
        "yref": "container",
        "y": 1.0,
        "yanchor": "top",
        "x": 0,
        "itemclick": False,
        "itemdoubleclick": False,
    }
    figure.update_layout(showlegend=True, legend={**legend, "font": {"size": 13, "color": ink.ink}}, margin={"t": 58})
    return figure


# --- what all have ---------------------------------------------------------------------------------------------------


def _figure(ink: Ink, height: int) -> Figure:
    import plotly.graph_objects as go

    font = {"family": '"Source Sans", sans-serif', "size": 13, "color": ink.soft}
    figure = go.Figure()
    figure.update_layout(
        height=height, margin={"l": 4, "r": 8, "t": 24, "b": 4}, showlegend=False, dragmode=False, font=font,
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
        hoverlabel={"bgcolor": ink.paper, "bordercolor": ink.soft, "font": {**font, "color": ink.ink}},
    )  # fmt: skip
    # No grid: the lines that are there mean something.
    axis = {"showgrid": False, "zeroline": False, "automargin": True, "fixedrange": True, "tickcolor": ink.line}
    figure.update_xaxes(**axis, linecolor=ink.line, ticks="outside")
    figure.update_yaxes(**axis, linecolor=ink.line, ticks="outside")
    return figure


def _rows(figure: Figure, ends: tuple[float, float], unit: str) -> None:
    figure.update_yaxes(visible=False, range=[ends[1], ends[0]])
    figure.update_xaxes(nticks=6, ticksuffix=f" {unit}" if unit == "pp" else "")


def _scale(unit: str) -> tuple[float, str]:
    """Fractions are drawn in percentage points."""
    return (100.0 if unit == "pp" else 1.0), _bare(unit)


def _told(value: float | None, low: float | None, high: float | None, reading: Reading) -> str:
    unit = clean(reading.unit)
    return _bare(f"{number(value, unit, signed=True)} ({bounds(low, high, unit)})")


def _bare(text: str) -> str:
    """Text from outside for Plotly, which takes tags and entities in it for markup."""
    return text.replace("<", "‹").replace(">", "›").replace("&", "&amp;")


def _label(figure: Figure, y: float, text: str, ink: Ink, *, strong: bool = False) -> None:
    """A row's name, above its interval and inside the picture."""
    short = _bare(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…")
    figure.add_annotation(
        x=0, xref="paper", xanchor="left", y=y, yanchor="middle", showarrow=False, align="left",
        text=f"<b>{short}</b>" if strong else short, font={"size": 13, "color": ink.ink},
        bgcolor=ink.veil, borderpad=1,
    )  # fmt: skip


def _margins(
    figure: Figure,
    reading: Reading,
    ink: Ink,
    *,
    vertical: bool,
    ends: tuple[float, float] | None,
    oriented: bool = False,
) -> None:
    """No change as a solid line, the margin on both sides dashed, harm beyond it shaded."""
    scale, _ = _scale(clean(reading.unit))
    lines = [(0.0, "no change", "solid")]
    if reading.margin is not None:
        lines += [(scale * side * reading.margin, words, "dash") for side, words in ((-1, "margin"), (1, "margin"))]
        harm = -1.0 if oriented or reading.better == "higher" else 1.0
        edge = harm * scale * reading.margin
        far = edge + harm * 1e6 if ends is None else (min(ends) if harm < 0 else max(ends))
        box = {"x0": edge, "x1": far, "y0": 0, "y1": 1, "yref": "paper"}
        if not vertical:
            box = {"y0": edge, "y1": far, "x0": 0, "x1": 1, "xref": "paper"}
        figure.add_shape(type="rect", **box, fillcolor=ink.harm, line_width=0, layer="below")
    for place, words, dash in lines:
        look = {"color": ink.soft, "width": 1, "dash": dash}
        if vertical:
            figure.add_shape(type="line", x0=place, x1=place, y0=0, y1=1, yref="paper", line=look, layer="between")
            if place == 0.0:
                figure.add_annotation(
                    x=place, y=1, yref="paper", yanchor="bottom", showarrow=False, text=words, font={"size": 12}
                )
        else:
            figure.add_shape(type="line", y0=place, y1=place, x0=0, x1=1, xref="paper", line=look, layer="between")
            figure.add_annotation(
                x=1, xref="paper", xanchor="left", xshift=4, y=place, yanchor="middle", showarrow=False, text=words,
                font={"size": 12},
            )  # fmt: skip


def _room(figure: Figure, ends: Sequence[float | None], scale: float, reading: Reading) -> tuple[float, float]:
    """Let the axis span these values, zero and the margin; shapes reach beyond it on purpose."""
    wanted = [0.0, *(scale * end for end in ends if end is not None)]
    if reading.margin is not None:
        wanted += [scale * reading.margin, -scale * reading.margin]
    spare = 0.05 * ((max(wanted) - min(wanted)) or 1.0)
    low, high = min(wanted) - spare, max(wanted) + spare
    figure.update_xaxes(range=[low, high])
    return low, high
