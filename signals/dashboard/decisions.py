"""The Decisions page: what people decided and how it stands, and below it the track record of signals and policy."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from signals.dashboard import cards, decision_drawer, decision_rows
from signals.dashboard.record import token_of
from signals.model import CALLS, Call, Project, SignalsError
from signals.words import CALL_WORDS, clean

if TYPE_CHECKING:
    from signals.decisions import Wanted
    from signals.standing import Standing

PAGE = 10
"""Decisions that are drawn before somebody asks for more."""

RELEASE = "log-release"  # in the address and in the session
MORE = "decisions shown"  # in the session: how many are drawn

KINDS = ("All", "Overrides", "Open", "Expired", "With outcome")
NONE = 'No decision is recorded yet. Open a release and press "Record decision", or run `signals decide`.'


def page(root: Path) -> None:
    """Draw the record of the project in ``root``."""
    from signals.review import load
    from signals.track import track_record

    try:
        project = load(root)
    except SignalsError as error:
        st.html(cards.wrap(cards.problem("The project in this folder does not load", error)))
        return
    try:
        _log(project)
    except SignalsError as error:
        st.html(cards.wrap(cards.problem("The log cannot be read", error)))
        return
    try:
        found = track_record(project)
    except SignalsError as error:
        st.html(cards.wrap(cards.problem("The track record cannot be made", error)))
        return
    from signals.dashboard import track_cards

    st.html(cards.wrap(track_cards.head(found)))
    st.html(cards.wrap(track_cards.body(found)))


def _log(project: Project) -> None:
    from signals.decisions import Wanted, log, look_again
    from signals.standing import override_record

    number: int | None = st.session_state.pop(decision_drawer.DONE, None)
    if number is not None:
        st.toast(f"The outcome of decision {number} is recorded.", icon=":material/check:")
    everything = log(project, look=False)
    if not everything:
        st.html(cards.wrap(cards.notice("Decisions", NONE)))
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="log-filters"):
        wanted = _filters(everything, Wanted)
        _export(project)
    matching = [one for one in everything if wanted.takes(one)]
    st.session_state.setdefault(MORE, PAGE)
    shown = look_again(project, matching[: st.session_state[MORE]])
    st.html(cards.wrap(decision_rows.counts(matching, len(everything), shown)))
    for one in shown:
        _row(project, one)
    if len(matching) > len(shown):
        left = len(matching) - len(shown)
        st.button(f"Show {min(PAGE, left)} more of {left}", key="log-more", on_click=_more, width="content")
    told = override_record(everything)
    st.html(cards.wrap(decision_rows.overrides(told)))


def _more() -> None:
    st.session_state[MORE] += PAGE


def _picked() -> None:
    release = st.session_state[RELEASE]
    if release is None:
        del st.query_params[RELEASE]
    else:
        st.query_params[RELEASE] = release


def _filters(everything: tuple[Standing, ...], kind: type[Wanted]) -> Wanted:
    """The menus above the log. That of releases follows the address, so that a page can link to its release's log."""
    releases = sorted({one.decision.release for one in everything})
    people = sorted({one.decision.by for one in everything})
    asked = st.query_params.get(RELEASE)
    st.session_state[RELEASE] = release = asked if asked in releases else None
    st.selectbox(
        "Release", releases, index=None, placeholder="All releases", key=RELEASE, on_change=_picked, format_func=clean,
        width=220,
    )  # fmt: skip
    who = st.selectbox("Who", people, index=None, placeholder="Everybody", key="log-who", format_func=clean, width=180)
    call: Call | None = st.selectbox(
        "Decided", CALLS, index=None, placeholder="Every call", key="log-call", format_func=CALL_WORDS.__getitem__,
        width=160,
    )  # fmt: skip
    which = st.segmented_control("Show", KINDS, default="All", required=True, key="log-kind") or "All"
    return kind(
        release=release or "",
        by=who or "",
        call=call,
        overrides=which == "Overrides",
        statuses={"Open": ("open",), "Expired": ("expired",)}.get(which, ()),  # type: ignore[arg-type]  # constants
        with_outcome=which == "With outcome",
    )


def _export(project: Project) -> None:
    """The whole log, whatever the menus say; made when somebody asks for it."""
    with st.popover("Export log", icon=":material/download:", width="content", key="log-export"):
        for title, ending, mime in (("CSV", "csv", "text/csv"), ("JSON", "json", "application/json")):
            st.download_button(
                title, partial(_file, project, ending), f"decisions.{ending}", mime, key=f"log-{ending}",
                on_click="ignore", width="stretch",
            )  # fmt: skip


def _file(project: Project, ending: str) -> str:
    from signals.decisions import log, log_csv, log_json

    found = log(project)
    if ending == "csv":
        return log_csv(found)
    return json.dumps(log_json(found), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _row(project: Project, one: Standing) -> None:
    number = one.decision.number
    with st.container(horizontal=True, vertical_alignment="center", key=f"decision-{number}"):
        st.html(cards.wrap(decision_rows.row(one)), width="stretch")
        with st.container(horizontal=True, width="content", key=f"decision-ways-{number}"):
            decision_drawer.memos(project, one, "log", 1)
            if st.button("Open", key=f"open-{number}", icon=":material/open_in_full:", width="content"):
                decision_drawer.drawer(project, one, token_of(decision_drawer.FORM, number))
