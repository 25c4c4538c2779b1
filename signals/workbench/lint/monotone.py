"""Whether making one signal better can make the call worse: decided over all pairs of situations, with an example."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from signals.model import SEVERITY, STATES, State
from signals.policy.engine import Answer
from signals.workbench.lint.better import Shown, Step, Where, may_rise, steps
from signals.workbench.situations.diagram import Node
from signals.workbench.situations.effort import TooLargeError, spend
from signals.workbench.situations.grids import names
from signals.workbench.situations.space import Space

MAX_VISITS = 300_000
"""Pairs of places in the diagram that are looked at for one signal: more are refused."""


@dataclass(frozen=True)
class Worse:
    """Two situations between which one signal gets better and the call more severe.

    Attributes:
        signal: What gets better.
        held: Values of the variables that matter and are the same in both, by level.
        before: Values of the signal's variables before, by level.
        after: The same after.
        facts: Facts of a release before and after.
        answers: What the policy makes of it before and after.
    """

    signal: str
    held: Mapping[int, int]
    before: Mapping[int, int]
    after: Mapping[int, int]
    facts: Shown
    answers: tuple[Answer, Answer]


def worse(space: Space, verdict: Node, signal: str) -> Worse | None:
    """The shortest pair of situations that shows it, or None when no such pair exists.

    Args:
        space: The situations.
        verdict: ``Answer`` by situation, None where no release can be.
        signal: One that some rule looks at.

    Raises:
        SignalsError: When there are too many facts to hold against each other.
        TooLargeError: When the diagram is too large to be walked in pairs.
    """
    return _Search(space, verdict, signal).found()


Path = tuple["Path | None", int, int, int, Shown | None, bool]
"""The rest of the path, level, value before and after, facts that show the step, and whether the value matters."""
Best = tuple[tuple[int, int], Path | None, Node, Node]
"""How many variables matter and how many change, the path, and the two leaves."""
Context = tuple[tuple[str, State, State], ...]
"""States before and after that later variables hang on."""
Move = tuple[int, int, Shown | None, Context]
OPEN = -1
"""The value of a variable that does not matter."""


class _Search:
    def __init__(self, space: Space, verdict: Node, signal: str) -> None:
        self.space, self.verdict, self.signal = space, verdict, signal
        self.diagrams = space.diagrams
        self.depth = len(space.variables)
        self.own = space.levels[signal]
        self.steps: dict[int, dict[Where, dict[Step, Shown]]] = {
            level: steps(space, level, signal)
            for level, variable in enumerate(space.variables)
            if variable.atoms and signal in variable.signals
        }
        self.needed = [
            frozenset(name for place in self.steps if place >= level for name in space.variables[place].signals)
            for level in range(self.depth + 1)
        ]
        self.severities: dict[Node, frozenset[int]] = {}
        self.done: dict[Any, Best | None] = {}

    def found(self) -> Worse | None:
        best = self.walk(0, self.verdict, self.verdict, ())
        if best is None:
            return None
        _, path, one, two = best
        before: dict[int, int] = {}
        after: dict[int, int] = {}
        matters: set[int] = set()
        shown: dict[int, Shown] = {}
        while path is not None:
            path, level, value, other, facts, counted = path
            before[level], after[level] = value, other
            matters |= {level} if counted else set()
            if facts is not None:
                shown[level] = facts
        moved = {level for level in before if before[level] != after[level]}
        held = {level: value for level, value in before.items() if level in matters and level not in moved}
        answers = (Answer(*self.diagrams.value(one)), Answer(*self.diagrams.value(two)))
        return Worse(
            self.signal, held, {level: before[level] for level in moved}, {level: after[level] for level in moved},
            self.facts(before, after, shown), answers,
        )  # fmt: skip

    def facts(self, before: Mapping[int, int], after: Mapping[int, int], shown: Mapping[int, Shown]) -> Shown:
        """Whole facts: what is open takes values that fit, the same in both."""
        early = self.space.example(before)
        for level in shown:
            gone = {name.key for atom in self.space.variables[level].atoms for name in names(atom)}
            early = {key: value for key, value in early.items() if key not in gone or key.endswith(".state")}
        late = {**early, f"{self.signal}.state": STATES[after[self.own]]}
        for one in shown.values():
            early = {**early, **one.before}
            late = {**late, **one.after}
        return Shown(early, late)

    def walk(self, level: int, one: Node, two: Node, context: Context) -> Best | None:
        """The shortest way on from two places to a more severe call at the second."""
        if min(self.reach(one), default=9) >= max(self.reach(two), default=-1):
            return None
        if level == self.depth:
            return (0, 0), None, one, two
        key = (level, one, two, context)
        if key in self.done:
            return self.done[key]
        if len(self.done) >= MAX_VISITS:
            raise TooLargeError
        best: Best | None = None
        counted = self.diagrams.level(one) == level or self.diagrams.level(two) == level
        for value, other, facts, states in self.moves(level, context, asked=counted):
            spend(8)
            found = self.walk(
                level + 1, self.diagrams.child(one, level, value), self.diagrams.child(two, level, other), states
            )
            if found is None:
                continue
            cost = (found[0][0] + counted, found[0][1] + (value != other))
            if best is None or cost < best[0]:
                path = found[1] if value == OPEN else (found[1], level, value, other, facts, counted)
                best = (cost, path, *found[2:])
        self.done[key] = best
        return best

    def moves(self, level: int, context: Context, *, asked: bool) -> Iterator[Move]:
        """What may be before and after at one variable."""
        variable = self.space.variables[level]
        if level in self.steps:
            early = {name: state for name, state, _ in context}
            late = {name: state for name, _, state in context}
            others = tuple(early[name] for name in variable.signals if name != self.signal)
            able = self.steps[level].get((early[self.signal], late[self.signal], others), {})
            for (value, other), facts in able.items():
                yield value, other, facts, self.kept(level + 1, context)
        elif level == self.own:
            for value, before in enumerate(STATES):
                for other, after in enumerate(STATES):
                    if may_rise(before, after):
                        yield value, other, None, self.kept(level + 1, (*context, (variable.name, before, after)))
        else:
            yield from self.stays(level, context, asked=asked)

    def stays(self, level: int, context: Context, *, asked: bool) -> Iterator[Move]:
        """The same value before and after, left open where it does not matter."""
        variable = self.space.variables[level]
        if not variable.atoms and variable.name in self.needed[level + 1]:
            for value, state in enumerate(STATES):
                yield value, value, None, self.kept(level + 1, (*context, (variable.name, state, state)))
        else:
            for value in range(self.diagrams.sizes[level]) if asked else (OPEN,):
                yield value, value, None, self.kept(level + 1, context)

    def kept(self, level: int, context: Context) -> Context:
        return tuple(entry for entry in context if entry[0] in self.needed[level])

    def reach(self, node: Node) -> frozenset[int]:
        """How severe the calls are that can still come."""
        found = self.severities.get(node)
        if found is None:
            if self.diagrams.level(node) == self.depth:
                answer = self.diagrams.value(node)
                found = frozenset() if answer is None else frozenset({SEVERITY[answer[0]]})
            else:
                found = frozenset().union(*(self.reach(child) for child in self.diagrams.below(node)))
            self.severities[node] = found
        return found
