"""The facts that conditions may ask about: one registry for type checks, completion and docs, and their extraction.

A fact is a name (``conversion.benefit.low``), a type and a unit. A value that does not exist is absent from the mapping
of facts, and reads as *unknown*. Effects are oriented: positive is always good.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from functools import lru_cache
from typing import Literal

from signals.checks import checks_of
from signals.model import RELEASE_KINDS, STATES, Reading, Release, SegmentReading, Signal, SignalKind

FactType = Literal["state", "flag", "text", "list", "effect", "share", "p", "count", "number", "seconds"]
Family = Literal["", "proportion", "natural", "either"]
Scalar = float | bool | str
Value = Scalar | tuple[Mapping[str, Scalar], ...]
Facts = Mapping[str, Value]


@dataclass(frozen=True)
class FactSpec:
    """What is known of a fact before any release is seen.

    ``family`` is of effects only: ``proportion`` may be compared with ``2pp``, ``natural`` (means, ratios) may not, and
    ``either`` (judge, panel) depends on the evidence. ``choices`` are the values that a text can have.
    """

    name: str
    type: FactType
    doc: str
    family: Family = ""
    signal: str = ""
    choices: tuple[str, ...] = ()


_READING: tuple[FactSpec, ...] = (
    FactSpec("state", "state", f"one of {', '.join(STATES)}; asked with `is`", choices=STATES),
    FactSpec("benefit", "effect", "the effect, turned so that positive is good"),
    FactSpec("benefit.low", "effect", "lower bound of the benefit"),
    FactSpec("benefit.high", "effect", "upper bound of the benefit"),
    FactSpec("margin", "effect", "the smallest benefit or harm worth acting on"),
    FactSpec("n", "count", "units of both arms together; for judge and panel, the items that both arms have"),
    FactSpec("power", "share", "chance to detect an effect as large as the margin"),
    FactSpec("mde", "effect", "smallest effect that would be detected with 80 % power"),
    FactSpec("p_value", "p", "two-sided p-value of no effect"),
    FactSpec("age", "seconds", "time since the newest evidence"),
    FactSpec("non_inferior", "flag", "the evidence is ripe, and the benefit's lower bound is above minus the margin"),
    FactSpec(
        "equivalent", "flag", "the evidence is ripe, and the whole interval is inside the margin, across 0 or not"
    ),
    FactSpec("material", "flag", "the whole interval is at or beyond the margin, on one side"),
)
_SEGMENTS = FactSpec("segments", "list", "the declared segments, for any() and all()")

ELEMENT: tuple[FactSpec, ...] = (
    FactSpec("name", "text", "the segment, for example plan=enterprise"),
    FactSpec("share", "share", "its share of the units"),
    FactSpec("benefit", "effect", "its effect, positive is good"),
    FactSpec("low", "effect", "lower bound of its benefit"),
    FactSpec("high", "effect", "upper bound of its benefit"),
    FactSpec("adjusted.low", "effect", "lower bound that holds for all segments at once"),
    FactSpec("adjusted.high", "effect", "upper bound that holds for all segments at once"),
    FactSpec("shrunk", "effect", "its effect, drawn towards the other segments as far as they agree"),
    FactSpec("shrunk.low", "effect", "lower bound of that"),
    FactSpec("shrunk.high", "effect", "upper bound of that"),
    FactSpec("margin", "effect", "the margin, of this segment's control level when it is relative"),
)
RELEASE: tuple[FactSpec, ...] = (
    FactSpec("release.kind", "text", "the kind of release", choices=RELEASE_KINDS),
    FactSpec("release.age", "seconds", "time since the release started (midnight UTC of that day)"),
)

UNTRUSTED_HIDES = frozenset(
    {"benefit", "benefit.low", "benefit.high", "p_value", "non_inferior", "equivalent", "material", "segments"}
)
"""Facts that an untrusted reading does not have: numbers that may not be believed must not open a gate."""


def facts_of(kind: SignalKind) -> tuple[FactSpec, ...]:
    """Every fact of a reading of this kind, without the signal's name in front."""
    checks = tuple(
        FactSpec(spec.name, "flag" if spec.unit == "yes" else spec.unit, spec.meaning) for spec in checks_of(kind)
    )
    return (*_READING, *checks, _SEGMENTS)


def family(signal: Signal) -> Family:
    """Whether the signal's effects are fractions."""
    if signal.kind == "experiment":
        return "proportion" if signal.metric is not None and signal.metric.type == "proportion" else "natural"
    if signal.kind == "feedback" or (signal.margin is not None and signal.margin.text.endswith("pp")):
        return "proportion"
    return "either"


def registry(signals: Mapping[str, Signal]) -> dict[str, FactSpec]:
    """Full fact name -> spec, of every declared signal and of the release."""
    found = {spec.name: spec for spec in RELEASE}
    for signal in signals.values():
        found |= _named(signal.name, signal.kind, family(signal))
    return found


@lru_cache(maxsize=1024)  # every condition of a policy asks for it again
def _named(name: str, kind: SignalKind, sort: Family) -> dict[str, FactSpec]:
    return {
        f"{name}.{spec.name}": replace(
            spec, name=f"{name}.{spec.name}", signal=name, family=sort if spec.type == "effect" else ""
        )
        for spec in facts_of(kind)
    }


def element_registry(signal: Signal) -> dict[str, FactSpec]:
    """Names inside ``any(SIGNAL.segments, ...)``."""
    return {spec.name: _owned(spec, signal, spec.name) for spec in ELEMENT}


def _owned(spec: FactSpec, signal: Signal, name: str) -> FactSpec:
    return replace(spec, name=name, signal=signal.name, family=family(signal) if spec.type == "effect" else "")


def extract(
    signals: Mapping[str, Signal], readings: Mapping[str, Reading], release: Release, as_of: datetime
) -> dict[str, Value]:
    """The facts of one release. A declared signal without a reading is ``missing``."""
    started = datetime.combine(release.started, time(), UTC)
    facts: dict[str, Value] = {"release.kind": release.kind, "release.age": (as_of - started).total_seconds()}
    for name, signal in signals.items():
        reading = readings.get(name)
        facts[f"{name}.state"] = reading.state if reading else "missing"
        if reading is None or reading.state == "missing":
            continue
        for key, value in _of_reading(signal, reading).items():
            hidden = reading.state == "untrusted" and key in UNTRUSTED_HIDES
            if _exists(value) and not hidden:
                facts[f"{name}.{key}"] = value  # type: ignore[assignment]  # None was sorted out by _exists
    return facts


def units(reading: Reading) -> int:
    """The n of a reading: units of both arms; of paired kinds the items that both arms have."""
    paired = reading.kind in ("judge", "panel")
    return min(reading.n_control, reading.n_candidate) if paired else reading.n_control + reading.n_candidate


def _of_reading(signal: Signal, reading: Reading) -> dict[str, Value | None]:
    values: dict[str, Value | None] = {
        "benefit": reading.benefit.value,
        "benefit.low": reading.benefit.low,
        "benefit.high": reading.benefit.high,
        "margin": reading.margin,
        "n": units(reading),
        "power": reading.power,
        "mde": reading.mde,
        "p_value": reading.p_value,
        "age": reading.age,
        "non_inferior": reading.non_inferior if _ripe(reading) else False,
        "equivalent": reading.equivalent if _ripe(reading) else False,
        "material": reading.material,
    }
    for spec in checks_of(signal.kind):
        check = reading.checks.get(spec.name)
        value = check.value if check else None
        values[spec.name] = bool(value) if spec.unit == "yes" and value is not None else value
    values["segments"] = tuple(_of_segment(segment) for segment in reading.segments) or None
    return values


def _ripe(reading: Reading) -> bool:
    """Whether no maturity check that the policy asks for stands open: early evidence proves no harmlessness."""
    return all(c.status == "pass" for c in reading.checks.values() if c.required and c.sort == "maturity")


def _of_segment(segment: SegmentReading) -> dict[str, Scalar]:
    values: dict[str, Scalar | None] = {
        "name": segment.name,
        "share": segment.share,
        "benefit": segment.benefit.value,
        "low": segment.benefit.low,
        "high": segment.benefit.high,
        "adjusted.low": segment.adjusted.low,
        "adjusted.high": segment.adjusted.high,
        "shrunk": segment.shrunk.value if segment.shrunk else None,
        "shrunk.low": segment.shrunk.low if segment.shrunk else None,
        "shrunk.high": segment.shrunk.high if segment.shrunk else None,
        "margin": segment.margin,
    }
    return {key: value for key, value in values.items() if value is not None and _exists(value)}


def _exists(value: Value | None) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value))
