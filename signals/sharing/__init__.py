"""A verdict told elsewhere: as a pull-request comment, a chat message, a CI report, and to whoever wants to be told.

Every text comes from the memo (``signals.memo``): a form of sharing arranges and escapes, it does not word.
"""

from __future__ import annotations

from collections.abc import Callable

from signals.memo import Memo
from signals.model import Verdict
from signals.sharing import told
from signals.sharing.github import comment
from signals.sharing.junit import report
from signals.sharing.slack import message

FORMATS: dict[str, Callable[[Verdict, Memo], str]] = {"github": comment, "slack": message, "junit": report}
"""How ``signals verdict --format`` writes each form; all end with a line break."""

__all__ = ["FORMATS", "comment", "message", "report", "told"]
