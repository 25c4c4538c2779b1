"""The dashboard: one file per page; a page calls ``review`` and draws what it gets."""

from __future__ import annotations

import os
from pathlib import Path


def main(folder: Path) -> None:
    """Pages and theme.

    Args:
        folder: The project to show when ``$SIGNALS_PROJECT`` names none.
    """
    import streamlit as st
    from streamlit import delta_generator

    # Streamlit looks once whether it runs in a shell, through the source of every module: a fifth of a second of the
    # first page.
    delta_generator._use_warning_has_been_displayed = True

    from signals.dashboard import (
        casebook,
        decisions,
        keys,
        policy,
        reconcile,
        signals_page,
        signin,
        sources,
        style,
        verdict,
    )

    root = Path(os.environ.get("SIGNALS_PROJECT") or folder)
    st.set_page_config(page_title="Signals", layout="wide", initial_sidebar_state="collapsed")
    turned_away = signin.gate(root)
    pages = [
        st.Page(
            lambda: verdict.page(shown), title="Verdict", url_path="verdict", icon=":material/gavel:", default=True
        ),
        st.Page(lambda: signals_page.page(shown), title="Signals", url_path="signals", icon=":material/monitoring:"),
        st.Page(
            lambda: reconcile.page(shown), title="Reconcile", url_path="reconcile", icon=":material/waterfall_chart:"
        ),
        st.Page(lambda: policy.page(shown), title="Policy", url_path="policy", icon=":material/rule:"),
        st.Page(lambda: decisions.page(shown), title="Decisions", url_path="decisions", icon=":material/history:"),
        st.Page(lambda: sources.page(shown), title="Sources", url_path="sources", icon=":material/database:"),
        st.Page(casebook.page, title="Cases", url_path="cases", icon=":material/menu_book:"),
    ]
    page = st.navigation(pages, position="hidden" if turned_away else "top")
    st.html(style.CSS)
    if turned_away:
        signin.remember(page.url_path)
        turned_away()
        return
    signin.resume(pages)
    keys.script()
    signin.badge()
    shown = casebook.shown(root)
    if casebook.opened():
        st.switch_page(pages[0])
    page.run()
