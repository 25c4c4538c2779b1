"""One decision in full: its records, the memo of what was decided on, and the form for how it turned out."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from signals.choices import MAX_NAME, MAX_TEXT, Field, outcome_faults
from signals.dashboard import cards, decision_rows, signin
from signals.dashboard.record import NAME, close_when_recorded, recorded, wrap
from signals.model import TURNED, Project, SignalsError, Turned, digest

if TYPE_CHECKING:
    from signals.memo import Memo
    from signals.standing import Standing

DONE = "outcome done"  # number of the decision whose outcome was recorded just now
FORM = "outcome form"  # token of the form of each decision
TRIED = "outcome tried"
WORDS: dict[Turned, str] = {"good": "Good", "bad": "Bad"}


@st.dialog("Decision", position="right", icon=":material/history:")
def drawer(project: Project, one: Standing, token: str) -> None:
    """Draw it, offer its memo, and record how it turned out; ``token`` is that of the form, which counts once."""
    signin.leave_if_gone()
    close_when_recorded(token)
    st.html(wrap(decision_rows.row(one)))
    with st.container(horizontal=True, vertical_alignment="center", key="decision-memos"):
        st.html(wrap('<span class="small">Memo</span>'), width="content")
        memos(project, one, "drawer")
    _turned(project, one, token)
    st.html(wrap(decision_rows.full(one)))


def memos(project: Project, one: Standing, place: str, forms: int | None = None) -> None:
    """Download the memo of the verdict that was decided on, in the first ``forms`` forms that can be written here."""
    from signals.dashboard import export
    from signals.memo import WRITERS

    number = one.decision.number
    if one.decision.release not in {release.id for release in project.releases}:
        st.html(cards.wrap('<p class="small">No memo: the release is no longer declared.</p>'), width="content")
        return
    endings = sorted(WRITERS, key=lambda ending: [*export.TITLES, ending].index(ending))[:forms]
    for ending in endings:
        st.download_button(
            "Memo" if forms == 1 else ending[1:].upper(), partial(written, project, one, ending),
            f"decision-{number}{ending}", key=f"memo-{place}-{number}-{ending[1:]}", on_click="ignore",
            icon=":material/description:", width="content",
        )  # fmt: skip


def written(project: Project, one: Standing, ending: str) -> str | bytes:
    """A memo as a file; where it cannot be made, a text that says why, under the same name."""
    from signals.memo import WRITERS

    try:
        found: str | bytes = WRITERS[ending](memo_then(project, one))
    except SignalsError as error:
        told = f"The memo of decision {one.decision.number} cannot be made.\n{error}\n"
        return f'<!doctype html><meta charset="utf-8"><pre>{escape(told)}</pre>' if ending == ".html" else told
    return found


def memo_then(project: Project, one: Standing) -> Memo:
    """The memo of the verdict that was decided on, with what has changed since; later decisions are not in it.

    Raises:
        SignalsError: When that verdict cannot be made anew.
    """
    from signals.decisions import as_decided
    from signals.memo import memo_of
    from signals.policy import verdict_json

    found, moved = as_decided(project, one.decision)
    words = list(one.stale.words) if one.stale else []
    if moved is not None:
        words.append("The store no longer gives the verdict that was decided on, so this memo shows what it gives now.")
    # Checks or the explanation may be otherwise where no reading is: then it is not the text of that hash.
    same = digest(verdict_json(found.verdict, found.explanation)) == one.decision.verdict_hash
    until = tuple(made for made in found.decisions if made.number <= one.decision.number)
    return memo_of(
        found.verdict, found.policy.text, until, found.policy.file, found.explanation,
        overrides=found.overrides, outcomes=found.outcomes, stale={one.decision.entry: words} if words else {},
        verdict_hash=one.decision.verdict_hash if same else "", audit_head=found.audit_head,
    )  # fmt: skip


def _turned(project: Project, one: Standing, token: str) -> None:
    """Ask how it turned out, and record the answer."""
    again = "Told again, the newest counts; all stay in the record." if one.outcome else ""
    st.html(wrap(f'<h3>How did it turn out?</h3><p class="small">{again}</p>'))
    try:
        person, lacks = signin.person(), signin.lacks("reviewer")
    except SignalsError as error:
        person, lacks = None, str(error)
    if lacks:
        st.html(wrap(f'<p class="small">{escape(lacks)}</p>'))
        return
    outcome: Turned | None = st.radio(
        "Outcome", TURNED, index=None, key=f"outcome-call-{token}", horizontal=True, format_func=WORDS.__getitem__
    )
    places: dict[Field, st.delta_generator.DeltaGenerator] = {"outcome": st.empty()}
    if person is not None:
        st.text_input("Who says so", value=person.name, key=f"outcome-by-{token}", disabled=True)
        by = person.name
    else:
        remembered = st.session_state.get(NAME, "")
        by = st.text_input("Who says so", value=remembered, key=f"outcome-by-{token}", max_chars=MAX_NAME) or ""
    places["by"] = st.empty()
    because = (
        st.text_area(
            "Evidence", key=f"outcome-because-{token}", height=80, max_chars=MAX_TEXT,
            placeholder="What was seen, and where. A link stays plain text.",
        )
        or ""
    )  # fmt: skip
    places["because"] = st.empty()
    pressed = st.button("Record the outcome", type="primary", key=f"outcome-now-{token}", width="stretch")
    faults = outcome_faults(outcome or "", by, because) if pressed or st.session_state.get(TRIED) == token else {}
    if pressed:
        st.session_state[TRIED] = token
        if not faults and outcome is not None:
            _write(project, one, outcome, by, because, token)
    for field, fault in faults.items():
        places[field].html(wrap(f'<p class="fault" role="alert">{escape(fault[:1].upper() + fault[1:])}.</p>'))


def _write(project: Project, one: Standing, outcome: Turned, by: str, because: str, token: str) -> None:
    from signals.decisions import turn_out

    try:
        turn_out(project, one.decision, outcome, by, because, person=signin.person(), token=token)
    except SignalsError as error:
        st.html(wrap(cards.problem("It was not recorded", error)))
        return
    st.session_state[NAME] = by.strip()
    st.session_state[DONE] = one.decision.number
    recorded(FORM, one.decision.number, token)
    st.rerun()
