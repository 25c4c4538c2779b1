"""Draws become the facts that the product would read, and conditions answer over them as they do one by one."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from signals.policy import parse_policy, settle
from signals.policy.facts import extract
from signals.readings import read
from signals.workbench.simulation.columns import TRUE, UNKNOWN, truth
from signals.workbench.simulation.reach import Look
from signals.workbench.simulation.simulate import Simulation
from tests.workbench.random_policies import random_policy
from tests.workbench.simulation.simulate_kit import (
    AGE,
    AS_OF,
    RELEASE,
    noise,
    numbers_of,
    random_designs,
    random_truth,
    simulation,
)

TRITS = {0: False, UNKNOWN: None, TRUE: True}
SIZE = 24


def tables(seed: int, *, looks: int = 1, look: int = 0) -> tuple[Simulation, Any, dict[str, Any]]:
    """A random policy with its draws at one look: the simulation, the table of facts, and the draws by signal."""
    rng = random.Random(seed)
    policy = random_policy(seed, entangled=True)
    designs = random_designs(policy, rng)
    run = simulation(policy, designs, looks=looks, age=AGE)
    known = run._resolved(random_truth(designs, policy, rng))
    shares = tuple((k + 1) / looks for k in range(looks))
    kept: dict[Any, Any] = {}
    table = run.table(known, noise(SIZE, tuple(run.designs), looks, seed), kept, Look(look, shares))
    return run, table, {name: one for (name, _, _), one in kept.items()}


def alike(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, tuple):
        return len(ours) == len(theirs) and all(alike(dict(a), dict(b)) for a, b in zip(ours, theirs, strict=True))
    if isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(alike(ours[key], theirs[key]) for key in theirs)
    if isinstance(theirs, (bool, str)):
        return type(ours) is type(theirs) and ours == theirs
    return ours == pytest.approx(theirs, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("looks, look", [(1, 0), (4, 1)])
def test_the_facts_of_a_draw_are_those_of_its_reading(looks: int, look: int) -> None:
    for seed in range(40):
        run, table, drawn = tables(seed, looks=looks, look=look)
        for draw in range(0, SIZE, 5):
            readings = {
                name: read(signal, numbers_of(drawn[name], draw) if name in drawn else None, AS_OF)
                for name, signal in run.policy.signals.items()
            }
            facts = extract(run.policy.signals, readings, RELEASE, AS_OF)
            facts["release.age"] = AGE * 86_400.0 * (look + 1) / looks
            ours = table.row(draw)
            assert ours.keys() == facts.keys(), (seed, draw, ours.keys() ^ facts.keys(), run.policy.text)
            for key, value in facts.items():
                assert alike(ours[key], value), (seed, draw, key, ours[key], value)


def test_conditions_over_all_draws_answer_as_one_by_one() -> None:
    seen: Counter[bool | None] = Counter()
    for seed in range(120):
        run, table, _ = tables(seed)
        for condition in run.conditions:
            codes = truth(condition.tree, table)
            for draw in range(SIZE):
                answer = condition.holds(table.row(draw, condition.facts))
                assert TRITS[int(codes[draw])] is answer, (condition.text, table.row(draw, condition.facts))
                seen[answer] += 1
    assert min(seen[True], seen[False], seen[None]) > 300


def test_every_kind_of_comparison_is_answered() -> None:
    """What random conditions do not hold: texts, chains, flags, minus signs, lists that are asked for."""
    policy = parse_policy(
        """\
schema: 1
name: p
signals:
  c: {kind: experiment, metric: {name: m, type: proportion}, better: higher, margin: 1pp, segments: [plan]}
  j: {kind: judge, better: lower, margin: 2pp}
hierarchy: [{signal: c, win: ship}]
guardrails:
  - {id: ga, when: 'release.kind == "prompt" and -c.margin < c.benefit < 2pp', call: hold}
  - {id: gb, when: 'any(c.segments, name != "plan=a" and -1pp < low < high)', call: hold}
  - {id: gc, when: 'all(c.segments, margin >= 1pp or adjusted.low < -margin)', call: hold}
  - {id: gd, when: 'has(c.segments) and not has(j.segments)', call: hold}
  - {id: ge, when: 'j.same_judge == true and c.non_inferior != false', call: hold}
  - {id: gf, when: 'all(c.segments, has(margin)) and has(j.p_value)', call: hold}
""",
        "hierarchy.yaml",
    )
    designs = random_designs(policy, random.Random(4))
    run = simulation(policy, designs)
    assert set(designs) == {"c", "j"}
    table = run.table(run._resolved({}), noise(400, ("c", "j")), {}, Look(0, (1.0,)))
    answers = set()
    for condition in run.conditions:
        codes = truth(condition.tree, table)
        for draw in range(400):
            answer = condition.holds(table.row(draw, condition.facts))
            assert TRITS[int(codes[draw])] is answer, condition.text
            answers.add((condition.text, answer))
    assert len(answers) > len(run.conditions)


@pytest.mark.parametrize("looks", [1, 3])
def test_grouping_gives_what_asking_the_engine_for_every_draw_gives(looks: int) -> None:
    for seed in range(25):
        rng = random.Random(seed)
        policy = random_policy(seed)
        designs = random_designs(policy, rng)
        truths = random_truth(designs, policy, rng)
        run = simulation(policy, designs, looks=looks, draws=150, seed=seed)
        found = run.at([truths])[0]
        kept: dict[Any, Any] = {}
        draws = noise(150, tuple(run.designs), looks, seed)
        counted: Counter[Any] = Counter()
        ends: Counter[int] = Counter()
        going = set(range(150))
        shares = tuple((k + 1) / looks for k in range(looks))
        for number in range(looks):
            table = run.table(run._resolved(truths), draws, kept, Look(number, shares))
            for draw in sorted(going):
                outcome = settle(run.rules, table.row(draw))
                if outcome.call != "hold" or number == looks - 1:
                    counted[outcome.call, outcome.rule, outcome.decided_by, outcome.reason] += 1
                    ends[number] += 1
                    going.discard(draw)
        assert {(d.call, d.rule, d.by, d.reason): round(150 * d.chance) for d in found.deciders} == counted, policy.text
        assert [round(150 * share) for share in found.ends] == [ends[number] for number in range(looks)]
        assert sum(found.calls.values()) == pytest.approx(1.0)
