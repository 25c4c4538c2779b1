"""The forms a memo can take, by the file's ending."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from types import MappingProxyType

from signals.memo.render import html, markdown
from signals.memo.rows import Memo
from signals.memo.typeset import pdf
from signals.memo.word import docx

Writer = Callable[[Memo], bytes]

WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        ".md": lambda memo: markdown(memo).encode(),
        ".html": lambda memo: html(memo).encode(),
        ".pdf": pdf,
        ".docx": docx,
    }
)
"""How each kind of file is written. PDF and DOCX raise ``SignalsError`` where the extra ``memo`` is not installed."""

_NEEDS: Mapping[str, tuple[str, ...]] = MappingProxyType({".pdf": ("typst",), ".docx": ("typst", "docx")})


def available() -> tuple[str, ...]:
    """The endings that can be written here and now: all of ``WRITERS``, without those whose packages are missing."""
    return tuple(ending for ending in WRITERS if all(find_spec(name) for name in _NEEDS.get(ending, ())))
