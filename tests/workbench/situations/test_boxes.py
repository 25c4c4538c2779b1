"""The largest part of where something holds, and its words."""

from __future__ import annotations

import itertools

import pytest

from signals.policy.compiled import Trit
from signals.policy.conditions import compile_condition
from signals.workbench.situations.atlas import atlas_of
from signals.workbench.situations.boxes import count, largest
from signals.workbench.situations.phrases import ANYWHERE, phrase, truth
from tests.policy import situations
from tests.workbench.random_policies import random_policy


def test_a_part_holds_everywhere_inside_and_its_count_is_right() -> None:
    seen = 0
    for seed in range(60):
        atlas = atlas_of(random_policy(seed))
        if atlas.total > 1500:
            continue
        space, diagrams = atlas.space, atlas.space.diagrams
        for call in ("ship", "hold", "rollback"):
            node = diagrams.apply(lambda answer, call=call: None if answer is None else answer.call == call, atlas.node)
            part = largest(space, node)
            if part is None:
                assert atlas.calls[call] == 0
                continue
            inside = [
                diagrams.at(node, situation)
                for situation in itertools.product(
                    *(part.box.get(level, range(size)) for level, size in enumerate(diagrams.sizes))
                )
            ]
            assert False not in inside
            assert inside.count(True) == part.count > 0
            where = space.locate({"release.kind": "prompt", **part.example})
            assert diagrams.at(node, where) is True
            assert all(where[level] in values for level, values in part.box.items())
            assert count(diagrams, node, {}) == atlas.calls[call]
            # No question could be left out, and every value that is named occurs.
            for level, values in part.box.items():
                open_here = {other: kept for other, kept in part.box.items() if other != level}
                every = itertools.product(
                    *(open_here.get(other, range(size)) for other, size in enumerate(diagrams.sizes))
                )
                assert False in {diagrams.at(node, situation) for situation in every}
                assert all(count(diagrams, node, {**part.box, level: (value,)}) for value in values)
            seen += 1
    assert seen > 40


@pytest.mark.parametrize(
    ("text", "wanted", "words"),
    [
        ("judge.human_agreement >= 0.5", {True}, "judge.human_agreement >= 0.5"),
        ("judge.human_agreement >= 0.5", {False}, "judge.human_agreement < 0.5"),
        ("judge.human_agreement >= 0.5", {None}, "judge.human_agreement is unknown"),
        ("judge.human_agreement >= 0.5", {False, None}, "judge.human_agreement < 0.5 or unknown"),
        ("judge.human_agreement >= 0.5", {True, False}, "judge.human_agreement is known"),
        ("judge.human_agreement >= 0.5", {True, False, None}, ""),
        ("0.2 < judge.human_agreement < 0.5", {False}, "not (0.2 < judge.human_agreement < 0.5)"),
        ("conversion.non_inferior", {False}, "not conversion.non_inferior"),
        ("conversion.benefit < conversion.margin", {None}, "`conversion.benefit < conversion.margin` is unknown"),
        ("any(conversion.segments, low > 0)", {False}, "not any(conversion.segments, low > 0)"),
        ("any(conversion.segments, low > 0)", {None}, "`any(conversion.segments, low > 0)` is unknown"),
        ("has(panel.age)", {False}, "not has(panel.age)"),
    ],
)
def test_a_comparison_in_words(text: str, wanted: set[Trit], words: str) -> None:
    assert truth(compile_condition(text, situations.policy().signals).tree, wanted) == words


def test_states_are_said_the_shorter_way_and_open_questions_not_at_all() -> None:
    space = atlas_of(situations.policy()).space
    level = space.levels["conversion"]
    assert phrase(space, {level: (0, 2)}) == "conversion is win or flat"
    assert phrase(space, {level: (0, 2, 3, 4, 5)}) == "conversion is not loss"
    assert phrase(space, {level: (0, 1, 2, 3, 4, 5)}) == ANYWHERE


def test_comparisons_about_one_fact_are_said_without_what_follows() -> None:
    rows = "hierarchy:\n" + "".join(
        f"  - {{signal: judge, when: judge.human_agreement >= {limit}, win: {call}}}\n"
        for limit, call in (("0.9", "ship"), ("0.7", "hold"), ("0.5", "rollback"))
    )
    space = atlas_of(situations.policy(rows=rows)).space
    (level,) = space.points
    values = space.variables[level].values
    (middle,) = (number for number, one in enumerate(values) if one == (False, True, True))
    top, bottom = values.index((True, True, True)), values.index((False, False, False))
    assert phrase(space, {level: (middle,)}) == "judge.human_agreement < 0.9, judge.human_agreement >= 0.7"
    assert phrase(space, {level: (top, middle)}) == "judge.human_agreement >= 0.7"
    assert phrase(space, {level: (top, bottom)}) == "(judge.human_agreement >= 0.9) or (judge.human_agreement < 0.5)"
