"""The style sheets of the pages, ready for ``st.html``."""

from __future__ import annotations

from pathlib import Path

SHEETS = ("style.css", "decisions.css", "present.css", "print.css")

_texts = [(Path(__file__).parent / name).read_text(encoding="utf-8") for name in SHEETS]
# On one line: `st.html` looks at the indent of every line each time it is called.
CSS = f"<style>{' '.join(line.strip() for text in _texts for line in text.splitlines())}</style>"
