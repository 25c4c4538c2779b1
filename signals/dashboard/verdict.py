"""The Verdict page: one screen for the standup. It calls ``review`` and draws."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from signals.dashboard import cards, releases
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
        st.html(releases.nothing_declared(project))
        return
    # The banner comes first in the script, so that it also comes first on a phone.
    banner = st.container(key="banner")
    controls = st.container(horizontal=True, vertical_alignment="center", key="controls")
    release = releases.choose(project, controls)
    _draw(project, release, banner, controls)


def _draw(
    project: Project,
    release: str,
    banner: st.delta_generator.DeltaGenerator,
    controls: st.delta_generator.DeltaGenerator,
) -> None:
    from signals.review import review, store_of

    missed = releases.missed(release)
    try:
        found = review(release, project)
        explanation = found.explanation
        decisions = store_of(project).decisions()
    except SignalsError as error:
        banner.html(cards.wrap(missed, cards.problem(f"No verdict for {release}", error)))
        return
    memo = memo_of(found.verdict, found.policy.text, found.decisions, project.policy_path.name, explanation)
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
