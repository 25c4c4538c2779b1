"""The Reconcile page: why the signals disagree. It calls ``review`` and draws."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from signals.dashboard import cards, releases, why
from signals.model import SignalsError


def page(root: Path) -> None:
    """Draw the project in ``root``; the release comes from the address (``?release=ID``) or the menu."""
    from signals.review import review

    at = releases.opened(root)
    if at is None:
        return
    missed = releases.missed(at.release)
    try:
        memo = review(at.release, at.project).memo()
    except SignalsError as error:
        at.banner.html(cards.wrap(missed, cards.problem(f"Nothing to reconcile for {at.release}", error)))
        return
    at.banner.html(cards.wrap(missed, cards.banner(memo)))
    at.controls.html(cards.wrap(cards.meta(memo)), width="stretch")
    if memo.explained is not None:
        st.html(cards.wrap(why.body(memo.explained)))
