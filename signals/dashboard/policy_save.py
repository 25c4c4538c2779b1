"""Saving a draft: what stands against it, the question for name and reason, and what to do when somebody was faster."""

from __future__ import annotations

from html import escape

import streamlit as st

from signals.dashboard import cards, policy_draft, policy_panels, signin
from signals.dashboard.policy_check import Checked
from signals.dashboard.policy_draft import Draft, Head
from signals.memo.phrases import clean
from signals.model import Project, SignalsError
from signals.words import moment, plural

SAVED = "policy saved"
ASKING = "policy asking"
NAME = "policy name"


def obstacle(draft: Draft, checked: Checked, head: Head) -> str:
    """Why the draft cannot be saved; empty when it can."""
    if not draft.changed:
        return "Nothing is edited."
    if draft.base_hash != head.hash:
        return "Somebody saved a newer version: settle that first."
    if checked.policy is None:
        return "It does not load."
    if not checked.fits:
        return "A source feeds a signal that it does not have."
    if checked.failed:
        few = len(checked.failed)
        return f"{few} of its {plural(len(checked.tests), 'tests')} {'fails' if few == 1 else 'fail'}."
    return signin.lacks("editor")


def _dismissed() -> None:
    st.session_state[ASKING] = False


@st.dialog("Save as a new version", icon=":material/save:", on_dismiss=_dismissed)
def ask(project: Project, draft: Draft, summary: str, weakening: str) -> None:
    """Ask who saves and why, then save.

    Args:
        project: Whose policy it is.
        draft: What is saved, as it was when the question was opened.
        summary: HTML: what the edit flips.
        weakening: What the edit lets through, in one sentence; empty when it lets nothing through.
    """
    st.html(cards.wrap(summary))
    by = _by()
    label = f"{weakening} Why is that right?" if weakening else "Reason for the change"
    because = st.text_area(label, key="policy-because", height=90, max_chars=500)
    if not st.button("Save", type="primary", key="policy-save-now", width="stretch"):
        return
    if not by.strip() or not because.strip():
        st.html(cards.wrap('<p class="bad" role="alert">A version needs your name and a reason.</p>'))
        return
    st.session_state[NAME] = by.strip()
    save(project, draft, by.strip(), because.strip())


def _by() -> str:
    """Who saves: the person who signed in; the name that is typed when nobody has to sign in."""
    try:
        person = signin.person()
    except SignalsError as error:
        st.html(cards.wrap(cards.problem("It cannot be saved", error)))
        return ""
    if person is None:
        typed: str = st.text_input("Your name", value=st.session_state.get(NAME, ""), key="policy-by", max_chars=80)
        return typed
    st.html(cards.wrap(f'<p class="small">Saved as <b>{escape(person.name)}</b></p>'))
    return person.name


def save(project: Project, draft: Draft, by: str, because: str) -> None:
    """Write the version; when somebody was faster, the page shows both edits and the draft stays."""
    from signals.versions import ConflictError
    from signals.versions import save as write

    try:
        version = write(project, draft.text, base=draft.base_hash, by=by, because=because, person=signin.person())
    except ConflictError:
        st.session_state[ASKING] = False
        st.rerun()  # the page sees the newer text by itself, and shows both edits
    except SignalsError as error:
        st.html(cards.wrap(cards.problem("It was not saved", error)))
        return
    kept: Draft = st.session_state.get(policy_draft.KEY, draft)
    text = version.text if kept.text == draft.text else kept.text
    policy_draft.keep(Draft(text, version.text, version.hash, kept.number, kept.sent))
    st.session_state[ASKING] = False
    st.session_state[SAVED] = version.number
    st.rerun()


# --- somebody was faster --------------------------------------------------------------------------------------------


def three_ways(draft: Draft, head: Head) -> None:
    """Who changed the policy meanwhile, what they changed, what the draft changes, and the ways on."""
    from signals.workbench.edits.merge import merge

    theirs = head.version
    title = f"What version {theirs.number} changed" if theirs else "What the file changed"
    told = "The file was edited elsewhere."
    if theirs:
        told = f"Version {theirs.number}, {moment(theirs.at)}, by {clean(theirs.by)}: “{clean(theirs.because)}”."
    merged = merge(draft.base, draft.text, head.text) if len(draft.text) <= policy_panels.COMPARED else None
    advice = (
        "The two edits do not touch the same lines, so they fit into one text."
        if merged is not None
        else "Both edits touch the same lines, so you have to choose, or write it anew."
    )
    with st.container(key="conflict"):
        st.html(
            cards.wrap(
                '<section class="problem conflict" role="alert"><h2>The policy has changed since you opened it</h2>'
                f"<p>{escape(told)} Your draft is kept. {advice}</p></section>"
            )
        )
        left, right = st.columns(2, gap="small")
        left.html(_side(title, draft.base, head.text))
        right.html(_side("What you changed", draft.base, draft.text))
        row = st.container(horizontal=True, key="conflict-ways")
        if merged is not None:
            row.button(
                "Continue with the merged text", type="primary", key="way-merged",
                on_click=policy_draft.put, args=(merged, head.text, head.hash),
            )  # fmt: skip
        row.button(
            "Keep editing mine on top of theirs", key="way-mine", on_click=policy_draft.put,
            args=(draft.text, head.text, head.hash), help="Saving it undoes what they changed where the texts differ.",
        )  # fmt: skip
        row.button(
            "Take theirs", key="way-theirs", on_click=policy_draft.put, args=(head.text, head.text, head.hash),
            help="Your draft leaves the editor; Ctrl+Z brings it back.",
        )  # fmt: skip


def catch_up(project: Project, head: Head) -> None:
    """Say that the file here is older than the newest version, and offer to write it."""
    if not head.behind or head.version is None:
        return
    newest = head.version
    with st.container(horizontal=True, vertical_alignment="center", key="behind"):
        st.html(
            cards.wrap(
                f'<section class="problem conflict" role="status"><p>{escape(clean(project.policy_path.name))} here is '
                f"older than version {newest.number} by {escape(clean(newest.by))}: verdicts here still follow the "
                "older text.</p></section>"
            ),
            width="stretch",
        )
        against = signin.lacks("editor")
        pressed = st.button(
            f"Write version {newest.number} to the file", key="catch-up", disabled=bool(against), help=against or None
        )
        if pressed:
            save(project, Draft(newest.text, newest.text, newest.hash), newest.by, newest.because)


def _side(title: str, old: str, new: str) -> str:
    return cards.wrap(policy_panels.card(title, policy_panels.text_diff(old, new, title)))
