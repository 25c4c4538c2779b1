"""The cards of the Decisions page as HTML. Every text goes through ``escape``; nothing here decides or computes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from signals.dashboard.cards import SYNTHETIC_TAG
from signals.dashboard.gap_picture import gap_plot
from signals.memo.phrases import CALL_SPOKEN, SYNTHETIC, clean
from signals.model import CALLS, OUTCOMES, STATES
from signals.track import (
    Pair,
    Rate,
    SignalRecord,
    TrackRecord,
    decimals,
    gap_lines,
    pair_notes,
    pair_refusals,
    rate_refusals,
)
from signals.words import level, plural, share

SELECTED = "Outcomes are known best of what was shipped: a signal that stops releases is seldom proved right."


def head(found: TrackRecord) -> str:
    """What the record is of, and what it lacks."""
    tag = f'<span class="synthetic" title="{escape(SYNTHETIC)}">{SYNTHETIC_TAG}</span>' if found.synthetic else ""
    title = f"<b>Track record of {escape(clean(found.policy))}.</b>"
    told = " ".join(line for line in found.words if line not in found.alarms)
    alarms = "".join(f'<p class="bad" role="alert">{text(line)}</p>' for line in found.alarms)
    return f'<div class="meta record"><span>{title} {text(told)}{alarms}</span>{tag}</div>'


def body(found: TrackRecord) -> str:
    """All cards."""
    if not found.known:
        return _left_out(found)
    left = f"{_signals_card(found)}{_pairs_card(found)}{_left_out(found)}"
    right = f"{_policy_card(found)}{_gaps_card(found)}"
    return f'<div class="grid records"><div class="stack">{left}</div><div class="stack">{right}</div></div>'


def _card(title: str, small: str, *parts: str, kind: str = "") -> str:
    note = f'<span class="small">{escape(small)}</span>' if small else ""
    return (
        f'<section class="card {kind}" aria-label="{escape(title)}"><h2>{escape(title)}{note}</h2>'
        f"{''.join(parts)}</section>"
    )


def text(words: str) -> str:
    """Escaped, with `words between backticks` as code."""
    parts = escape(clean(words)).split("`")
    whole = len(parts) % 2 == 1
    return "".join(f"<code>{one}</code>" if place % 2 and whole else one for place, one in enumerate(parts))


def _small(lines: Sequence[str]) -> str:
    return "".join(f'<p class="small">{text(line)}</p>' for line in lines)


def _table(label: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]], numbers: bool = True) -> str:
    """A table whose cells name their column on a phone; ``rows`` are (header, cells) of HTML."""
    align = ' class="r"' if numbers else ""
    top = "".join(f'<th scope="col"{align if place else ""}>{escape(name)}</th>' for place, name in enumerate(columns))
    lines = "".join(
        f'<tr><th scope="row">{first}</th>'
        + "".join(
            f'<td{align} data-name="{escape(name)}">{cell}</td>' for name, cell in zip(columns[1:], cells, strict=True)
        )
        + "</tr>"
        for first, cells in rows
    )
    inside = f"<thead><tr>{top}</tr></thead><tbody>{lines}</tbody>"
    return f'<table class="record" aria-label="{escape(label)}">{inside}</table>'


# --- signals --------------------------------------------------------------------------------------------------------


def _signals_card(found: TrackRecord) -> str:
    rows = [(f"<b>{escape(clean(one.signal))}</b>{_said(one)}", _cells(one)) for one in found.signals]
    columns = ("Signal, and what it said", "Heard", "Decided", "Same as decider", "Wins good", "Losses bad")
    note = [*rate_refusals(found)]
    caption = (
        '<p class="caption">Same as decider: of the releases that another signal decided and in which both said win, '
        f"loss or flat. In brackets the {escape(level(found.confidence))} of the share. {SELECTED}</p>"
    )
    small = f"over {plural(found.releases, 'past releases')}"
    return _card("Signals", small, _table("Signals", columns, rows), _small(note), caption, kind="signals")


def _cells(one: SignalRecord) -> list[str]:
    return [str(one.heard), str(one.decided), *(_rate(part) for part in (one.agreed, one.win_good, one.loss_bad))]


def _rate(one: Rate) -> str:
    if not one.of:
        return "–"
    counts = f"{one.times} of {one.of}"
    if one.low is None or one.high is None:
        return counts
    return (
        f"{counts}, <b>{share(one.times / one.of, 0)}</b>"
        f'<span class="small">({100 * one.low:.0f} to {share(one.high, 0)})</span>'
    )


def _said(one: SignalRecord) -> str:
    """A bar of its states, as long as their share, with the counts in words below."""
    total = sum(one.states.values())
    bars = "".join(
        f'<i class="{state}" style="width:{100 * one.states[state] / total:.2f}%"></i>'
        for state in STATES
        if one.states.get(state)
    )
    counts = " · ".join(f"{one.states[state]} {state}" for state in STATES if one.states.get(state))
    return f'<span class="states" aria-hidden="true">{bars}</span><span class="small">{counts}</span>'


# --- policy ---------------------------------------------------------------------------------------------------------


def _policy_card(found: TrackRecord) -> str:
    rows = []
    for who, counts in (("Policy says", found.record.calls), ("People said", found.record.decided)):
        for call in CALLS:
            numbers = [counts.get((call, outcome), 0) for outcome in OUTCOMES]
            if any(numbers):
                name = f'{who} <span class="{call} word">{CALL_SPOKEN[call]}</span>'
                rows.append((name, [str(one) for one in numbers]))
    table = _table("Calls against outcomes", ("Call", "Good", "Bad", "Not known"), rows)
    told = "How releases turned out, by the call of the policy as it is now and by what people decided."
    caption = f'<p class="caption">{told}</p>'
    return _card(
        "The policy", f"over {plural(found.known, 'past releases')}", table, _small(found.record.words), caption
    )


# --- pairs ----------------------------------------------------------------------------------------------------------


def _pairs_card(found: TrackRecord) -> str:
    shown = [one for one in found.pairs if not one.refused]
    rows = [
        (
            f"{escape(clean(one.signal))} and {escape(clean(one.other))}",
            [_reach(one), f"<b>{decimals(one.correlation.value)}</b>{_marks(one)}", _interval(one),
             decimals(one.measured), str(one.releases)],
        )
        for one in shown
    ]  # fmt: skip
    columns = ("Signals", "−1 to +1", "Correlation", level(found.confidence), "As measured", "Releases")
    table = _table("Correlation of true benefits", columns, rows) if rows else ""
    caption = (
        '<p class="caption">Correlation of the true benefits, in margins: of measured benefits less the noise of each '
        "release.</p>"
    )
    notes = _small([*pair_notes(found), *pair_refusals(found)])
    return _card("Do signals move together?", "", table, notes, caption, kind="pairs")


def _marks(one: Pair) -> str:
    return f"{'*' if one.shared else ''}{'†' if one.clamped else ''}"


def _interval(one: Pair) -> str:
    return f"{decimals(one.correlation.low)} to {decimals(one.correlation.high)}"


def _reach(one: Pair) -> str:
    value, low, high = one.correlation.value, one.correlation.low, one.correlation.high
    if value is None or low is None or high is None:
        return ""
    left, width, point = (f"{50 * part:.2f}%" for part in (low + 1, high - low, value + 1))
    bar = f'<i class="bar" style="left:{left};width:{width}"></i><i class="dot" style="left:{point}"></i>'
    return f'<span class="reach" aria-hidden="true"><i class="mid"></i>{bar}</span>'


# --- gaps -----------------------------------------------------------------------------------------------------------


def _gaps_card(found: TrackRecord) -> str:
    against = clean(found.outcome_signal or "")
    parts = []
    for one in found.signals:
        if one.gap is None:
            continue
        told = "" if one.gap.refused else f'<p class="small">{text(one.gap.words)}</p>'
        alarm = one.gap.alarm is not None and one.gap.alarm.at is not None
        tag = '<span class="tag rollback filled">Alarm</span>' if alarm else ""
        picture = gap_plot(one.gap)
        if picture:
            parts.append(f'<div class="gapped"><h3>{escape(clean(one.signal))} {tag}</h3>{picture}{told}</div>')
    refused = [line for line in gap_lines(found) if line not in {one.gap.words for one in found.signals if one.gap}]
    caption = (
        f'<p class="caption">Benefit of the signal less that of {escape(against)}, the signal that the hierarchy asks '
        "first, in margins of each, in order of start. Below, where there are enough releases, the sum that sounds the "
        "alarm when the gap grows.</p>"
    )
    if not parts and not refused:
        return ""
    title = f"Promised more than {against} delivered?"
    return _card(title, "", _small(refused), f'<div class="gapgrid">{"".join(parts)}</div>', caption, kind="gapcard")


def _left_out(found: TrackRecord) -> str:
    if not found.left_out:
        return ""
    lines = [f"{one.release}: {one.why}" for one in found.left_out]
    return _card("Left out", plural(len(lines), "releases"), _small(lines))
