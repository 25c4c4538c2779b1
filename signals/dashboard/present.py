"""The presenter view (``?present=1``): what a room reads from three metres, and nothing else.

Banner, forest plot, who was overruled and why, what would flip it, and of a HOLD the way out.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from signals.dashboard import releases
from signals.dashboard.cards import SYNTHETIC_TAG
from signals.dashboard.forest_card import axis, split, track
from signals.dashboard.heard_card import reason
from signals.dashboard.marks import call_word
from signals.dashboard.way_out import NO_WAY, due
from signals.memo import Forest, Memo
from signals.memo.forest import Row
from signals.memo.phrases import NO_FLIP, ONLY_FAR, clean, short_hash
from signals.model import Project
from signals.words import CALL_WORDS

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

ROWS, OVERRULED, FLIPS, WAYS = 5, 2, 2, 1  # that can be read from far; how many more there are is said
PARAMETER = "present"


def on() -> bool:
    """Whether the address asks for it."""
    return st.query_params.get(PARAMETER) == "1"


def button(place: DeltaGenerator) -> None:
    """Enter it."""
    place.button(
        "Present", icon=":material/present_to_all:", key="present", help="Presenter view, for a room (P or F)",
        on_click=_enter, type="tertiary",
    )  # fmt: skip


def _enter() -> None:
    st.query_params[PARAMETER] = "1"


def _leave() -> None:
    st.query_params.pop(PARAMETER, None)


def controls(project: Project, release: str, place: DeltaGenerator) -> None:
    """Which release of how many, the one before and after it, and the way back."""
    ids = [one.id for one in project.releases]
    at = ids.index(release)
    with place.container(horizontal=True, vertical_alignment="center", key="stage"):
        st.html(f'<div class="sg stage">{escape(clean(release))}, {at + 1} of {len(ids)}</div>', width="stretch")
        releases.step(ids, release, -1, "Previous release")
        releases.step(ids, release, +1, "Next release")
        st.button("Leave (Esc)", key="leave", on_click=_leave, type="tertiary")


def banner(memo: Memo) -> str:
    """The call, as large as it goes, the sentence and who decided."""
    below = "" if memo.decides else f"<small>{CALL_WORDS[memo.call]} until then</small>"
    size = "call" if memo.decides else "call long"
    unheard = f'<p class="unheard">Not heard: {escape("; ".join(memo.unheard[:1]))}{_more(memo.unheard, 1)}</p>'
    return (
        f'<section class="banner present {memo.call}" id="verdict" tabindex="-1" aria-label="Verdict: '
        f'{escape(memo.word)}"><div class="{size}" role="status">{escape(memo.word)}{below}</div>'
        f'<div><p class="sentence">{escape(memo.sentence)}</p>{unheard if memo.unheard else ""}'
        f'<p class="by">{escape(memo.decided_by)}</p></div></section>'
    )


def body(memo: Memo) -> str:
    """Forest plot left; right the way out, who was overruled, what would flip it; below, what this is about."""
    side = [_way_out(memo)] if memo.call == "hold" else []
    side += [_overruled(memo), _flips(memo)]
    synthetic = f' · <b class="synthetic">{SYNTHETIC_TAG}</b>' if memo.synthetic else ""
    about = (
        f"In margins: left of −1 is harm beyond the limit · {escape(memo.candidate)} against {escape(memo.control)} · "
        f"evidence as of {escape(memo.as_of)} · policy {escape(memo.policy_name)} "
        f"({escape(short_hash(memo.policy_hash))}){synthetic}"
    )
    return (
        f'<div class="sg present"><div class="room">{_forest(memo.plot)}<div class="side">{"".join(side)}</div></div>'
        f'<p class="about">{about}</p></div>'
    )


def _more(things: tuple[object, ...] | list[Row], shown: int) -> str:
    return f' <span class="rest">and {len(things) - shown} more</span>' if len(things) > shown else ""


def _forest(plot: Forest) -> str:
    shown, others = split(plot.rows, ROWS)
    rows = "".join(_row(plot, row) for row in shown)
    more = f'<p class="rest">and {len(others)} more: {escape(", ".join(row.signal for row in others))}</p>'
    return (
        f'<section class="forest" aria-label="Signals, in units of the decision margin">{axis(plot, bare=True)}'
        f'<div role="list">{rows}</div>{more if others else ""}</section>'
    )


def _row(plot: Forest, row: Row) -> str:
    interval = f'<span class="small">{escape(row.interval)}</span>' if row.interval else ""
    state = f'<span class="flag">{escape(row.note)}</span>' if row.note and row.low is not None else ""
    return (
        f'<div class="row {row.mark} {row.tone or "none"}" role="listitem" aria-label="{escape(row.spoken)}">'
        f'<span class="rank">{"" if row.rank is None else row.rank}</span>'
        f'<div><div class="name">{escape(row.signal)}</div>{state}</div>'
        f'<div class="track" aria-hidden="true">{track(plot, row)}</div>'
        f'<div class="numbers"><b>{escape(row.effect)}</b>{interval}</div></div>'
    )


def _way_out(memo: Memo) -> str:
    needs = [
        f"<p><b>{escape(f'{need.signal}: {need.what}' if need.signal else need.what)}</b>"
        f"{f', {escape(due(need))}' if due(need) else ''}</p>"
        for need in memo.needs[:WAYS]
    ]
    lines = "".join(needs) or f"<p>{NO_WAY}</p>"
    return f'<section aria-label="Way out"><h2>Way out</h2>{lines}{_more(memo.needs, WAYS)}</section>'


def _overruled(memo: Memo) -> str:
    lines = [
        f"<p><b>{escape(line.signal)}</b> is <b>{escape(line.state)}</b>"
        f"{f', says {call_word(line.says)}' if line.says else ''}: {escape(reason(line, memo.heard, memo.rules))}</p>"
        for line in memo.overruled[:OVERRULED]
    ]
    text = "".join(lines) or "<p>Nobody.</p>"
    return f'<section aria-label="Overruled"><h2>Overruled</h2>{text}{_more(memo.overruled, OVERRULED)}</section>'


def _flips(memo: Memo) -> str:
    found = memo.explained
    if found is None:
        busy = '<p class="busy" role="status">Working it out …</p>'
        return f'<section aria-label="What would flip it"><h2>What would flip it</h2>{busy}</section>'
    near = [line for line in found.flips if not line.far]
    lines = "".join(f"<p>{escape(line.words)}: {call_word(line.to)}</p>" for line in near[:FLIPS])
    lines = lines or f"<p>{escape(ONLY_FAR if found.flips else NO_FLIP)}</p>"
    more = _more(found.flips, len(near[:FLIPS])) if near else ""
    return f'<section aria-label="What would flip it"><h2>What would flip it</h2>{lines}{more}</section>'
