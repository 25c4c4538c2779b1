"""What an edit changes in how evidence is read, and in the policy's tests: told beside the calls that change.

The calls are compared over states and facts. A margin or a threshold decides which state a signal is in, which is a
change before any rule is asked, so it is told here, with its direction: what lets harm pass more easily weakens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from signals.checks import BY_NAME
from signals.model import SEVERITY, Margin, Signal
from signals.policy.rules import Policy, PolicyTest, Rules
from signals.words import duration, moment

Direction = Literal["weakens", "strengthens", "changes"]


@dataclass(frozen=True)
class Definition:
    """One change of what the readings, the tests or the policy's papers are.

    ``decides`` is False for what no verdict depends on: owners, dates, questions, reasons and tests.
    """

    direction: Direction
    words: str
    decides: bool = True

    def __str__(self) -> str:
        """``weakens: conversion: margin from 0.5pp to 1pp, so that a larger loss counts as none``."""
        return f"{self.direction}: {self.words}"


_RANK: dict[Direction, int] = {"weakens": 0, "changes": 1, "strengthens": 2}


def definitions(old: Policy, new: Policy) -> tuple[Definition, ...]:
    """Every change outside the rules, what weakens first.

    Args:
        old: Before the edit.
        new: After it.
    """
    found = [*_signals(old, new), *_tests(old.tests, new.tests), *_papers(old, new)]
    return tuple(sorted(found, key=lambda one: (_RANK[one.direction], not one.decides)))


# --- signals --------------------------------------------------------------------------------------------------------


def _signals(old: Policy, new: Policy) -> Iterator[Definition]:
    for name in old.signals:
        if name not in new.signals:
            asked = name in _heard(old)
            yield Definition("weakens" if asked else "changes", f"{name} is no longer listened to", decides=asked)
    for name, after in new.signals.items():
        before = old.signals.get(name)
        if before is None:
            asked = name in _heard(new)
            yield Definition("strengthens" if asked else "changes", f"{name} is listened to", decides=asked)
        elif before != after:
            yield from (Definition(*parts) for parts in _signal(name, before, after))
            if before.question != after.question:
                yield Definition("changes", f"{name}: its question is “{after.question}”", decides=False)
            if before.owner != after.owner:
                yield Definition("changes", f"{name}: owned by {after.owner or 'nobody'}", decides=False)


def _heard(policy: Policy) -> set[str]:
    """Signals that any rule looks at."""
    found: set[str] = set()
    for rules in (policy.rules, *policy.kinds.values()):
        for row in rules.hierarchy:
            found |= {row.signal, *(row.when.signals(policy.signals) if row.when else ())}
        conditions = [rule.when for rule in rules.overrides] + [rule.when for rule in rules.guardrails]
        for condition in (*conditions, *(rule.that for rule in rules.ship_requires)):
            found.update(condition.signals(policy.signals))
    return found


def _signal(name: str, old: Signal, new: Signal) -> Iterator[tuple[Direction, str]]:
    if old.kind != new.kind:
        yield "changes", f"{name}: now of kind {new.kind}, was {old.kind}: other evidence answers"
    if old.better != new.better:
        # Both ways round: what was harm yesterday is a benefit today.
        yield (
            "weakens",
            f"{name}: {new.better} is better, was {old.better}: every win becomes a loss and every loss a win",
        )
    yield from _margin(name, old.margin, new.margin)
    if old.confidence != new.confidence:
        lower = new.confidence < old.confidence
        why = "so that chance passes for an effect more often" if lower else "so that chance passes less often"
        yield (
            "weakens" if lower else "strengthens",
            f"{name}: confidence from {100 * old.confidence:g} % to {100 * new.confidence:g} %, {why}",
        )
    yield from _looks(name, old, new)
    if old.raters != new.raters:
        weaker = new.raters == "fixed"
        who = "no longer for raters who were not asked" if weaker else "for raters who were not asked as well"
        yield "weakens" if weaker else "strengthens", f"{name}: the interval speaks {who} (raters: {new.raters})"
    yield from _against(name, old.against, new.against)
    for label, before, after in _plain(old, new):
        yield "changes", f"{name}: {label} from {before} to {after}: another number votes"
    if old.planned_units != new.planned_units:
        before, after = old.planned_units or "none", new.planned_units or "none"
        yield "changes", f"{name}: planned_units from {before} to {after}: the interval is narrowest elsewhere"
    for gone in (one for one in old.segments if one not in new.segments):
        yield "weakens", f"{name}: no longer read by {gone}"
    for added in (one for one in new.segments if one not in old.segments):
        yield "strengthens", f"{name}: also read by {added}"
    if set(old.segments) == set(new.segments) and old.segments != new.segments:
        yield "changes", f"{name}: segments in another order"
    yield from _trust(name, old.trust, new.trust)


def _margin(name: str, old: Margin | None, new: Margin | None) -> Iterator[tuple[Direction, str]]:
    if old is None and new is not None:
        yield "changes", f"{name}: a margin of {new.text} where there was none, so that it can be flat and non-inferior"
    elif old is not None and new is None:
        yield "changes", f"{name}: no margin any more (was {old.text}), so that it is never flat nor non-inferior"
    elif old is not None and new is not None and (old.value, old.relative) != (new.value, new.relative):
        span = f"{name}: margin from {old.text} to {new.text}"
        if old.relative != new.relative:
            yield "changes", f"{span}: of another sort, which cannot be compared without the control level"
        elif new.value > old.value:
            yield "weakens", f"{span}, so that a larger loss counts as none"
        else:
            yield "strengthens", f"{span}, so that a smaller loss counts"


def _against(name: str, old: str, new: str) -> Iterator[tuple[Direction, str]]:
    if old != new:
        yield "changes", f"{name}: its past is held against {new or 'nothing'}, was held against {old or 'nothing'}"


def _looks(name: str, old: Signal, new: Signal) -> Iterator[tuple[Direction, str]]:
    if old.looks == new.looks:
        return
    span = f"{name}: looks from {_told_looks(old)} to {_told_looks(new)}"
    if new.looks == "fixed":
        yield "weakens", f"{span}, so that every look before the end is one chance more for noise"
    elif old.looks == "fixed":
        yield "strengthens", f"{span}, so that the interval stays honest while it is looked at"
    else:
        yield "changes", f"{span}: another interval"


def _told_looks(signal: Signal) -> str:
    return signal.looks if isinstance(signal.looks, str) else ", ".join(day.isoformat() for day in signal.looks)


def _plain(old: Signal, new: Signal) -> Iterator[tuple[str, Any, Any]]:
    """Fields that choose the number that votes."""
    if old.metric != new.metric:
        yield "metric", _metric(old), _metric(new)
    read: Mapping[str, Callable[[Signal], Any]] = {
        "estimate": lambda one: one.estimate, "scorer": lambda one: one.scorer, "dimension": lambda one: one.dimension,
        "human_scale": lambda one: one.human_scale and "{:g} to {:g}".format(*one.human_scale),
    }  # fmt: skip
    for label, value in read.items():
        if value(old) != value(new):
            yield label, value(old) or "none", value(new) or "none"


def _metric(signal: Signal) -> str:
    metric = signal.metric
    if metric is None:
        return "none"
    return f"{metric.name} ({metric.type}{'' if metric.quantile is None else f' {metric.quantile:g}'})"


def _trust(name: str, old: Mapping[str, float], new: Mapping[str, float]) -> Iterator[tuple[Direction, str]]:
    for check, before in old.items():
        spec = BY_NAME[check]
        after = new.get(check)
        if after is None:
            yield "weakens", f"{name}: no longer asks for {check} {spec.passes} {_threshold(check, before)}"
        elif after != before:
            relaxed = (after < before) == (spec.passes == ">=")
            span = f"{name}: {check} from {_threshold(check, before)} to {_threshold(check, after)}"
            yield (
                ("weakens", f"{span}: worse evidence is believed") if relaxed
                else ("strengthens", f"{span}: only better evidence is believed")
            )  # fmt: skip
    for check in (one for one in new if one not in old):
        yield "strengthens", f"{name}: asks for {check} {BY_NAME[check].passes} {_threshold(check, new[check])}"


def _threshold(check: str, value: float) -> str:
    """As a person would write it, with every digit: two thresholds that differ never look alike."""
    unit = BY_NAME[check].unit
    if unit == "yes":
        return "yes" if value else "no"
    if unit == "seconds":
        told = duration(value)
        return told if value % 3600 == 0 else f"{value:g} s"
    return f"{100 * value:.10g} %" if unit == "share" else f"{value:.10g}"


# --- tests ----------------------------------------------------------------------------------------------------------


def _tests(old: Sequence[PolicyTest], new: Sequence[PolicyTest]) -> Iterator[Definition]:
    before, after = {test.name: test for test in old}, {test.name: test for test in new}
    gone = [test for name, test in before.items() if name not in after]
    fresh = [test for name, test in after.items() if name not in before]
    for test in gone:
        renamed = next((one for one in fresh if _content(one) == _content(test)), None)
        if renamed is None:
            yield Definition("weakens", f"test “{test.name}” is removed", decides=False)
        else:
            fresh.remove(renamed)
            yield Definition("changes", f"test “{test.name}” is now called “{renamed.name}”", decides=False)
    for test in fresh:
        yield Definition("strengthens", f"test “{test.name}” is added", decides=False)
    for name, test in before.items():
        other = after.get(name)
        if other is not None and _content(test) != _content(other):
            yield Definition(*_changed(test, other), decides=False)


def _changed(old: PolicyTest, new: PolicyTest) -> tuple[Direction, str]:
    if _given(old) != _given(new):
        return "changes", f"test “{new.name}” is about another situation"
    span = f"test “{new.name}” expects"
    if old.call != new.call:
        softer = SEVERITY[new.call] < SEVERITY[old.call]
        return "weakens" if softer else "strengthens", f"{span} {new.call} instead of {old.call}"
    asked = [tuple(value is not None for value in (one.by, one.reason, one.overruled)) for one in (old, new)]
    if all(is_now <= was for was, is_now in zip(*asked, strict=True)) and asked[0] != asked[1]:
        return "weakens", f"{span} less: only part of what it did"
    if all(was <= is_now for was, is_now in zip(*asked, strict=True)) and asked[0] != asked[1]:
        return "strengthens", f"{span} more than it did"
    return "changes", f"{span} another rule or reason"


def _given(test: PolicyTest) -> tuple[Any, ...]:
    return test.kind, dict(test.states), dict(test.facts), test.absent


def _content(test: PolicyTest) -> tuple[Any, ...]:
    overruled = None if test.overruled is None else frozenset(test.overruled)
    return *_given(test), test.call, test.by, test.reason, overruled


# --- papers ---------------------------------------------------------------------------------------------------------


def _papers(old: Policy, new: Policy) -> Iterator[Definition]:
    told = {
        "called": (old.name, new.name), "owned by": (old.owner or "nobody", new.owner or "nobody"),
        "to be looked at again": (
            moment(old.review_by) if old.review_by else "never", moment(new.review_by) if new.review_by else "never",
        ),
    }  # fmt: skip
    for label, (before, after) in told.items():
        if before != after:
            yield Definition("changes", f"the policy is {label} {after}, was {before}", decides=False)
    yield from _costs(old, new)
    reasons = [dict(_reasons(policy)) for policy in (old, new)]
    for rule, because in reasons[1].items():
        if rule in reasons[0] and reasons[0][rule] != because:
            yield Definition("changes", f"{rule} is because: “{because}”", decides=False)


def _costs(old: Policy, new: Policy) -> Iterator[Definition]:
    """Prices order what is proposed to be collected, and no call depends on them."""
    before, after = ([dict(_prices(policy))] if policy.costs else [] for policy in (old, new))
    if not before and not after:
        return
    if not before or not after:
        told = "declared" if after else "no longer declared"
        yield Definition("changes", f"what more evidence costs is {told}", decides=False)
        return
    for thing in dict.fromkeys((*before[0], *after[0])):
        was, now = before[0].get(thing, "no price"), after[0].get(thing, "no price")
        if was != now:
            yield Definition("changes", f"the price of {thing} is {now}, was {was}", decides=False)


def _prices(policy: Policy) -> Iterator[tuple[str, str]]:
    """``("panel.item", "12 EUR")``."""
    for name, prices in policy.costs.prices.items() if policy.costs else ():
        for thing, price in prices.items():
            yield f"{name}.{thing}", f"{price:.10g} {policy.costs.currency if policy.costs else ''}"


def _reasons(policy: Policy) -> Iterator[tuple[str, str]]:
    for kind, rules in {"": policy.rules, **policy.kinds}.items():
        for rule in _named(rules):
            yield f"{rule.id} ({kind})" if kind else rule.id, rule.because


def _named(rules: Rules) -> Iterator[Any]:
    yield from rules.overrides
    yield from rules.guardrails
    yield from rules.ship_requires
