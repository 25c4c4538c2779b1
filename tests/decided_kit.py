"""Decisions of earlier days: what somebody recorded then, as the store holds it today."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from signals.model import Call, Decision, canonical, digest
from signals.review import Review, store_of


def decided_then(then: Review, document: Mapping[str, Any], call: Call | None = None) -> Decision:
    """Recorded as recommended on a verdict of another moment or policy, which ``review.record`` refuses today."""
    verdict, store = then.verdict, store_of(then.project)
    store.put_policy(then.policy.hash, then.policy.name, then.policy.text, "", "ann")
    told = canonical(document)
    store.put_verdict(verdict.release.id, verdict.policy_hash, verdict.evidence_hash, verdict.call, told, verdict.as_of)
    now = datetime.now(UTC).replace(microsecond=0)
    says = call or verdict.call
    return store.decide(
        Decision(verdict.release.id, says, says, "ann", "as it says", now, digest(document), verdict.policy_hash)
    )
