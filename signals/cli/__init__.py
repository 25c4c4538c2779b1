"""The command line. Exit codes: 0 ship (or done), 10 hold, 20 rollback, 2 the caller's mistake, 1 ours."""

from signals.cli import atlas, diff, evidence, mutate, policy, replay, simulate, start, verdicts, versions
from signals.cli.base import cli, main

__all__ = [
    "atlas", "cli", "diff", "evidence", "main", "mutate", "policy", "replay", "simulate", "start", "verdicts",
    "versions",
]  # fmt: skip
