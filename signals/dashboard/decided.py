"""The last decisions in one strip: what people did and when; overrides, expired and stale ones are marked in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from html import escape

from signals.memo.phrases import CALL_SPOKEN, clean
from signals.standing import Standing
from signals.words import CALL_WORDS, moment

LAST = 6


def strip(found: Sequence[Standing], stale: Sequence[Standing] = ()) -> str:
    """The newest decisions, newest first; empty when nobody has decided anything yet.

    Args:
        found: All decisions of the project.
        stale: Those about the release that is shown, held against its verdict: what has changed since is said.
    """
    if not found:
        return ""
    changed = {one.decision.entry: one.stale.words for one in stale if one.stale is not None}
    newest = sorted(found, key=lambda one: one.decision.at, reverse=True)
    # A decision that no longer fits the verdict on the screen is what the standup has to talk about.
    ordered = sorted(newest, key=lambda one: one.decision.entry not in changed)
    chips = "".join(_chip(one, changed.get(one.decision.entry, ())) for one in ordered[:LAST])
    left = len(found) - min(len(found), LAST)
    more = f'<a href="decisions">and {left} more</a>' if left else ""
    return (
        '<div class="decisions" role="group" aria-label="Last decisions"><a href="decisions">Last decisions</a> '
        f"{chips}{more}</div>"
    )


def _chip(one: Standing, changed: Sequence[str]) -> str:
    decision = one.decision
    marks = []
    if decision.override:
        over = f", {clean(one.until)}" if one.status == "expired" else ""
        marks.append(f"override of {CALL_WORDS[decision.recommended]}{over}")
    elif one.status == "superseded":
        marks.append("superseded")
    if one.outcome is not None:
        marks.append(f"turned out {one.outcome.outcome}")
    if changed:
        marks.append(f"stale: {clean(changed[0])[:1].lower()}{clean(changed[0])[1:].rstrip('.')}")
    loud = " loud" if changed or one.status == "expired" else ""
    why = escape(
        f"{clean(decision.by)}: {clean(decision.because)} ({clean(one.words)}) {' '.join(map(clean, changed))}"
    )
    said = f" <b>{escape('; '.join(marks))}</b>" if marks else ""
    return (
        f'<span class="chip {decision.call}{loud}" title="{why}">{escape(clean(decision.release))} '
        f'<span class="word">{CALL_SPOKEN[decision.call]}</span>{said} <span class="small">'
        f"{moment(decision.at.astimezone(UTC).date())}</span></span>"
    )
