"""The keys that an entry of sources.yaml may have, per connector, as pydantic models that refuse all others.

Imported inside functions only: pydantic is slow to load and `signals --help` does not need it.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator


def _text(value: Any) -> Any:
    """YAML reads 1.10 as 1.1 and 007 as 7: an id that was not quoted may have lost something already."""
    if isinstance(value, (bool, int, float)):
        raise ValueError("must be text: put it in quotes")  # noqa: TRY004  (pydantic reports ValueError only)
    if isinstance(value, str) and any(ord(char) < 32 for char in value):
        raise ValueError("holds a line break or another control character")
    return value


Text = Annotated[str, BeforeValidator(_text), Field(min_length=1, max_length=2000)]
Scalar = str | bool | int | float | None

BASE_KEYS = ("signal", "connector", "map", "where", "values", "timezone")
"""Keys that become fields of ``Source``; all others are the connector's options."""


class Entry(BaseModel):
    """What every connector accepts."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True, defer_build=True)

    signal: Text
    connector: Text
    mapping: dict[str, Text] = Field(default_factory=dict, alias="map")
    where: dict[str, Scalar | list[Scalar]] = Field(default_factory=dict)
    values: dict[str, Scalar | dict[str, Scalar]] = Field(default_factory=dict)
    timezone: Text | None = None
    allow_outside: bool = False


def _scale(value: Any) -> Any:
    if isinstance(value, list) and len(value) == 2 and all(isinstance(end, (int, float)) for end in value):
        low, high = value
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ValueError("needs two finite ends")
        if low >= high:
            raise ValueError(
                f"runs from {low} to {high}: write the lower end first; say `better: lower` in the policy "
                "when the lower end is the good one"
            )
        return [float(low), float(high)]
    raise ValueError("needs two numbers, the lower end first, such as [1, 5]")


Scale = Annotated[list[float], BeforeValidator(_scale)]


_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s?([hd])")


def _duration(value: Any) -> Any:
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    seconds = float(match[1]) * (3600.0 if match[2] == "h" else 86_400.0) if match else 0.0
    if not 0 < seconds <= 3660 * 86_400:
        raise ValueError("is a duration above zero and of at most ten years: write it like 14d or 36h")
    return seconds


Seconds = Annotated[float, BeforeValidator(_duration)]


def _quantile(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1:
        raise ValueError("must lie between 0 and 1, such as 0.9")
    return value


def _preset(value: Any) -> Any:
    from signals.connectors.presets import PRESETS
    from signals.strictyaml import suggest

    if not isinstance(value, str) or value not in PRESETS:
        raise ValueError(f"is no preset. {suggest(str(value), PRESETS)}")
    return value


DIRECTIVE = re.compile(r"%(.?)")


def _time(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("must be text")  # noqa: TRY004  (pydantic reports ValueError only)
    used = DIRECTIVE.findall(value)
    unknown = [one for one in used if not one or one not in "YymdHIMSfpaAbBjZ"]
    day = {"Y", "y"} & set(used) and ("j" in used or ("d" in used and bool({"m", "b", "B"} & set(used))))
    if unknown or not day:
        raise ValueError(
            'must be like "%d/%m/%Y %H:%M:%S": day, month and year, of %Y %y %m %b %d %H %I %M %S %f %p %a %Z'
        )
    return value


Time = Annotated[str, BeforeValidator(_time)]


class TableEntry(Entry):
    """Files or a query, one record shape."""

    preset: Annotated[str, BeforeValidator(_preset)] | None = None
    shape: Text
    path: Text | None = None
    url: Text | None = None
    query: str | None = None
    times: Time | Annotated[list[Time], Field(min_length=1)] | None = None
    keep: dict[str, Scalar | list[Scalar]] | None = None
    once: list[Text] | None = None
    shown: dict[str, Scalar | list[Scalar]] | None = None
    exposure: dict[str, Scalar | list[Scalar]] | None = None
    grain: Literal["unit"] | None = None
    empty: Literal["unknown"] | None = None
    scale: Scale | None = None
    sheet: Text | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    metric: Text | None = None
    window: Seconds | None = None
    quantile: Annotated[float, BeforeValidator(_quantile)] | None = None
    scorer: Text | None = None
    scorer_version: Text | None = None
    wide: dict[str, Annotated[list[Text], Field(min_length=1)] | dict[str, Text]] | None = None

    @model_validator(mode="before")
    @classmethod
    def _with_preset(cls, entry: Any) -> Any:
        from signals.connectors.presets import with_preset

        return with_preset(entry)


class EvalEntry(Entry):
    """Files of a tool that runs evaluations."""

    path: Text
    metric: Text | None = None
    scorer_version: Text | None = None


class RunEntry(EvalEntry):
    """Files of a tool whose exports need not say which variant they are of."""

    variant: Text | None = None


class OtelEntry(Entry):
    """OTLP/JSON files."""

    path: Text
    shape: Literal["item_score", "rating", "feedback"] = "item_score"
    metric: Text | Annotated[list[Text], Field(min_length=1)] | None = None
    variant: Text | None = None
    scorer_version: Text | None = None
    scale: Scale | None = None
    impressions: bool | None = None
    shown: dict[str, Scalar | list[Scalar]] | None = None


class ServerEntry(Entry):
    """A server that is asked page by page, or its saved answers."""

    url: Text | None = None
    path: Text | None = None
    per_minute: Annotated[int, Field(ge=1, le=6000)] | None = None
    reread: Seconds | None = None


def _projects(value: Any) -> Any:
    listed = value if isinstance(value, list) else [value]
    texts = [str(one) for one in listed if isinstance(one, (int, str)) and not isinstance(one, bool)]
    if not listed or len(texts) < len(listed) or not all(text.isdecimal() or "${" in text for text in texts):
        raise ValueError("is the number in the address of a project (/projects/12/data), or a list of them")
    return texts


class LabelStudioEntry(ServerEntry):
    """Projects of Label Studio, or their JSON exports."""

    shape: Literal["rating", "preference"] = "rating"
    project: Annotated[list[str], BeforeValidator(_projects)] | None = None
    token: Text | None = None
    dimension: Text | None = None
    empty: Literal["tie", "skip"] | None = None
    scale: Scale | None = None


class MlflowEntry(ServerEntry):
    """Traces of MLflow with their assessments."""

    shape: Literal["item_score", "rating", "feedback"] = "item_score"
    experiment: Text | Annotated[list[Text], Field(min_length=1)] | None = None
    filter: Text | None = None
    token: Text | None = None
    user: Text | None = None
    password: Text | None = None
    metric: Text | None = None
    variant: Text | None = None
    scorer_version: Text | None = None
    scale: Scale | None = None
    impressions: bool | None = None


class PhoenixEntry(ServerEntry):
    """Experiments and spans of Arize Phoenix."""

    shape: Literal["item_score", "rating", "feedback"] = "item_score"
    dataset: Text | None = None
    experiments: Annotated[list[Text], Field(min_length=1)] | None = None
    project: Text | None = None
    spans: bool | None = None
    token: Text | None = None
    metric: Text | None = None
    kinds: dict[Text, Literal["LLM", "CODE", "HUMAN"]] | None = None
    variant: Text | None = None
    scorer_version: Text | None = None
    scale: Scale | None = None
    impressions: bool | None = None


def _experiment(value: Any) -> Any:
    if isinstance(value, str) and "," in value:
        raise ValueError("holds a comma, which Langfuse takes for the end of a name")
    return value


class LangfuseEntry(ServerEntry):
    """Scores of Langfuse."""

    shape: Literal["item_score", "rating", "feedback"] = "item_score"
    public_key: Text | None = None
    secret_key: Text | None = None
    experiments: Annotated[list[Annotated[Text, BeforeValidator(_experiment)]], Field(min_length=1)] | None = None
    environment: Text | None = None
    traces: bool | None = None
    since: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    metric: Text | None = None
    variant: Text | None = None
    scorer_version: Text | None = None
    scale: Scale | None = None
    impressions: bool | None = None


class LangsmithEntry(Entry):
    """Runs of LangSmith with their feedback."""

    url: Text
    api_key: Text
    workspace: Text | None = None
    per_minute: Annotated[int, Field(ge=1, le=6000)] | None = None
    reread: Seconds | None = None
    shape: Literal["item_score", "rating", "feedback"] = "item_score"
    experiments: Annotated[list[Text], Field(min_length=1)] | None = None
    projects: Annotated[list[Text], Field(min_length=1)] | None = None
    since: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    comparison: Text | None = None
    metric: Text | None = None
    variant: Text | None = None
    scorer_version: Text | None = None
    scale: Scale | None = None
    impressions: bool | None = None


Where = dict[str, Scalar | list[Scalar]]


class _Part(BaseModel):
    """A table (or a SELECT) of a warehouse, or columns of its exposures."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)

    table: Text | None = None
    query: str | None = None
    at: Text | None = None
    where: Where | None = None


class ExposuresPart(_Part):
    """Who saw which variant, and when."""

    unit: Text
    variant: Text


class OutcomePart(_Part):
    """What came of it."""

    unit: Text | None = None
    value: Text | None = None
    window: Seconds | None = None
    per_unit: Literal["sum", "any", "count"] | None = None
    until: Text | None = None


class DenominatorPart(_Part):
    """What the outcome is divided by."""

    unit: Text | None = None
    value: Text | None = None
    window: Seconds | None = None
    per_unit: Literal["sum", "any", "count"] | None = None


class CovariatePart(_Part):
    """What was known of a unit before."""

    unit: Text | None = None
    value: Text | None = None
    before: Seconds | None = None
    per_unit: Literal["sum", "any", "count"] | None = None


class MomentsPart(BaseModel):
    """A SELECT that gives moments itself."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)

    query: str


class WarehouseEntry(Entry):
    """Exposures and outcomes where they are: a warehouse, or files."""

    url: Text | None = None
    exposures: ExposuresPart | None = None
    outcome: OutcomePart | None = None
    covariate: CovariatePart | None = None
    denominator: DenominatorPart | None = None
    moments: MomentsPart | None = None
    reread: Seconds | None = None
    grain: Literal["unit"] | None = None
    metric: Text | None = None


def _off(value: Any) -> Any:
    if value is not False:
        raise ValueError("can only be false: it states that CUPED is off. Leave it out otherwise")
    return value


Off = Annotated[bool, BeforeValidator(_off)]


class GrowthBookEntry(Entry):
    """Results of one experiment of GrowthBook."""

    url: Text | None = None
    path: Text | None = None
    per_minute: Annotated[int, Field(ge=1, le=6000)] | None = None
    token: Text | None = None
    experiment: Text | None = None
    phase: Annotated[int, Field(ge=0, le=10_000)] | None = None
    dimension: Text | None = None
    metric: Text | None = None
    cuped: Off | None = None


class StatsigEntry(Entry):
    """Results of one experiment of Statsig."""

    url: Text | None = None
    path: Text | None = None
    per_minute: Annotated[int, Field(ge=1, le=6000)] | None = None
    token: Text | None = None
    experiment: Text | None = None
    control: Text | None = None
    test: Text | Annotated[list[Text], Field(min_length=1)] | None = None
    metric: Text | None = None
    cuped: Off | None = None
