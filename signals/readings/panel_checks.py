"""The checks of a panel: do its raters agree, with each other, with themselves and with what is known to be right."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from signals.model import Evidence, Measure, Preference, Rating, Signal
from signals.readings.human import latest_preferences, latest_ratings
from signals.readings.panel_answers import Answers, Paired, towards
from signals.stats.agreement import Agreement, Level, alpha_interval, krippendorff_alpha
from signals.stats.difference import RefusedError
from signals.stats.gwet import Weights, gwet_ac
from signals.stats.habits import FEWEST_GRADED, order_effect, straight_liners
from signals.words import plural

ORDINAL_GRADES = 10
"""Whole-number scales with at most this many grades are taken as ordered, finer ones as measured."""

FINEST = 101
"""Whole-number scales with more grades than 0 to 100 have no weighted agreement by grades."""

FEWEST_REPEATS = 10
FEWEST_GOLD = 5
HALF_A_GRADE = 0.5

NO_ANSWERS = "there are no answers"


def rater_measures(paired: Paired, answers: Answers, control: str, candidate: str) -> tuple[Measure, ...]:
    """Every check that looks at how the panel's raters answered."""
    if paired.refused and not paired.grades:
        names = ("agreement", "agreement_low", "ac2", "max_straight_lining", "self_consistency", "order_bias_p")
        return tuple(Measure(name, None, paired.refused) for name in names)
    return (
        *_agreement(paired),
        _ac2(paired),
        _straight_lining(paired),
        _self_consistency(paired, answers, control, candidate),
        _order_bias(paired),
    )


def gold_accuracy(signal: Signal, evidence: Evidence) -> Measure:
    """Share of right answers of the worst rater who answered at least five gold items."""
    right = gold_answers(signal, evidence)
    if not right:
        return Measure("gold_accuracy", None, "no item has a known right answer")
    shares = sorted((sum(one) / len(one), rater, len(one)) for rater, one in right.items() if len(one) >= FEWEST_GOLD)
    if not shares:
        return Measure("gold_accuracy", None, f"no rater answered {FEWEST_GOLD} gold items")
    worst, rater, answered = shares[0]
    return Measure("gold_accuracy", worst, f"rater {rater}, of {plural(answered, 'gold answers')}")


def gold_answers(signal: Signal, evidence: Evidence) -> dict[str, list[bool]]:
    """Per rater whether each answer on a gold item was right."""
    right: dict[str, list[bool]] = defaultdict(list)
    for grade in latest_ratings(one for one in evidence.ratings if one.expected is not None and _asked(one, signal)):
        if grade.value is not None and grade.expected is not None:
            right[grade.rater].append(abs(grade.value - grade.expected) <= HALF_A_GRADE)
    for one in latest_preferences(
        one for one in evidence.preferences if one.expected is not None and _asked(one, signal)
    ):
        right[one.rater].append(one.choice == one.expected)
    return right


def _asked(one: Rating | Preference, signal: Signal) -> bool:
    return signal.dimension is None or one.dimension == signal.dimension


def _agreement(paired: Paired) -> tuple[Measure, Measure]:
    level = _level(paired)
    try:
        found = alpha_interval(((unit, value) for unit, _, value in paired.grades), level, _item)
    except RefusedError as refused:
        value = krippendorff_alpha(((unit, value) for unit, _, value in paired.grades), level)
        return Measure("agreement", value, f"Krippendorff's alpha, {level}"), Measure(
            "agreement_low", None, str(refused)
        )
    if found is None:
        what = _nothing_to_agree_on(paired)
        return Measure("agreement", None, what), Measure("agreement_low", None, what)
    why = f"Krippendorff's alpha, {level}{_between(found)}"
    value, low, se = found.value, found.low, found.se
    # The bound is as many standard errors from alpha on the logarithm of 1 - alpha, so they vary together there.
    of_low = None if se is None or low is None else se * (1.0 - low) / (1.0 - value)
    return Measure("agreement", value, why, se, low, found.high), Measure("agreement_low", low, why, of_low)


def _nothing_to_agree_on(paired: Paired) -> str:
    """Why agreement cannot be told: chance agrees just as well where everything that was answered twice is equal."""
    thing, answers, done = ("item", "choices", "compared") if paired.choices else ("output", "grades", "rated")
    times = Counter(unit for unit, *_ in paired.grades)
    if max(times.values(), default=0) < 2:
        return f"no {thing} was {done} twice"
    return f"all {answers} of what was {done} twice are equal, so agreement cannot be told from chance"


def _between(found: Agreement) -> str:
    if found.low is None or found.high is None:
        return ""
    return f", 95 % interval {found.low:.2f} to {found.high:.2f} over {plural(found.clusters, 'items')}".replace(
        "-", "−"
    )


def _item(unit: tuple[str, ...]) -> str:
    return unit[0]


def _level(paired: Paired) -> Level:
    if paired.choices:
        return "nominal"
    grades = {value for *_, value in paired.grades}
    return "ordinal" if len(grades) <= ORDINAL_GRADES and _whole(grades) else "interval"


def _whole(grades: set[float]) -> bool:
    return all(float(value).is_integer() for value in grades)


def _ac2(paired: Paired) -> Measure:
    grades = {value for *_, value in paired.grades}
    if not grades:
        return Measure("ac2", None, NO_ANSWERS)
    scale: Sequence[float]
    weights: Weights = "identity"
    if paired.choices:
        scale = sorted(grades | {-1.0, 1.0})
    elif not _whole(grades):
        return Measure("ac2", None, "the grades are not whole numbers")
    else:
        # Grades between the lowest and the highest belong to the scale whether or not anybody gave them.
        width = int(max(grades) - min(grades)) + 1
        scale = [min(grades) + step for step in range(width)] if width <= FINEST else []
        if len(grades) <= ORDINAL_GRADES < width:
            scale = sorted(grades)
        if not scale:
            return Measure("ac2", None, f"the scale has more than {FINEST} grades")
        weights = "ordinal" if len(scale) <= ORDINAL_GRADES else "quadratic"
    found = gwet_ac(((unit, value) for unit, _, value in paired.grades), scale, weights, _item)
    if found is None:
        return Measure("ac2", None, _nothing_to_agree_on(paired))
    name = "AC1" if weights == "identity" else f"AC2, {weights} weights"
    return Measure("ac2", found.value, f"Gwet's {name}{_between(found)}", None, found.low, found.high)


def _straight_lining(paired: Paired) -> Measure:
    found, looked_at = straight_liners(paired.pressed)
    if not looked_at:
        why = f"no rater graded {FEWEST_GRADED} outputs that others graded too"
        return Measure("max_straight_lining", None, why)
    why = f"{len(found):,} of {plural(looked_at, 'raters')}"
    return Measure("max_straight_lining", len(found) / looked_at, f"{why}: {', '.join(found[:5])}" if found else why)


def _self_consistency(paired: Paired, answers: Answers, control: str, candidate: str) -> Measure:
    """Alpha over what one rater said of one output, in all attempts and orders."""
    repeated = said_again(answers, control, candidate)
    if len(repeated) < FEWEST_REPEATS:
        why = f"{plural(len(repeated), 'outputs')} answered twice by one rater; {FEWEST_REPEATS} are needed"
        return Measure("self_consistency", None, why if repeated else "nobody answered about one output twice")
    alpha = krippendorff_alpha([(unit, value) for unit, values in repeated.items() for value in values], _level(paired))
    why = f"alpha over {plural(len(repeated), 'outputs')} answered again by the same rater"
    return Measure("self_consistency", alpha, why if alpha is not None else "all repeated answers are equal")


def said_again(answers: Answers, control: str, candidate: str) -> dict[tuple[str, ...], list[float]]:
    """What one rater said of one output in all attempts and orders, where that is more than once.

    Returns:
        By (item, rater, variant), of choices by (item, rater), in that order.
    """
    said: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for grade in answers.ratings:
        if grade.status == "submitted" and grade.value is not None:
            said[grade.item, grade.rater, grade.variant].append(grade.value)
    for one in answers.preferences:
        if one.status == "submitted" and one.choice is not None:
            said[one.item, one.rater].append(towards(one, control, candidate))
    return {unit: values for unit, values in sorted(said.items()) if len(values) > 1}


def _order_bias(paired: Paired) -> Measure:
    first = sum(shown for *_, shown in paired.shown)
    if not paired.shown:
        return Measure("order_bias_p", None, "the order in which the variants were shown is not known")
    if first in (0, len(paired.shown)):
        which = "the candidate" if first else "the control"
        return Measure("order_bias_p", None, f"{which} always came first: order and effect cannot be told apart")
    try:
        found = order_effect(paired.shown)
    except RefusedError as refused:
        return Measure("order_bias_p", None, str(refused))
    better = "first" if found.effect > 0 else "second"
    where = f"the candidate does better when it is shown {better}"
    return Measure("order_bias_p", found.p_value, f"{where}; {plural(len(paired.shown), 'pairs')}")
