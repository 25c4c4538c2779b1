"""The ``tests:`` of a policy, read and checked at load."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from signals.model import RELEASE_KINDS, STATES, Problem, ReleaseKind, Signal, State
from signals.policy.facts import FactSpec, Scalar, Value, element_registry, registry
from signals.policy.quantities import quantity
from signals.policy.rules import PolicyTest, Rules
from signals.strictyaml import Document, Loc, suggest

if TYPE_CHECKING:
    from signals.policy.schema import TestShape


def read_tests(
    document: Document,
    shapes: list[TestShape],
    signals: Mapping[str, Signal],
    rules: Rules,
    kinds: Mapping[str, Rules],
    problems: list[Problem],
) -> tuple[PolicyTest, ...]:
    """All tests; what is wrong with them goes to ``problems``."""
    specs = registry(signals)
    found: list[PolicyTest] = []
    for number, shape in enumerate(shapes):
        loc: Loc = ("tests", number)
        if any(shape.name == other.name for other in found):
            problems.append(document.problem((*loc, "name"), f"two tests are called {shape.name!r:.80}", "Rename one"))
        states: dict[str, State] = {}
        facts: dict[str, Value] = {}
        absent: set[str] = set()
        for key, raw in shape.given.items():
            try:
                if key in signals:
                    states[key] = _state(raw)
                elif raw is None:
                    absent.add(_known(key, specs, signals).name)
                else:
                    facts[key] = _value(_known(key, specs, signals), raw, signals)
            except ValueError as error:
                what, _, remedy = str(error).partition("|")
                problems.append(document.problem((*loc, "given", key), f"{key}: {what}", remedy))
        kind = cast("ReleaseKind", facts.get("release.kind", RELEASE_KINDS[0]))
        _expected(document, (*loc, "expect"), shape, signals, kinds.get(kind, rules), problems)
        expect = shape.expect
        overruled = None if expect.overruled is None else tuple(expect.overruled)
        line, _ = document.place((*loc, "name"))
        found.append(
            PolicyTest(
                name=shape.name,
                kind=kind,
                states=states,
                facts=facts,
                absent=frozenset(absent),
                call=expect.call,
                by=expect.by,
                reason=expect.reason,
                overruled=overruled,
                line=line,
            )
        )
    return tuple(found)


def _state(raw: Any) -> State:
    if raw not in STATES:
        raise ValueError(f"{raw!r:.40} is not a state|{suggest(str(raw), STATES)}")
    return cast("State", raw)


def _known(key: str, specs: Mapping[str, FactSpec], signals: Mapping[str, Signal]) -> FactSpec:
    spec = specs.get(key)
    if spec is None:
        raise ValueError(f"neither a signal nor a fact|{suggest(key, [*signals, *specs])}")
    if spec.type == "state":
        raise ValueError(f"give the state as `{spec.signal}: win`")
    return spec


def _value(spec: FactSpec, raw: Any, signals: Mapping[str, Signal]) -> Value:
    if spec.type == "list":
        return _items(spec, raw, signals)
    return _scalar(spec, raw)


def _items(spec: FactSpec, raw: Any, signals: Mapping[str, Signal]) -> Value:
    if not isinstance(raw, list):
        raise ValueError("is a list of segments|Write [{name: plan=pro, share: 10%}]")  # noqa: TRY004  # for people
    inner = element_registry(signals[spec.signal])
    items: list[Mapping[str, Scalar]] = []
    for item in raw:
        for key in item:
            if key not in inner:
                raise ValueError(f"unknown key {key!r:.40} of a segment|{suggest(key, inner)}")
        items.append({key: _scalar(inner[key], value) for key, value in item.items() if value is not None})
    return tuple(items)


def _scalar(spec: FactSpec, raw: Any) -> Scalar:
    if spec.type == "flag":
        if not isinstance(raw, bool):
            raise ValueError(f"{raw!r:.40} is not true or false")
        return raw
    if spec.type == "text":
        if not isinstance(raw, str):
            raise ValueError(f"{raw!r:.40} is not a text")
        if spec.choices and raw not in spec.choices:
            raise ValueError(f"is never {raw!r:.40}|{suggest(raw, spec.choices)}")
        return raw
    if spec.type == "effect" and isinstance(raw, str) and raw.strip().endswith("pp") and spec.family == "natural":
        raise ValueError("is in the metric's own unit|Drop `pp`")
    return quantity(raw, "number" if spec.type in ("state", "list") else spec.type)


def _expected(
    document: Document, loc: Loc, shape: TestShape, signals: Mapping[str, Signal], rules: Rules, problems: list[Problem]
) -> None:
    expect = shape.expect
    ids = [guardrail.id for guardrail in rules.guardrails] + [need.id for need in rules.ship_requires]
    deciders = [*signals, *ids, "otherwise"]
    if expect.by is not None and expect.by not in deciders:
        what = f"{expect.by!r:.60} is neither a signal, a guardrail, a requirement nor `otherwise`"
        problems.append(document.problem((*loc, "by"), what, suggest(expect.by, deciders)))
    for number, name in enumerate(expect.overruled or ()):
        if name not in signals:
            what = f"unknown signal {name!r:.60}"
            problems.append(document.problem((*loc, "overruled", number), what, suggest(name, signals)))
