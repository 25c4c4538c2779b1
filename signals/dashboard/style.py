"""The page's style sheet, ready for ``st.html``."""

from __future__ import annotations

from pathlib import Path

CSS = f"<style>\n{(Path(__file__).parent / 'style.css').read_text(encoding='utf-8')}</style>"
