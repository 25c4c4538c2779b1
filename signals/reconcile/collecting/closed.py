"""A release that is over, or was decided, asks for no more evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from signals.model import Decision, Explanation, Release
from signals.words import CALL_WORDS, moment


def without_proposals(found: Explanation, release: Release, decisions: Sequence[Decision]) -> Explanation:
    """The explanation as it is for an open release; else one line in place of what could be collected.

    Args:
        found: Of the verdict, which knows of no decision.
        release: Its outcome closes it.
        decisions: About it, the newest first. That of the newest stands; a recorded HOLD still waits for evidence.
    """
    why = _closed(release, decisions)
    if not why or not (found.collections or found.unsettled):
        return found
    return replace(found, collections=(), unsettled=f"Nothing more is to be collected for this call: {why}.")


def _closed(release: Release, decisions: Sequence[Decision]) -> str:
    if release.outcome != "unknown":
        return f"the release is over, and it turned out {'well' if release.outcome == 'good' else 'badly'}"
    if decisions and decisions[0].call != "hold":
        return f"{CALL_WORDS[decisions[0].call]} was decided on {moment(decisions[0].at.date())}"
    return ""
