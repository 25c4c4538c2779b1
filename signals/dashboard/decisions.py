"""The Decisions page: what people decided last, and how signals and policy did over past releases."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from signals.dashboard import cards
from signals.model import SignalsError


def page(root: Path) -> None:
    """Draw the record of the project in ``root``."""
    from signals.review import load, store_of
    from signals.track import track_record

    try:
        project = load(root)
    except SignalsError as error:
        st.html(cards.wrap(cards.problem("The project in this folder does not load", error)))
        return
    try:
        decisions = store_of(project).decisions()
        found = track_record(project)
    except SignalsError as error:
        st.html(cards.wrap(cards.problem("The track record cannot be made", error)))
        return
    from signals.dashboard import track_cards

    none = 'No decision is recorded yet: `signals decide RELEASE ship --by WHO --because "…"` records one.'
    strip = cards.decisions_strip(decisions) or f'<p class="small">{track_cards.text(none)}</p>'
    st.html(cards.wrap(track_cards.head(found), strip))
    st.html(cards.wrap(track_cards.body(found)))
