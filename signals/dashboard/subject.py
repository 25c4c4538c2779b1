"""Whose numbers a verdict's sentence tells."""

from __future__ import annotations

from signals.model import Verdict


def signal_of(verdict: Verdict) -> str:
    """The signal that decides; else the one that the sentence begins with; empty when it is about none.

    The sentence of a guardrail, or of a requirement for shipping, begins with the signal that it looks at.
    """
    if verdict.decided_by in verdict.readings:
        return str(verdict.decided_by)
    start = verdict.sentence.casefold()
    named = [name for name in verdict.readings if start.startswith(name.casefold().replace("_", " "))]
    return max(named, key=len, default="")
