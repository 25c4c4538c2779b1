"""How much more evidence a reading needs, in what it counts: users, items, labels, raters, responses, and so in days.

Everything comes from the reading's own stored errors. An interval of half-width ``h`` around a standard error ``se``
shows with 80 % power that nothing was lost, if nothing changed, once ``h + 0.8416 se`` has come down to the margin
(``signals.stats.power``). What brings it down depends on the kind:

- users and responses: all error falls with their number; an always-valid interval by a factor that changes on the way;
- items of a judge: ``(item + repeat / K) / I`` with K repeats of each;
- a corrected judge: ``people ((1 - r^2) / labels + r^2 / items)``, r being its correlation with people;
- a panel: ``item / I + rater / R + residual / (I R)``.

The figures are a plan for one signal, not a promise: the errors themselves are estimates, and whether the call is
settled then is another question (``reconcile.collecting``).
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import date, timedelta

from signals.model import Check, Need, Reading, Signal
from signals.policy.case import Case
from signals.policy.corrected import corrected_error, labels_of
from signals.policy.facts import units
from signals.policy.promise import Promise, as_it_stands, if_zero
from signals.policy.wording import claim
from signals.stats.power import NORMAL, target_se, times_needed
from signals.stats.sequential import PLANNED_UNITS, multiplier
from signals.words import count, moment, plural

TOO_LONG = 3650  # days: at this rate, collecting is not a way out
MOST_REPEATS = 25  # of each item: beyond that, new items are the better use of a judge
LABELS = "items graded by people"
MOST_OF_RATERS = 0.8  # of the wanted variance: when raters alone make more, more items are no plan


def plan(case: Case, signal: Signal, reading: Reading, owner: str) -> Need:
    """What would bring an unclear interval to its margin: of a reading that has both."""
    parts = reading.components
    crossed = signal.kind == "panel" and signal.raters == "random"  # raters who are fixed add no error of their own
    if crossed and {"item", "rater", "residual"} <= set(parts):
        return _panel(case, signal, reading, owner)
    aim, promise = _aim(signal, reading)
    total = _needed(signal, reading, aim)
    if signal.kind == "judge" and reading.voting == "corrected":
        return _labels(signal, reading, total / units(reading), promise, owner)
    clusters = reading.checks.get("min_clusters")
    if clusters is not None and clusters.value:  # of the smaller arm; users of the same clusters would add little
        extra = 2.0 * clusters.value * (total / units(reading) - 1.0)
        return _more(case, signal, reading, extra, promise, owner, "clusters")
    need = _more(case, signal, reading, total - units(reading), promise, owner)
    if isinstance(signal.looks, tuple):
        return _at_a_look(case, signal.looks, need)
    raw = (signal.kind, reading.voting) == ("judge", "raw")
    return _or_repeats(reading, need, aim) if raw and need.amount else need


def shortfall(case: Case, reading: Reading, check: Check) -> tuple[int, str] | None:
    """How many of what are missing to a count that a check asks for; None when the check is not a count, or not short.

    Counts of the smaller arm are for both arms, at the planned split.
    """
    if check.value is None or check.threshold is None or check.value >= check.threshold:
        return None
    gap = check.threshold - check.value
    split = case.release.split
    arms = gap / (min(split, 1.0 - split) if split else 0.5)
    counted = reading.counted or "units"
    found: dict[str, tuple[float, str]] = {
        "min_units": (arms, counted if counted != "clusters" else "units"),
        "min_clusters": (arms, "clusters"),
        "min_responses": (arms, "responses"),
        "min_vectors": (arms, "vectors"),
        "min_items": (gap, "items"),
        "min_overlap": (gap, LABELS),
        # An item more adds to the effective number what the items so far did on average.
        "min_effective_items": (gap * units(reading) / check.value if check.value else gap, "items"),
        "min_raters": (gap, "raters"),
    }
    amount, unit = found.get(check.name, (0.0, ""))
    return (math.ceil(amount - 1e-9), unit) if unit else None


def short(case: Case, reading: Reading, checks: list[Check], why: str, owner: str) -> Need | None:
    """What is missing to the counts that these checks ask for; None when one of them is no count."""
    gaps = [shortfall(case, reading, check) for check in checks]
    known: dict[str, int] = {}
    for gap in gaps:
        if gap is None:
            return None
        known[gap[1]] = max(gap[0], known.get(gap[1], 0))
    if not known:
        return None
    what = "at least " + " and ".join(plural(amount, f"more {unit}") for unit, amount in known.items())
    whys = "; ".join(dict.fromkeys(check.why.rstrip(".") for check in checks))
    if len(known) > 1:
        return Need(reading.signal, what, f"{whys}; {why}", owner=owner)
    unit, amount = next(iter(known.items()))
    days = _days(reading, amount, unit)
    by = None if days is None or days > TOO_LONG else case.as_of.date() + timedelta(days=days)
    return Need(reading.signal, what, f"{whys}; {why}", amount, unit, by, owner)


def behind(reading: Reading) -> list[Check]:
    """The counts that a refusal names: checks that nobody asked for, short of their default, whose number it tells."""
    found = []
    for check in reading.checks.values():
        told = check.value is not None and re.search(
            rf"(?<![\d,.]){re.escape(count(check.value))}(?![\d,.])", reading.why
        )
        if check.name.startswith("min_") and check.status in ("warn", "fail") and told:
            found.append(check)
    return found


# --- units, responses, items ----------------------------------------------------------------------------------------


def _aim(signal: Signal, reading: Reading) -> tuple[float, Promise]:
    """How far the interval must come not to reach, and what that is good for.

    The margin, if the true effect is zero. When that plan is met already, the estimate has come to stand between zero
    and the margin: then whichever of the two is farther from it, which is half a margin away at least.
    """
    half, margin = _half(reading), reading.margin or 0.0
    if times_needed(_se(reading, half), half, margin) > 1.0:
        return margin, if_zero(signal, reading)
    benefit = abs((reading.benefit.low or 0.0) + half)
    zero = benefit >= margin - benefit
    return max(benefit, margin - benefit), as_it_stands(signal, reading, zero=zero)


def _needed(signal: Signal, reading: Reading, aim: float) -> float:
    """Units in all, of which all error falls with their number."""
    n, half = units(reading), _half(reading)
    se = _se(reading, half)
    wanted = n * times_needed(se, half, aim)
    if signal.looks == "continuous":
        return _any_time(signal, reading, wanted, se, half, aim)
    if isinstance(signal.looks, tuple):
        return max(n, n * times_needed(se, half * _last_look(signal, reading, half / se), aim))
    return max(n, wanted)


def _any_time(signal: Signal, reading: Reading, planned: float, se: float, half: float, aim: float) -> float:
    """The always-valid interval is narrowest near the planned units: its multiplier there, not the one of today."""
    n = units(reading)
    tuned = signal.planned_units or PLANNED_UNITS
    now = multiplier(n, reading.confidence, tuned)
    for _ in range(30):  # the multiplier moves with the logarithm of the units: a few rounds settle it
        factor = multiplier(planned, reading.confidence, tuned) / now
        planned = max(float(n), n * times_needed(se, half * factor, aim))
    return planned


def _last_look(signal: Signal, reading: Reading, reach: float) -> float:
    """How much shorter the interval reaches at the last planned look, in standard errors, than now.

    O'Brien and Fleming's boundary falls with the root of the share of the planned information; it ends at one look's.
    """
    share = min(1.0, units(reading) / signal.planned_units) if signal.planned_units else 1.0
    return max(reach * math.sqrt(share), NORMAL.inv_cdf(0.5 + reading.confidence / 2)) / reach


def _at_a_look(case: Case, looks: tuple[date, ...], need: Need) -> Need:
    """The first planned look at which the units will be there: between two looks nothing is read."""
    due = need.by or case.as_of.date()
    look = next((when for when in looks if when >= due and when > case.as_of.date()), None)
    if look is None:
        need = replace(need, then="")
        return _also(need, "", f"no planned look comes that late, the last is on {moment(looks[-1])}")
    return replace(_also(need, "", f"the next planned look then is on {moment(look)}"), by=look)


def _half(reading: Reading) -> float:
    return ((reading.benefit.high or 0.0) - (reading.benefit.low or 0.0)) / 2


def _se(reading: Reading, half: float) -> float:
    voting = reading.estimates.get(reading.voting)
    return voting.se if voting is not None and voting.se else half / 1.96


def _more(
    case: Case, signal: Signal, reading: Reading, extra: float, promise: Promise, owner: str, unit: str = ""
) -> Need:
    amount = sensible(extra)
    unit = unit or reading.counted or "units"
    why = f"{claim(signal, reading)}; {promise.why}"
    days = _days(reading, amount, unit)
    if days is not None and days > TOO_LONG:
        return Need(
            signal.name, "another signal to decide",
            f"{claim(signal, reading)}; it would take about {plural(amount, f'more {unit}')}, "
            "over ten years at the current rate", owner=owner,
        )  # fmt: skip
    by = None
    if days is not None:
        by = case.as_of.date() + timedelta(days=days)
        why += f"; at the current rate of {count(reading.rate_per_day)} a day it takes about {plural(days, 'days')}"
    return Need(signal.name, f"about {plural(amount, f'more {unit}')}", why, amount, unit, by, owner, promise.then)


def _days(reading: Reading, amount: float, unit: str) -> int | None:
    """Days that so many take at the current rate; None when the rate is of something else, or not known."""
    return math.ceil(amount / reading.rate_per_day) if reading.rate_per_day and unit == reading.counted else None


# --- judge ----------------------------------------------------------------------------------------------------------


def _or_repeats(reading: Reading, need: Need, aim: float) -> Need:
    """Beside more items: whether more repeats of the same ones would do, where repeats were measured."""
    item, repeat = reading.components.get("item"), reading.components.get("repeat")
    if item is None or not repeat:
        return need
    n, half = units(reading), _half(reading)
    se = _se(reading, half)
    # Variance per item that repeats may leave, and that they leave now.
    room, left = n * target_se(se, half, aim) ** 2 - item, n * se**2 - item
    if room <= 0 or repeat / room > MOST_REPEATS:
        return _also(need, "", "more repeats of the same items would not do")
    wanted, now = math.ceil(repeat / room), max(1, round(repeat / left)) if left > 0 else math.inf
    if wanted <= now:  # only rounding is left
        return need
    return _also(need, f", or about {wanted} repeats of each instead of {now}", "")


def _also(need: Need, what: str, why: str) -> Need:
    return replace(need, what=need.what + what, why=f"{need.why}; {why}" if why else need.why)


def _labels(signal: Signal, reading: Reading, times: float, promise: Promise, owner: str) -> Need:
    """More people's labels; more items too, when no number of labels on the judged ones would do (``corrected``).

    Where the choice of raters alone makes most of the error, more raters, and what is then still missing.
    """
    why = f"{claim(signal, reading)}; {promise.why}"
    items, labels, parts = units(reading), labels_of(reading), corrected_error(reading)
    voting = reading.estimates.get(reading.voting)
    if parts is None or voting is None or not voting.se:
        # As if labels carried all of the error.
        return _graded(signal, labels, labels * times, items, why, promise, owner)
    wanted = voting.se**2 / times
    raters = 0
    if parts.own > MOST_OF_RATERS * wanted and parts.raters:
        raters = sensible(parts.own * parts.raters / (wanted / 2.0) - parts.raters)
        why = f"{why}; with {plural(parts.raters, 'raters')}, no number of items alone would do"
        parts = replace(parts, own=parts.own * parts.raters / (parts.raters + raters), raters=parts.raters + raters)
    total = parts.labels_for(wanted)
    if total <= items:
        need = _graded(signal, labels, total, items, why, promise, owner)
    else:  # more items, of which people grade as many as now: both parts of the error fall together
        more = (parts.squared(labels, items) - parts.own) / (wanted - parts.own) - 1.0
        judged, graded = sensible(items * more), sensible(labels * more)
        what = f"about {plural(judged, 'more items')}, about {count(graded)} of them graded by people"
        told = f"{why}; labels on all of the {count(items)} items that the judge has scored would not do"
        need = Need(signal.name, what, told, judged, "items", owner=owner, then=promise.then)
    if not raters:
        return need
    what = f"about {plural(raters, 'more raters')} on all items"
    return replace(need, what=f"{what} and {need.what}" if total > labels else what, amount=raters, unit="raters")


def _graded(signal: Signal, labels: float, total: float, items: int, why: str, promise: Promise, owner: str) -> Need:
    amount = sensible(total - labels)
    what = f"about {plural(amount, f'more {LABELS}')} under both variants"
    if labels + amount > items:
        what += f", about {count(sensible(labels + amount - items))} of them new"
    return Need(signal.name, what, why, amount, LABELS, owner=owner, then=promise.then)


# --- panel ----------------------------------------------------------------------------------------------------------


def _panel(case: Case, signal: Signal, reading: Reading, owner: str) -> Need:
    """Items with the raters as they are; more raters when no number of items would do."""
    item, rater, residual = (reading.components[part] for part in ("item", "rater", "residual"))
    aim, promise = _aim(signal, reading)
    items, raters, half = units(reading), _raters(reading), _half(reading)
    target = target_se(_se(reading, half), half, aim) ** 2
    if raters is None or rater / raters < MOST_OF_RATERS * target:
        spent = 0.0 if raters is None else rater / raters
        total = (item + residual / (raters or 1)) / (target - spent)
        if total <= items:  # the components make less than all of the error
            total = _needed(signal, reading, aim)
        return _more(case, signal, reading, total - items, promise, owner)
    left = target - item / items
    many = (rater + residual / items) / left if left > 0.2 * target else 2 * rater / target
    amount = max(1, sensible(many - raters))
    more = f"about {plural(amount, 'more raters')}"
    if left <= 0.2 * target:
        more += f", on about {count(max(items, sensible(2 * item / target)))} items in all"
    few = f"with {plural(raters, 'raters')}, no number of items alone would do"
    why = f"{claim(signal, reading)}; {promise.why}; {few}"
    return Need(signal.name, more, why, amount, "raters", owner=owner, then=promise.then)


def _raters(reading: Reading) -> int | None:
    check = reading.checks.get("min_raters")
    return int(check.value) if check is not None and check.value else None


def sensible(amount: float) -> int:
    """Rounded up to two digits: 387,211 -> 390,000; at least 1."""
    whole = max(1, math.ceil(amount - 1e-9))
    step = int(10 ** max(0, len(str(whole)) - 2))
    return -(-whole // step) * step
