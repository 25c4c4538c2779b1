"""The Policy page: the editor, and beside it what the draft decides, before anything is saved."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from signals.dashboard import (
    cards,
    policy_check,
    policy_draft,
    policy_editor,
    policy_history,
    policy_panels,
    policy_save,
    policy_words,
    releases,
    rules,
    signin,
)
from signals.dashboard.policy_check import Checked, Flip
from signals.dashboard.policy_draft import Draft, Head
from signals.memo.phrases import clean
from signals.model import Project, SignalKind, SignalsError
from signals.words import moment

if TYPE_CHECKING:
    from signals.policy import Policy
    from signals.workbench.edits.diff import Difference

HEIGHT = 716  # pixels: the page fits 1440 × 900 without scrolling, text and panels scroll inside
SIGNALS = "policy signals"
WEAKENED = "policy-weakened"  # hash of the policy whose weakenings are shown
EDITED = ("What changes", "Releases", "Tests", "Open release", "In words", "History")
UNTOUCHED = ("In words", "Tests", "Open release", "History")


def page(root: Path) -> None:
    """Draw the workbench over the policy of the project in ``root``."""
    from signals.review import load

    try:
        project = load(root)
    except SignalsError as error:
        st.html(cards.wrap(cards.problem("The project in this folder does not load", error)))
        return
    _workbench(project)


@st.fragment
def _workbench(project: Project) -> None:
    signin.leave_if_gone()  # a fragment redraws without the rest of the page, so it asks for itself
    try:
        head = policy_draft.head_of(project)
    except SignalsError as error:
        st.html(cards.wrap(cards.problem("The policy cannot be read", error)))
        return
    draft = policy_draft.draft_of(head)
    file, today = project.policy_path.name, datetime.now(UTC).date()
    checked = policy_check.placed(project, policy_check.check(draft.text, file, today))
    overtaken = draft.changed and draft.base_hash != head.hash
    # Once somebody else has saved, this edit is still what its editor changed, not what it would undo of theirs.
    saved = policy_check.check(draft.base if overtaken else head.text, file, today)
    bar = st.container(horizontal=True, vertical_alignment="center", key="policy-bar")
    with st.container(key="policy-notices"):  # always there: what comes and goes above it would redraw the editor
        policy_save.catch_up(project, head)
        if overtaken:
            policy_save.three_ways(draft, head)
    left, right = st.columns([1.22, 1], gap="small")
    with left:
        asked = _edit(draft, checked)
    with right:
        summary, weakening = _beside(project, draft, checked, saved.policy, head)
    _bar(bar, project, draft, checked, head, summary, weakening, asked=asked)


# --- the line above -------------------------------------------------------------------------------------------------


def _bar(
    bar: st.delta_generator.DeltaGenerator,
    project: Project,
    draft: Draft,
    checked: Checked,
    head: Head,
    summary: str,
    weakening: str,
    *,
    asked: bool,
) -> None:
    against = policy_save.obstacle(draft, checked, head)
    bar.html(cards.wrap(_state(project, draft, head, against)), width="stretch")
    if draft.changed:
        bar.download_button(
            "Download draft", draft.text, "hierarchy-draft.yaml", "application/yaml", key="policy-download",
            on_click="ignore", icon=":material/download:",
        )  # fmt: skip
        bar.button(
            "Discard draft", key="policy-discard", on_click=policy_draft.put,
            args=(head.text, head.text, head.hash),
            help="Goes back to the saved policy; Ctrl+Z in the editor brings the draft back.",
        )  # fmt: skip
    pressed = bar.button(
        "Save …", type="primary", key="policy-save", disabled=bool(against), help=against or None,
        icon=":material/save:",
    )  # fmt: skip
    if pressed or asked:
        st.session_state[policy_save.ASKING] = True
    if against:
        st.session_state[policy_save.ASKING] = False
    if st.session_state.get(policy_save.ASKING):
        policy_save.ask(project, draft, summary, weakening)


def _state(project: Project, draft: Draft, head: Head, against: str) -> str:
    name = f"<b>{escape(clean(project.policy_path.name))}</b>"
    if draft.changed:
        why = f"<span>Cannot be saved yet: {escape(against)}</span>" if against else ""
        return f'<div class="meta">{name}<span class="synthetic">Unsaved draft</span>{why}</div>'
    newest = head.version
    if newest and newest.number == st.session_state.get(policy_save.SAVED):
        told = f'<span class="ship word" role="status">Saved as version {newest.number}.</span>'
        return f'<div class="meta">{name}{told}</div>'
    since = f"version {newest.number}, {moment(newest.at)}, by {clean(newest.by)}" if newest else "never saved here yet"
    return f'<div class="meta">{name}<span>{escape(since)}</span></div>'


# --- the editor -----------------------------------------------------------------------------------------------------


def _edit(draft: Draft, checked: Checked) -> bool:
    asked = policy_editor.editor(draft, checked.marks, policy_words.words(_signals(draft, checked)), HEIGHT)
    if policy_editor.bundle() is None:
        st.html(cards.wrap(policy_panels.card("Problems", policy_panels.problem_list(checked.marks))))
    return asked


def _signals(draft: Draft, checked: Checked) -> dict[str, SignalKind]:
    """Name and kind of the draft's signals; while its text is half typed, those that were there a moment ago."""
    if checked.policy is not None:
        known: dict[str, SignalKind] | None = {name: signal.kind for name, signal in checked.policy.signals.items()}
    else:
        known = policy_words.signals_of(draft.text)
    if known is None:
        known = st.session_state.get(SIGNALS) or policy_words.signals_of(draft.base) or {}
    st.session_state[SIGNALS] = known
    return known


# --- beside it ------------------------------------------------------------------------------------------------------


def _beside(project: Project, draft: Draft, checked: Checked, saved: Policy | None, head: Head) -> tuple[str, str]:
    """Draw the panels; gives the headline as HTML and what the edit lets through in one sentence."""
    policy = checked.policy
    edited = draft.text != head.text
    rows: tuple[Flip, ...] | SignalsError = ()
    found = None
    weakening = ""
    if policy is None:
        summary = policy_panels.waiting(checked)
    elif not edited:
        summary = policy_panels.untouched(checked)
    else:
        found = policy_check.difference(saved, policy) if saved else None
        rows = _flips(project, saved, policy)
        summary = policy_panels.headline(rows, found, checked)
        weakening = policy_panels.weakening(found)
    st.html(cards.wrap(summary))
    with st.container(key="policy-panels"):
        names = EDITED if edited else UNTOUCHED
        tabs = dict(
            zip(
                names,
                st.tabs(names, key=f"policy-tabs-{'draft' if edited else 'saved'}", on_change="rerun"),
                strict=True,
            )
        )
        for name, tab in tabs.items():
            if tab.open:
                with tab:
                    _tab(name, project, checked, saved, found, rows, head)
    return summary, weakening


def _flips(project: Project, saved: Policy | None, draft: Policy) -> tuple[Flip, ...] | SignalsError:
    if saved is None:
        return SignalsError("the saved policy does not load, so there is nothing to compare the draft with")
    try:
        return policy_check.flips(project, saved, draft)
    except SignalsError as error:
        return error


def _tab(
    name: str,
    project: Project,
    checked: Checked,
    saved: Policy | None,
    found: Difference | None,
    rows: tuple[Flip, ...] | SignalsError,
    head: Head,
) -> None:
    policy = checked.policy
    if name == "History":
        policy_history.panel(project, head)
    elif policy is None:
        st.html(cards.wrap(policy_panels.line(policy_panels.WAITS)))
    elif name == "What changes":
        st.html(cards.wrap(policy_panels.changes(found)))
    elif name == "Releases":
        st.html(cards.wrap(policy_panels.releases(rows)))
    elif name == "Tests":
        _weaken(policy)
        st.html(cards.wrap(rules.tests_card(checked.tests)))
    elif name == "In words":
        st.html(cards.wrap(rules.facts_card(policy), rules.words_card(policy)))
    else:
        _open_release(project, policy, saved)


def _weaken(policy: Policy) -> None:
    """The mutation score, when somebody asks for it: too slow for every key."""
    # Without a help text: it would cover the tabs.
    if st.button("Weaken each rule once: would a test notice?", key="policy-weaken"):
        st.session_state[WEAKENED] = policy.hash
    if st.session_state.get(WEAKENED) != policy.hash:
        return
    report = policy_check.weakened(policy.text, policy.file)
    st.html(cards.wrap(policy_panels.weakenings(report)))
    if report.tests:
        st.caption("These tests catch them. Paste under `tests:` what you agree with, and give each a better name.")
        st.code(report.tests, language="yaml", height=260)


def _open_release(project: Project, policy: Policy, saved: Policy | None) -> None:
    """One release under the draft, and beside it under the saved policy."""
    ids = [release.id for release in project.releases]
    if not ids:
        st.html(cards.wrap(policy_panels.line("No release is declared.")))
        return
    linked = st.query_params.get("release") or st.session_state.get(releases.CHOSEN)
    start = ids.index(linked if linked in ids else project.newest.id)
    release = st.selectbox("Release", ids, index=start, key="policy-release") or ids[start]
    draft, before = (policy_history.banner(project, release, one) if one else "" for one in (policy, saved))
    if draft == before:
        st.html(cards.wrap('<p class="small under">Under the draft as under the saved policy</p>', draft))
        return
    st.html(cards.wrap('<p class="small under">Under the draft</p>', draft))
    if saved is not None:
        st.html(cards.wrap('<p class="small under">Under the saved policy</p>', before))
