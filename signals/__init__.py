"""Signals: settles release-week arguments by one written policy over judge, panel, A/B and feedback evidence."""

from signals.model import SignalsError
from signals.review import Review, review

__all__ = ["Review", "SignalsError", "review"]
__version__ = "0.1.0"
