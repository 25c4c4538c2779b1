"""The editor of the Policy page: CodeMirror where its bundle was built, a plain text field elsewhere.

The bundle is made from ``editor/`` (``make editor``; the wheel brings it). It is served as a file, so that it is sent
once per browser and not with every answer to what somebody types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from signals.dashboard import policy_draft
from signals.dashboard.policy_check import Mark
from signals.dashboard.policy_draft import Draft

FOLDER = Path(__file__).parent / "editor"
BUNDLE = FOLDER / "dist"
NAME = "policy-editor"
LABEL = "hierarchy.yaml, the policy's text"
KEY = "policy-editor"
HELP = "Press Ctrl+Enter, or leave the field, to see what the edit decides."


def bundle() -> Path | None:
    """The built editor, if there is one."""
    return next(iter(sorted(BUNDLE.glob("editor-*.js"))), None)


def editor(draft: Draft, marks: Sequence[Mark], words: Mapping[str, Any], height: int) -> bool:
    """Draw the editor; what is typed arrives in the draft before the page runs again.

    Args:
        draft: Its text is shown; the caret stays as long as ``draft.number`` does.
        marks: What is wrong with exactly that text.
        words: As ``policy_words.words`` gives them.
        height: In pixels.

    Returns:
        Whether somebody asked to save from inside it.
    """
    built = bundle()
    if built is None:
        st.text_area(
            LABEL, draft.text, height=height, key=f"policy-text-{draft.number}", on_change=_from_field,
            args=(draft.number,), help=HELP,
        )  # fmt: skip
        return False
    data = {
        "text": draft.text.replace("\r\n", "\n"),
        "version": draft.number,
        "sent": draft.sent,
        "unsaved": draft.changed,
        "problems": [
            {"severity": m.severity, "line": m.line, "column": m.column, "what": m.what, "remedy": m.remedy}
            for m in marks
        ],
        "words": words,
        "label": LABEL,
        "height": height,
    }
    # In a list: Streamlit looks into a dictionary for data frames, and imports pandas to do so.
    result = _component(built)(key=KEY, data=[data], on_draft_change=_from_editor, on_save_change=_from_editor)
    return bool(result.get("save"))


def _component(built: Path) -> Any:
    from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
    from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

    # Streamlit finds served files by the manifest of a distribution that is called like its package; ours is not.
    manager = get_bidi_component_manager()
    full = f"signals.{NAME}"
    if manager.get_component_asset_root(full) != BUNDLE.resolve():
        manifest = ComponentManifest("signals", "1", [ComponentConfig(NAME, BUNDLE.name)])
        manager.register_from_manifest(manifest, BUNDLE.parent)
    css = (FOLDER / "frame.css").read_text(encoding="utf-8")
    return st.components.v2.component(full, html='<div class="policy-editor"></div>', css=css, js=built.name)


def _from_field(number: int) -> None:
    policy_draft.typed(st.session_state[f"policy-text-{number}"], number)


def _from_editor() -> None:
    state = st.session_state.get(KEY) or {}
    for message in (state.get("draft"), state.get("save")):
        if isinstance(message, dict) and isinstance(message.get("text"), str):
            policy_draft.typed(message["text"], int(message.get("version", 0)), int(message.get("sent", 0)))
