"""The Verdict page: one screen for the standup. It calls ``review`` and draws."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from signals.dashboard import cards
from signals.memo import Memo, html, markdown, memo_of
from signals.model import Project, SignalsError


def page(root: Path) -> None:
    """Draw the project in ``root``; the release comes from the address (``?release=ID``) or the menu."""
    from signals.review import load

    try:
        project = load(root)
    except SignalsError as error:
        st.html(cards.wrap(cards.problem("The project in this folder does not load", error)))
        return
    if not project.releases:
        place = project.sources_path.name
        text = f"Add one under `releases:` in `{place}` and run `signals pull`. `signals init` writes an example."
        st.html(cards.wrap(cards.notice("No release is declared", text)))
        return
    # The banner comes first in the script, so that it also comes first on a phone.
    banner = st.container(key="banner")
    controls = st.container(horizontal=True, vertical_alignment="center", key="controls")
    release = _choose(project, controls)
    _draw(project, release, banner, controls)


def _choose(project: Project, place: st.delta_generator.DeltaGenerator) -> str:
    ids = [release.id for release in project.releases]
    asked = st.query_params.get("release")
    if "release" not in st.session_state and asked not in ids:
        newest = max(project.releases, key=lambda release: release.started).id
        # Both are needed, before the menu binds to the address: without the first a link that somebody copies would not
        # name this release, and would show another when a newer one has arrived; without the second the menu is empty.
        st.query_params["release"] = newest
        st.session_state["release"] = newest
        st.session_state["not_here"] = asked
    chosen = place.selectbox(
        "Release", ids, index=None, key="release", bind="query-params", on_change=_forget, label_visibility="collapsed",
        width=250, required=True, persist_state="session",
    )  # fmt: skip
    return chosen or ids[0]


def _forget() -> None:
    st.session_state["not_here"] = None


def _draw(
    project: Project,
    release: str,
    banner: st.delta_generator.DeltaGenerator,
    controls: st.delta_generator.DeltaGenerator,
) -> None:
    from signals.review import review, store_of

    asked = st.session_state.get("not_here")
    missed = (
        cards.notice(f"No release is called {asked}", f"The link is wrong or old; `{release}` is shown.")
        if asked
        else ""
    )
    try:
        found = review(release, project)
        decisions = store_of(project).decisions()
    except SignalsError as error:
        banner.html(cards.wrap(missed, cards.problem(f"No verdict for {release}", error)))
        return
    memo = memo_of(found.verdict, found.policy.text, found.decisions, project.policy_path.name)
    banner.html(cards.wrap(missed, cards.banner(memo)))
    controls.html(cards.wrap(cards.meta(memo)), width="stretch")
    _export(memo, controls)
    st.html(cards.wrap(cards.body(memo)))
    strip = cards.decisions_strip(decisions)
    if strip:
        st.html(cards.wrap(strip))


def _export(memo: Memo, controls: st.delta_generator.DeltaGenerator) -> None:
    name = "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in memo.release)
    with controls.popover("Export memo", icon=":material/description:", width="content", key="export"):
        # Made when somebody clicks, not on every redraw.
        st.download_button(
            "HTML, one file", lambda: html(memo), f"{name}.html", "text/html", key="memo-html", on_click="ignore",
            width="stretch",
        )  # fmt: skip
        st.download_button(
            "Markdown", lambda: markdown(memo), f"{name}.md", "text/markdown", key="memo-md", on_click="ignore",
            width="stretch",
        )  # fmt: skip
