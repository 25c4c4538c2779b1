"""A space from policies: which comparisons hang together, and which facts can stand together."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from signals.checks import BY_NAME
from signals.model import RELEASE_KINDS, STATES, Signal, State
from signals.policy.compiled import compile_tree
from signals.policy.conditions import Condition
from signals.policy.facts import Facts, FactSpec, Value, registry
from signals.policy.rules import Policy, Rules
from signals.policy.syntax import Expr, Has, Is, Name, Quantified, render
from signals.workbench.situations.diagram import Diagrams, Node
from signals.workbench.situations.effort import TooLargeError, spend
from signals.workbench.situations.grids import Grid, Links, grids, inner, leaves, names
from signals.workbench.situations.possible import BELIEVED, NUMBERS, partials, possible_states
from signals.workbench.situations.segments import every_list
from signals.workbench.situations.space import MAX_POINTS, Point, Space, Truths, Variable, too_large

MAX_LOOKED_AT = 2_000_000
"""Combinations that those are picked from, by size alone: more are refused before any is looked at."""
MAX_ASKED = 300_000
"""Comparisons asked of all such points of a space: more are refused."""
RELEASE = "release"


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
    try:
        return _Builder(signals, [rules for _, rules in pairs], kinds).space()
    except TooLargeError:
        raise too_large("its comparisons can stand together in too many ways") from None


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
        # Edits of one policy share most of their conditions: each is looked at once.
        trees = {id(condition): condition.tree for one in rules for condition in conditions(one)}.values()
        atoms: dict[Expr, None] = {}
        for tree in trees:
            spend(20)
            for leaf in leaves(tree):
                spend(10)
                atoms[leaf] = None
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
        owners = {group: frozenset(self._owners(group)) for group in groups}
        order: list[tuple[str, tuple[Expr, ...]]] = []
        placed: set[str] = set()
        for signal in ("", *self.heard):
            if signal:
                order.append((signal, ()))
                placed.add(signal)
            ready = [group for group in waiting if owners[group] <= placed]
            waiting = [group for group in waiting if not owners[group] <= placed]
            order += [("", group) for group in ready]
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
                        spend(10 + 3 * len(group))
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
                found += [{key: items} for items in every_list(signal, asked, facts)]
            choices.append(found)
        for chosen in itertools.product(*choices):
            yield {**facts, **{key: value for part in chosen for key, value in part.items()}}


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


def _of_state(atom: Expr) -> bool:
    return isinstance(atom, Has) and atom.name.spec is not None and atom.name.spec.type == "state"


def _matures(name: str) -> bool:
    return name in BY_NAME and BY_NAME[name].sort == "maturity"
