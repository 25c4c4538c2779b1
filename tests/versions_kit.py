"""What the tests of versions and of their saving share: a project with a small policy, and child processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from signals.model import Project
from signals.review import load

ROOT = Path(__file__).resolve().parents[1]

POLICY = """\
# ann: 0

# A policy that is quick to compare.
schema: 1
name: tiny          # the layout is kept
signals:
  score: {kind: judge, question: Better?, better: higher, margin: 2pp}
  done: {kind: experiment, question: Done?, metric: {name: done, type: proportion}, better: higher, margin: 1pp}

hierarchy:
  - {signal: done, win: ship, loss: rollback}
  - {signal: score, when: score.n >= 100, win: ship}   # é
otherwise: hold
# bob: 0
"""
EDITED = POLICY.replace("score.n >= 100", "score.n >= 200")


def project_in(folder: Path, url: str | None = None, policy: str = POLICY) -> Project:
    """A project in a folder of its own, over a store at ``url`` (default: a file beside it)."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "hierarchy.yaml").write_bytes(policy.encode())
    store = url or f"sqlite:///{folder / 'signals.db'}"
    (folder / "data" / "sources.yaml").write_text(f"store: {store}\nsources: {{}}\n")
    return load(folder)


def child(code: str, *arguments: str) -> subprocess.Popen[str]:
    """A Python process that runs ``code`` with this module importable; stdin, stdout and stderr are pipes."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{Path(__file__).parent}"}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT,
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a child that must succeed; its stdout."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out
