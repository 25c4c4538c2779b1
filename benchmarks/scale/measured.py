"""What one process took: wall and processor seconds of a stretch of it, the most memory and the most disk it held."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TICK = 0.1  # seconds between two looks at what is spilled


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
    sys.stdout.write(json.dumps({"peak": peak(), **found}) + "\n")


def ask(command: Sequence[object], home: Path) -> dict[str, Any]:
    """What a fresh process answers, and as ``spilled`` the most bytes that it held in temporary files under ``home``.

    Args:
        command: What to run after the interpreter of this process; or a whole command that starts with a path.
        home: Where its temporary folder is made.

    Raises:
        SystemExit: With the end of what it said, when it fails.
    """
    first = str(command[0])
    whole = [*([] if first.startswith("/") else [sys.executable]), *map(str, command)]
    with tempfile.TemporaryDirectory(dir=home) as scratch, tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            whole, cwd=ROOT, stdout=subprocess.PIPE, stderr=said, text=True, env={**os.environ, "TMPDIR": scratch}
        )
        spilled, text = 0, None
        while text is None:
            try:
                text = process.communicate(timeout=TICK)[0]
            except subprocess.TimeoutExpired:
                spilled = max(spilled, _held(Path(scratch)))
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{' '.join(whole[1:])} failed ({process.returncode}):\n{said.read()[-3000:]}")
    found: dict[str, Any] = json.loads(text.strip().splitlines()[-1])
    return {**found, "spilled": spilled}


def _held(folder: Path) -> int:
    """Bytes of DuckDB's temporary files below the folder; they come and go while it is looked at."""
    total = 0
    for place, _, names in os.walk(folder):  # says nothing of folders that are gone by now
        for name in names:
            if name.endswith(".tmp"):
                with suppress(OSError):
                    total += (Path(place) / name).stat().st_size
    return total
