"""The shape of ``hierarchy.yaml``: pydantic models that forbid everything they do not know.

Only the shape: what needs more than one place at once (signals that exist, conditions that mean something) is checked
in ``load``. The JSON Schema that editors use is made from these models.
"""

from __future__ import annotations

import math
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema, create_model

from signals.checks import BY_NAME, checks_of
from signals.model import Call, Margin, Reason, ReleaseKind, SignalKind
from signals.policy.costs import LONGEST
from signals.policy.quantities import margin, threshold

READABLE: tuple[SignalKind, ...] = ("judge", "panel", "experiment", "feedback", "drift")
"""Kinds of signal that a policy may declare: those with a reading."""


def _date(value: Any) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError("is a date; write it like 2027-02-01") from None


def _number(kind: str) -> Any:
    return {"anyOf": [{"type": "number"}, {"type": "string", "pattern": rf"^-?[0-9.]+ ?({kind})$"}]}


Day = Annotated[date, BeforeValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]
MarginText = Annotated[Margin, BeforeValidator(margin), WithJsonSchema(_number("pp|%"))]
Word = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\s]+$")]
Line = Annotated[str, Field(max_length=500)]
Condition = Annotated[str, Field(min_length=1)]
MANY = 200
"""Rows, overrides, guardrails or requirements that anyone could still read."""
Answer = Literal["ship", "hold", "rollback", "next"]

HIERARCHY = "Rows, heard from the top; the first one that answers with a call decides"
OTHERWISE = "The call when no row answers"
OVERRIDES = "When a lower row outranks a higher one"
GUARDRAILS = "Heard before the hierarchy; they can only make the call more severe"
REQUIRES = "A ship becomes a hold unless all of these hold"
COSTS = "What more evidence costs, by signal; it puts proposals to collect more in order, and no call depends on it"


def _wary(value: Any) -> Any:
    if value == "ship":
        raise ValueError("no data never reads as fine, so this state cannot answer ship; write hold, rollback or next")
    return value


def _looks(value: Any) -> str | tuple[date, ...]:
    if value in ("continuous", "fixed"):
        return str(value)
    if not isinstance(value, list) or not value:
        raise ValueError("is continuous, fixed, or a list of dates")
    days = tuple(_date(day) for day in value)
    if list(days) != sorted(set(days)):
        raise ValueError("the dates of the looks go forward, each once")
    return days


def _scale(value: Any) -> tuple[float, float]:
    numbers = value if isinstance(value, list) else []
    right = len(numbers) == 2 and all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in numbers)
    if not right or not all(math.isfinite(one) for one in numbers):
        raise ValueError("is people's lowest and highest grade; write it like [1, 5]")
    low, high = (float(one) for one in numbers)
    if low >= high:
        raise ValueError("goes from the lowest grade to the highest; write it like [1, 5]")
    return low, high


def _given(value: Any) -> Any:
    items = value if isinstance(value, list) else [{"value": value}]
    for item in items:
        if not isinstance(item, dict) or any(isinstance(part, (dict, list)) for part in item.values()):
            raise ValueError("is a state, a number, true, false, a text, null, or a list of segments")
    return value


Wary = Annotated[Literal["hold", "rollback", "next"], BeforeValidator(_wary)]
Looks = Annotated[
    str | tuple[date, ...],
    PlainValidator(
        _looks,
        json_schema_input_type=Literal["continuous", "fixed"] | list[str],
    ),
]
Scale = Annotated[
    tuple[float, float],
    PlainValidator(_scale),
    WithJsonSchema({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}),
]
Given = Annotated[
    Any,
    BeforeValidator(_given),
    WithJsonSchema({"type": ["string", "number", "boolean", "null", "array"], "items": {"type": "object"}}),
]


Kept = TypeVar("Kept")
KindKey = Annotated[Kept, Field(description="What sort of evidence it is")]
EstimateKey = Annotated[Kept, Field(description="Which number votes; the others stand beside it")]
TrustKey = Annotated[Kept, Field(description="Checks that must pass before the signal may be believed")]
AnswerKey = Annotated[Kept | None, Field(description="The call in this state; `next` lets the next row speak")]
IdKey = Annotated[Kept, Field(description="Its name in verdicts")]
PriceKey = Annotated[float | None, Field(ge=0, le=1e12, allow_inf_nan=False, description="Price of one more")]
BecauseKey = Annotated[Line, Field(description="Why the rule is there; verdicts quote it")]


class Strict(BaseModel):
    """No key that we do not know, no value that has to be guessed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True, defer_build=True)


# --- signals --------------------------------------------------------------------------------------------------------


class Trust(Strict):
    """Thresholds of checks; ``given`` are those that the policy asks for."""

    @property
    def given(self) -> dict[str, float]:
        """Check name -> threshold in base units."""
        return {name: value for name, value in self if value is not None}


def _trust(kind: SignalKind) -> type[Trust]:
    fields: dict[str, Any] = {}
    for spec in checks_of(kind):
        unit = {"yes": None, "seconds": "h|d", "share": "%", "p": "%"}.get(spec.unit, "")
        shape = {"const": True} if unit is None else _number(unit) if unit else {"type": "number"}
        kept = Annotated[
            float, BeforeValidator(lambda value, name=spec.name: _held(value, name)), WithJsonSchema(shape)
        ]
        meaning = Field(default=None, description=f"{spec.meaning}: passes at {spec.passes} this")
        fields[spec.name] = (kept | None, meaning)
    return create_model(f"{kind.capitalize()}Trust", __base__=Trust, **fields)


def _held(value: Any, name: str) -> float:
    return threshold(value, BY_NAME[name].unit)


JudgeTrust, PanelTrust = _trust("judge"), _trust("panel")
ExperimentTrust, FeedbackTrust = _trust("experiment"), _trust("feedback")
DriftTrust = _trust("drift")


class SignalShape(Strict):
    """What every kind of signal has."""

    question: Annotated[Line, Field(description="What it asks, in the words of the people who decide")] = ""
    better: Annotated[Literal["higher", "lower"], Field(description="Which way is good; never guessed")]
    margin: Annotated[MarginText | None, Field(description="Smallest effect worth acting on: 0.5pp, 2%, 0.1")] = None
    confidence: Annotated[float | None, Field(gt=0.5, lt=1, description="Instead of the policy's")] = None
    segments: Annotated[
        list[Word], Field(max_length=20, description="Dimensions it is also read by, one segment at a time: [plan]")
    ] = []
    owner: Annotated[Line, Field(description="Who can bring more of it")] = ""
    against: Annotated[
        Word | None, Field(description="The slower signal that `track_correlation` holds its past effects against")
    ] = None


class Judge(SignalShape):
    """A golden set scored by an LLM judge."""

    kind: KindKey[Literal["judge"]]
    estimate: EstimateKey[Literal["raw", "reweighted", "corrected"]] = "raw"
    scorer: Annotated[Word | None, Field(description="Which scorer of a run that has several")] = None
    dimension: Annotated[Word | None, Field(description="Which of people's questions the judge is held against")] = None
    human_scale: Annotated[Scale | None, Field(description="People's lowest and highest grade: [1, 5]")] = None
    trust: TrustKey[JudgeTrust] = Field(default_factory=JudgeTrust)  # type: ignore[valid-type]  # made from the catalogue


class Panel(SignalShape):
    """People who rate or compare answers."""

    kind: KindKey[Literal["panel"]]
    dimension: Annotated[Word | None, Field(description="Which question of a form that has several")] = None
    estimate: EstimateKey[Literal["raw", "superiority"]] = "raw"
    raters: Annotated[
        Literal["random", "fixed"], Field(description="Whether the interval also speaks for raters who were not asked")
    ] = "random"
    trust: TrustKey[PanelTrust] = Field(default_factory=PanelTrust)  # type: ignore[valid-type]  # made from the catalogue


class MetricShape(Strict):
    """What an experiment measures per unit."""

    name: Annotated[Word, Field(description="Its name in the evidence")]
    type: Annotated[
        Literal["proportion", "mean", "ratio", "quantile"],
        Field(description="How the units' outcomes become one number"),
    ]
    quantile: Annotated[float | None, Field(gt=0, lt=1, description="Which one, for quantile metrics: 0.9")] = None


class Experiment(SignalShape):
    """A randomised comparison on traffic."""

    kind: KindKey[Literal["experiment"]]
    metric: Annotated[MetricShape, Field(description="What is measured per unit: {name: converted, type: proportion}")]
    looks: Annotated[
        Looks,
        Field(description="When people look: continuous (always-valid interval), fixed (once), or a list of dates"),
    ] = "fixed"
    planned_units: Annotated[int | None, Field(gt=0, description="Both arms together")] = None
    estimate: EstimateKey[Literal["raw", "reweighted"]] = "raw"
    trust: TrustKey[ExperimentTrust] = Field(default_factory=ExperimentTrust)  # type: ignore[valid-type]  # made from the catalogue


class Feedback(SignalShape):
    """Thumbs."""

    kind: KindKey[Literal["feedback"]]
    estimate: EstimateKey[Literal["per_response", "per_impression"]] = "per_response"
    trust: TrustKey[FeedbackTrust] = Field(default_factory=FeedbackTrust)  # type: ignore[valid-type]  # made from the catalogue


class Drift(SignalShape):
    """How far what comes in now has moved from what came in then."""

    kind: KindKey[Literal["drift"]]
    better: Annotated[Literal["lower"], Field(description="Always lower: a distance can be small, not good")] = "lower"
    margin: Annotated[MarginText, Field(description="Area under the curve above a half that is worth acting on: 0.1")]
    trust: TrustKey[DriftTrust] = Field(default_factory=DriftTrust)  # type: ignore[valid-type]  # made from the catalogue


AnySignal = Annotated[Judge | Panel | Experiment | Feedback | Drift, Field(discriminator="kind")]


# --- rules ----------------------------------------------------------------------------------------------------------


class RowShape(Strict):
    """One row of the hierarchy."""

    signal: Annotated[Word, Field(description="Whose state this row asks")]
    when: Annotated[Condition | None, Field(description="The row speaks only while this holds")] = None
    win: AnswerKey[Answer] = None
    loss: AnswerKey[Answer] = None
    flat: AnswerKey[Answer] = None
    unclear: AnswerKey[Answer] = None
    untrusted: AnswerKey[Wary] = None
    missing: AnswerKey[Wary] = None


class OverrideShape(Strict):
    """A lower row outranks a higher one."""

    id: IdKey[Word]
    put: Annotated[Word, Field(description="The signal whose rows move up")]
    above: Annotated[Word, Field(description="The signal that they then stand above")]
    when: Annotated[Condition, Field(description="The rows move only while this holds")]
    because: BecauseKey = ""


class GuardrailShape(Strict):
    """Heard before the hierarchy; it can only make a call more severe."""

    id: IdKey[Word]
    when: Annotated[
        Condition, Field(description="It fires while this holds; what is not known turns a ship into a hold")
    ]
    call: Annotated[
        Literal["hold", "rollback"], Field(description="The call is at least as severe as this when it fires")
    ]
    because: BecauseKey = ""


class RequirementShape(Strict):
    """What must hold for a SHIP to stay one."""

    that: Annotated[Condition, Field(description="What must hold for a ship to stay one")]
    id: IdKey[Word | None] = None
    because: BecauseKey = ""


class KindShape(Strict):
    """What replaces the top-level key of the same name for one kind of release."""

    hierarchy: Annotated[list[RowShape] | None, Field(min_length=1, max_length=MANY, description=HIERARCHY)] = None
    otherwise: Annotated[Call | None, Field(description=OTHERWISE)] = None
    overrides: Annotated[list[OverrideShape] | None, Field(max_length=MANY, description=OVERRIDES)] = None
    guardrails: Annotated[list[GuardrailShape] | None, Field(max_length=MANY, description=GUARDRAILS)] = None
    ship_requires: Annotated[list[RequirementShape] | None, Field(max_length=MANY, description=REQUIRES)] = None


class Expected(Strict):
    """What a test expects of the verdict."""

    call: Annotated[Call, Field(description="The call that it must lead to")]
    by: Annotated[str | None, Field(description="A signal, an id, or `otherwise`")] = None
    reason: Annotated[Reason | None, Field(description="Why the call is what it is")] = None
    overruled: Annotated[list[Word] | None, Field(description="Every signal whose state pointed to another call")] = (
        None
    )


class TestShape(Strict):
    """One situation and the call that it must lead to."""

    __test__ = False  # pytest: not a test class

    name: Annotated[Line, Field(min_length=1, description="What the situation is, in words")]
    given: Annotated[
        dict[str, Given], Field(description="States of signals, and facts; a signal that is not named is missing")
    ]
    expect: Annotated[Expected, Field(description="What the policy must answer")]


class PricesShape(Strict):
    """Prices of one signal's evidence; which of them a signal may have depends on its kind (``costs.PRICES``)."""

    unit: PriceKey = None
    response: PriceKey = None
    item: PriceKey = None
    rater: PriceKey = None
    label: PriceKey = None
    traffic_sample: PriceKey = None


class CostsShape(Strict):
    """Prices by signal, beside the currency that they are in."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, PricesShape]

    currency: Annotated[Word, Field(max_length=LONGEST, description="What prices are in: EUR, USD, hours")]


class File(Strict):
    """The whole of ``hierarchy.yaml``."""

    version: Literal[1] = Field(alias="schema", description="The version of this format")
    name: Annotated[Word, Field(description="What verdicts call the policy")]
    owner: Annotated[Line, Field(description="Who answers for it")] = ""
    review_by: Annotated[Day | None, Field(description="When somebody must look at it again: 2027-02-01")] = None
    confidence: Annotated[float, Field(gt=0.5, lt=1, description="Two-sided level of every interval")] = 0.95
    signals: Annotated[
        dict[str, AnySignal], Field(min_length=1, max_length=50, description="What is listened to, by name")
    ]
    hierarchy: Annotated[list[RowShape], Field(min_length=1, max_length=MANY, description=HIERARCHY)]
    otherwise: Annotated[Call, Field(description=OTHERWISE)] = "hold"
    overrides: Annotated[list[OverrideShape], Field(max_length=MANY, description=OVERRIDES)] = []
    guardrails: Annotated[list[GuardrailShape], Field(max_length=MANY, description=GUARDRAILS)] = []
    ship_requires: Annotated[list[RequirementShape], Field(max_length=MANY, description=REQUIRES)] = []
    kinds: Annotated[
        dict[ReleaseKind, KindShape], Field(description="Other rules for other kinds of release, by kind")
    ] = {}
    costs: Annotated[CostsShape | None, Field(description=COSTS)] = None
    tests: Annotated[
        list[TestShape], Field(max_length=1_000, description="Situations and the call that each must lead to")
    ] = []


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the file, for editors: completion, hover and errors while typing."""
    schema = File.model_json_schema(by_alias=True) | {"title": "hierarchy.yaml"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


if __name__ == "__main__":
    import json
    import sys

    sys.stdout.write(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")
