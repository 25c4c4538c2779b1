"""The menu that gives the memo away: every form that can be written here."""

from __future__ import annotations

from collections.abc import Callable
from mimetypes import guess_type
from typing import TYPE_CHECKING

from signals.memo import WRITERS, Memo, available

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

TITLES = {".pdf": "PDF", ".docx": "Word (DOCX)", ".html": "HTML, one file", ".md": "Markdown"}
NOTE = "PDF and Word need the extra: `pip install 'signals-verdict[memo]'`"


def button(memo: Memo, place: DeltaGenerator) -> None:
    """One button that opens the list; a file is made when somebody asks for it, not on every redraw.

    So is the list itself: four buttons for files cost a third of a redraw, and few of those who look take a memo away.
    """
    import streamlit as st

    opened = place.popover(
        "Export memo", icon=":material/description:", width="content", key="export", on_change="rerun"
    )
    if not opened.open:
        return
    name = "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in memo.release)
    with opened:
        here = available()
        for ending in (*(one for one in TITLES if one in here), *(one for one in here if one not in TITLES)):
            _file(memo, f"{name}{ending}", ending)
        if len(here) < len(WRITERS):
            st.caption(NOTE)


def _file(memo: Memo, name: str, ending: str) -> None:
    import streamlit as st

    write: Callable[[Memo], str | bytes] = WRITERS[ending]
    mime = guess_type(name)[0] or ("text/markdown" if ending == ".md" else "application/octet-stream")
    st.download_button(
        TITLES.get(ending, ending), lambda: write(memo), name, mime, key=f"memo-{ending[1:]}", on_click="ignore",
        width="stretch",
    )  # fmt: skip
