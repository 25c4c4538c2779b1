"""The command line. Exit codes: 0 ship (or done), 10 hold, 20 rollback, 2 the caller's mistake, 1 ours."""

from signals.cli import (
    atlas,
    debt,
    diff,
    evidence,
    mutate,
    policy,
    reconcile,
    replay,
    simulate,
    sources,
    start,
    track,
    verdicts,
    versions,
)
from signals.cli.base import cli, main

__all__ = [
    "atlas", "cli", "debt", "diff", "evidence", "main", "mutate", "policy", "reconcile", "replay", "simulate",
    "sources", "start", "track", "verdicts", "versions",
]  # fmt: skip
