"""The memo: a verdict that stands on its own, outside the tool and in a year."""

from __future__ import annotations

from signals.memo.content import memo_of
from signals.memo.forest import Forest, forest
from signals.memo.formats import WRITERS, available
from signals.memo.picture import Palette, forest_svg, forest_text
from signals.memo.render import html, markdown
from signals.memo.rows import Memo
from signals.memo.typeset import pdf
from signals.memo.waterfall import Waterfall, waterfall
from signals.memo.waterfall_picture import waterfall_svg
from signals.memo.word import docx

__all__ = [
    "WRITERS", "Forest", "Memo", "Palette", "Waterfall", "available", "docx", "forest", "forest_svg", "forest_text",
    "html", "markdown", "memo_of", "pdf", "waterfall", "waterfall_svg",
]  # fmt: skip
