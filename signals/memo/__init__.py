"""The memo: a verdict that stands on its own, outside the tool and in a year."""

from __future__ import annotations

from signals.memo.content import Memo, build
from signals.memo.forest import Forest, Palette, forest, forest_svg, forest_text
from signals.memo.render import html, markdown

__all__ = ["Forest", "Memo", "Palette", "build", "forest", "forest_svg", "forest_text", "html", "markdown"]
