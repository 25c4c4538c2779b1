"""The menu of releases: one choice, kept in the address and across pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from signals.dashboard import cards
from signals.dashboard.standup import project_in
from signals.model import Project, SignalsError

MENU, CHOSEN, NOT_HERE = "release", "release chosen", "release not here"  # in the session


def nothing_declared(project: Project) -> str:
    """What a project without releases shows."""
    place = project.sources_path.name
    text = f"Add one under `releases:` in `{place}` and run `signals pull`. `signals init` writes an example."
    return cards.wrap(cards.notice("No release is declared", text))


@dataclass(frozen=True)
class Opened:
    """A page about one release, with the places that the pages have in common."""

    project: Project
    release: str
    banner: st.delta_generator.DeltaGenerator
    controls: st.delta_generator.DeltaGenerator


def opened(root: Path, *, steps: bool = False, menu: bool = True) -> Opened | None:
    """Begin a page about one release of the project in ``root``; None when there is none, which the page then says.

    The rest is as in ``choose``.
    """
    try:
        project = project_in(root)
    except SignalsError as error:
        st.html(cards.wrap(cards.problem("The project in this folder does not load", error)))
        return None
    if not project.releases:
        st.html(nothing_declared(project))
        return None
    # The banner comes first in the script, so that it also comes first on a phone.
    banner = st.container(key="banner")
    controls = st.container(horizontal=True, vertical_alignment="center", key="controls")
    return Opened(project, choose(project, controls, steps=steps, menu=menu), banner, controls)


def choose(
    project: Project, place: st.delta_generator.DeltaGenerator, *, steps: bool = False, menu: bool = True
) -> str:
    """The release to show: from the address (``?release=ID``), else from the menu, else the newest.

    Args:
        project: Whose releases the menu lists.
        place: Where the menu stands.
        steps: Also two buttons, to the release before and after it.
        menu: Without it nothing is drawn, and the address alone says which release it is.
    """
    ids = [release.id for release in project.releases]
    asked = st.query_params.get("release")
    shown = asked
    st.session_state[NOT_HERE] = None if asked in ids else asked
    if shown not in ids:
        chosen = st.session_state.get(CHOSEN)
        shown = chosen if chosen in ids else project.newest.id
        # Without it a link that somebody copies would name no release, and show another when a newer one has arrived.
        st.query_params["release"] = shown
    # The address says which release is shown, and the menu follows it. The other way round, as Streamlit binds the two,
    # Back after a change of page would empty the menu.
    st.session_state[CHOSEN] = shown
    if menu:
        st.session_state[MENU] = shown
        place.selectbox(
            "Release", ids, index=None, key=MENU, on_change=_picked, label_visibility="collapsed", width=230,
            required=True,
        )  # fmt: skip
    if menu and steps:
        with place:
            step(ids, shown, -1, "Previous")
            step(ids, shown, +1, "Next")
    return shown


def step(ids: Sequence[str], release: str, by: int, label: str) -> None:
    """A button to another release of the list; at its end it cannot be pressed."""
    way, arrow, key = ("next", "right", "J") if by > 0 else ("previous", "left", "K")
    place = ids.index(release) + by
    within = 0 <= place < len(ids)
    st.button(
        label, icon=f":material/chevron_{arrow}:", key=way, help=f"{way.capitalize()} release ({key})",
        disabled=not within, on_click=_choose, args=(ids[place] if within else release,), type="tertiary",
    )  # fmt: skip


def _picked() -> None:
    _choose(st.session_state[MENU])


def _choose(release: str) -> None:
    st.query_params["release"] = release


def missed(release: str) -> str:
    """What is said when the address names a release that is not declared; empty otherwise."""
    asked = st.session_state.get(NOT_HERE)
    if not asked:
        return ""
    return cards.notice(f"No release is called {asked}", f"The link is wrong or old; `{release}` is shown.")
