"""Recording a decision: the button, and the drawer that asks what, who and why.

Nothing is checked here: ``choices.decision_faults`` says what is missing, field by field, and ``review.record`` asks
again before it writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from html import escape
from typing import TYPE_CHECKING
from uuid import uuid4

import streamlit as st

from signals.choices import MAX_NAME, MAX_TEXT, Field, decision_faults, end_of
from signals.dashboard import cards, signin
from signals.model import CALLS, Call, Decision, SignalsError
from signals.words import CALL_WORDS, clean, moment

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from signals.review import Review

NAME = "record name"  # in the session: who recorded last, offered again
DONE = "record done"  # the decision that was recorded just now
FORM = "record form"  # token of the form of each release
RECORDED = "recorded forms"  # tokens of the forms that were recorded
TRIED = "record tried"  # the form whose faults are shown
ENDS, LOOKS = "It ends on", "Somebody looks at it again on"


def button(found: Review, place: DeltaGenerator) -> None:
    """The button that opens the drawer; disabled with the reason for who may not record."""
    _say_done()
    try:
        lacks = signin.lacks("reviewer")
    except SignalsError as error:
        lacks = str(error)
    if place.button(
        "Record decision", key="record", icon=":material/edit_note:", type="primary", width="content", shortcut="d",
        disabled=bool(lacks), help=lacks or None,
    ):  # fmt: skip
        drawer(found, token_of(FORM, found.verdict.release.id))


def _say_done() -> None:
    made: Decision | None = st.session_state.pop(DONE, None)
    if made is not None:
        st.toast(f"Decision {made.number} is recorded: {CALL_WORDS[made.call]}.", icon=":material/check:")


@st.dialog("Record decision", position="right", icon=":material/edit_note:")
def drawer(found: Review, token: str) -> None:
    """Ask, and record what is answered; ``token`` is that of the form, which counts once."""
    signin.leave_if_gone()
    close_when_recorded(token)
    verdict = found.verdict
    st.html(wrap(_head(found)))
    call: Call = st.radio(
        "Decision", CALLS, index=CALLS.index(verdict.call), key=f"record-call-{token}", horizontal=True,
        format_func=lambda one: CALL_WORDS[one] + (" (as the verdict says)" if one == verdict.call else ""),
    )  # fmt: skip
    override = call != verdict.call
    if override:
        st.html(wrap(_warning(verdict.call)))
    faults: dict[Field, str] = {}
    told = st.session_state.get(TRIED) == token
    by = _by(token)
    by_fault = st.empty()
    label = f"Why not {CALL_WORDS[verdict.call]}" if override else "Why"
    because = st.text_area(label, key=f"record-because-{token}", height=96, max_chars=MAX_TEXT) or ""
    because_fault = st.empty()
    second, until, follow_up = "", None, None
    places: dict[Field, DeltaGenerator] = {"by": by_fault, "because": because_fault}
    if override:
        second = st.text_input("Second person, who agrees", key=f"record-second-{token}", max_chars=MAX_NAME) or ""
        places["second"] = st.empty()
        which = st.radio("An override has a date", (ENDS, LOOKS), key=f"record-which-{token}", horizontal=True)
        day: date | None = st.date_input(
            f"{which} (the end of that day, UTC)", value=None, min_value=datetime.now(UTC).date(), format="YYYY-MM-DD",
            key=f"record-date-{token}",
        )  # fmt: skip
        places["date"] = st.empty()
        ends = end_of(day) if day else None
        until, follow_up = (ends, None) if which == ENDS else (None, ends)
    pressed = st.button(
        f"Record the override of {CALL_WORDS[verdict.call]}" if override else "Record", type="primary",
        key=f"record-now-{token}", width="stretch",
    )  # fmt: skip
    if pressed or told:
        faults = decision_faults(
            verdict.call, call, by, because, second, until, follow_up, datetime.now(UTC).replace(microsecond=0)
        )
    if pressed:
        st.session_state[TRIED] = token
        if not faults:
            _write(found, call, by, because, second, until, follow_up, token)
    _show(faults, places)


def _write(
    found: Review, call: Call, by: str, because: str, second: str, until: datetime | None, follow_up: datetime | None,
    token: str,
) -> None:  # fmt: skip
    from signals.review import record

    try:
        made = record(
            found, call, by, because, second, until=until, follow_up=follow_up, person=signin.person(), token=token
        )
    except SignalsError as error:
        st.html(wrap(cards.problem("It was not recorded", error)))
        return
    st.session_state[NAME] = by.strip()
    st.session_state[DONE] = made
    recorded(FORM, found.verdict.release.id, token)
    st.rerun()


def wrap(*parts: str) -> str:
    """HTML for a drawer. It hangs outside the app, which knows the theme, so it has to be told."""
    scheme = "dark" if st.context.theme.type == "dark" else "light"
    return f'<div style="color-scheme: {scheme}">{cards.wrap(*parts)}</div>'


def token_of(form: str, about: str | int) -> str:
    """The token of the form that is open about something; what is typed into it stays until it is recorded."""
    forms: dict[str | int, str] = st.session_state.setdefault(form, {})
    return forms.setdefault(about, uuid4().hex)


def recorded(form: str, about: str | int, token: str) -> None:
    """The form was recorded: the next one about the same is another."""
    st.session_state[form].pop(about, None)
    st.session_state.setdefault(RECORDED, set()).add(token)


def close_when_recorded(token: str) -> None:
    """A second click comes after the first has recorded the form: the drawer it is in is over."""
    if token in st.session_state.get(RECORDED, ()):
        st.rerun()


def _by(token: str) -> str:
    """Who decides: the person who is signed in, else whom the reader names."""
    person = signin.person()
    if person is not None:
        st.text_input("Who decides", value=person.name, key=f"record-by-{token}", disabled=True)
        return person.name
    name = st.text_input(
        "Who decides", value=st.session_state.get(NAME, ""), key=f"record-by-{token}", max_chars=MAX_NAME
    )
    return name or ""


def _show(faults: Mapping[Field, str], places: Mapping[Field, DeltaGenerator]) -> None:
    for field, fault in faults.items():
        place = places.get(field)
        if place is not None:
            place.html(wrap(f'<p class="fault" role="alert">{escape(_sentence(fault))}</p>'))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _head(found: Review) -> str:
    """What was recommended, and what was decided before."""
    verdict = found.verdict
    told = (
        f'<div class="asked {verdict.call}"><span class="small">The verdict on {escape(clean(verdict.release.id))} is'
        f'</span> <b class="word">{CALL_WORDS[verdict.call]}</b><p>{escape(clean(verdict.sentence))}</p></div>'
    )
    if not found.standings:
        return told
    newest = found.standings[0]
    one = newest.decision
    return (
        f'{told}<p class="small">Decided already: {CALL_WORDS[one.call]} by {escape(clean(one.by))}, '
        f"{escape(moment(one.at))} ({escape(clean(newest.words))}). A new decision counts instead; both stay in the "
        "record.</p>"
    )


def _warning(recommended: Call) -> str:
    return (
        f'<p class="against hold"><span class="tag hold filled">Override</span> This goes against '
        f"{CALL_WORDS[recommended]}. It is marked as an override wherever it appears, and takes a second person and a "
        "date.</p>"
    )
