"""The Signals page: one signal of one release in depth. It calls ``review`` and ``inside``, and draws.

Its address is ``/signals?release=RELEASE&signal=SIGNAL``. Behind a ``#``, which brings the reader to the place, stands
``check_anchor(name)`` of ``signals.model.inside`` for a check (``#check-sample_ratio_p``), ``segment_anchor(name)`` for
a segment (``#segment-plan=enterprise``), and ``#by-day``, ``#numbers``, ``#estimates``, ``#segments``, ``#people``,
``#items``, ``#raters``, ``#checks``, ``#set-aside``, ``#sources`` for the cards.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from signals.dashboard import cards, releases, signals_cards, signals_people, signals_tables, signals_trust
from signals.memo import Memo
from signals.memo.phrases import clean
from signals.model import SignalsError
from signals.model.inside import Depth, SignalView

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from signals.dashboard.signals_charts import Ink
    from signals.review import Review

MENU, CHOSEN, NOT_HERE = "signal", "signal chosen", "signal not here"  # in the session
CSS = f"<style>\n{(Path(__file__).parent / 'signals.css').read_text(encoding='utf-8')}</style>"


def page(root: Path) -> None:
    """Draw the project in ``root``; release and signal come from the address or the menus."""
    from signals.inside import depth_key, inside
    from signals.review import review

    st.html(CSS)
    at = releases.opened(root)
    if at is None:
        return
    missed = releases.missed(at.release)
    try:
        found = review(at.release, at.project)
        memo = found.memo(explained=False)
        signal = _choose(_names(found), _first(found), at.controls)
        key = depth_key(found, signal)
        view = inside(found, signal, Depth() if key is None else _kept(key, found))
    except SignalsError as error:
        at.banner.html(cards.wrap(missed, cards.problem(f"Nothing to show for {at.release}", error)))
        return
    line = next(one for one in memo.readings if one.signal == clean(signal))
    at.banner.html(cards.wrap(missed, _not_here(signal), signals_cards.banner(view, line)))
    at.controls.html(cards.wrap(cards.meta(memo)), width="stretch")
    _body(view, memo)


@st.cache_data(max_entries=128, show_spinner="Computing it day by day from the evidence …")
def _kept(key: tuple[str, str, str, str], _found: Review) -> Depth:
    """What is computed from the evidence, kept per release, signal, evidence and definition."""
    from signals.inside import depth

    return depth(_found, key[1])


# --- which signal ---------------------------------------------------------------------------------------------------


def _names(found: Review) -> list[str]:
    """The signals of the policy, those of the hierarchy first, in its order."""
    return list(dict.fromkeys([*(row.signal for row in found.verdict.trace), *found.verdict.readings]))


def _first(found: Review) -> str:
    """The signal that is shown when the address names none: the one that decides, else the highest of the hierarchy."""
    decides = found.verdict.decided_by or ""
    return decides if decides in found.verdict.readings else _names(found)[0]


def _choose(names: list[str], first: str, place: DeltaGenerator) -> str:
    """The signal to show: from the address (``&signal=NAME``), else from the menu, else the first."""
    asked = st.query_params.get("signal")
    st.session_state[NOT_HERE] = None if asked in names else asked
    shown = asked
    if shown not in names:
        chosen = st.session_state.get(CHOSEN)
        shown = chosen if chosen in names else first
        st.query_params["signal"] = shown
    st.session_state[CHOSEN] = st.session_state[MENU] = shown  # the menu follows the address, as that of releases does
    place.selectbox(
        "Signal", names, index=None, key=MENU, on_change=_picked, label_visibility="collapsed", width=200,
        required=True,
    )  # fmt: skip
    return shown


def _picked() -> None:
    st.query_params["signal"] = st.session_state[MENU]


def _not_here(signal: str) -> str:
    asked = st.session_state.get(NOT_HERE)
    if not asked:
        return ""
    text = f"The link is wrong or old, or the policy declares it no longer; `{signal}` is shown."
    return cards.notice(f"No signal is called {asked}", text)


# --- below the banner -----------------------------------------------------------------------------------------------


def _body(view: SignalView, memo: Memo) -> None:
    reading = view.reading
    line = next(one for one in memo.readings if one.signal == clean(view.signal))
    steps = signals_cards.steps_card(view)
    if steps:
        st.html(cards.wrap(steps))
    ink = _ink()
    if reading.state != "missing":
        left, right = st.columns([1.72, 1], gap="small")
        beside = signals_tables.card("In numbers", signals_cards.facts(line), anchor="numbers")
        people = signals_people.people_card(view.people) if view.people else ""
        right.html(cards.wrap(f'<div class="stack">{beside}{people}</div>'))
        with left:
            with st.container(border=True, key="by-day-card"):
                _by_day(view, ink)
            if not view.course.points:  # there is room beside the numbers
                with st.container(border=True, key="estimates-card"):
                    _estimates(view, ink, beside=False)
        if view.course.points:
            with st.container(border=True, key="estimates-card"):
                _estimates(view, ink, beside=True)
        if view.segments:
            with st.container(border=True, key="segments-card"):
                _segments(view, ink)
    items = signals_people.items_card(view.people, reading) if view.people else ""
    if items:
        st.html(cards.wrap(items))
    if view.raters is not None and reading.state != "missing":
        st.html(cards.wrap(signals_people.raters_card(view.raters, reading)))
    lines = [one for one in memo.checks if one.signal == clean(view.signal)]
    if reading.state != "missing":
        st.html(cards.wrap(signals_trust.checks_card(view.checks, lines)))
    aside = signals_trust.set_aside_card(memo, clean(view.signal))
    st.html(cards.wrap(f'<div class="grid pairs">{aside}{signals_trust.sources_card(view.sources)}</div>'))


def _by_day(view: SignalView, ink: Ink) -> None:
    st.html(cards.wrap('<h2 id="by-day">Effect so far, day by day</h2>'))
    course, reading = view.course, view.reading
    if not course.points:
        st.html(cards.wrap(f'<p class="none-yet">{signals_tables.sentence(course.why_not)}</p>'))
        return
    from signals.dashboard import signals_charts

    alt = signals_cards.course_alt(view)
    _chart(signals_charts.by_day(course, reading, ink), "by-day-chart", alt)
    cut = signals_charts.reach(course, reading)[2]
    st.html(cards.wrap(signals_cards.course_words(course, cut=cut), signals_cards.course_table(course, reading)))


def _estimates(view: SignalView, ink: Ink, *, beside: bool) -> None:
    from signals.dashboard import signals_charts

    st.html(cards.wrap('<h2 id="estimates">Estimates side by side</h2>'))
    table = cards.wrap(signals_cards.estimates_table(view.estimates, view.reading))
    figure = signals_charts.estimates(view.estimates, view.reading, ink)
    if figure is None:
        st.html(table)
        return
    left, right = st.columns([1, 1.5], gap="medium") if beside else (st.container(), st.container())
    with left:
        _chart(figure, "estimates-chart", signals_cards.estimates_alt(view))
    right.html(table)


def _segments(view: SignalView, ink: Ink) -> None:
    from signals.dashboard import signals_charts

    st.html(cards.wrap('<h2 id="segments">Benefit by segment</h2>', signals_cards.segments_words(view.reading)))
    table = cards.wrap(signals_cards.segments_table(view.segments, view.reading))
    figure = signals_charts.segments(view.segments, view.reading, ink)
    if figure is None:
        st.html(table)
        return
    left, right = st.columns([1, 1.15], gap="medium")
    with left:
        _chart(figure, "segments-chart", signals_cards.segments_alt(view))
    right.html(table)


def _chart(figure: Any, key: str, alt: str) -> None:
    from signals.dashboard.signals_charts import CONFIG

    st.plotly_chart(figure, key=key, theme=None, config=CONFIG, alt=alt, width="stretch")


def _ink() -> Ink:
    from signals.dashboard.signals_charts import DARK, LIGHT

    return DARK if st.context.theme.type == "dark" else LIGHT
