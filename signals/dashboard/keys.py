"""The keyboard: which keys there are, and the script that presses the page's own buttons for them and sets its icon."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

HERE = Path(__file__).parent
ICON = "data:image/svg+xml;base64," + b64encode((HERE / "icon.svg").read_bytes()).decode()
"""Set by the script: Streamlit would load numpy and a picture library to hand it on, and an icon given by name would
make every browser fetch a font from outside."""

SCRIPT = f"""<script>
{(HERE / "keys.js").read_text(encoding="utf-8")}
document.querySelector("link[rel~=icon]").href = "{ICON}";
</script>"""
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
