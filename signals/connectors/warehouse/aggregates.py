"""What is asked of a group of units: moments of outcomes, covariate and denominator, and how they vary together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from signals.connectors.warehouse.fields import covariance, variance

if TYPE_CHECKING:
    import ibis

OF_OUTCOMES = ("mean", "variance", "least", "most", "zero_one", "cubes", "xy", "yd")
"""What a row has of each outcome: under these names of the first, with ``_1``, ``_2`` … of the others."""
LOST = "lost_y"
"""The rows that hold no number of it, likewise; ``lost_y1``, ``lost_y2`` … of the others."""


def aggregates(table: ibis.Table, names: Sequence[str], whole: Mapping[str, bool], dialect: str) -> dict[str, Any]:
    """The aggregates of the columns ``names``: y, y1 …, x and d, of which NULLs do not count.

    Whether all are 0 or 1 is asked only of those that are not ``whole``: of the others least and most tell it.
    """
    made: dict[str, Any] = {}
    outcomes = {name: f"_{name[1:]}" if name[1:] else "" for name in names if name.startswith("y")}
    for name, after in outcomes.items():
        y = table[name]
        made |= {
            f"mean{after}": y.mean(), f"variance{after}": variance(y, dialect), f"least{after}": y.min(),
            f"most{after}": y.max(), f"cubes{after}": (y * y * y).sum(),
        }  # fmt: skip
        if not whole[name]:
            made[f"zero_one{after}"] = ((y == 0) | (y == 1)).all()
    others = [name for name in names if name not in outcomes]
    for name in others:
        made |= {f"{name}_mean": table[name].mean(), f"{name}_variance": variance(table[name], dialect)}
    for name, after in outcomes.items():
        if "x" in others:
            made[f"xy{after}"] = covariance(table.x, table[name], dialect)
        if "d" in others:
            made[f"yd{after}"] = covariance(table[name], table.d, dialect)
    if "x" in others and "d" in others:
        made["xd"] = covariance(table.x, table.d, dialect)
    return made


def of_outcome(row: Mapping[str, Any], place: int) -> dict[str, Any]:
    """A row as if there were only the outcome of that place."""
    if not place:
        return dict(row)
    theirs = {name: f"{name}_{place}" for name in OF_OUTCOMES} | {LOST: f"{LOST}{place}"}
    own = {name: row[its] for name, its in theirs.items() if its in row}
    return {name: value for name, value in row.items() if name not in theirs} | own
