"""The cards of the Signals page as HTML. Every text goes through ``escape``; nothing here decides or computes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from signals.dashboard.marks import with_code
from signals.dashboard.signals_tables import Cell, card, folded, small, table
from signals.memo.phrases import CALL_SPOKEN, ROLE_TAGS, check_title, clean, rule_words
from signals.memo.rows import ReadingLine
from signals.model import Estimate, Interval, Reading, State
from signals.model.inside import (
    Course,
    NamedEstimate,
    SegmentView,
    SignalView,
    check_anchor,
)
from signals.words import bounds, count, estimate_title, level, moment, number, plural, share

TONES: dict[State, str] = {"win": "ship", "loss": "rollback"}
WORDS: dict[State, str] = {
    "win": "WIN", "loss": "LOSS", "flat": "FLAT", "unclear": "UNCLEAR", "untrusted": "UNTRUSTED",
    "missing": "NO EVIDENCE",
}  # fmt: skip

BANDS = {
    "any-time": "The band is valid at every day at once: looking daily does not make it less true.",
    "one look": "Each interval is that of one look, chosen beforehand: only the last day's is the reading's. Looking "
    "daily until one of them excludes zero would find an effect too often.",
    "planned looks": "The band is valid at the planned looks together; between two of them the last look stands.",
}


def banner(view: SignalView, line: ReadingLine) -> str:
    """The state in one word, the number against its margin, what the signal asks and what its rows did."""
    reading = view.reading
    tone = TONES.get(reading.state, "hold" if reading.state in ("unclear", "untrusted", "missing") else "none")
    told = [f"{line.effect} ({line.interval})", f"margin {line.margin}", line.better]
    sentence = f"{'; '.join(told)}: {line.why}." if reading.state not in ("untrusted", "missing") else f"{line.why}."
    if reading.state == "untrusted":
        sentence += f" Its number, {told[0]}, has no say."
    rows = [
        f"{rule_words(row.rule)}: {ROLE_TAGS[row.role].lower()}{f', says {CALL_SPOKEN[row.says]}' if row.says else ''}"
        for row in view.ranks
    ]
    ranked = "; ".join(rows) or "no row of the hierarchy names it"
    owner = f" Owner: {line.owner}." if line.owner else ""
    return (
        f'<section class="banner {tone}" role="status" aria-label="{escape(line.signal)}: {WORDS[reading.state]}">'
        f'<div class="call">{WORDS[reading.state]}<small>{escape(line.signal)}</small></div>'
        f'<div><p class="sentence">{escape(sentence[:1].upper() + sentence[1:])}</p>'
        f'<p class="small">{escape(line.question)} {escape(ranked[:1].upper() + ranked[1:])}.{escape(owner)}</p>'
        "</div></section>"
    )


def steps_card(view: SignalView) -> str:
    """What to do next; empty when nothing is wanting."""
    if not view.steps:
        return ""
    names = {source.name for source in view.sources}
    lines = []
    for one in view.steps:
        about = one.about if one.about in names else check_title(one.about) if one.about else ""
        linked = f'<a href="#{check_anchor(one.about)}">{escape(about)}</a>' if about and one.about not in names else ""
        head = linked or escape(clean(about))
        lines.append(f"<li>{f'<b>{head}</b>: ' if head else ''}{with_code(clean(one.text))}</li>")
    return card("What to do next", f'<ol class="todo">{"".join(lines)}</ol>', kind="todo-card")


def facts(line: ReadingLine) -> str:
    """The reading in numbers, one per line."""
    pairs = [
        ("Effect", f"{line.effect}"), ("Interval", line.interval), ("Relative", line.relative), ("Margin", line.margin),
        ("Evidence", line.n), ("Non-inferior", line.non_inferior), ("p-value", line.p),
        ("Power at the margin", line.power),
        ("Least detectable", line.mde), ("Newest evidence", f"{line.age} old" if line.age != "–" else "no times"),
        ("Votes", estimate_title(line.voting)), ("Method", line.method),
    ]  # fmt: skip
    rows = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in pairs if text)
    doubts = "".join(f'<p class="small doubt"><b aria-hidden="true">!</b> {escape(one)}</p>' for one in line.warnings)
    return f'<dl class="facts">{rows}</dl>{doubts}'


# --- by day ---------------------------------------------------------------------------------------------------------


def course_words(course: Course, *, cut: bool) -> str:
    """What the band holds for, and what the picture leaves out."""
    said = [BANDS[course.band], "Dashed: the margin; shaded: harm beyond it."]
    if cut:
        said.append("The band of the first days goes on beyond the picture; the table has it whole.")
    if course.days > len(course.points):
        said.append(f"{len(course.points)} of {course.days} days are shown, evenly spaced.")
    return f'<p class="caption">{escape(" ".join(said))}</p>'


def course_table(course: Course, reading: Reading) -> str:
    """The same as a table, the newest day first."""
    rows = [
        (
            ("Day", moment(point.day)),
            ("Effect so far", _signed(point.estimate.effect, reading)),
            ("Interval", _within(point.estimate, reading)),
            ("Control", count(point.estimate.n_control)),
            ("Candidate", count(point.estimate.n_candidate)),
        )
        for point in reversed(course.points)
    ]
    return folded(f"By day as a table, {plural(len(rows), 'days')}", table("By day", rows, right=range(1, 5)))


def _within(one: Estimate, reading: Reading) -> str:
    if one.refused:
        return small(clean(one.refused))
    return escape(bounds(one.low, one.high, clean(reading.unit)))


def course_alt(view: SignalView) -> str:
    """The picture in one sentence."""
    first, last = view.course.points[0], view.course.points[-1]
    unit = clean(view.reading.unit)
    ends = [
        f"on {moment(point.day)} {number(point.estimate.effect, unit, signed=True)} "
        f"({bounds(point.estimate.low, point.estimate.high, unit)})"
        for point in (first, last)
    ]
    return clean(
        f"Effect of {view.signal} so far, day by day: {', '.join(ends)}; margin {number(view.reading.margin, unit)}"
    )


# --- estimates ------------------------------------------------------------------------------------------------------


def estimates_table(rows: Sequence[NamedEstimate], reading: Reading) -> str:
    """All estimates, the one that votes first; those that there are none of say why."""
    return table(
        "Estimates side by side", [_estimate(row, reading) for row in rows], right=(1, 2, 3, 4), kind="estimates-table"
    )


def _estimate(row: NamedEstimate, reading: Reading) -> tuple[Cell, ...]:
    votes = ' <span class="tag filled none">votes</span>' if row.votes else ""
    name = f"<b>{escape(estimate_title(clean(row.name)))}</b>{votes}"
    one = row.estimate
    if one is None:
        why = f'<span class="small">there is none: {escape(clean(row.why_not))}</span>'
        return ("Estimate", name), ("Effect", "–"), ("Interval", "–"), ("n", "–"), ("Effective n", "–"), ("Method", why)
    unit = clean(one.unit) or clean(reading.unit)
    within = f"{bounds(one.low, one.high, unit)}" if one.low is not None else "no interval"
    confidence = "" if one.confidence == reading.confidence or one.low is None else f" ({level(one.confidence)})"
    how = [clean(one.method)] if one.method else []
    how += [f"refused: {clean(one.refused)}"] if one.refused else []
    doubts = "".join(f'<span class="small doubt">! {escape(clean(text))}</span>' for text in one.warnings)
    sizes = (
        count(one.n_control)
        if one.n_control == one.n_candidate
        else f"{count(one.n_control)} v {count(one.n_candidate)}"
    )
    return (
        ("Estimate", name),
        ("Effect", escape(number(one.effect, unit, signed=True))),
        ("Interval", escape(within + confidence)),
        ("n", sizes if one.n_control or one.n_candidate else "–"),
        ("Effective n", count(one.n_effective)),
        ("Method", f'<span class="small">{escape("; ".join(how))}</span>{doubts}'),
    )


def estimates_alt(view: SignalView) -> str:
    """The picture in one sentence."""
    told = [
        f"{estimate_title(row.name)} {number(row.estimate.effect, clean(view.reading.unit), signed=True)}"
        f"{' votes' if row.votes else ''}"
        for row in view.estimates
        if row.estimate is not None and not row.estimate.unit
    ]
    return clean(f"Estimates of {view.signal} with their intervals: {', '.join(told)}")


# --- segments -------------------------------------------------------------------------------------------------------


def segments_words(reading: Reading) -> str:
    """What the three intervals are."""
    turned = (
        " Lower is better for this signal, so its effects are turned around here." if reading.better == "lower" else ""
    )
    return (
        '<p class="caption">Positive is good.'
        f"{turned} Its own: from the segment's evidence alone. Shrunk: drawn towards the others as far as they agree. "
        f"Adjusted: the own estimate with bounds that hold for all segments at once, at {level(reading.confidence)}. "
        "Shaded: harm beyond the margin.</p>"
    )


def segments_table(rows: Sequence[SegmentView], reading: Reading) -> str:
    """Every segment with its three benefits beside one another; each can be linked to."""
    made = [
        (
            ("Segment", f"<b>{escape(clean(row.name))}</b>"),
            ("Share", share(row.share)),
            ("n", f"{count(row.n_control)} v {count(row.n_candidate)}"),
            ("Its own", small(clean(row.refused)) if row.refused else _both(row.raw, reading)),
            ("Shrunk", _both(row.shrunk, reading)),
            ("Adjusted", _span(row.adjusted, reading)),
        )
        for row in rows
    ]  # fmt: skip
    return table("Benefit by segment", made, right=range(1, 6), anchors=[row.anchor for row in rows])


def segments_alt(view: SignalView) -> str:
    """The picture in one sentence."""
    told = [f"{row.name} {number(row.raw.value, clean(view.reading.unit), signed=True)}" for row in view.segments]
    return clean(f"Benefit of {view.signal} by segment, its own, shrunk and adjusted interval: {', '.join(told)}")


def _both(one: Interval | None, reading: Reading) -> str:
    if one is None or one.value is None:
        return "–"
    return (
        f'{escape(number(one.value, clean(reading.unit), signed=True))}<span class="small">{_span(one, reading)}</span>'
    )


def _span(one: Interval, reading: Reading) -> str:
    return escape(bounds(one.low, one.high, clean(reading.unit))) if one.low is not None else "–"


def _signed(value: float | None, reading: Reading) -> str:
    return escape(number(value, clean(reading.unit), signed=True))
