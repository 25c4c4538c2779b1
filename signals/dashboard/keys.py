"""The keyboard: which keys there are, and the script that presses the page's own buttons for them."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

SCRIPT = f"<script>\n{(Path(__file__).parent / 'keys.js').read_text(encoding='utf-8')}</script>"
"""Ours alone: no text from outside ever goes into it."""

KEYS = (
    ("D", "Record a decision"),
    ("E", "Export the memo"),
    ("J or →", "Next release"),
    ("K or ←", "Previous release"),
    ("P or F", "Presenter view; Page Down and Page Up go through the releases there"),
    ("Esc", "Leave the presenter view; close what is open"),
    ("?", "This list"),
)


def script() -> None:
    """Listen to the keys, on every page."""
    with st.container(key="script"):
        st.html(SCRIPT, unsafe_allow_javascript=True)


def button(place: DeltaGenerator) -> None:
    """The list of keys."""
    rows = "".join(f"<div><kbd>{escape(key)}</kbd><span>{escape(does)}</span></div>" for key, does in KEYS)
    with place.popover("Keys", icon=":material/keyboard:", width="content", key="keys", type="tertiary"):
        st.html(f'<div class="sg keys">{rows}</div>')
