"""The words that the policy editor completes and explains, from where they are defined.

Keys and their meanings come from the schema of the file, facts from the registry of facts, checks from their catalogue;
signals are those of the draft. Plain data, ready to be sent to the browser.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from signals.checks import CheckSpec, checks_of
from signals.model import CALLS, RELEASE_KINDS, STATES, Call, SignalKind, SignalsError, State

if TYPE_CHECKING:
    from signals.policy.facts import FactSpec

Entry = list[Any]
"""``[name, type, meaning]`` or ``[name, type, meaning, choices]``."""

CONDITIONS = ("when", "that")

STATE_MEANINGS: Mapping[State, str] = {
    "win": "The whole interval of the benefit is above 0",
    "loss": "The whole interval of the benefit is below 0",
    "flat": "The interval holds 0 and lies inside the margin on both sides",
    "unclear": "The evidence settles none of win, loss and flat",
    "untrusted": "A check that the policy asks for fails, or cannot be computed",
    "missing": "There is no evidence",
}
CALL_MEANINGS: Mapping[Call, str] = {
    "ship": "The candidate goes out",
    "hold": "Nothing goes out yet; the verdict names the way out",
    "rollback": "The candidate comes back",
}
GRAMMAR: Mapping[str, str] = {
    "and": "Both sides hold; unknown when one is unknown and the other does not fail",
    "or": "At least one side holds; unknown when one is unknown and the other does not hold",
    "not": "The opposite; unknown stays unknown",
    "is": "Asks for the state of a signal: `panel is loss`, `panel is not missing`",
    "has": "has(fact): whether the value exists",
    "any": "any(signal.segments, ...): at least one segment; unknown without segments",
    "all": "all(signal.segments, ...): every segment; unknown without segments",
    "next": "Lets the next row speak",
}


def signals_of(text: str) -> dict[str, SignalKind] | None:
    """Name and kind of the signals that a draft declares, as far as they can be read.

    Returns:
        In the order of the file; None when the text is too long, or no YAML at the moment, as happens while
        somebody types.
    """
    from signals.policy.load import MAX_TEXT
    from signals.policy.schema import READABLE
    from signals.strictyaml import parse

    if len(text) > MAX_TEXT:
        return None
    try:
        data = parse(text, "draft").data
    except SignalsError:
        return None
    declared = data.get("signals") if isinstance(data, dict) else None
    if not isinstance(declared, dict):
        return None
    return {
        name: spec["kind"]
        for name, spec in declared.items()
        if isinstance(spec, dict) and spec.get("kind") in READABLE  # a list or a number is in no tuple of texts
    }


def words(signals: Mapping[str, SignalKind]) -> dict[str, Any]:
    """Everything that the editor may offer or explain.

    Args:
        signals: Kind by name.

    Returns:
        ``places`` maps a place to its keys: ``""`` is the top, ``hierarchy`` a row, ``signals.*#judge`` a signal of
        that kind, ``signals.*.trust#judge`` its checks. ``facts`` maps a kind of signal to what may follow the signal's
        name and a dot, ``release`` are facts of the release, ``elements`` those inside any() and all(); ``states``,
        ``calls`` and ``grammar`` are pairs of word and meaning.
    """
    from signals.policy.facts import ELEMENT, RELEASE, facts_of

    return {
        "places": _places() | dict(_priced(signals)),
        "signals": dict(signals),
        "release": [_fact(spec) for spec in RELEASE],
        "facts": {kind: [_fact(spec) for spec in facts_of(kind)] for kind in dict.fromkeys(signals.values())},
        "elements": [_fact(spec) for spec in ELEMENT],
        "states": [[state, STATE_MEANINGS[state]] for state in STATES],
        "calls": [[call, CALL_MEANINGS[call]] for call in CALLS],
        "grammar": [[word, meaning] for word, meaning in GRAMMAR.items()],
    }


@lru_cache(maxsize=1)
def _places() -> dict[str, list[Entry]]:
    from signals.policy.schema import READABLE, json_schema

    schema = json_schema()
    shapes = schema["$defs"]
    found = dict(_walk("", "", schema, shapes))
    for kind in READABLE:
        found[f"signals.*.trust#{kind}"] = [_check(spec) for spec in checks_of(kind)]
    # Of a signal whose kind is not written yet: what every kind has.
    shared = [found[f"signals.*#{kind}"] for kind in READABLE]
    found["signals.*"] = [entry for entry in shared[0] if all(entry in others for others in shared)]
    found["kinds"] = [[kind, "rules", f"Rules for releases of kind {kind} alone"] for kind in RELEASE_KINDS]
    return found


def _priced(signals: Mapping[str, SignalKind]) -> Iterator[tuple[str, list[Entry]]]:
    """What may stand below ``costs``: the signals by name, and below each the prices that its kind has."""
    from signals.policy.costs import PRICES

    named: list[Entry] = [[name, "prices", f"What more {kind} evidence costs"] for name, kind in signals.items()]
    yield "costs", [*_places()["costs"], *named]
    for name, kind in signals.items():
        prices = PRICES.get(kind, {})
        yield f"costs.{name}", [[thing, "number", f"Price of this: {told}"] for thing, told in prices.items()]


def _walk(
    place: str, kind: str, shape: Mapping[str, Any], shapes: Mapping[str, Any]
) -> Iterator[tuple[str, list[Entry]]]:
    """The keys of a shape, then those of every shape below it."""
    yield (
        (f"{place}#{kind}" if kind else place),
        [_key(name, part, shapes) for name, part in shape["properties"].items()],
    )
    for name, part in shape["properties"].items():
        here = f"{place}.{name}".removeprefix(".")
        inner = next((one for one in _options(part) if {"$ref", "items", "additionalProperties"} & one.keys()), None)
        below = _shape(inner.get("items", inner), shapes) if inner else None
        each = inner.get("additionalProperties") if inner else None
        if below is not None and name != "trust":
            yield from _walk(here, kind, below, shapes)
        elif isinstance(each, dict) and "discriminator" in each:
            for option, ref in each["discriminator"]["mapping"].items():
                yield from _walk(f"{here}.*", option, shapes[ref.rsplit("/", 1)[1]], shapes)
        elif isinstance(each, dict) and "$ref" in each:
            below = shapes[each["$ref"].rsplit("/", 1)[1]]
            yield f"{here}.*", [_key(key, value, shapes) for key, value in below["properties"].items()]


def _options(part: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The arms of a union, without null."""
    return [one for one in part.get("anyOf", [part]) if one.get("type") != "null"]


def _shape(part: Mapping[str, Any], shapes: Mapping[str, Any]) -> Mapping[str, Any] | None:
    ref = part.get("$ref")
    return shapes[ref.rsplit("/", 1)[1]] if ref else None


def _key(name: str, part: Mapping[str, Any], shapes: Mapping[str, Any]) -> Entry:
    options = _options(part)
    choices = [choice for one in options for choice in one.get("enum", [])]
    choices += [one["const"] for one in options if isinstance(one.get("const"), str)]
    told = _sentence(part.get("description", ""))
    if name == "kind":
        choices = list(_kinds(shapes))
    if name in CONDITIONS:
        return [name, "condition", told]
    return [name, _type(options), told, choices] if choices else [name, _type(options), told]


def _kinds(shapes: Mapping[str, Any]) -> Iterator[str]:
    for shape in shapes.values():
        kind = shape["properties"].get("kind")
        if kind and "const" in kind:
            yield kind["const"]


def _type(options: list[Mapping[str, Any]]) -> str:
    if any("enum" in one or "const" in one for one in options):
        return "choice"
    units = [one["pattern"] for one in options if "pattern" in one and "pp|%" in one["pattern"]]
    first = options[0]
    if units:
        return "amount"
    if first.get("format") == "date":
        return "date"
    if "$ref" in first or first.get("type") == "object":
        return "block"
    plain = str(first.get("type", ""))
    return {"array": "list", "string": "text", "integer": "number"}.get(plain, plain)


def _fact(spec: FactSpec) -> Entry:
    return [spec.name, spec.type, _sentence(spec.doc)]


def _check(spec: CheckSpec) -> Entry:
    least = {">=": "at least", "<=": "at most"}[spec.passes]
    asked = "Write `true` to ask for it" if spec.unit == "yes" else f"Passes when it is {least} this"
    fails = "the signal is untrusted" if spec.sort == "validity" else "win and flat become unclear"
    kind = {"yes": "true", "seconds": "like 3d", "p": "p-value", "share": "share"}.get(spec.unit, spec.unit)
    entry: Entry = [spec.name, kind, f"{_sentence(spec.meaning)}. {asked}; else {fails}."]
    return [*entry, ["true"]] if spec.unit == "yes" else entry


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
