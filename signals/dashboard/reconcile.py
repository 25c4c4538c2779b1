"""The Reconcile page: why the signals disagree. It calls ``review`` and draws."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from signals.dashboard import cards, releases, why
from signals.memo import memo_of
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
    from signals.review import review

    missed = releases.missed(release)
    try:
        found = review(release, project)
        memo = memo_of(
            found.verdict, found.policy.text, found.decisions, project.policy_path.name, explanation=found.explanation
        )
    except SignalsError as error:
        banner.html(cards.wrap(missed, cards.problem(f"Nothing to reconcile for {release}", error)))
        return
    banner.html(cards.wrap(missed, cards.banner(memo)))
    controls.html(cards.wrap(cards.meta(memo)), width="stretch")
    if memo.explained is not None:
        st.html(cards.wrap(why.body(memo.explained)))
