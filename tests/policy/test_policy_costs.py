"""Prices of more evidence: read strictly, shown, compared, completed, and without any say in a call."""

from __future__ import annotations

import hashlib

import pytest
from situations import HEAD, ROWS

from signals.dashboard.policy_words import words
from signals.model import SignalsError
from signals.policy import parse_policy
from signals.policy.costs import PRICES, Costs
from signals.policy.document import describe
from signals.policy.rules import Policy
from signals.policy.schema import READABLE, PricesShape, json_schema
from signals.workbench.edits.definitions import definitions

COSTS = """\
costs:
  currency: EUR
  conversion: {unit: 0.002}
  panel: {item: 12, rater: 150}
  judge: {item: 0.05, label: 8, traffic_sample: 400}
"""
START = (HEAD + ROWS).count("\n")


def loaded(costs: str = "") -> Policy:
    return parse_policy(HEAD + ROWS + costs, "h.yaml")


def problems(costs: str) -> list[str]:
    with pytest.raises(SignalsError) as caught:
        loaded(costs)
    return [str(problem) for problem in caught.value.problems]


def test_prices_are_what_is_written() -> None:
    costs = loaded(COSTS).costs
    assert costs == Costs(
        "EUR",
        {
            "conversion": {"unit": 0.002},
            "panel": {"item": 12.0, "rater": 150.0},
            "judge": {"item": 0.05, "label": 8.0, "traffic_sample": 400.0},
        },
    )
    assert costs.price("panel", "rater") == 150.0
    assert costs.price("panel", "label") is None
    assert costs.price("cost", "unit") is None


def test_a_policy_without_costs_is_what_it_was() -> None:
    plain = loaded()
    assert plain.costs is None
    assert plain.hash == "sha256:" + hashlib.sha256((HEAD + ROWS).encode()).hexdigest()
    assert "What more evidence costs" not in describe(plain)


def test_prices_change_no_rule_and_no_signal() -> None:
    plain, priced = loaded(), loaded(COSTS)
    assert priced.signals == plain.signals
    assert describe(priced).splitlines()[1:-5] == describe(plain).splitlines()[1:]  # the first line has the hash
    hashes = [{name: one.definition_hash() for name, one in policy.signals.items()} for policy in (plain, priced)]
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize(
    "old, new, line, column, words",
    [
        ("  currency: EUR\n", "", 1, 1, "'currency' is missing"),
        ("currency: EUR", "currency: 7", 2, 13, "one word of at most 40 characters (found 7). Write it like EUR"),
        ("currency: EUR", "currency: Swiss francs", 2, 13, "one word of at most 40 characters (found 'Swiss francs')"),
        ("currency: EUR", f"currency: {'x' * 41}", 2, 13, "one word"),
        ("unit: 0.002", "unit: 0,02", 3, 24, "a price with a decimal comma: unit: 0,02. Write unit: 0.02"),
        ("{unit: 0.002}", "{unit: '0,02'}", 3, 22, "'0,02' is not a number. Write 0.02: the decimal sign is a point"),
        ("{unit: 0.002}", "{unit: '1.234,50'}", 3, 22, "Write 1234.50"),
        ("{unit: 0.002}", "{unit: '1,000'}", 3, 22, "Write 1000 for thousands, or a decimal point"),
        ("unit: 0.002", "unit: 2 EUR", 3, 22, "Write the number alone"),
        ("unit: 0.002", "unit: [2]", 3, 22, "not a number. Write a number of 0 or more"),
        (
            "{item: 12, rater: 150}",
            "[12]",
            4,
            10,
            "the prices of panel are named by what each is for. Write panel: {item: 0.5}",
        ),
        (COSTS.removeprefix("costs:\n"), "- 12\n", 2, 1, "costs are a currency and prices by signal"),
        ("panel: {", "panle: {", 4, 3, "Did you mean 'panel'?"),
        ("rater: 150", "ratr: 150", 4, 21, "Did you mean 'rater'?"),
        ("rater: 150", "label: 150", 4, 21, "panel is of kind panel, and its evidence has no price by 'label'"),
        ("unit: 0.002", "item: 0.002", 3, 16, "Known: unit"),
        ("label: 8", "label: -8", 5, 30, "greater than or equal to 0"),
        ("label: 8", "label: free", 5, 30, "number"),
        ("label: 8", "label: .inf", 5, 30, "finite"),
        ("label: 8", "label: true", 5, 30, "number"),
        ("{item: 12, rater: 150}", "12", 4, 10, "panel"),
    ],
)
def test_every_fault_has_its_place_and_a_remedy(old: str, new: str, line: int, column: int, words: str) -> None:
    found = problems(COSTS.replace(old, new, 1))
    assert len(found) == 1, found
    assert found[0].startswith(f"h.yaml:{START + line}:{column}:"), found[0]
    assert words in found[0]


def test_faults_are_told_beside_others() -> None:
    found = problems(COSTS.replace("rater: 150", "label: 1").replace("label: 8", "label: x"))
    assert [one.split(":")[1] for one in found] == [str(START + 4), str(START + 5)]


def test_the_policy_in_words_says_them() -> None:
    text = describe(loaded(COSTS))
    assert "What more evidence costs, in EUR" in text
    assert "  panel: item 12, rater 150" in text
    assert "  judge: item 0.05, label 8, traffic sample 400" in text


def test_a_diff_tells_every_price_that_changed_and_that_no_verdict_depends_on_it() -> None:
    plain, priced = loaded(), loaded(COSTS)
    dearer = loaded(COSTS.replace("item: 12,", "item: 15,").replace(", traffic_sample: 400", ""))
    assert definitions(priced, priced) == ()
    for old, new, told in [
        (plain, priced, ["what more evidence costs is declared"]),
        (priced, plain, ["what more evidence costs is no longer declared"]),
        (
            priced,
            dearer,
            [
                "the price of panel.item is 15 EUR, was 12 EUR",
                "the price of judge.traffic_sample is no price, was 400 EUR",
            ],
        ),
        (loaded("costs: {currency: EUR, panel: {item: 1}}\n"), loaded("costs: {currency: USD, panel: {item: 1}}\n"),
         ["the price of panel.item is 1 USD, was 1 EUR"]),
    ]:  # fmt: skip
        found = definitions(old, new)
        assert [one.words for one in found] == told
        assert {(one.direction, one.decides) for one in found} == {("changes", False)}


def test_every_price_is_in_the_schema_and_every_kind_has_some() -> None:
    things = {thing for known in PRICES.values() for thing in known}
    assert things == set(PricesShape.model_fields)
    assert set(PRICES) == set(READABLE)
    shape = json_schema()["$defs"]["CostsShape"]
    assert shape["additionalProperties"] == {"$ref": "#/$defs/PricesShape"}
    assert shape["required"] == ["currency"]


def test_the_editor_offers_the_prices_that_a_signal_of_its_kind_has() -> None:
    places = words({"clicks": "experiment", "people": "panel"})["places"]
    assert [entry[0] for entry in places["costs"]] == ["currency", "clicks", "people"]
    assert [entry[0] for entry in places["costs.people"]] == ["item", "rater"]
    assert [entry[0] for entry in places["costs.clicks"]] == ["unit"]
    assert "costs" in [entry[0] for entry in places[""]]
