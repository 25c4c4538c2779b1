"""A better signal and a worse call: the linter finds exactly the policies where that can happen."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from signals.model import SEVERITY, State
from signals.policy import Policy, settle
from signals.policy.facts import Facts
from signals.policy.syntax import Quantified
from signals.workbench.lint.monotone import Worse, worse
from signals.workbench.situations.atlas import atlas_of
from signals.workbench.situations.grids import names
from signals.workbench.situations.space import Space
from tests.workbench.random_policies import random_policy

STEPS = {("loss", "unclear"), ("loss", "flat"), ("loss", "win"), ("unclear", "win"), ("flat", "win")}
NUMBERS = ("benefit", "benefit.low", "benefit.high")
INSIDE = ("benefit", "low", "high", "adjusted.low", "adjusted.high", "shrunk", "shrunk.low", "shrunk.high")
GRID: dict[str, tuple[Any, ...]] = {
    "name": ("plan=pro", "plan=free"), "share": (0.04, 0.06), "margin": (0.01,), "benefit": (-0.02, 0.0, 0.02),
    "low": (-0.02, -0.01, 0.0, 0.01), "high": (-0.02, -0.01, 0.0, 0.02), "adjusted.high": (-0.03, -0.01, -0.005, 0.02),
}  # fmt: skip
"""Values of segments on both sides of everything that the random policies ask about."""


def better(signal: str, before: Facts, after: Facts) -> bool:
    """Whether the signal is as good or better after, and everything else the same: written from the definition."""
    if set(before) != set(after):
        return False
    early, late = before[f"{signal}.state"], after[f"{signal}.state"]
    if early != late and (early, late) not in STEPS:
        return False
    return all(_as_good(key.removeprefix(f"{signal}."), before, after, key, signal) for key in before)


def _as_good(name: str, before: Facts, after: Facts, key: str, signal: str) -> bool:
    one: Any = before[key]
    two: Any = after[key]
    if name in ("state", key):
        return name == "state" or one == two
    if name in NUMBERS or name == "non_inferior":
        return bool(one <= two)
    if name == "material":
        signs = [0 if not value else -1 if facts[f"{signal}.state"] == "loss" else 1
                 for value, facts in ((one, before), (two, after))]  # fmt: skip
        return signs[0] <= signs[1]
    if name == "segments":
        return len(one) == len(two) and all(map(_segment_as_good, one, two))
    return bool(one == two)


def _segment_as_good(one: Mapping[str, Any], two: Mapping[str, Any]) -> bool:
    return set(one) == set(two) and all(one[k] <= two[k] if k in INSIDE else one[k] == two[k] for k in one)


def severity(policy: Policy, facts: Facts) -> int:
    return SEVERITY[settle(policy.rules, facts).call]


def shows(policy: Policy, found: Worse) -> None:
    """The example holds by the engine and by the definition."""
    before, after = ({"release.kind": "prompt", **facts} for facts in (found.facts.before, found.facts.after))
    assert better(found.signal, before, after), (policy.text, before, after)
    for facts, answer in ((before, found.answers[0]), (after, found.answers[1])):
        outcome = settle(policy.rules, facts)
        assert (outcome.call, outcome.rule) == (answer.call, answer.rule), (policy.text, facts)
    assert SEVERITY[found.answers[0].call] < SEVERITY[found.answers[1].call]
    space = atlas_of(policy).space
    space.locate(before), space.locate(after)  # a release can have them


# --- brute force ----------------------------------------------------------------------------------------------------


def lists(body: Quantified, policy: Policy, signal: str) -> Iterator[tuple[dict[str, Any], ...]]:
    """Lists of one and two segments."""
    wanted = list(dict.fromkeys(name.text for name in names(body.body) if name.local))
    margin = policy.signals[signal].margin
    grid = {**GRID, "margin": (0.01,) if margin is not None else (None,)}
    elements = [
        {name: value for name, value in zip(wanted, values, strict=True) if value is not None}
        for values in itertools.product(*(grid[name] for name in wanted))
    ]
    elements = [one for one in elements if one.get("low", -9) <= one.get("high", 9)]
    for one in elements:
        yield (one,)
    yield from itertools.combinations(elements, 2)


def facts_of(space: Space, policy: Policy, level: int) -> list[tuple[tuple[State, ...], dict[str, Any]]]:
    """All facts of one variable, with the states that they go with."""
    variable = space.variables[level]
    found: dict[Any, tuple[tuple[State, ...], dict[str, Any]]] = {}
    listed = [atom for atom in variable.atoms if isinstance(atom, Quantified)]
    for point in space.every(variable.atoms):
        facts = dict(point.facts)
        for atom in listed:
            facts.pop(atom.items.key, None)
        choices: list[dict[str, Any]] = [{}]
        if listed and point.states[0] not in ("untrusted", "missing"):
            signal = variable.signals[0]
            choices += [{atom.items.key: items} for atom in listed for items in lists(atom, policy, signal)]
        for chosen in choices:
            full = facts | chosen
            found.setdefault((point.states, repr(sorted(full.items()))), (point.states, full))
    return list(found.values())


def releases(space: Space, policy: Policy, signal: str, most: int) -> list[dict[str, Any]] | None:
    """Every combination of facts of one signal; None when there are too many to go through."""
    found: list[dict[str, Any]] = []
    groups = [facts_of(space, policy, level) for level, one in enumerate(space.variables)
              if one.atoms and one.signals == (signal,)]  # fmt: skip
    for state in ("win", "loss", "flat", "unclear", "untrusted", "missing"):
        parts = [[facts for states, facts in group if states == (state,)] for group in groups]
        if not all(parts) or (state == "flat" and policy.signals[signal].margin is None):
            continue
        size = int(np.prod([len(part) for part in parts], dtype=float)) if parts else 1
        if len(found) + size > most:
            return None
        for chosen in itertools.product(*parts):
            facts = {k: v for part in chosen for k, v in part.items()}
            found.append({f"{signal}.state": state, **facts})  # two lines read better
    return found


def others(space: Space, signal: str, most: int) -> list[dict[str, Any]] | None:
    """One release for everything that can be told apart about the other signals."""
    levels = [level for level, one in enumerate(space.variables) if signal not in (one.name, *one.signals)]
    if np.prod([space.diagrams.sizes[level] for level in levels], dtype=float) > most:
        return None
    found = []
    for values in itertools.product(*(range(space.diagrams.sizes[level]) for level in levels)):
        try:
            facts = space.example(dict(zip(levels, values, strict=True)))
        except ValueError:
            continue
        found.append({key: value for key, value in facts.items() if not key.startswith(f"{signal}.")})
    return found


def brute(policy: Policy, space: Space, signal: str, most: int) -> bool | None:
    """Whether some pair of releases shows it; None when there are too many pairs."""
    own, rest = releases(space, policy, signal, 700), others(space, signal, 400)
    if own is None or rest is None or len(own) * len(rest) > most:
        return None
    rising = np.array([[better(signal, one, two) for two in own] for one in own])
    for other in rest:
        calls = np.array([severity(policy, {**other, **facts}) for facts in own])
        if np.any(rising & (calls[:, None] < calls[None, :])):
            return True
    return False


def agree(seeds: Sequence[int], most: int) -> tuple[int, int]:
    """(signals that went through, those of them where it can happen)."""
    looked = positive = 0
    for seed in seeds:
        policy = random_policy(seed)
        atlas = atlas_of(policy)
        for signal in policy.signals:
            if signal not in atlas.space.levels:
                continue
            found = worse(atlas.space, atlas.node, signal)
            if found is not None:
                shows(policy, found)
            expected = brute(policy, atlas.space, signal, most)
            if expected is None:
                continue
            looked += 1
            positive += expected
            assert (found is not None) >= expected, (policy.text, signal)
            # Lists of three segments may show what lists of two cannot: then the example above is the proof.
            if not any(isinstance(atom, Quantified) for one in atlas.space.variables for atom in one.atoms):
                assert (found is not None) == expected, (policy.text, signal)
    return looked, positive


def test_the_finding_agrees_with_going_through_all_pairs() -> None:
    looked, positive = agree(range(40), most=3_000)
    assert looked > 30
    assert 10 < positive < looked - 10


@pytest.mark.slow
def test_the_finding_agrees_with_going_through_all_pairs_of_many_policies() -> None:
    looked, positive = agree(range(40, 240), most=6_000)
    assert looked > 150
    assert 50 < positive < looked - 50
