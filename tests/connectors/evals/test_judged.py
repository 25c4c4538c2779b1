"""What every evaluation tool's outputs become, whatever the tool."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from signals.connectors import Tally
from signals.connectors.evals.judged import item_scores
from signals.connectors.evals.output import Output, Word, number
from signals.model import SignalsError, Source

JUDGE = {"model": "m", "rubric": "is kind"}


def word(value: float | None, scorer: str = "kind", **about: Any) -> Word:
    return Word(scorer, value, about.pop("error", None), JUDGE, **about)


def output(item: str | None = "i1", variant: str | None = "a", *words: Word, **about: Any) -> Output:
    return Output({"id": item, "lang": "de", **about.pop("row", {})}, "f.json", item, variant, words, **about)


def source(**keys: Any) -> Source:
    options = {key: keys.pop(key) for key in ("metric", "scorer_version", "variant") if key in keys}
    return Source("src", "sig", "tool", options, **keys)


def read(*outputs: Output, **keys: Any) -> tuple[list[Any], Tally]:
    tally = Tally()
    return list(item_scores(iter(outputs), source(**keys), tally)), tally


def test_a_failed_output_was_never_judged() -> None:
    """Some tools judge the message of the failure, and give it a score."""
    records, _ = read(output("i1", "a", word(0.9), failed=True), output("i2", "a", word(0.0)))
    assert [(r.item, r.value, r.error) for r in records] == [("i1", None, "system_error"), ("i2", 0.0, None)]


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("timeout", "system_error"), ({"message": "timeout"}, "system_error"), ("judge_unparsed", "judge_unparsed"),
        ("Skipped", "skipped"), (None, None), ("", None), ("None", None), (False, None), (0, None), ({}, None),
    ],
)  # fmt: skip
def test_a_row_may_say_that_its_run_failed(said: Any, error: str | None) -> None:
    rows = ({"oops": said}, {"oops": "yes"})
    records, _ = read(*(output(f"i{n}", "a", word(0.9), row=row) for n, row in enumerate(rows)), map={"error": "oops"})
    assert [(r.value, r.error) for r in records] == [(None if error else 0.9, error), (None, "system_error")]


def test_no_run_failed_where_the_field_is_there_and_empty() -> None:
    records, _ = read(output("i", "a", word(0.9), row={"meta": {"oops": None}}), map={"error": "meta.oops"})
    assert [r.value for r in records] == [0.9]
    with pytest.raises(SignalsError, match=r"no row has 'meta\.ops' \(map\.error\)"):
        read(output("i", "a", word(0.9), row={"meta": {"oops": None}}), map={"error": "meta.ops"})


def test_the_source_may_say_the_variant() -> None:
    stated, _ = read(output("i", None, word(0.5)), output("j", "b", word(0.5)), variant="a")
    assert {r.variant for r in stated} == {"a"}
    recoded, _ = read(output("i", None, word(0.5)), variant="A", values={"variant": {"A": "control"}})
    assert recoded[0].variant == "control"


def test_one_judge_twice_on_an_output_is_one_record() -> None:
    records, tally = read(output("i", "a", word(0.5), word(0.7)))
    assert [(r.scorer, r.value) for r in records] == [("kind", 0.5)]
    assert (tally.rows_read, tally.rows_kept) == (1, 1)


def test_a_failed_output_that_nobody_was_asked_to_judge_fails_for_every_scorer() -> None:
    both = (word(0.5), word(0.7, "brief"), word(0.1, "length", graded=False))
    records, tally = read(output("i0", "a", failed=True), output("i1", "a", *both))
    assert [(r.item, r.scorer, r.error) for r in records] == [
        ("i1", "kind", None), ("i1", "brief", None), ("i0", "kind", "system_error"), ("i0", "brief", "system_error"),
    ]  # fmt: skip
    assert (tally.rows_read, tally.rows_kept) == (2, 2)
    assert len({r.fingerprint for r in records if r.scorer == "kind"}) == 1


def test_silence_of_a_scorer_that_was_asked_is_an_error() -> None:
    asked = (word(None, "kind"), word(None, "brief"))
    records, _ = read(output("i1", "a", word(0.5, "brief"), expected=asked))
    assert {(r.scorer, r.value, r.error) for r in records} == {("brief", 0.5, None), ("kind", None, "judge_error")}


def test_an_output_that_is_not_for_this_judge_is_set_aside() -> None:
    code = word(1.0, "length", graded=False)
    records, tally = read(output("i1", "a", code, expected=(code,)), output("i2", "a", word(0.5)))
    assert [r.item for r in records] == ["i2"]
    assert [(e.rows, e.fault) for e in tally.entries] == [(1, False)]
    assert "i1 in f.json" in tally.entries[0].why


def test_repeats_are_numbered_by_variant_and_item() -> None:
    outputs = [output(item, variant, word(0.5)) for item, variant in ("1a", "1b", "1a", "2a", "1a")]
    records, _ = read(*outputs)
    assert [(r.item, r.variant, r.repeat) for r in records] == [
        ("1", "a", 0), ("1", "b", 0), ("1", "a", 1), ("2", "a", 0), ("1", "a", 2),
    ]  # fmt: skip
    assert len({r.record for r in records}) == 5


def test_the_same_repeat_again_is_the_same_score() -> None:
    records, tally = read(output("i", "a", word(0.5), repeat=3), output("i", "a", word(0.5), repeat=3))
    assert len(records) == 1
    assert [(e.rows, e.fault) for e in tally.entries] == [(1, True)]
    assert (tally.rows_read, tally.rows_kept) == (2, 1)


def test_only_what_metric_names_is_read() -> None:
    words = (word(0.5), word(1.0, "length", graded=False))
    assert [r.scorer for r in read(output("i", "a", *words))[0]] == ["kind"]
    assert [r.scorer for r in read(output("i", "a", *words), metric="length")[0]] == ["length"]


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"metric": "knd"}, "no score is called 'knd'. Did you mean 'kind'?"),
        ({"map": {"segment.lang": "lng"}}, "no row has 'lng' (map.segment.lang). Did you mean 'lang'?"),
        ({"map": {"length": "lang"}}, "f.json: item 'i': 'lang' (map.length) holds 'de'"),
    ],
)
def test_what_was_asked_for_and_is_not_there_is_told(keys: dict[str, Any], says: str) -> None:
    with pytest.raises(SignalsError) as caught:
        read(output("i", "a", word(0.5)), **keys)
    assert says in str(caught.value)


def test_scores_that_code_computed_are_no_judge() -> None:
    with pytest.raises(SignalsError, match=r"no score was given by a model\. Name one with `metric:`\. Known: length"):
        read(output("i", "a", word(1.0, "length", graded=False)))


def test_keys_of_the_source_go_before_what_the_tool_says() -> None:
    row = {"who": "A", "ticket": "t-1", "team": "x", "n": 3, "old": "2026-01-02T00:00:00Z", "seen": True}
    mapping = {
        "item": "ticket", "variant": "who", "cluster": "team", "length": "n", "made": "old", "leaked": "seen",
        "segment.lang": "lang", "content": "lang",
    }  # fmt: skip
    (one,), _ = read(
        output("i", "v", word(0.5), row=row, asked="?"), map=mapping, values={"variant": {"A": "control"}},
        scorer_version="j-3", where={"lang": "de"},
    )  # fmt: skip
    assert (one.item, one.variant, one.cluster, one.length, one.leaked) == ("t-1", "control", "x", 3.0, True)
    assert (one.segment, one.fingerprint, one.made.year) == ((("lang", "de"),), "j-3", 2026)
    (plain,), _ = read(output("i", "v", word(0.5), asked="?", length=7.0))
    assert (plain.item, plain.variant, plain.length) == ("i", "v", 7.0)
    assert plain.content != one.content


def test_without_an_item_or_a_variant_nothing_is_kept() -> None:
    records, tally = read(output(None, "a", word(1.0)), output("i", None, word(1.0)), output("i", "a", word(1.0)))
    assert len(records) == 1
    assert {e.why.split(" (")[0]: e.rows for e in tally.entries} == {"item is empty": 1, "variant is empty": 1}


def test_a_judge_of_whom_nothing_is_known_has_no_identity() -> None:
    unknown = [Word("kind", 0.5, None, {}), Word("kind", 0.5, None, {})]
    assert [r.fingerprint for r in read(*(output("i", "a", one) for one in unknown))[0]] == ["", ""]
    assert read(output("i", "a", unknown[0]), scorer_version="j-3")[0][0].fingerprint == "j-3"


def test_outputs_are_read_one_by_one() -> None:
    """An export larger than memory: the first record is there before the second output was asked for."""
    asked = []

    def outputs() -> Iterator[Output]:
        for number_ in range(3):
            asked.append(number_)
            yield output(f"i{number_}", "a", word(0.5))

    stream = item_scores(outputs(), source(), Tally())
    assert (next(stream).item, asked) == ("i0", [0])


def test_only_finite_numbers_and_truth_values_are_scores() -> None:
    told = (1, 0.5, True, None, "0.5", float("nan"), float("inf"), [1], 10**400)
    assert [number(value) for value in told] == [1.0, 0.5, 1.0] + [None] * 6


def test_rows_without_an_item_are_told_as_that_and_not_as_rows_without_a_judge() -> None:
    records, tally = read(output(None, "a", word(0.5)))
    assert not records
    assert [entry.why.split(" (first")[0] for entry in tally.entries] == ["item is empty"]
