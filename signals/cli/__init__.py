"""The command line. Exit codes: 0 ship (or done), 10 hold, 20 rollback, 2 the caller's mistake, 1 ours."""

from signals.cli import (
    atlas,
    cases,
    debt,
    decisions,
    diff,
    evidence,
    inside,
    mutate,
    notify,
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
    "atlas", "cases", "cli", "debt", "decisions", "diff", "evidence", "inside", "main", "mutate", "notify", "policy",
    "reconcile", "replay", "simulate", "sources", "start", "track", "verdicts", "versions",
]  # fmt: skip
