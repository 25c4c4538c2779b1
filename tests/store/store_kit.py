"""What the store's tests share: made-up evidence, a dump of what a store holds, and a child process to kill."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from signals.connectors import Tally
from signals.model import ItemScore, Record, Release, Source
from signals.store import PullReport, Store
from signals.store.records import SHAPES

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
START = datetime(2026, 11, 10, 8, 0, tzinfo=UTC)
RELEASE = Release("prompt-v7", "prompt", "prompt-v6", "prompt-v7", date(2026, 11, 10))
GOLDEN = Source("golden", "judge", "table", {})


def scores(count: int, *, shift: float = 0.0, variants: tuple[str, ...] = RELEASE.arms) -> list[ItemScore]:
    """``count`` scores, one a minute; ``shift`` changes the value of every third."""
    return [
        ItemScore(
            f"r{number}", f"i{number // 2}", variants[number % len(variants)], "helpful",
            number / 7 + (shift if number % 3 == 0 else 0), segment=(("plan", ("pro", "free")[number % 2]),),
            at=START + timedelta(minutes=number),
        )
        for number in range(count)
    ]  # fmt: skip


def put(
    store: Store, records: Any, source: Source = GOLDEN, *, tally: Tally | None = None, **options: Any
) -> PullReport:
    """Apply records with a tally that has seen as many rows."""
    if tally is None:
        records = list(records)
        tally = Tally()
        tally.rows_read = tally.rows_kept = len(records)
    return store.apply(source, options.get("fingerprint", "f"), options.get("definition", "d"), records, tally)


def dump(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every evidence table, in order."""
    with store.database.read() as connection:
        return {
            shape.table.name: [
                tuple(row) for row in connection.execute(select(shape.table).order_by(*shape.table.primary_key.columns))
            ]
            for shape in SHAPES.values()
        }


def count_rows(store: Store) -> int:
    return sum(len(rows) for rows in dump(store).values())


def announced(records: list[Record], every: int) -> Iterator[Record]:
    """The records, with a line on stdout every so many, and one at the end."""
    for number, record in enumerate(records):
        if number % every == 0:
            sys.stdout.write(f"read {number}\n")
            sys.stdout.flush()
        yield record
    sys.stdout.write("storing\n")
    sys.stdout.flush()


def child(code: str, *arguments: str) -> subprocess.Popen[str]:
    """A Python process that runs ``code`` with this module importable; stdout and stderr are pipes."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}"}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment, cwd=ROOT,
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a child that must succeed; its stdout."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out
