"""Operating characteristics in words: headline, table, and what was taken for granted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from signals.checks import BY_NAME
from signals.model import Call, plain
from signals.policy import Policy
from signals.words import count, number, quantity
from signals.workbench.simulation.design import Design
from signals.workbench.simulation.outcomes import Characteristics, Decider, Point
from signals.workbench.simulation.truth import margin_of

DOES: Mapping[Call, str] = {"ship": "ships", "hold": "holds", "rollback": "rolls back"}


def chance(value: float, draws: int) -> str:
    """``15.7 %``, ``0.21 %``; ``none of 100,000`` and ``all of 100,000`` are said so."""
    if value <= 0.0:
        return f"none of {count(draws)}"
    if value >= 1.0:
        return f"all of {count(draws)}"
    return f"{100 * value:.{_places(value)}f} %"


def _places(value: float) -> int:
    rare = min(value, 1.0 - value)
    return 1 if rare >= 0.01 else 2 if rare >= 0.001 else 3


def with_error(point: Point, call: Call) -> str:
    """``15.7 % (± 0.12)``: the Monte Carlo standard error in percentage points."""
    shown = chance(point.calls[call], point.draws)
    error = point.error(call)
    return shown if not error else f"{shown} (± {100 * error:.2g})"


def effect_text(policy: Policy, designs: Mapping[str, Design], name: str, value: float) -> str:
    """``−0.60 pp, −2.0 % of control``."""
    design = designs[name]
    text = number(value, design.unit, signed=True)
    if not value or not design.control or policy.signals[name].kind in ("judge", "panel"):
        return text
    return f"{text}, {100 * value / design.control:+.1f} % of control".replace("-", "−")


def effects_text(policy: Policy, designs: Mapping[str, Design], point: Point) -> str:
    """Every effect that is not zero: ``conversion −0.60 pp, −2.0 % of control``."""
    some = [
        f"{name} {effect_text(policy, designs, name, value)}" for name, value in point.effects.items() if value != 0.0
    ]
    some += [
        f"{name}[{segment}] {number(value, designs[name].unit, signed=True)}"
        for name, own in point.segments.items()
        for segment, value in own.items()
    ]
    return "; ".join(some) or "no difference"


def headline(result: Characteristics, policy: Policy, designs: Mapping[str, Design]) -> tuple[str, ...]:
    """False-ship and false-rollback rate, power at the margin, and the effects asked for."""
    null = result.null
    lines = []
    if result.asked is not None:
        point = result.asked
        rates = ", ".join(f"{DOES[call]} {with_error(point, call)}" for call in ("rollback", "hold", "ship"))
        lines.append(f"At {effects_text(policy, designs, point)}: {rates}.")
    lines.append(
        f"When nothing differs: ships {with_error(null, 'ship')}, rolls back {with_error(null, 'rollback')}; "
        "both would be mistakes."
    )
    unit = f"one {result.unit}"
    for point, call, side in ((result.better, "ship", "better"), (result.worse, "rollback", "worse")):
        moved = "; ".join(f"{name} {effect_text(policy, designs, name, point.effects[name])}" for name in result.vary)
        lines.append(f"{unit.capitalize()} {side} ({moved}): {DOES[call]} {with_error(point, call)}.")  # type: ignore[index,arg-type]  # two of the calls
    if result.setting.looks > 1:
        lines.append(
            f"Of {result.setting.looks} looks it takes {null.expected_look:.1f} on average when nothing differs, "
            f"{result.better.expected_look:.1f} {unit} better, {result.worse.expected_look:.1f} {unit} worse."
        )
    return tuple(lines)


def table_of(
    result: Characteristics, policy: Policy, designs: Mapping[str, Design]
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Head and rows: the true effect, the chance of each call, and what decides most often."""
    looks = result.setting.looks > 1
    head = [f"{result.unit}s", *(f"true {name}" for name in result.vary), "ship", "hold", "rollback"]
    head += ["looks"] if looks else []
    rows = []
    for point in result.points:
        row = [f"{point.at:+g}".replace("-", "−") if point.at else "0"]
        row += [_effect_cell(policy, designs, name, point.effects[name], len(result.vary)) for name in result.vary]
        row += [_cell(point, call) for call in ("ship", "hold", "rollback")]
        row += [f"{point.expected_look:.1f}"] if looks else []
        rows.append((*row, decider_text(point.deciders[0])))
    return (*head, "most often"), rows


def _effect_cell(policy: Policy, designs: Mapping[str, Design], name: str, value: float, columns: int) -> str:
    """With the share of control where there is room for it."""
    return effect_text(policy, designs, name, value) if columns == 1 else number(value, designs[name].unit, signed=True)


def _cell(point: Point, call: Call) -> str:
    value = point.calls[call]
    if 0.0 < value < 1.0:
        return f"{100 * value:.{_places(value)}f} %"
    return "0 %" if value <= 0.0 else "100 %"


def decider_text(decider: Decider) -> str:
    """``rollback by conversion (hierarchy[0]), 98 %``; ``hold by otherwise (needs-data), 84 %``."""
    share = f"{100 * decider.chance:.0f} %" if decider.chance >= 0.01 else "under 1 %"
    if decider.by is None or decider.by == decider.rule:
        return f"{decider.call} by {decider.rule} ({decider.reason}), {share}"
    return f"{decider.call} by {decider.by} ({decider.rule}), {share}"


def assumptions(result: Characteristics, policy: Policy, designs: Mapping[str, Design]) -> tuple[str, ...]:
    """What holds in every draw, in words: sizes, looks, checks, correlation."""
    setting = result.setting
    lines = [_design(policy, designs[name]) for name in policy.signals if name in designs]
    absent = [name for name in policy.signals if name not in designs]
    if absent:
        lines.append(f"No evidence: {', '.join(absent)}; missing in every draw.")
    lines += [text for name in policy.signals if name in designs and (text := _failing(policy, designs[name]))]
    lines.append(
        "Checks keep the numbers that they have here in every draw, except heterogeneity and reversals of the "
        "segments, which are drawn; counts follow the sample."
    )
    if any(design.segments for design in designs.values()):
        lines.append(
            "Segments share the effect of the whole (an effect in % of control: the same share in each) unless one was "
            "given its own."
        )
    lines.append(_correlated(result))
    if setting.looks > 1:
        lines.append(
            f"{setting.looks} equal looks at a growing sample of users and responses; golden sets and panels are "
            "there from the first. The first ship or rollback ends it. Intervals that are made for one look are used "
            "at every look as they are; whole weeks are counted in the days so far."
        )
    lines.append(f"{count(setting.draws)} draws, seed {setting.seed}, release of kind {setting.kind}.")
    return tuple(lines)


def _design(policy: Policy, design: Design) -> str:
    signal = policy.signals[design.signal]
    if design.refused or design.se is None:
        return f"{design.signal}: no interval in {design.source} ({design.refused}), so it is untrusted in every draw."
    if design.paired:
        size = f"{count(design.n)} items"
        size += f", {design.panel.raters} raters" if design.panel else ""
    else:
        size = f"{count(design.n_control)} and {count(design.n_candidate)} {design.counted}"
    parts = [size]
    if design.control is not None:
        level = number(design.control, design.unit).replace(" pp", " %")
        parts.append(f"control level {level}")
    parts.append(f"standard error {number(design.se, design.unit)}")
    margin = margin_of(signal, design)
    parts.append(f"margin {number(margin, design.unit)}" if margin else "no margin")
    parts.append({"once": "interval for one look", "always": "interval valid at any look",
                  "planned": "interval for planned looks"}[design.rule])  # fmt: skip
    lower = "; lower is better" if signal.sign < 0 else ""
    chosen = f" Assumed: {'; '.join(design.assumed)}." if design.assumed else ""
    return f"{design.signal}: {', '.join(parts)}{lower} ({design.source}).{chosen}"


def _failing(policy: Policy, design: Design) -> str:
    """Checks that the policy asks for and that fail in every draw: nothing that the signal says counts then."""
    broken = []
    for name, threshold in policy.signals[design.signal].trust.items():
        spec, value = BY_NAME[name], design.checks.get(name)
        if value is None:
            if not (design.segments and name in ("max_reversals", "heterogeneity_p")):
                broken.append(f"{name} is not known")
        elif not (value >= threshold if spec.passes == ">=" else value <= threshold):
            asked = f"asks {'≥' if spec.passes == '>=' else '≤'} {quantity(threshold, spec.unit)}"
            broken.append(f"{name} is {quantity(value, spec.unit)} ({asked})")
    return f"{design.signal}: {'; '.join(broken)}, at the last look of every draw." if broken else ""


def _correlated(result: Characteristics) -> str:
    correlation = result.setting.correlation
    pairs = ", ".join(f"{' and '.join(sorted(pair))} {value:g}" for pair, value in correlation.pairs.items())
    if not correlation.common and not pairs:
        return "The errors of different signals are independent of each other."
    named = f", {pairs}" if pairs else ""
    return f"Errors of different signals are correlated by {correlation.common:g}{named}: luck is shared."


def document(result: Characteristics, policy: Policy, designs: Mapping[str, Design]) -> dict[str, Any]:
    """Everything as JSON-ready data."""
    return {
        "policy": {"name": policy.name, "hash": policy.hash},
        "false_ship": result.false_ship,
        "false_rollback": result.false_rollback,
        "power_ship": result.power_ship,
        "power_rollback": result.power_rollback,
        "vary": list(result.vary),
        "unit": result.unit,
        "null": _point(result.null),
        "asked": _point(result.asked) if result.asked else None,
        "points": [_point(point) for point in result.points],
        "draws": result.setting.draws,
        "seed": result.setting.seed,
        "looks": result.setting.looks,
        "kind": result.setting.kind,
        "correlation": {
            "common": result.setting.correlation.common,
            "pairs": {",".join(sorted(pair)): value for pair, value in result.setting.correlation.pairs.items()},
        },
        "designs": {name: plain(design) for name, design in designs.items()},
        "assumed": list(assumptions(result, policy, designs)),
    }


def _point(point: Point) -> dict[str, Any]:
    return {
        "at": point.at,
        "effects": dict(point.effects),
        "segments": plain(point.segments),
        "calls": dict(point.calls),
        "errors": {call: point.error(call) for call in point.calls},
        "deciders": [plain(one) for one in point.deciders],
        "states": plain(point.states),
        "expected_look": point.expected_look,
    }
