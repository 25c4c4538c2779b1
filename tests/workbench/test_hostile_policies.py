"""Valid policies that are too entangled, and files that are no policies: a clear refusal, and never a sample.

The time that these take is looked at by hand (``benchmarks/atlas.py``); here is what they come to.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from signals.cli import cli
from signals.model import SignalsError
from signals.policy import parse_policy
from signals.workbench.edits.diff import compare
from signals.workbench.edits.mutate import mutate
from signals.workbench.lint.findings import lint
from signals.workbench.situations.atlas import atlas_of
from signals.workbench.situations.effort import TooLargeError, effort, spend
from signals.workbench.situations.table import table

EXPERIMENT = "{kind: experiment, metric: {name: c, type: proportion}, better: higher, margin: 1%, segments: [plan]}"


def head(signals: int, spec: str = "{kind: feedback, better: higher, margin: 1pp}") -> str:
    return "schema: 1\nname: h\nsignals:\n" + "".join(f"  s{number}: {spec}\n" for number in range(signals))


def rows(many: int, signals: int) -> str:
    return "hierarchy:\n" + "".join(
        f"  - {{signal: s{n % signals}, when: s{(7 * n + 1) % signals} is not loss, win: ship, loss: hold}}\n"
        for n in range(many)
    )


def guards(*texts: str) -> str:
    return "guardrails:\n" + "".join(f"  - {{id: g{n}, when: '{text}', call: hold}}\n" for n, text in enumerate(texts))


def many_of_all() -> str:
    return head(50) + rows(200, 50) + guards(*(
        f"s{n % 50}.benefit.low > {n}pp and s{(3 * n + 1) % 50}.p_value < 0.{n + 1:03d} or s{(5 * n + 2) % 50} is loss"
        for n in range(200)
    ))  # fmt: skip


def doubling_orders() -> str:
    text = head(14) + "hierarchy:\n" + "".join(f"  - {{signal: s{n}, win: ship, loss: hold}}\n" for n in range(14))
    return (
        text
        + "overrides:\n"
        + "".join(f"  - {{id: o{n}, put: s{n + 1}, above: s{n}, when: s{n} is win}}\n" for n in range(13))
    )


def ten_facts_compared() -> str:
    pairs = [f"s{one}.benefit.low < s{two}.benefit.high" for one in range(10) for two in range(one)]
    return head(10) + rows(10, 10) + guards(*(" and ".join(pairs[start : start + 9]) for start in range(0, 45, 9)))


def facts_of_one_signal() -> str:
    chain = "s0.benefit.low < s0.benefit < s0.benefit.high and s0.margin < s0.benefit.high and s0.mde < s0.benefit"
    return head(1, EXPERIMENT) + rows(1, 1) + guards(f"{chain} and -s0.mde < s0.margin and s0.benefit.low > -1pp")


def facts_of_one_segment() -> str:
    chain = "benefit < low < high < adjusted.low < adjusted.high < shrunk < shrunk.low < shrunk.high < margin"
    return head(1, EXPERIMENT) + rows(1, 1) + guards(f"any(s0.segments, {chain})")


def many_thresholds() -> str:
    return head(1) + rows(1, 1) + guards(*(
        f"s0.benefit.low > {n}pp or s0.benefit.high < -{n}pp or s0.benefit > {n}.5pp" for n in range(200)
    ))  # fmt: skip


def many_counts() -> str:
    return head(3) + rows(3, 3) + guards(*(
        f"s0.n > {5 * n + 1} and s1.n > {7 * n + 2} and s2.n > {11 * n + 3}" for n in range(200)
    ))  # fmt: skip


def rows_about_rows() -> str:
    """Ten signals whose rows ask about one another: nothing looks large, and all of it combines."""
    return head(10) + rows(10, 10) + guards(*(f"s{n} is loss and s{n + 1} is not win" for n in range(5)))


def forty_signals() -> str:
    return head(40) + rows(40, 40) + guards(*(f"s{n} is loss and s{(n + 1) % 40} is not win" for n in range(40)))


def segments_of_three_signals() -> str:
    return head(3, EXPERIMENT) + rows(3, 3) + guards(*(
        f"any(s{n % 3}.segments, benefit < -{n + 1}pp and high < {n}pp)" for n in range(30)
    ))  # fmt: skip


KNOTS = [
    rows_about_rows,
    forty_signals,
    segments_of_three_signals,
    many_of_all,
    doubling_orders,
    ten_facts_compared,
    facts_of_one_signal,
    facts_of_one_segment,
    many_thresholds,
    many_counts,
]


@pytest.mark.parametrize("make", KNOTS, ids=lambda make: make.__name__)
def test_what_is_too_entangled_is_refused_and_lint_keeps_the_rest(make: Callable[[], str]) -> None:
    policy = parse_policy(make())
    with pytest.raises(SignalsError, match="too entangled to decide every situation"):
        atlas_of(policy)
    ids = {one.id for one in lint(policy, date(2026, 11, 17))}
    assert {"too-entangled", "untested"} <= ids
    assert not ids & {"row-unreachable", "row-never-decides", "not-monotone", "guardrail-no-effect"}


@pytest.mark.parametrize("make", KNOTS, ids=lambda make: make.__name__)
def test_edits_of_what_is_too_entangled_never_read_as_fine(tmp_path: Path, make: Callable[[], str]) -> None:
    text = make()
    old = parse_policy(text)
    report = mutate(old)
    assert (report.score, report.mutants) == (None, ())
    assert "too entangled" in report.refused
    found = compare(old, parse_policy(text.replace("win: ship", "win: hold", 1)))
    assert found.refused
    assert found.weakens
    assert not found.same
    file = tmp_path / "p.yaml"
    file.write_text(text)
    result = CliRunner().invoke(cli, ["policy", "mutate", str(file)])
    assert result.exit_code == 2
    assert "no score: not every weakening could be looked at" in result.output


def test_more_edits_than_can_be_looked_at_have_no_score_although_some_were() -> None:
    """Decided at once, but with hundreds of edits, each of which changes very many situations."""
    pairs = guards(*(f"s{2 * n} is win and s{2 * n + 1} is win" for n in range(25)))
    names = "".join(f"  - {{signal: s{n}, win: ship, loss: rollback, flat: hold}}\n" for n in range(12))
    report = mutate(parse_policy(head(50) + "hierarchy:\n" + names + pairs))
    assert report.score is None
    assert "would take too long" in report.refused
    assert len(report.mutants) > 0


def test_a_table_that_takes_too_long_says_what_it_leaves_out() -> None:
    pairs = guards(*(f"s{2 * n} is win and s{2 * n + 1} is win" for n in range(25)))
    atlas = atlas_of(parse_policy(head(50) + "hierarchy:\n  - {signal: s0, win: ship}\n" + pairs))
    found = table(atlas, 40)
    assert found.cut
    assert sum(row.count for row in found.rows) + sum(found.left.values()) == atlas.total
    with pytest.raises(SignalsError, match="all rows of its table would take too long"):
        table(atlas)


def test_more_tests_of_more_rules_than_can_be_run_are_refused() -> None:
    tests = "tests:\n" + "".join(f"- {{name: t{n}, given: {{s0: win}}, expect: {{call: hold}}}}\n" for n in range(300))
    conditions = guards(*(f"s0.benefit.low > {n}pp and s1.benefit.low > {n}pp and s2 is loss" for n in range(120)))
    with pytest.raises(SignalsError, match=r"300 tests of rules with .* take too long to run"):
        parse_policy(head(3) + rows(3, 3) + conditions + tests)


def test_one_budget_is_shared_by_all_parts_of_a_question() -> None:
    with effort(100):
        with effort(60):
            spend(50)
        with pytest.raises(TooLargeError), effort(60):
            spend(51)
    spend(10**9)  # without a question, nothing is counted


def test_what_is_long_but_not_entangled_is_decided() -> None:
    """Twenty-five pairs of signals, six states each: more situations than could ever be counted one by one."""
    pairs = guards(*(f"s{2 * n} is win and s{2 * n + 1} is win" for n in range(25)))
    atlas = atlas_of(parse_policy(head(50) + "hierarchy:\n  - {signal: s0, win: ship}\n" + pairs))
    assert atlas.total == 6**50
    assert sum(row.count for row in table(atlas, 40).rows) <= atlas.total


def test_conditions_nested_deep_are_decided() -> None:
    text = "s0 is win"
    for number in range(18):
        text = f"(s{number % 6}.n > {number} {'and' if number % 2 else 'or'} {text})"
    atlas = atlas_of(parse_policy(head(6) + f"hierarchy:\n  - {{signal: s0, when: '{text}', win: ship}}\n"))
    assert atlas.calls["ship"] > 0


FILES = {
    "aliases": ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "alias"),
    "large": ("schema: 1\n# " + "x" * 10_000_000, "at most 1,000,000 are read"),
    "long": (head(2_000), "a policy has at most"),
    "brackets": ("a: " + "[" * 5000, "nested deeper"),
    "closed brackets": ("a: " + "[" * 5000 + "]" * 5000, "nested deeper"),
    "questions": ("? " * 3000 + "x\n", "nested deeper"),
    "indents": ("".join("  " * depth + f"k{depth}:\n" for depth in range(170)), "nested deeper"),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("command", ["check", "atlas", "show", "test"])
def test_files_that_are_no_policies_are_refused_in_one_line(tmp_path: Path, name: str, command: str) -> None:
    text, says = FILES[name]
    file = tmp_path / "p.yaml"
    file.write_text(text)
    result = CliRunner().invoke(cli, ["policy", command, str(file)])
    assert result.exit_code == 2
    assert says in result.output
    assert len(result.output.strip().splitlines()) == 1
