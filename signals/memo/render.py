"""Memo -> Markdown and HTML, with Jinja2. Text from outside can add no tag, link, heading, table cell or request."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signals.memo import phrases
from signals.memo.picture import forest_svg, forest_text
from signals.memo.rows import Memo
from signals.memo.waterfall_picture import waterfall_svg
from signals.words import CALL_WORDS, SETTLED_MEANS

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"

_SPECIAL = re.compile(r"([\\`*_\[\]|~$]|<(?=[A-Za-z/!?]))")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_ADDRESS = re.compile(r"://|\bwww\.|\w@\w", re.IGNORECASE)
_BLOCK_START = re.compile(r"^(#{1,6}(?=\s|$)|[-+](?=\s|-|$)|>|=+$|\d+[.)](?=\s|$))")


def markdown(memo: Memo) -> str:
    """The memo as GitHub-flavoured Markdown; readable as plain text too. Same memo, same bytes."""
    return _environment(html=False).get_template("memo.md.j2").render(_context(memo)).rstrip("\n") + "\n"


def html(memo: Memo) -> str:
    """The memo as one HTML file: style and picture inside, no script, no outside request. Same memo, same bytes."""
    from markupsafe import Markup

    plots = [pair.plot for pair in memo.explained.pairs] if memo.explained else []
    context = _context(memo) | {
        # All are ours: the pictures escape their texts themselves, the style is a file of this package.
        "waterfalls": [
            Markup(waterfall_svg(plot, prefix=f"pair-{place}")) if plot else ""  # noqa: S704  # see above
            for place, plot in enumerate(plots, 1)
        ],
        "picture": Markup(forest_svg(memo.plot)),  # noqa: S704  # see above
        "style": Markup((TEMPLATES / "memo.css").read_text(encoding="utf-8")),  # noqa: S704  # see above
    }
    return _environment(html=True).get_template("memo.html.j2").render(context)


def escape_markdown(text: object) -> str:
    """Text that Markdown shows as it is: nothing starts a block, a link, a tag, an entity or a table cell.

    Bare addresses would become links even unmarked; they are shown as code.
    """
    words = phrases.clean(text).split(" ")
    escaped = " ".join(code_span(word) if _ADDRESS.search(word) else _escape(word) for word in words)
    return _BLOCK_START.sub(lambda found: _escape_start(found[0]), escaped)


def _escape(text: str) -> str:
    return _ENTITY.sub(r"\\&", _SPECIAL.sub(r"\\\1", text))


def _escape_start(start: str) -> str:
    return f"{start[:-1]}\\{start[-1]}" if start[0].isdigit() else f"\\{start}"


def code_span(text: object) -> str:
    """Text as inline code, whatever backticks it holds; a pipe would still end a table cell, so it is escaped."""
    flat = phrases.clean(text)
    if not flat:
        return "–"
    fence = "`" * (_longest_run(flat) + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{pad}{flat}{pad}{fence}".replace("|", "\\|")


def code_block(text: str, language: str = "") -> str:
    """A fenced block whose fence is longer than any run of backticks inside."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


@lru_cache(maxsize=2)
def _environment(*, html: bool) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=html,  # noqa: S701  # Markdown is not HTML: there every value passes escape_markdown or a code span
        finalize=None if html else _finalize_markdown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "code": code_span,
        "block": code_block,
        "short": phrases.short_hash,
        "call": CALL_WORDS.__getitem__,
    }
    if not html:
        environment.filters |= {"code": lambda text: _Ready(code_span(text)), "block": _ready_block}
    return environment


class _Ready(str):
    """Markdown that is escaped already."""

    __slots__ = ()


def _ready_block(text: str, language: str = "") -> _Ready:
    return _Ready(code_block(text, language))


def _finalize_markdown(value: Any) -> str:
    return value if isinstance(value, _Ready) else escape_markdown(value)


def _context(memo: Memo) -> dict[str, Any]:
    return {
        "memo": memo,
        "plot_text": forest_text(memo.plot),
        "legend": phrases.PLOT_LEGEND,
        "status_words": phrases.STATUS_WORDS,
        "notice": phrases.SYNTHETIC,
        "waterfall_legend": phrases.WATERFALL_LEGEND,
        "parts_legend": phrases.PARTS_LEGEND,
        # Evidence that nobody may believe gives the same HOLD however often it is drawn: that is no certainty.
        "steadiness": memo.explained.steadiness if memo.explained and memo.decides else "",
        "no_steadiness": phrases.NO_STEADINESS,
        "no_flip": phrases.NO_FLIP,
        "only_far": phrases.ONLY_FAR,
        "settled_means": SETTLED_MEANS,
    }
