"""The policy: ``hierarchy.yaml`` in, a verdict out. Everything is a pure function of its arguments."""

from signals.policy.load import load_policy, parse_policy
from signals.policy.rules import Policy

__all__ = ["Policy", "load_policy", "parse_policy"]
