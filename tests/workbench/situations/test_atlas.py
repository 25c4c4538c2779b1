"""The atlas holds what the engine decides, in every situation, and no situation that no release can be in."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from signals.model import STATES, SignalsError
from signals.policy import parse_policy
from signals.policy.engine import Answer, settle
from signals.policy.facts import Facts
from signals.policy.rules import Policy, Rules
from signals.workbench.situations.atlas import Atlas, atlas_of
from tests.policy import situations
from tests.workbench.random_policies import random_facts, random_policy


def engine(rules: Rules, facts: Facts) -> Answer:
    outcome = settle(rules, facts)
    return Answer(outcome.call, outcome.reason, outcome.decided_by, outcome.rule)


def agrees(policy: Policy, atlas: Atlas, rng: random.Random, releases: int) -> None:
    for _ in range(releases):
        facts = random_facts(policy, rng)
        assert atlas.answer(facts) == engine(policy.rules, facts), (policy.text, facts)


@pytest.mark.slow
def test_the_atlas_is_the_engine_for_a_thousand_random_policies() -> None:
    """Releases are made as real ones are, from numbers through readings; none falls outside the atlas."""
    for seed in range(1000):
        policy = random_policy(seed)
        agrees(policy, atlas_of(policy), random.Random(seed), releases=12)


def test_comparisons_between_facts_are_decided_too() -> None:
    for seed in range(60):
        policy = random_policy(seed, entangled=True)
        agrees(policy, atlas_of(policy), random.Random(seed), releases=25)


def test_every_situation_has_an_example_and_the_engine_agrees_with_it() -> None:
    """Walk every situation of small policies: the example lies in it, and is decided as the atlas says."""
    seen = 0
    for seed in range(80):
        policy = random_policy(seed)
        atlas = atlas_of(policy)
        if atlas.total > 3000:
            continue
        space = atlas.space
        count = 0
        for situation in itertools.product(*(range(size) for size in space.diagrams.sizes)):
            answer = space.diagrams.at(atlas.node, situation)
            if answer is None:
                with pytest.raises(ValueError, match="no release"):
                    space.example(situation)
                continue
            count += 1
            facts = {"release.kind": "prompt", **space.example(situation)}
            assert space.locate(facts) == situation
            assert engine(policy.rules, facts) == answer
        assert count == atlas.total
        seen += count
    assert seen > 5000


def test_states_rule_out_what_cannot_be() -> None:
    """Trust, margins and states bound the facts: what they rule out is no situation."""
    policy = situations.policy("ship_requires:\n  - {that: panel.non_inferior}\n")
    space = atlas_of(policy).space
    level, panel = space.levels[policy.ship_requires[0].that.tree], space.levels["panel"]
    place = {state: number for number, state in enumerate(STATES)}
    can: dict[str, set[Any]] = {}
    for state in STATES:
        for value, (truth,) in enumerate(space.variables[level].values):
            node = space.diagrams.fix(space.domain, {panel: place[state], level: value})
            if space.diagrams.first(node, bool) is not None:
                can.setdefault(state, set()).add(truth)
    assert can == {
        "win": {True}, "flat": {True}, "loss": {True, False}, "unclear": {True, False}, "untrusted": {None},
        "missing": {None},
    }  # fmt: skip


def test_what_trust_demands_is_never_asked_again() -> None:
    """The judge is trusted from 0.4: a condition at 0.4 or below cannot fail while it speaks."""
    rows = "hierarchy:\n  - {signal: judge, when: judge.human_agreement >= 0.4, win: ship}\n"
    atlas = atlas_of(situations.policy(rows=rows))
    space = atlas.space
    win = {space.levels["judge"]: STATES.index("win")}
    assert space.diagrams.leaves(space.diagrams.fix(atlas.node, win)) - {None} == {
        Answer("ship", "decided", "judge", "hierarchy[0]")
    }


def test_a_policy_that_is_too_entangled_is_refused_and_never_sampled() -> None:
    names = [f"s{number}" for number in range(9)]
    signals = "".join(f"  {name}: {{kind: feedback, better: higher, margin: 1pp}}\n" for name in names)
    chain = " and ".join(f"{a}.benefit.low < {b}.benefit.high" for a, b in itertools.pairwise(names))
    text = f"schema: 1\nname: knot\nsignals:\n{signals}hierarchy:\n  - {{signal: s0, when: '{chain}', win: ship}}\n"
    with pytest.raises(SignalsError, match="too entangled"):
        atlas_of(parse_policy(text))


def test_the_shipped_policy_ships_only_what_it_says_it_requires(root: Any) -> None:
    from signals.policy import load_policy

    policy = load_policy(root / "hierarchy.yaml")
    atlas = atlas_of(policy)
    asked = [atlas.space.levels[rule.that.tree] for rule in policy.ship_requires]
    boxes = [box for box, answer in atlas.space.diagrams.paths(atlas.node) if answer and answer[0] == "ship"]
    assert boxes
    for box in boxes:
        for level in asked:
            assert {atlas.space.variables[level].values[value] for value in box[level]} == {(True,)}
