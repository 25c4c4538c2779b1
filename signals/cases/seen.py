"""What a review names as its reasons, in the words of ``case.Right``; and which of them accuse something."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from signals.model import Cause, Reading, Reconciliation, Verdict

if TYPE_CHECKING:
    from signals.review import Review

MATERIAL = 0.2
"""Least share of a gap that a cause must carry to be blamed for it: what explains less than a fifth is beside the
point, however surely it is there."""

NO_FAULT = frozenset({"noise", "unexplained"})
"""Causes that accuse nothing: that a gap is chance, or that nothing known explains it, is no finding of a fault."""


def seen(review: Review) -> frozenset[str]:
    """All reasons that a review names, as ``case.Right`` spells them.

    The causes come from the diagnosis of each contradicting pair alone: stability, flips and proposals, which take
    most of the time of an explanation, name no reason.
    """
    from signals.explain import diagnoses

    return reasons(review.verdict, diagnoses(review.subject))


def reasons(verdict: Verdict, diagnosed: Iterable[Reconciliation]) -> frozenset[str]:
    """The same of a verdict and the diagnoses of its contradictions."""
    return frozenset([*_of_verdict(verdict), *(f"cause:{name}" for name in blamed(diagnosed))])


def blamed(diagnosed: Iterable[Reconciliation]) -> frozenset[str]:
    """Names of the causes that are blamed for a gap between two signals.

    A cause is blamed when it is told from chance with all causes of its pair taken together (Holm), which is what
    ``Cause.blamed`` says and is stricter than an interval that excludes zero, and when it carries at least
    ``MATERIAL`` of the gap. One with a negative share makes the gap wider than it would be: it explains none of it.
    """
    return frozenset(cause.name for pair in diagnosed for cause in pair.causes if _carries(cause))


def accusations(names: Iterable[str]) -> frozenset[str]:
    """Those that say that something is wrong: failed checks, guardrails that fired, causes that are blamed.

    States and unmet conditions of ``ship_requires`` are what the evidence is, not what is wrong with it.
    """
    return frozenset(name for name in names if _accuses(name))


def _accuses(name: str) -> bool:
    kind, _, what = name.partition(":")
    return kind in ("check", "guardrail") or (kind == "cause" and what not in NO_FAULT)


def _carries(cause: Cause) -> bool:
    return cause.blamed and cause.share is not None and cause.share >= MATERIAL


def _of_verdict(verdict: Verdict) -> Iterator[str]:
    for name, reading in verdict.readings.items():
        yield f"state:{name}={reading.state}"
        yield from (f"check:{name}.{check}" for check in failed(reading))
    yield from (f"guardrail:{rule.id}" for rule in verdict.guardrails if rule.holds)
    yield from (f"requires:{rule.condition}" for rule in verdict.ship_requires if not rule.holds)


def failed(reading: Reading) -> tuple[str, ...]:
    """Checks that the policy asks for and that fail or cannot be computed.

    A signal without any evidence has none: that it is missing is its state, and its checks had nothing to look at.
    """
    if reading.state == "missing":
        return ()
    return tuple(check.name for check in reading.checks.values() if check.required and check.status in FAILED)


FAILED = ("fail", "unknown")
