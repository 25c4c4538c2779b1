"""The memo: a verdict that stands on its own, outside the tool and in a year."""

from __future__ import annotations

from collections.abc import Callable

from signals.memo.content import memo_of
from signals.memo.forest import Forest, forest
from signals.memo.picture import Palette, forest_svg, forest_text
from signals.memo.render import html, markdown
from signals.memo.rows import Memo
from signals.memo.waterfall import Waterfall, waterfall
from signals.memo.waterfall_picture import waterfall_svg

WRITERS: dict[str, Callable[[Memo], str]] = {".md": markdown, ".html": html}
"""How each kind of file is written, by its ending."""

__all__ = [
    "WRITERS", "Forest", "Memo", "Palette", "Waterfall", "forest", "forest_svg", "forest_text", "html", "markdown",
    "memo_of", "waterfall", "waterfall_svg",
]  # fmt: skip
