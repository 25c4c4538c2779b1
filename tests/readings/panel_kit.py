"""Makers of panel answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from signals.model import Preference, Rating

DAY = datetime(2026, 11, 3, tzinfo=UTC)


def rating(item: object, rater: str, variant: str, value: float | None, **fields: Any) -> Rating:
    return Rating(f"{item}/{rater}/{variant}/{fields}", str(item), rater, variant, value, **fields)


def grades(effect: float = 0.6, items: int = 30, raters: int = 4, seed: int = 3) -> list[Rating]:
    rng = np.random.default_rng(seed)
    found = []
    for i in range(items):
        base = rng.normal(3, 0.7)
        for r in range(raters):
            for arm, shift in (("old", 0.0), ("new", effect)):
                value = float(np.clip(round(base + shift + 0.1 * r + rng.normal(0, 0.5)), 1, 5))
                found.append(rating(i, f"r{r}", arm, value, at=DAY + timedelta(days=i % 10)))
    return found


def preference(item: object, rater: str, choice: Any, left: str = "old", **fields: Any) -> Preference:
    right = "new" if left == "old" else "old"
    return Preference(f"{item}/{rater}/{left}/{fields}", str(item), rater, left, right, choice, **fields)


def several() -> list[Rating]:
    """Each rater grades every output on two questions; the candidate is truer and less clear."""
    rng = np.random.default_rng(9)
    return [
        rating(i, f"r{r}", arm, float(round(3 + gain * (arm == "new") + rng.normal(0, 0.7))), dimension=name)
        for i in range(30)
        for r in range(4)
        for arm in ("old", "new")
        for name, gain in (("clear", -0.7), ("true", 0.9))
    ]  # fmt: skip
