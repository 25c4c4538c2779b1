"""The style sheets of the pages, ready for ``st.html``."""

from __future__ import annotations

from pathlib import Path

SHEETS = ("style.css", "decisions.css", "present.css", "print.css")

_texts = "\n".join((Path(__file__).parent / name).read_text(encoding="utf-8") for name in SHEETS)
CSS = f"<style>\n{_texts}</style>"
