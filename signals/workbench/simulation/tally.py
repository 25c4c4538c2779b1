"""What the draws of one set of true effects came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from signals.model import CALLS, STATES, Call, Reason
from signals.workbench.simulation.columns import Table
from signals.workbench.simulation.outcomes import Decider, Point

if TYPE_CHECKING:
    from numpy.typing import NDArray

Found = tuple[Call, str, str | None, Reason]
"""How a call came about: the call, the rule, who decided, the reason."""


class Tally:
    """What the draws came to."""

    def __init__(self, signals: Sequence[str], looks: int) -> None:
        self.outcomes: Counter[Found] = Counter()
        self.ends = [0] * looks
        self.states = {name: np.zeros(len(STATES), dtype=np.int64) for name in signals}

    def see(self, table: Table, ended: NDArray[np.intp]) -> None:
        """Count the states of the draws that ended."""
        for name in self.states:
            self.states[name] += np.bincount(state_codes(table, f"{name}.state")[ended], minlength=len(STATES))

    def point(self, effects: Mapping[str, float], draws: int, own: Mapping[str, Mapping[str, float]]) -> Point:
        """As chances."""
        calls: Counter[Call] = Counter()
        for (call, *_), count in self.outcomes.items():
            calls[call] += count
        ranked = sorted(self.outcomes.items(), key=lambda entry: (-entry[1], entry[0][1], entry[0][0]))
        return Point(
            effects,
            draws,
            {call: calls[call] / draws for call in CALLS},
            tuple(Decider(call, rule, by, reason, count / draws) for (call, rule, by, reason), count in ranked),
            {
                name: {state: int(count) / draws for state, count in zip(STATES, counts, strict=True)}
                for name, counts in self.states.items()
            },
            tuple(count / draws for count in self.ends),
            segments=own,
        )


def state_codes(table: Table, key: str) -> NDArray[np.int8]:
    """The states of a signal over all draws, as codes."""
    column = table.column(key)
    if column is None or not isinstance(column.values, np.ndarray):
        raise KeyError(key)
    return np.asarray(column.values, dtype=np.int8)
