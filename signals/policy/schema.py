"""The shape of ``hierarchy.yaml``: pydantic models that forbid everything they do not know.

Only the shape: what needs more than one place at once (signals that exist, conditions that mean something) is checked
in ``load``. The JSON Schema that editors use is made from these models.
"""

from __future__ import annotations

import math
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema, create_model

from signals.checks import BY_NAME, checks_of
from signals.model import Call, Margin, Reason, ReleaseKind, SignalKind
from signals.policy.quantities import margin, threshold

READABLE: tuple[SignalKind, ...] = ("judge", "panel", "experiment", "feedback")
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
            float,
            BeforeValidator(lambda value, name=spec.name: _held(value, name)),
            WithJsonSchema(shape),
            Field(description=f"{spec.meaning}: passes at {spec.passes} this"),
        ]
        fields[spec.name] = (kept | None, Field(default=None))
    return create_model(f"{kind.capitalize()}Trust", __base__=Trust, **fields)


def _held(value: Any, name: str) -> float:
    return threshold(value, BY_NAME[name].unit)


JudgeTrust, PanelTrust = _trust("judge"), _trust("panel")
ExperimentTrust, FeedbackTrust = _trust("experiment"), _trust("feedback")


class SignalShape(Strict):
    """What every kind of signal has."""

    question: Annotated[Line, Field(description="What it asks, in the words of the people who decide")] = ""
    better: Annotated[Literal["higher", "lower"], Field(description="Which way is good; never guessed")]
    margin: Annotated[MarginText | None, Field(description="Smallest effect worth acting on: 0.5pp, 2%, 0.1")] = None
    confidence: Annotated[float | None, Field(gt=0.5, lt=1, description="Instead of the policy's")] = None
    segments: Annotated[list[Word], Field(max_length=20)] = []
    owner: Annotated[Line, Field(description="Who can bring more of it")] = ""


class Judge(SignalShape):
    """A golden set scored by an LLM judge."""

    kind: Literal["judge"]
    estimate: Literal["raw", "reweighted", "corrected"] = "raw"
    scorer: Annotated[Word | None, Field(description="Which scorer of a run that has several")] = None
    dimension: Annotated[Word | None, Field(description="Which of people's questions the judge is held against")] = None
    human_scale: Annotated[Scale | None, Field(description="People's lowest and highest grade: [1, 5]")] = None
    trust: JudgeTrust = Field(default_factory=JudgeTrust)  # type: ignore[valid-type]  # made from the catalogue


class Panel(SignalShape):
    """People who rate or compare answers."""

    kind: Literal["panel"]
    dimension: Annotated[Word | None, Field(description="Which question of a form that has several")] = None
    estimate: Literal["raw", "superiority"] = "raw"
    raters: Literal["random", "fixed"] = "random"
    trust: PanelTrust = Field(default_factory=PanelTrust)  # type: ignore[valid-type]  # made from the catalogue


class MetricShape(Strict):
    """What an experiment measures per unit."""

    name: Word
    type: Literal["proportion", "mean", "ratio", "quantile"]
    quantile: Annotated[float | None, Field(gt=0, lt=1, description="Which one, for quantile metrics: 0.9")] = None


class Experiment(SignalShape):
    """A randomised comparison on traffic."""

    kind: Literal["experiment"]
    metric: MetricShape
    looks: Looks = "fixed"
    planned_units: Annotated[int | None, Field(gt=0, description="Both arms together")] = None
    trust: ExperimentTrust = Field(default_factory=ExperimentTrust)  # type: ignore[valid-type]  # made from the catalogue


class Feedback(SignalShape):
    """Thumbs."""

    kind: Literal["feedback"]
    estimate: Literal["per_response", "per_impression"] = "per_response"
    trust: FeedbackTrust = Field(default_factory=FeedbackTrust)  # type: ignore[valid-type]  # made from the catalogue


AnySignal = Annotated[Judge | Panel | Experiment | Feedback, Field(discriminator="kind")]


# --- rules ----------------------------------------------------------------------------------------------------------


class RowShape(Strict):
    """One row of the hierarchy."""

    signal: Word
    when: Condition | None = None
    win: Answer | None = None
    loss: Answer | None = None
    flat: Answer | None = None
    unclear: Answer | None = None
    untrusted: Wary | None = None
    missing: Wary | None = None


class OverrideShape(Strict):
    """A lower row outranks a higher one."""

    id: Word
    put: Word
    above: Word
    when: Condition
    because: Line = ""


class GuardrailShape(Strict):
    """Heard before the hierarchy; it can only make a call more severe."""

    id: Word
    when: Condition
    call: Literal["hold", "rollback"]
    because: Line = ""


class RequirementShape(Strict):
    """What must hold for a SHIP to stay one."""

    that: Condition
    id: Word | None = None
    because: Line = ""


class KindShape(Strict):
    """What replaces the top-level key of the same name for one kind of release."""

    hierarchy: Annotated[list[RowShape] | None, Field(min_length=1, max_length=MANY)] = None
    otherwise: Call | None = None
    overrides: Annotated[list[OverrideShape] | None, Field(max_length=MANY)] = None
    guardrails: Annotated[list[GuardrailShape] | None, Field(max_length=MANY)] = None
    ship_requires: Annotated[list[RequirementShape] | None, Field(max_length=MANY)] = None


class Expected(Strict):
    """What a test expects of the verdict."""

    call: Call
    by: Annotated[str | None, Field(description="A signal, an id, or `otherwise`")] = None
    reason: Reason | None = None
    overruled: list[Word] | None = None


class TestShape(Strict):
    """One situation and the call that it must lead to."""

    __test__ = False  # pytest: not a test class

    name: Annotated[Line, Field(min_length=1)]
    given: dict[str, Given]
    expect: Expected


class File(Strict):
    """The whole of ``hierarchy.yaml``."""

    version: Literal[1] = Field(alias="schema")
    name: Word
    owner: Line = ""
    review_by: Day | None = None
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    signals: Annotated[dict[str, AnySignal], Field(min_length=1, max_length=50)]
    hierarchy: Annotated[list[RowShape], Field(min_length=1, max_length=MANY)]
    otherwise: Call = "hold"
    overrides: Annotated[list[OverrideShape], Field(max_length=MANY)] = []
    guardrails: Annotated[list[GuardrailShape], Field(max_length=MANY)] = []
    ship_requires: Annotated[list[RequirementShape], Field(max_length=MANY)] = []
    kinds: dict[ReleaseKind, KindShape] = {}
    tests: Annotated[list[TestShape], Field(max_length=1_000)] = []


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the file, for editors: completion, hover and errors while typing."""
    schema = File.model_json_schema(by_alias=True) | {"title": "hierarchy.yaml"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


if __name__ == "__main__":
    import json
    import sys

    sys.stdout.write(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")
