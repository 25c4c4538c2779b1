"""The policy: ``hierarchy.yaml`` in, a verdict out. Everything is a pure function of its arguments."""

from typing import Any

from signals.policy.decide import decide
from signals.policy.document import describe, verdict_json
from signals.policy.engine import settle
from signals.policy.load import load_policy, parse_policy
from signals.policy.rules import Policy
from signals.policy.testing import CaseResult, run_tests

__all__ = [
    "CaseResult", "Policy", "decide", "describe", "json_schema", "load_policy", "parse_policy", "run_tests", "settle",
    "verdict_json",
]  # fmt: skip


def json_schema() -> dict[str, Any]:
    """The JSON Schema of ``hierarchy.yaml``, for editors."""
    from signals.policy import schema

    return schema.json_schema()
