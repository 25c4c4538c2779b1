"""Every situation that a policy can tell apart: the state of each signal and the truth of each comparison.

Comparisons that hang together (about the same facts) form one variable; its values are the combinations of true, false
and unknown that they can really have. What a state, a margin or a ``trust:`` threshold rules out is no situation: a
judge that the policy trusts from an agreement of 0.4 never wins with 0.3.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from signals.checks import BY_NAME
from signals.model import RELEASE_KINDS, STATES, Signal, SignalsError, State
from signals.policy.compiled import Element, Trit, both, compile_tree, either, negate
from signals.policy.conditions import Condition
from signals.policy.facts import Facts, FactSpec, Scalar, Value, element_registry, registry
from signals.policy.rules import Policy, Rules
from signals.policy.syntax import Chain, Expr, Has, Is, Logic, Name, Not, Quantified, render
from signals.workbench.diagram import Diagrams, Node, TooLargeError
from signals.workbench.grids import Grid, Links, grids, inner, leaves, names
from signals.workbench.possible import BELIEVED, NUMBERS, partials, possible_states

MAX_POINTS = 30_000
"""Combinations of values of facts that hang together: more are refused."""
MAX_LOOKED_AT = 2_000_000
"""Combinations that those are picked from, by size alone: more are refused before any is looked at."""
MAX_ASKED = 300_000
"""Comparisons asked of all such points of a space: more are refused."""
RELEASE = "release"

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

    def state_level(self, signal: str) -> int | None:
        """The variable that is the state of a signal; None when no rule looks at it."""
        return self.levels.get(signal)

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


# --- making a space -------------------------------------------------------------------------------------------------


def space_of(policies: Sequence[Policy], kind: str | None = None) -> Space:
    """The situations that these policies tell apart, for releases of one kind (None: of kinds without own rules).

    Raises:
        SignalsError: When the comparisons are too entangled to be told apart exactly.
    """
    pairs = [(policy, policy.rules if kind is None else policy.for_kind(kind)) for policy in policies]
    signals: dict[str, tuple[Signal, ...]] = {}
    for policy, _ in pairs:
        for name, signal in policy.signals.items():
            signals[name] = (*(one for one in signals.get(name, ()) if one != signal), signal)
    own = {name for policy, _ in pairs for name in policy.kinds}
    kinds = tuple(name for name in RELEASE_KINDS if name not in own) if kind is None else (kind,)
    return _Builder(signals, [rules for _, rules in pairs], kinds).space()


def conditions(rules: Rules) -> Iterator[Condition]:
    """Every condition of some rules, in the order in which a policy is read."""
    for row in rules.hierarchy:
        if row.when is not None:
            yield row.when
    for override in rules.overrides:
        yield override.when
    for guardrail in rules.guardrails:
        yield guardrail.when
    for requirement in rules.ship_requires:
        yield requirement.that


class _Builder:
    def __init__(
        self, signals: Mapping[str, tuple[Signal, ...]], rules: Sequence[Rules], kinds: tuple[str, ...]
    ) -> None:
        self.signals = signals
        self.kinds = kinds
        trees = [condition.tree for one in rules for condition in conditions(one)]
        atoms = dict.fromkeys(leaf for tree in trees for leaf in leaves(tree))
        self.heard = self._heard(rules, atoms)
        self.atoms = [atom for atom in atoms if not isinstance(atom, Is) and not _of_state(atom)]
        self.specs: dict[str, FactSpec] = {}
        for versions in signals.values():
            for signal in versions:
                self.specs |= registry({signal.name: signal})

    def _heard(self, rules: Sequence[Rules], atoms: Mapping[Expr, None]) -> tuple[str, ...]:
        """Signals that any rule looks at, in the order in which the rules come to them."""
        found: list[str] = []
        for one in rules:
            for row in one.hierarchy:
                found.append(row.signal)
                if row.when is not None:
                    found += row.when.signals(self.signals)
            for override in one.overrides:
                found += [override.put, override.above]
        found += [name.key.split(".")[0] for atom in atoms for name in names(atom)]
        return tuple(dict.fromkeys(name for name in found if name in self.signals))

    def space(self) -> Space:
        groups = self._groups()
        waiting = list(groups)
        order: list[tuple[str, tuple[Expr, ...]]] = []
        placed: set[str] = set()
        for signal in ("", *self.heard):
            if signal:
                order.append((signal, ()))
                placed.add(signal)
            for group in list(waiting):
                if set(self._owners(group)) <= placed:
                    waiting.remove(group)
                    order.append(("", group))
        total = 0
        variables: list[Variable] = []
        points: dict[int, tuple[Point, ...]] = {}
        levels: dict[Any, int] = {}
        tests: dict[int, Callable[[Facts], Truths]] = {}
        for level, (signal, group) in enumerate(order):
            if signal:
                levels[signal] = level
                variables.append(Variable(signal, (signal,), (), STATES))
                continue
            found: dict[Any, Point] = {}
            for point in self.every(group):
                found.setdefault((point.states, point.truths), point)
                total += len(group)
                if total > MAX_ASKED:
                    raise too_large("its comparisons must be told apart in too many ways")
            points[level] = tuple(found.values())
            values = tuple(dict.fromkeys(point.truths for point in points[level]))
            variables.append(Variable("; ".join(render(atom) for atom in group), self._owners(group), group, values))
            levels |= dict.fromkeys(group, level)
            tests[level] = _asks(group)
        diagrams = Diagrams([len(variable.values) for variable in variables])
        space = Space(self.signals, tuple(variables), diagrams, 0, points, levels, tests, self.every)
        try:
            return replace(space, domain=_domain(space))
        except TooLargeError:
            raise too_large("its comparisons hang together in too many ways") from None

    def _groups(self) -> list[tuple[Expr, ...]]:
        """Comparisons that hang together through the facts that they ask about."""
        links = Links(())
        for atom in self.atoms:
            links.join([*dict.fromkeys(self._knot(name) for name in names(atom))])
        gathered: dict[str, list[Expr]] = {}
        where = {thing: group[0] for group in links.groups() for thing in group}
        for atom in self.atoms:
            first = next(iter(names(atom)))
            gathered.setdefault(where.get(self._knot(first), self._knot(first)), []).append(atom)
        return [tuple(group) for group in gathered.values()]

    def _knot(self, name: Name) -> str:
        """What a fact hangs on: facts of one knot are looked at together."""
        key = name.key
        if ".segments" in key:
            return key[: key.index(".segments") + len(".segments")]
        signal, _, fact = key.partition(".")
        if signal not in self.signals:
            return key
        matures = any(
            fact in one.trust and (self.specs.get(key) is not None) and _matures(fact) for one in self.signals[signal]
        )
        if fact in NUMBERS or matures:
            return f"{signal}.benefit"
        return f"{signal}.age" if fact == "max_age" else key

    def _owners(self, group: tuple[Expr, ...]) -> tuple[str, ...]:
        found = {name.key.split(".")[0] for atom in group for name in names(atom)}
        return tuple(signal for signal in self.heard if signal in found)

    # --- the facts that can stand together ---------------------------------------------------------------------------

    def every(self, group: tuple[Expr, ...]) -> Iterator[Point]:
        """Every combination of values of the facts that the comparisons ask about."""
        owners = self._owners(group)
        outer = tuple(dict.fromkeys(
            name.key for atom in group for name in names(atom)
            if ".segments" not in name.key and name.key in self.specs and self.specs[name.key].type != "state"
        ))  # fmt: skip
        lists = tuple(dict.fromkeys(
            name.key for atom in group for name in names(atom) if name.key.endswith(".segments")
        ))  # fmt: skip
        values = self._grids(group, outer)
        if self._looked_at(owners, outer, values) > MAX_LOOKED_AT:
            raise too_large(f"too many values must be told apart for `{render(group[0]):.80}`")
        ask = _asks(group)
        spent = 0
        for versions in itertools.product(*(self.signals[owner] for owner in owners)):
            for states in itertools.product(*(possible_states(signal) for signal in versions)):
                stated = {f"{owner}.state": state for owner, state in zip(owners, states, strict=True)}
                for some in self._outer(versions, states, outer, values):
                    facts = {**stated, **some}  # a state may be asked inside any() and all()
                    for full in self._with_lists(group, dict(zip(owners, states, strict=True)), versions, lists, facts):
                        spent += 1
                        if spent > MAX_POINTS:
                            raise too_large(f"too many values must be told apart for `{render(group[0]):.80}`")
                        yield Point(states, full, ask(full))

    def _looked_at(self, owners: Sequence[str], outer: Sequence[str], values: Mapping[str, Grid]) -> int:
        """How many combinations the facts outside lists are picked from, at most."""
        found = 1
        for owner in owners:
            # The bounds of the interval are looked at for every fact that follows from them.
            keys = {key for key in values if key.startswith(f"{owner}.")} | {
                k for k in outer if k.startswith(f"{owner}.")
            }
            relative = any(one.margin is not None and one.margin.relative for one in self.signals[owner])
            for key in keys:
                if key in values and (key != f"{owner}.margin" or relative):
                    found *= len(values[key].values)
        for key in outer:
            if key.startswith(f"{RELEASE}."):
                found *= len(values[key].values)
        return found

    def _grids(self, group: Sequence[Expr], outer: Sequence[str]) -> dict[str, Grid]:
        specs = {key: self.specs[key] for key in outer}
        known: dict[str, list[float]] = {}
        for key in outer:
            signal, _, fact = key.partition(".")
            for one in self.signals.get(signal, ()):
                if fact in NUMBERS:
                    for bound in ("benefit.low", "benefit.high"):
                        specs.setdefault(f"{signal}.{bound}", self.specs[f"{signal}.{bound}"])
                    specs.setdefault(f"{signal}.margin", self.specs[f"{signal}.margin"])
                    margin = one.margin.value if one.margin is not None and not one.margin.relative else None
                    known.setdefault(f"{signal}.margin", []).extend([] if margin is None else [margin])
                asked = "max_age" if fact == "age" else fact
                if asked in one.trust:
                    known.setdefault(key, []).append(one.trust[asked])
        linking = [leaf for atom in group for leaf in inner(atom)]
        tied = [[key for key in specs if key.startswith(f"{signal}.") and key.split(".", 1)[1] in NUMBERS
                 and specs[key].type == "effect"] for signal in self.signals]  # fmt: skip
        tied += [[f"{signal}.age", f"{signal}.max_age"] for signal in self.signals if f"{signal}.max_age" in specs
                 and f"{signal}.age" in specs]  # fmt: skip
        return grids(linking, specs, known, [keys for keys in tied if len(keys) > 1])

    def _outer(
        self, versions: Sequence[Signal], states: Sequence[State], outer: Sequence[str], values: Mapping[str, Grid]
    ) -> Iterator[dict[str, Value]]:
        """Facts outside lists: those of the release, and of each signal in its state."""
        parts: list[list[dict[str, Value]]] = []
        for key in outer:
            if key.startswith(f"{RELEASE}."):
                allowed = self.kinds if key == "release.kind" else values[key].values
                parts.append([{key: value} for value in allowed])
        for signal, state in zip(versions, states, strict=True):
            prefix = f"{signal.name}."
            short = {key.removeprefix(prefix): grid.values for key, grid in values.items() if key.startswith(prefix)}
            wanted = [key.removeprefix(prefix) for key in outer if key.startswith(prefix)]
            parts.append(
                [
                    {prefix + name: value for name, value in one.items()}
                    for one in partials(signal, wanted, short, state)
                ]
            )
        for chosen in itertools.product(*parts):
            yield {key: value for part in chosen for key, value in part.items()}

    def _with_lists(
        self, group: Sequence[Expr], states: Mapping[str, State], versions: Sequence[Signal], lists: Sequence[str],
        facts: dict[str, Value],
    ) -> Iterator[dict[str, Value]]:  # fmt: skip
        """The same with segments: none, or each list that makes the comparisons come out differently."""
        choices: list[list[dict[str, Value]]] = []
        for key in lists:
            signal = next(one for one in versions if one.name == key.split(".")[0])
            found: list[dict[str, Value]] = [{}]
            if states[signal.name] in BELIEVED and signal.segments:
                asked = [atom for atom in group if isinstance(atom, Quantified) and atom.items.key == key]
                found += [{key: items} for items in _lists(signal, asked, facts)]
            choices.append(found)
        for chosen in itertools.product(*choices):
            yield {**facts, **{key: value for part in chosen for key, value in part.items()}}


def _lists(signal: Signal, asked: Sequence[Quantified], facts: Facts) -> Iterator[tuple[Element, ...]]:
    """A list of segments for every combination of answers that any() and all() over one list can have together."""
    elements = _elements(signal, asked, facts)
    folds = [either if one.quantifier == "any" else both for one in asked]
    reached: dict[Truths, tuple[Element, ...]] = {}
    for truths, element in elements.items():
        reached.setdefault(truths, (element,))
    waiting = list(reached)
    while waiting:
        here = waiting.pop()
        for truths, element in elements.items():
            there = tuple(fold(pair) for fold, pair in zip(folds, zip(here, truths, strict=True), strict=True))
            if there not in reached:
                reached[there] = (*reached[here], element)
                waiting.append(there)
    yield from reached.values()


def _elements(signal: Signal, asked: Sequence[Quantified], facts: Facts) -> dict[Truths, Element]:
    """A segment for every combination of answers that the bodies can have of one segment."""
    tests = [compile_tree(one.body) for one in asked]
    found: dict[Truths, Element] = {}
    for element in every_element(signal, asked, facts):
        found.setdefault(tuple(test(facts, element) for test in tests), element)
    return found


def every_element(
    signal: Signal, asked: Sequence[Quantified], facts: Facts, *, pairs: bool = False
) -> Iterator[Element]:
    """Segments that stand for all segments.

    Args:
        signal: Whose segments they are.
        asked: The any() and all() over them.
        facts: Facts outside the list that segments may be compared with.
        pairs: Whether also any two segments shall stand in every order that two can.

    Raises:
        SignalsError: When there are too many.
    """
    specs = element_registry(signal)
    wanted = dict.fromkeys(name.text for one in asked for name in names(one.body) if name.local)
    local = {name: specs[name] for name in wanted}
    absolute = signal.margin.value if signal.margin is not None and not signal.margin.relative else None
    known = {name: [absolute or 0.0, 0.0] for name, spec in local.items() if spec.type == "effect"}
    atoms = [_local(leaf) for one in asked for leaf in inner(one.body)]
    outer = [
        float(value) for value in facts.values() if isinstance(value, (int, float)) and not isinstance(value, bool)
    ]
    for name in known:
        known[name] += outer  # what a segment may be compared with
    twins = {f"{name} of the other": spec for name, spec in local.items()} if pairs else {}
    tied = [(name, twin) for name, twin in zip(local, twins, strict=False)]
    values = {name: grid.values for name, grid in grids(atoms, local | twins, known, tied).items()}
    if "margin" in values:
        values["margin"] = _segment_margins(signal, values["margin"])
    sure = {"name", "share", *(() if absolute is None else ("margin",))}
    choices = [
        [*((name, value) for value in values[name]), *(() if name in sure else ((name, None),))] for name in wanted
    ]
    for number, chosen in enumerate(itertools.product(*choices)):
        if number > MAX_POINTS:
            raise too_large(f"too many values must be told apart in `{render(asked[0]):.80}`")
        element = {name: value for name, value in chosen if value is not None}
        if all(element[a] <= element[b] for a, b in _ORDERED if a in element and b in element):
            yield element


_ORDERED = (("low", "benefit"), ("benefit", "high"), ("low", "high"), ("adjusted.low", "adjusted.high"),
            ("shrunk.low", "shrunk"), ("shrunk", "shrunk.high"), ("shrunk.low", "shrunk.high"))  # fmt: skip


def _segment_margins(signal: Signal, values: Sequence[Scalar]) -> tuple[Scalar, ...]:
    if signal.margin is None:
        return ()
    return tuple(v for v in values if float(v) > 0) if signal.margin.relative else (signal.margin.value,)


def _local(leaf: Expr) -> Expr:
    """A comparison inside any() or all() with its names as the segment has them."""
    if not isinstance(leaf, Chain):
        return leaf
    return replace(leaf, operands=tuple(
        replace(one, key=one.text) if isinstance(one, Name) and one.local else one for one in leaf.operands
    ))  # fmt: skip


def _asks(group: Sequence[Expr]) -> Callable[[Facts], Truths]:
    tests = [compile_tree(atom) for atom in group]
    return lambda facts: tuple(test(facts, {}) for test in tests)


def _domain(space: Space) -> Node:
    """Where a situation is possible: states that signals can have, and comparisons that fit them."""
    diagrams = space.diagrams
    node = diagrams.leaf(True)
    for level, variable in enumerate(space.variables):
        if variable.atoms:
            allowed = {(point.states, variable.values.index(point.truths)) for point in space.points[level]}
            part = _fits(space, variable.signals, level, (), allowed)
        else:
            states = {state for one in space.signals[variable.name] for state in possible_states(one)}
            part = diagrams.variable(level, [state in states for state in STATES])
        node = diagrams.apply(_both_hold, node, part)
    return node


def _fits(space: Space, left: tuple[str, ...], level: int, states: tuple[State, ...], allowed: set[Any]) -> Node:
    if not left:
        values = range(space.diagrams.sizes[level])
        return space.diagrams.variable(level, [(states, value) in allowed for value in values])
    return space.diagrams.ask(
        space.levels[left[0]], [_fits(space, left[1:], level, (*states, state), allowed) for state in STATES]
    )


def _both_hold(one: bool, two: bool) -> bool:
    return one and two


def too_large(why: str) -> SignalsError:
    """A policy that cannot be looked at exactly is refused, never sampled."""
    return SignalsError(
        f"the policy is too entangled to decide every situation: {why}", "Use fewer signals or conditions"
    )


def _of_state(atom: Expr) -> bool:
    return isinstance(atom, Has) and atom.name.spec is not None and atom.name.spec.type == "state"


def _matures(name: str) -> bool:
    return name in BY_NAME and BY_NAME[name].sort == "maturity"
