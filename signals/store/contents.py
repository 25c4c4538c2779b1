"""What the store holds of a source, as its last pull summed it up by variant: no evidence is read for it.

A source may feed a thousand releases, so the parts are found by variant, not searched.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from signals.model import Release, SetAside

Key = tuple[str, ...]
"""The variant that records are about, the sorted pair of variants, or nothing for what is about no variant."""


@dataclass(frozen=True)
class Part:
    """The records of one key: their hash, how many units they stand for, the newest moment among them."""

    content: str
    rows: int
    last: datetime | None


class Content:
    """One source: the row of the pull that brought what the store holds now, and its parts by key."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.row = row
        self.parts, self.units = _parts(row["parts"])
        self.set_aside: dict[str | None, list[dict[str, Any]]] = {}
        for entry in json.loads(row["set_aside"]):
            self.set_aside.setdefault(entry["variant"], []).append(entry)

    def own_parts(self, release: Release) -> list[tuple[Key, Part]]:
        """The parts about a release, in the order of their keys."""
        return [(key, self.parts[key]) for key in own_keys(release) if key in self.parts]

    def own_rows(self, release: Release) -> int:
        """Of the rows that the pull kept, those about the release: in proportion, as a cell may hold many rows."""
        own = sum(part.rows for _, part in self.own_parts(release))
        return round(self.row["rows_kept"] * own / self.units) if self.units else 0

    def own(self, release: Release) -> list[Any]:
        """What a reading of the release can see of it: its records, what was set aside of it, how much it is."""
        parts = [[key, part.content] for key, part in self.own_parts(release)]
        return [parts, faults([self], release), self.own_rows(release)]


@lru_cache(maxsize=32)
def _parts(text: str) -> tuple[Mapping[Key, Part], int]:
    """The parts by key and the units of them all; a text that many releases look into is read once."""
    parts = {
        tuple(part["key"]): Part(part["content"], part["rows"], moment(part["last"]) if part["last"] else None)
        for part in json.loads(text)
    }
    return parts, sum(part.rows for part in parts.values())


def own_keys(release: Release) -> list[Key]:
    """The keys of records about a release, sorted; what names no variant is about every one."""
    pairs = {tuple(sorted(pair)) for pair in release.pairs}
    return sorted({(), *((variant,) for variant in release.variants), *pairs})


def faults(contents: Iterable[Content], release: Release) -> tuple[SetAside, ...]:
    """What the pulls set aside, of the arms or of no variant in particular; same reasons are summed."""
    rows: Counter[tuple[str, str | None, bool]] = Counter()
    units: Counter[tuple[str, str | None, bool]] = Counter()
    whole: set[tuple[str, str | None, bool]] = set()  # the reasons that set whole units aside
    mine = (None, *release.variants)
    entries = (entry for one in contents for about in mine for entry in one.set_aside.get(about, ()))
    for entry in entries:
        key = entry["why"], entry["variant"], entry["fault"]
        rows[key] += entry["rows"]
        of = entry.get("units")  # absent from what earlier versions stored, whose rows were units
        whole |= set() if of is None else {key}
        units[key] += entry["rows"] if of is None else of
    return tuple(
        SetAside(count, why, variant, fault, units[why, variant, fault] if (why, variant, fault) in whole else None)
        for (why, variant, fault), count in sorted(rows.items(), key=lambda one: (-one[1], one[0][0], one[0][1] or ""))
    )


def moment(text: str) -> datetime:
    """A time, or the start of a day (UTC)."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
