"""The ways out of a HOLD: what evidence, how much of it, why, by when at the current rate, and who owns it.

Sample sizes: an interval of half-width ``h`` around a standard error ``se`` shows non-inferiority at the margin with
80 % power, when nothing changed, once ``h + 0.8416 se`` has come down to the margin; both shrink with the square root
of n, so ``n_needed = n ((h + 0.8416 se) / margin)^2`` (Miller 2024, arXiv:2411.00640, in terms of the observed se). An
always-valid interval shrinks a little slower than that near the planned size: the figures are a plan, not a promise.
A panel's error has parts that more items do not lower: ``item/I + rater/R + residual/(I R)``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, timedelta

from signals.checks import BY_NAME
from signals.model import Check, Need, Reading, RuleOutcome, Signal
from signals.policy.case import Case
from signals.policy.engine import Walked
from signals.policy.facts import units
from signals.policy.rules import Guardrail, Requirement
from signals.policy.wording import claim, the_margin, title
from signals.words import count, plural

Z_POWER = 0.8416212335729143  # 80 % quantile of the normal distribution
TOO_LONG = 3650  # days: at this rate, collecting is not a way out


def ways_out(case: Case) -> tuple[Need, ...]:
    """For a HOLD only: one need per signal that could change the call, most direct first."""
    found: dict[str, Need] = {}
    for need in _all(case):
        found.setdefault(need.signal, need)
    return tuple(found.values())


def _all(case: Case) -> Iterable[Need]:
    asked: list[tuple[Guardrail | Requirement, RuleOutcome]] = [
        *zip(case.rules.guardrails, case.guardrails, strict=True),
        *zip(case.rules.ship_requires, case.ship_requires, strict=True),
    ]
    for rule, result in asked:
        if _blocks(case, rule, result):
            yield from _rule(case, rule, result)
    if case.outcome.reason not in ("guardrail", "ship-requires", "cannot-evaluate"):
        yield from _rows(case)


def _rows(case: Case) -> Iterable[Need]:
    """Of the row that holds; else of every row that could still answer something else."""
    outcome = case.outcome
    if outcome.first is not None:
        walked = outcome.rows[outcome.first]
        yield _signal(case, walked.row.signal, f"the policy holds while it is {walked.state}")
        return
    for walked in outcome.rows:
        if walked.heard is not False and walked.state in ("untrusted", "missing", "unclear") and _could_speak(walked):
            yield _signal(case, walked.row.signal, "a clear reading could decide")
    for walked in outcome.rows:
        if walked.heard is not True and walked.answer not in (None, "hold"):
            yield _silenced(case, walked)
    if outcome.reason in ("conflict", "otherwise"):
        yield _people(case)


def _blocks(case: Case, rule: Guardrail | Requirement, result: RuleOutcome) -> bool:
    """Whether this rule stands between the release and a SHIP now."""
    if case.outcome.reason == "guardrail":
        return result.rule == case.outcome.rule
    if case.outcome.reason not in ("ship-requires", "cannot-evaluate"):
        return False
    return result.holds is None or (isinstance(rule, Requirement) and result.holds is False)


def _could_speak(walked: Walked) -> bool:
    return any(walked.row.calls.get(state) not in (None, "hold") for state in ("win", "loss", "flat"))


def _rule(case: Case, rule: Guardrail | Requirement, result: RuleOutcome) -> Iterable[Need]:
    """Every signal that the rule asks about and that more or better evidence could change."""
    condition = rule.when if isinstance(rule, Guardrail) else rule.that
    names = condition.signals(case.policy.signals)
    open_ = [name for name in names if case.state(name) in ("untrusted", "missing", "unclear")]
    what = "guardrail" if isinstance(rule, Guardrail) else "requirement"
    for name in open_:
        yield _signal(case, name, f"{what} {rule.id} waits for it")
    if open_:
        return
    for fact in result.unknown:
        yield _fact(case, fact, f"{what} {rule.id} asks for it")
    if not result.unknown:
        signal = names[0] if names else ""
        need = f"a candidate for which {rule.id} {'does not hold' if what == 'guardrail' else 'holds'}"
        yield Need(signal, need, f"{result.why}; more data alone will not lift it", owner=_owner(case, signal))


def _signal(case: Case, name: str, why: str) -> Need:
    """What one signal lacks."""
    signal = case.policy.signals[name]
    reading = case.readings.get(name)
    owner = _owner(case, name)
    if reading is None or reading.state == "missing":
        return Need(
            name, f"{name} evidence for {case.release.id}",
            f"{reading.why if reading else 'no source feeds it'}; {why}. Pull its source, or add one with "
            f"`signal: {name}`", owner=owner,
        )  # fmt: skip
    if reading.state == "untrusted":
        return _untrusted(reading, owner, why)
    if reading.state == "unclear":
        return _unclear(case, signal, reading, owner)
    return Need(
        name, f"a candidate that does better on {name}, or a recorded decision to override",
        f"{claim(signal, reading)}; {why}, and more data alone will not change it", owner=owner,
    )  # fmt: skip


# --- untrusted ------------------------------------------------------------------------------------------------------


def _broken(reading: Reading, sort: str) -> list[Check]:
    return [one for one in reading.checks.values() if one.required and one.sort == sort and one.status != "pass"]


def _untrusted(reading: Reading, owner: str, why: str) -> Need:
    broken = _broken(reading, "validity")
    if not broken:
        return Need(reading.signal, "an interval that can be given honestly", reading.why, owner=owner)
    remedies = dict.fromkeys(_remedy(check) for check in broken)
    amounts = [_short_of(reading, check) for check in broken]
    known = [amount for amount in amounts if amount]
    amount = max(known) if len(known) == len(broken) else None
    what = "; ".join(remedies)
    if amount:
        what = "at least " + plural(amount, f"more {reading.counted or 'units'}")
    whys = "; ".join(check.why.rstrip(".") for check in broken)
    return Need(reading.signal, what, f"{whys}; {why}", amount, reading.counted if amount else "", owner=owner)


def _remedy(check: Check) -> str:
    spec = BY_NAME.get(check.name)
    return spec.remedy.rstrip(".") if spec else f"Repair {check.name}"


def _short_of(reading: Reading, check: Check) -> int | None:
    """How many are missing to a count of the arms' units; counts are of the smaller arm, so both arms need as many."""
    if check.name not in ("min_units", "min_items", "min_responses") or None in (check.value, check.threshold):
        return None
    gap = math.ceil((check.threshold or 0) - (check.value or 0))
    return gap * (1 if reading.kind in ("judge", "panel") else 2)


# --- unclear --------------------------------------------------------------------------------------------------------


def _unclear(case: Case, signal: Signal, reading: Reading, owner: str) -> Need:
    unripe = _broken(reading, "maturity")
    low, high, margin = reading.benefit.low, reading.benefit.high, reading.margin
    clear = low is not None and high is not None and (low > 0 or high < 0 or _inside(low, high, margin))
    if unripe and clear:
        what = "; ".join(dict.fromkeys(_remedy(check) for check in unripe))
        return Need(signal.name, what, reading.why, by=_ripe(case, unripe), owner=owner)
    if low is None or high is None or not units(reading):
        return Need(signal.name, "an interval that can be given honestly", reading.why, owner=owner)
    if margin is None:
        return _no_margin(case, signal, owner)
    crossed = signal.kind == "panel" and signal.raters == "random"  # raters who are fixed add no error of their own
    if crossed and {"item", "rater", "residual"} <= set(reading.components):
        return _panel(case, signal, reading, owner)
    target, promise = _needed(reading, low, high, margin)
    return _more(case, signal, reading, target - units(reading), promise, owner)


def _no_margin(case: Case, signal: Signal, owner: str) -> Need:
    owner = case.policy.owner or owner
    if signal.margin is None:
        why = "without one, no amount of data shows that nothing changed"
        return Need(signal.name, f"a margin for {signal.name} in the policy", why, owner=owner)
    why = f"{signal.margin.text} of a control level that is zero or unknown is no margin"
    return Need(signal.name, f"a margin for {signal.name} that is not relative", why, owner=owner)


def _inside(low: float, high: float, margin: float | None) -> bool:
    return margin is not None and low > -margin and high < margin


def _ripe(case: Case, unripe: list[Check]) -> date | None:
    """When the weeks will be whole; None when something else is unripe too."""
    if len(unripe) != 1 or unripe[0].name != "full_weeks" or unripe[0].threshold is None:
        return None
    return case.release.started + timedelta(days=math.ceil(7 * unripe[0].threshold))


PLANNED = "if the true effect is zero, that rules out a loss beyond {limit} in 80 % of cases"
AS_IT_STANDS = "if the estimate stays where it is, that clears zero or {limit}"


def _needed(reading: Reading, low: float, high: float, margin: float) -> tuple[float, str]:
    """Units in all, and what they are good for.

    When the plan is met already, the estimate has come to stand between zero and the margin: then what the interval
    needs to leave one of the two behind. The farther of them goes first, and it is at least half a margin away.
    """
    n = units(reading)
    half = (high - low) / 2
    planned = n * ((half + Z_POWER * _se(reading, half)) / margin) ** 2
    if planned > n:
        return planned, PLANNED
    benefit = abs((high + low) / 2)
    return n * max(1.0, half / max(benefit, margin - benefit)) ** 2, AS_IT_STANDS


def _se(reading: Reading, half: float) -> float:
    voting = reading.estimates.get(reading.voting)
    return voting.se if voting is not None and voting.se else half / 1.96


def _more(case: Case, signal: Signal, reading: Reading, extra: float, promise: str, owner: str) -> Need:
    amount = sensible(extra)
    unit = reading.counted or "units"
    why = f"{claim(signal, reading)}; {promise.format(limit=the_margin(signal, reading))}"
    days = math.ceil(amount / reading.rate_per_day) if reading.rate_per_day else None
    if days is not None and days > TOO_LONG:
        return Need(
            signal.name, "a wider margin, or another signal to decide",
            f"{claim(signal, reading)}; it would take about {plural(amount, f'more {unit}')}, "
            "over ten years at the current rate", owner=owner,
        )  # fmt: skip
    by = None if days is None else case.as_of.date() + timedelta(days=days)
    return Need(signal.name, f"about {plural(amount, f'more {unit}')}", why, amount, unit, by, owner)


def _panel(case: Case, signal: Signal, reading: Reading, owner: str) -> Need:
    """Items with the raters as they are; more raters when no number of items would do."""
    item, rater, residual = (reading.components[part] for part in ("item", "rater", "residual"))
    low, high, margin = reading.benefit.low or 0.0, reading.benefit.high or 0.0, reading.margin or 0.0
    items, raters = units(reading), _raters(reading)
    half = (high - low) / 2
    se = _se(reading, half)
    target = (se * margin / (half + Z_POWER * se)) ** 2  # the variance at which half + z se meets the margin
    if raters is None or rater / raters < 0.8 * target:
        spent = 0.0 if raters is None else rater / raters
        each = item + residual / (raters or 1)
        total, promise = each / (target - spent), PLANNED
        if total <= items:
            total, promise = _needed(reading, low, high, margin)
        return _more(case, signal, reading, total - items, promise, owner)
    left = target - item / items
    many = (rater + residual / items) / left if left > 0.2 * target else 2 * rater / target
    amount = max(1, sensible(many - raters))
    more = f"about {plural(amount, 'more raters')}"
    if left <= 0.2 * target:
        more += f", on about {count(max(items, sensible(2 * item / target)))} items in all"
    why = f"{claim(signal, reading)}; with {plural(raters, 'raters')}, no number of items alone would settle it"
    return Need(signal.name, more, why, amount, "raters", owner=owner)


def _raters(reading: Reading) -> int | None:
    check = reading.checks.get("min_raters")
    return int(check.value) if check is not None and check.value else None


def sensible(amount: float) -> int:
    """Rounded up to two digits: 387,211 -> 390,000; at least 1."""
    whole = max(1, math.ceil(amount - 1e-9))
    step = int(10 ** max(0, len(str(whole)) - 2))
    return -(-whole // step) * step


# --- the rest -------------------------------------------------------------------------------------------------------


def _fact(case: Case, fact: str, why: str) -> Need:
    """A fact that does not exist although its signal is there."""
    name, _, rest = fact.partition(".")
    check = BY_NAME.get(rest)
    if check is not None:
        what = check.remedy.rstrip(".")
    elif rest.startswith("segments"):
        wanted = ", ".join(f"segment.{one}" for one in case.policy.signals[name].segments)
        what = (
            f"{name} evidence by segment: map {wanted} in its source"
            if rest == "segments"
            else (f"more {name} evidence in that segment")
        )
    elif rest in ("non_inferior", "material", "margin", "power"):
        what = f"a margin for {name} that can be computed"
    else:
        what = f"{name} evidence that gives {rest}"
    return Need(name, what, f"{fact} does not exist; {why}", owner=_owner(case, name))


def _silenced(case: Case, walked: Walked) -> Need:
    """A row that would have answered: what its condition found, and the remedies of the checks in it."""
    when = walked.row.when
    name = walked.row.signal
    found = str(when.explain(case.facts)) if when is not None else ""
    checks = [BY_NAME[fact.split(".")[1]] for fact in (when.facts if when else ()) if fact.split(".")[1] in BY_NAME]
    what = (
        "; ".join(dict.fromkeys(check.remedy.rstrip(".") for check in checks))
        or f"{name} heard: {when.text if when else ''}"
    )
    why = f"{title(name)} would say {walked.answer}, but its row is silenced: {found}"
    return Need(name, what, why, owner=_owner(case, name))


def _people(case: Case) -> Need:
    owner = case.policy.owner or case.release.owner
    return Need("", "a recorded decision, or a row that settles it", "no more evidence is asked for", owner=owner)


def _owner(case: Case, name: str) -> str:
    signal = case.policy.signals.get(name)
    return (signal.owner if signal else "") or case.policy.owner or case.release.owner
