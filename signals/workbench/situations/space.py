"""Every situation that a policy can tell apart: the state of each signal and the truth of each comparison.

Comparisons that hang together (about the same facts) form one variable; its values are the combinations of true, false
and unknown that they can really have. What a state, a margin or a ``trust:`` threshold rules out is no situation: a
judge that the policy trusts from an agreement of 0.4 never wins with 0.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from signals.model import STATES, Signal, SignalsError, State
from signals.policy.compiled import Trit, both, either, negate
from signals.policy.facts import Facts, Value
from signals.policy.syntax import Expr, Has, Is, Logic, Not, render
from signals.workbench.situations.diagram import Diagrams, Node
from signals.workbench.situations.effort import spend

MAX_POINTS = 30_000
"""Combinations of values of facts that hang together: more are refused."""

Truths = tuple[Trit, ...]
Situation = tuple[int, ...]


@dataclass(frozen=True)
class Variable:
    """One question about a situation.

    Attributes:
        name: The signal whose state it is, or the text of its comparisons.
        signals: Those it hangs on; empty when it is about the release alone.
        atoms: Its comparisons; empty for a state.
        values: States, or for each value the truth of every comparison.
    """

    name: str
    signals: tuple[str, ...]
    atoms: tuple[Expr, ...]
    values: tuple[Any, ...]

    def label(self, value: int) -> str:
        """A value in words."""
        if not self.atoms:
            return str(self.values[value])
        words = {True: "", False: "not ", None: "unknown: "}
        return ", ".join(
            f"{words[truth]}{render(atom)}" for atom, truth in zip(self.atoms, self.values[value], strict=True)
        )


@dataclass(frozen=True)
class Point:
    """Facts that can stand together, the states they belong to, and the truth of the comparisons about them."""

    states: tuple[State, ...]
    facts: Mapping[str, Value]
    truths: Truths


@dataclass(frozen=True)
class Space:
    """All situations of one or more sets of rules over the same signals.

    Attributes:
        variables: First asked first.
        diagrams: Where functions over the situations live.
        domain: True where a situation is possible.
        points: For each variable with comparisons, by its place: facts for every state and value that it can have.
        every: All facts that were looked at for some comparisons.
    """

    signals: Mapping[str, tuple[Signal, ...]]
    variables: tuple[Variable, ...]
    diagrams: Diagrams
    domain: Node
    points: Mapping[int, tuple[Point, ...]] = field(repr=False)
    levels: Mapping[Any, int] = field(repr=False)  # a signal's name, or a comparison -> its variable
    tests: Mapping[int, Callable[[Facts], Truths]] = field(repr=False)
    every: Callable[[tuple[Expr, ...]], Iterator[Point]] = field(repr=False)

    def locate(self, facts: Facts) -> Situation:
        """The situation that a release with these facts is in.

        Raises:
            ValueError: When no reading has such facts together.
        """
        found = []
        for level, variable in enumerate(self.variables):
            if variable.atoms:
                value: Any = self.tests[level](facts)
            else:
                value = facts.get(f"{variable.name}.state", "missing")
            if value not in variable.values:
                raise ValueError(f"{variable.name} cannot be {value}")
            found.append(variable.values.index(value))
        return tuple(found)

    def example(self, situation: Mapping[int, int] | Sequence[int]) -> dict[str, Value]:
        """Facts of a release that is in this situation; variables that are left open take a value that fits.

        Raises:
            ValueError: When no release can be in it.
        """
        given = dict(situation) if isinstance(situation, Mapping) else dict(enumerate(situation))
        node = self.diagrams.fix(self.domain, given)
        rest = self.diagrams.first(node, lambda value: value is True)
        if rest is None:
            raise ValueError("no release can be in this situation")
        chosen = {**rest, **given}
        facts: dict[str, Value] = {}
        states: dict[str, State] = {}
        for level, variable in enumerate(self.variables):
            if not variable.atoms:
                states[variable.name] = variable.values[chosen.get(level, STATES.index("missing"))]
                facts[f"{variable.name}.state"] = states[variable.name]
        for level, points in self.points.items():
            variable = self.variables[level]
            held = tuple(states[name] for name in variable.signals)
            wanted = variable.values[chosen[level]] if level in chosen else None
            facts |= next(p.facts for p in points if p.states == held and (wanted is None or p.truths == wanted))
        return facts

    def trit(self, tree: Expr) -> Node:
        """The diagram of a condition: True, False or None (unknown) in every situation."""
        diagrams = self.diagrams
        spend(10)
        if isinstance(tree, Is):
            level = self.levels[tree.name.key.removesuffix(".state")]
            return diagrams.variable(level, [(state == tree.state) is not tree.inverse for state in STATES])
        if tree in self.levels:
            level = self.levels[tree]
            place = self.variables[level].atoms.index(tree)
            return diagrams.variable(level, [truths[place] for truths in self.variables[level].values])
        if isinstance(tree, Has):  # of a state: every signal has one
            return diagrams.leaf(True)
        if isinstance(tree, Not):
            return diagrams.apply(negate, self.trit(tree.body))
        if not isinstance(tree, Logic):
            raise TypeError(f"{render(tree)} is not a comparison of this space")
        node, *others = (self.trit(part) for part in tree.parts)
        for other in others:
            node = diagrams.apply(_and if tree.word == "and" else _or, node, other)
        return node


def _and(one: Trit, two: Trit) -> Trit:
    return both((one, two))


def _or(one: Trit, two: Trit) -> Trit:
    return either((one, two))


def too_large(why: str) -> SignalsError:
    """A policy that cannot be looked at exactly is refused, never sampled."""
    return SignalsError(
        f"the policy is too entangled to decide every situation: {why}", "Use fewer signals or conditions"
    )
