"""Judges that are related to what they judge, as the project declares; what is not declared is unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from reading_kit import AS_OF, evidence, measured, signal

from signals.model import ItemScore, ModelFamily, Numbers, families_of
from signals.readings import measure, read

OPENAI = ModelFamily("openai", ("gpt-*", "old"))
MINE = ModelFamily("in-house", ("new", "teacher-*"))
OTHER = ModelFamily("anthropic", ("claude-*",))


def scores(judge: str = "claude-5", scorer: str = "quality", items: int = 30) -> tuple[ItemScore, ...]:
    values = {"old": [7 * k % 10 / 10 for k in range(items)], "new": [(8 * k + 3) % 10 / 10 for k in range(items)]}
    return tuple(
        ItemScore(f"{k}{arm}{judge}", f"i{k:02d}", arm, scorer, value, fingerprint=judge)
        for arm, some in values.items()
        for k, value in enumerate(some)
    )


def of(*kin: ModelFamily, given: tuple[ItemScore, ...] = scores(), **fields: Any) -> Numbers:
    return measure(signal("judge", **fields), evidence(scores=given, kin=kin))


def independent(*kin: ModelFamily, given: tuple[ItemScore, ...] = scores()) -> tuple[float | None, str]:
    (found,) = (one for one in of(*kin, given=given).measures if one.name == "independent_judge")
    return found.value, found.why


def test_a_family_lists_its_models_by_name_or_pattern() -> None:
    assert families_of((OPENAI, MINE), "gpt-5") == {"openai"}
    assert families_of((OPENAI, MINE), "", "teacher-v4") == {"in-house"}
    assert families_of((OPENAI, ModelFamily("b", ("*",))), "gpt-5") == {"openai", "b"}
    assert not families_of((OPENAI,), "GPT-5", "my-gpt-5", "")


def test_a_judge_of_a_third_family_is_independent() -> None:
    assert independent(OPENAI, MINE, OTHER) == (1.0, "1 judge of another family than the arms")


@pytest.mark.parametrize(("judge", "arm"), [("gpt-5", "old"), ("teacher-v4", "new")])
def test_kin_of_either_arm_is_not(judge: str, arm: str) -> None:
    value, why = independent(OPENAI, MINE, OTHER, given=scores(judge))
    assert value == 0.0
    assert f"judge {judge} is kin of {arm}" in why


def test_one_related_member_of_a_jury_is_enough() -> None:
    value, why = independent(OPENAI, MINE, OTHER, given=(*scores(), *scores("teacher-v4")))
    assert value == 0.0
    assert "claude" not in why


def test_what_is_not_declared_is_unknown_never_independent() -> None:
    assert independent()[0] is None
    for kin, missing in (
        ((OPENAI, MINE), "judge claude-5"),
        ((MINE, OTHER), "old"),
        ((OPENAI, OTHER), "new"),
    ):
        value, why = independent(*kin)
        assert value is None
        assert why == f"in no family under `kin:`: {missing}"
    # A known relation is certain whatever else is not declared.
    assert independent(MINE, given=scores("teacher-v4"))[0] == 0.0


def test_a_version_that_says_nothing_is_a_stranger() -> None:
    for judge, shown in (("", "quality"), ("v7", "v7"), ("sha256:0123456789abcdef", "quality 01234567")):
        assert independent(OPENAI, MINE, OTHER, given=scores(judge)) == (
            None,
            f"in no family under `kin:`: judge {shown}",
        )
    # A family may list the scorer instead.
    named = replace(OTHER, models=("quality",))
    assert independent(OPENAI, MINE, named, given=scores("sha256:0123"))[0] == 1.0
    assert independent(OPENAI, replace(MINE, models=("new", "quality")), given=scores(""))[0] == 0.0


def test_scores_that_do_not_count_do_not_count_here() -> None:
    """A judge of the other scorer, and a version that scored one arm only."""
    given = (*scores(), *scores("teacher-v4", "style"), *scores("teacher-v5")[:1])
    found = of(OPENAI, MINE, OTHER, given=given, scorer="quality")
    assert measured(found, "independent_judge") == 1.0


def test_a_policy_that_asks_does_not_believe_kin_nor_silence() -> None:
    asked = signal("judge", trust={"independent_judge": 1.0})

    def state(*kin: ModelFamily, judge: str = "claude-5") -> str:
        return read(asked, measure(asked, evidence(scores=scores(judge), kin=kin)), AS_OF).state

    assert state(OPENAI, MINE, OTHER) != "untrusted"
    assert state(OPENAI, MINE, OTHER, judge="gpt-5") == "untrusted"
    assert state() == "untrusted"
    # Without being asked it warns of what is known, and of nothing else.
    free = signal("judge")
    status = {
        judge: read(free, measure(free, evidence(scores=scores(judge), kin=(OPENAI, MINE, OTHER))), AS_OF)
        .checks["independent_judge"]
        .status
        for judge in ("claude-5", "gpt-5")
    }
    assert status == {"claude-5": "pass", "gpt-5": "warn"}
