"""The menu of releases: one choice, kept in the address and across pages."""

from __future__ import annotations

import streamlit as st

from signals.dashboard import cards
from signals.model import Project


def nothing_declared(project: Project) -> str:
    """What a project without releases shows."""
    place = project.sources_path.name
    text = f"Add one under `releases:` in `{place}` and run `signals pull`. `signals init` writes an example."
    return cards.wrap(cards.notice("No release is declared", text))


def choose(project: Project, place: st.delta_generator.DeltaGenerator) -> str:
    """The release to show: from the address (``?release=ID``), else from the menu, else the newest."""
    ids = [release.id for release in project.releases]
    asked = st.query_params.get("release")
    if "release" not in st.session_state and asked not in ids:
        newest = max(project.releases, key=lambda release: release.started).id
        # Both are needed, before the menu binds to the address: without the first a link that somebody copies would not
        # name this release, and would show another when a newer one has arrived; without the second the menu is empty.
        st.query_params["release"] = newest
        st.session_state["release"] = newest
        st.session_state["not_here"] = asked
    elif asked is None and st.session_state.get("release") in ids:
        # Coming from another page: the choice is kept, but neither the address nor the menu shows it by itself.
        st.query_params["release"] = st.session_state["release"]
        st.session_state["release"] = st.session_state["release"]
    chosen = place.selectbox(
        "Release", ids, index=None, key="release", bind="query-params", on_change=_forget, label_visibility="collapsed",
        width=250, required=True, persist_state="session",
    )  # fmt: skip
    return chosen or ids[0]


def _forget() -> None:
    st.session_state["not_here"] = None


def missed(release: str) -> str:
    """What is said when the address names a release that is not declared; empty otherwise."""
    asked = st.session_state.get("not_here")
    if not asked:
        return ""
    return cards.notice(f"No release is called {asked}", f"The link is wrong or old; `{release}` is shown.")
