"""What one process took: wall and processor seconds of a stretch of it, and the most memory that it ever held."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class Clock:
    """Started when it is made."""

    def __init__(self) -> None:
        self.wall, self.used = time.perf_counter(), _processor()

    def stop(self) -> dict[str, float]:
        """Seconds since then: wall, and of the processor in all threads."""
        return {"seconds": time.perf_counter() - self.wall, "processor": _processor() - self.used}


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak() -> int:
    """The most memory that this process held so far, in bytes: what every library in it took, DuckDB too."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def answer(found: Mapping[str, Any]) -> None:
    """Print what a process found, with its peak, as the one line that ``ask`` reads."""
    sys.stdout.write(json.dumps({**found, "peak": peak()}) + "\n")


def ask(module: str, arguments: Sequence[object], python: str = sys.executable) -> dict[str, Any]:
    """What a fresh process of a module of this project answers.

    Raises:
        SystemExit: With what it said, when it fails.
    """
    command = [python, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{module} failed ({done.returncode}):\n{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
