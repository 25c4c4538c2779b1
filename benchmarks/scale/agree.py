"""How far the numbers of two ways are apart."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.scale.files import CANDIDATE, CONTROL

Cells = Mapping[str, Sequence[Sequence[Any]]]
Effects = Mapping[str, Mapping[str, float]]


def apart(ours: Cells, theirs: Cells) -> float:
    """The largest difference of any moment, as a share of its scale: what its cell's spreads would make of it.

    Raises:
        AssertionError: When cells or their counts differ.
    """
    worst = 0.0
    for metric in theirs:
        assert [cell[:4] for cell in ours[metric]] == [cell[:4] for cell in theirs[metric]], f"cells of {metric} differ"
        for mine, other in zip(ours[metric], theirs[metric], strict=True):
            worst = max(worst, _cell(mine[3:], other[3:]))
    return worst


def _cell(mine: Sequence[Any], other: Sequence[Any]) -> float:
    n, mean, m2, x_mean, x_m2, xy, m3 = other
    y, x = math.sqrt(m2 / n) or abs(mean) or 1.0, math.sqrt(x_m2 / n) or abs(x_mean) or 1.0
    scales = (n, y, n * y * y, x, n * x * x, n * x * y, n * y**3)
    pairs = zip(mine, (n, mean, m2, x_mean, x_m2, xy, m3), scales, strict=True)
    return max(abs(one - two) / scale for one, two, scale in pairs if one is not None and two is not None)


def raw_effects(cells: Cells) -> dict[str, dict[str, float]]:
    """What it is of -> metric -> candidate minus control, of the cells added up."""
    sums: dict[tuple[str, str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for metric, some in cells.items():
        for arm, plan, _, n, mean, *_ in some:
            for name in ("all", f"plan={plan}"):
                held = sums[name, metric, arm]
                held[0] += n
                held[1] += n * mean
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for name, metric, arm in sums:
        if arm == CANDIDATE and (name, metric, CONTROL) in sums:
            (n, total), (m, other) = sums[name, metric, CANDIDATE], sums[name, metric, CONTROL]
            found[name][metric] = total / n - other / m
    return dict(found)


def adjusted_effects(effects: Mapping[str, Mapping[str, float | None]]) -> dict[str, dict[str, float]]:
    """The same with the covariate, of what a verdict printed; nothing of a metric whose covariate was not used."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for metric, some in effects.items():
        if some.get("cuped") is None:
            continue
        for name, effect in some.items():
            if effect is not None and (name == "cuped" or name.startswith("plan=")):
                found["all" if name == "cuped" else name][metric] = effect
    return dict(found)


def difference(ours: Effects, theirs: Effects, kind: str) -> float:
    """The largest absolute difference between our effects and theirs, which are called ``METRIC KIND``."""
    found = [
        abs(effect - theirs[name][f"{metric} {kind}"]) for name, some in ours.items() for metric, effect in some.items()
    ]
    return max(found, default=math.nan)
