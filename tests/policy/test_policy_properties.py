"""Laws that hold for every condition, every state and every policy of a small family."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from situations import HEAD, policy

from signals.model import CALLS, SEVERITY, STATES, SignalsError
from signals.policy import parse_policy, settle
from signals.policy.compiled import both, either, negate
from signals.policy.conditions import compile_condition
from signals.policy.grammar import parse
from signals.policy.syntax import Chain, Flag, Has, Is, Logic, Name, Not, Number, Quantified, Text, render

SIGNALS = policy().signals
TRITS = st.sampled_from([True, False, None])
RELAXED = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
FEWER = settings(RELAXED, max_examples=50)  # each example reads a policy or two

# --- Kleene ---------------------------------------------------------------------------------------------------------


@given(st.lists(TRITS, max_size=6))
def test_de_morgan(values: list[bool | None]) -> None:
    assert negate(both(values)) is either([negate(value) for value in values])


@given(st.lists(TRITS, max_size=6), st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(values: list[bool | None], rng: Any) -> None:
    mixed = values + values
    rng.shuffle(mixed)
    assert both(values) is both(mixed)
    assert either(values) is either(mixed)


@given(st.lists(TRITS, min_size=1, max_size=6), st.integers(0, 5))
def test_learning_a_value_never_changes_an_answer_that_was_known(values: list[bool | None], place: int) -> None:
    place %= len(values)
    blind = [*values[:place], None, *values[place + 1 :]]
    for fold in (both, either):
        assert fold(blind) in (None, fold(values))


# --- text and trees -------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["conversion", "judge.human_agreement", "conversion.benefit", "conversion.segments", "share", "is", "not", "win",
     "and", "or", "any(", "all(", "has(", "(", ")", ",", "<", "<=", "==", "!=", "-", "0.5pp", "5%", "3d", "1e3", "'x'",
     "true", "=", "é", "release.kind", "\n", "."]
)  # fmt: skip


@RELAXED
@given(st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=25).map(" ".join)))
def test_any_text_compiles_or_is_refused_in_words(text: str) -> None:
    try:
        compiled = compile_condition(text, SIGNALS)
    except SignalsError as error:
        (problem,) = error.problems
        assert problem.column is not None
        assert 1 <= problem.column <= len(text) + 1
        return
    assert compiled.holds({}) is compiled.explain({}).holds


NAMES = st.sampled_from(["a", "conversion", "b.c", "and_more.x", "anyone"])
PLAIN = NAMES.map(Name)
NUMBERS = st.builds(
    Number,
    st.one_of(st.integers(-1000, 1000).map(float), st.floats(-1e12, 1e12, allow_nan=False)),
    st.sampled_from(["", "pp", "%", "h", "d"]),
)
OPERANDS = st.one_of(
    st.builds(Name, NAMES, st.booleans()),
    NUMBERS,
    st.text(st.characters(codec="ascii", exclude_characters="\"\n\r'"), max_size=8).map(Text),
    st.booleans().map(Flag),
)
CHAINS = st.lists(OPERANDS, min_size=1, max_size=3).flatmap(
    lambda operands: st.builds(
        Chain,
        st.just(tuple(operands)),
        st.tuples(*[st.sampled_from(["<", "<=", ">", ">=", "==", "!="])] * (len(operands) - 1)),
    )
)
LEAVES = st.one_of(CHAINS, st.builds(Is, PLAIN, st.sampled_from(STATES), st.booleans()), st.builds(Has, PLAIN))
TREES: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(Quantified, st.sampled_from(["any", "all"]), PLAIN, inner),
        st.builds(Logic, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)


@RELAXED
@given(TREES)
def test_the_text_of_a_tree_parses_back_to_it(tree: Any) -> None:
    assert parse(render(tree)) == tree


ASKED = [
    "conversion is win", "conversion is not loss", "conversion.non_inferior", "judge.human_agreement >= 0.6",
    "0.2 < judge.human_agreement < 0.9", "has(panel.n)", "panel.n > 10",
    "any(conversion.segments, share >= 5% and adjusted.high < -margin)", "all(conversion.segments, low > -1pp)",
]  # fmt: skip
CONDITIONS = st.recursive(
    st.sampled_from(ASKED),
    lambda inner: st.one_of(
        inner.map("not ({})".format),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda parts: "({}) {} ({})".format(*parts)),
    ),
    max_leaves=4,
)
SEGMENT = st.fixed_dictionaries(
    {"name": st.sampled_from(["plan=a", "plan=b"])},
    optional={
        "share": st.floats(0, 1), "adjusted.high": st.floats(-0.02, 0.02), "margin": st.just(0.005),
        "low": st.floats(-0.02, 0.02),
    },
)  # fmt: skip
FACTS = st.fixed_dictionaries(
    {f"{signal}.state": st.sampled_from(STATES) for signal in ("conversion", "panel", "judge")},
    optional={
        "conversion.non_inferior": st.booleans(), "panel.non_inferior": st.booleans(),
        "judge.human_agreement": st.floats(0, 1), "panel.n": st.integers(0, 20),
        "conversion.segments": st.lists(SEGMENT, max_size=3).map(tuple),
    },
)  # fmt: skip


@RELAXED
@given(CONDITIONS, FACTS)
def test_the_fast_answer_and_the_explained_one_are_the_same(text: str, facts: dict[str, Any]) -> None:
    compiled = compile_condition(text, SIGNALS)
    found = compiled.explain(facts)
    assert found.holds is compiled.holds(facts)
    assert bool(found.unknown) == (found.holds is None)
    assert str(found)


# --- policies -------------------------------------------------------------------------------------------------------

ANSWERS = st.dictionaries(st.sampled_from(["win", "loss", "flat", "unclear"]), st.sampled_from(CALLS), max_size=4)
ROW = st.tuples(st.sampled_from(["conversion", "panel", "judge"]), ANSWERS, st.sampled_from(["", *ASKED]))


def rows_text(rows: list[Any]) -> str:
    lines = []
    for signal, answers, when in rows:
        parts = [f"signal: {signal}", *(f"{state}: {call}" for state, call in answers.items())]
        lines.append(f"  - {{{', '.join([*parts, f'when: {chr(34)}{when}{chr(34)}'] if when else parts)}}}")
    return "hierarchy:\n" + "\n".join(lines) + "\n"


ROWS = st.lists(ROW, min_size=1, max_size=4)
GUARDS = st.lists(st.tuples(st.sampled_from(ASKED), st.sampled_from(["hold", "rollback"])), max_size=3)
NEEDED = st.lists(st.sampled_from(ASKED), max_size=2, unique=True)
OTHERWISE = st.sampled_from(CALLS)


def whole(rows: list[Any], guards: list[Any], needed: list[str], otherwise: str) -> Any:
    text = rows_text(rows) + f"otherwise: {otherwise}\n"
    if guards:
        text += "guardrails:\n" + "".join(
            f'  - {{id: g{number}, when: "{when}", call: {call}}}\n' for number, (when, call) in enumerate(guards)
        )
    if needed:
        text += "ship_requires:\n" + "".join(f'  - {{that: "{that}"}}\n' for that in needed)
    return parse_policy(HEAD + text).rules


@FEWER
@given(ROWS, GUARDS, NEEDED, OTHERWISE, FACTS)
def test_guardrails_and_requirements_only_raise_severity(
    rows: Any, guards: Any, needed: Any, otherwise: str, facts: dict[str, Any]
) -> None:
    bare = settle(whole(rows, [], [], otherwise), facts)
    full = settle(whole(rows, guards, needed, otherwise), facts)
    assert SEVERITY[full.call] >= SEVERITY[bare.call]
    fired = [call for (_, call), holds in zip(guards, full.guardrails, strict=True) if holds]
    assert all(SEVERITY[full.call] >= SEVERITY[call] for call in fired)
    if full.call == "ship":
        assert all(holds is False for holds in full.guardrails)
        assert all(holds is True for holds in full.ship_requires)


@FEWER
@given(ROWS, st.sampled_from(["conversion.non_inferior", "not conversion.non_inferior", "judge.human_agreement < 0.5"]),
       st.sampled_from(["hold", "rollback"]), FACTS)  # fmt: skip
def test_losing_a_fact_never_makes_a_ship(rows: Any, when: str, call: str, facts: dict[str, Any]) -> None:
    """For facts that only gates ask about: a row that is silenced for want of a fact is another matter."""
    lost = {"conversion.non_inferior", "judge.human_agreement"}
    rows = [(signal, answers, "" if any(fact in asked for fact in lost) else asked) for signal, answers, asked in rows]
    rules = whole(rows, [(when, call)], ["judge.human_agreement >= 0.6"], "hold")
    blind = {key: value for key, value in facts.items() if key not in lost}
    seen, unseen = settle(rules, facts), settle(rules, blind)
    assert unseen.call != "ship"
    alone = settle(whole(rows, [], [], "hold"), facts)
    assert SEVERITY[unseen.call] >= SEVERITY[alone.call]
    assert seen.rows == unseen.rows


@FEWER
@given(ROWS, OTHERWISE, FACTS, st.randoms(use_true_random=False))
def test_rows_after_the_deciding_one_may_change_places(
    rows: list[Any], otherwise: str, facts: dict[str, Any], rng: Any
) -> None:
    found = settle(whole(rows, [], [], otherwise), facts)
    if found.first is None:
        return
    later = rows[found.first + 1 :]
    rng.shuffle(later)
    again = settle(whole(rows[: found.first + 1] + later, [], [], otherwise), facts)
    assert (again.call, again.reason, again.decided_by, again.rule) == (
        found.call, found.reason, found.decided_by, found.rule,
    )  # fmt: skip
    assert set(again.overruled) == set(found.overruled)


@FEWER
@given(ROWS, GUARDS, NEEDED, OTHERWISE, FACTS)
def test_a_ship_always_rests_on_a_signal_that_was_heard(
    rows: Any, guards: Any, needed: Any, otherwise: str, facts: dict[str, Any]
) -> None:
    found = settle(whole(rows, guards, needed, otherwise), facts)
    if found.call != "ship":
        return
    if found.first is not None:
        assert found.rows[found.first].state not in ("untrusted", "missing")
        return
    assert all(row.heard is False or row.state not in ("untrusted", "missing") for row in found.rows)
