"""The catalogue of checks: names, what they measure, when they pass, and why the default is what it is.

One source of truth: the policy's ``trust:`` keys, the facts of conditions, the readings and the docs all come from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from signals.model import SIGNAL_KINDS, SignalKind

Unit = Literal["p", "count", "seconds", "share", "yes", "number"]


@dataclass(frozen=True)
class CheckSpec:
    """One check. ``passes`` says how the number is compared with the threshold.

    A check that the policy asks for and that fails, or cannot be computed, makes the reading ``untrusted``
    (validity) or turns ``win`` and ``flat`` into ``unclear`` (maturity). One that the policy does not ask for is held
    against ``default`` and can only warn; without a default it is only reported.
    """

    name: str
    kinds: tuple[SignalKind, ...]
    unit: Unit
    passes: Literal[">=", "<="]
    default: float | None
    meaning: str
    remedy: str
    sort: Literal["validity", "maturity"] = "validity"


DAY = 86_400.0
ALL = SIGNAL_KINDS

CATALOGUE: tuple[CheckSpec, ...] = (
    CheckSpec(
        "sample_ratio_p", ("experiment",), "p", ">=", 0.001,
        "p-value of the split of units between the arms against the planned split",
        "Find what loses units in one arm (redirects, bots, logging) before reading any effect.",
    ),
    CheckSpec(
        "min_units", ("experiment",), "count", ">=", 100, "units in the smaller arm",
        "Wait for more units.",
    ),
    CheckSpec(
        "full_weeks", ("experiment",), "number", ">=", None, "whole weeks that both arms have run",
        "Wait for the week to end: weekdays and weekends behave differently.", "maturity",
    ),
    CheckSpec(
        "both_arms", ("experiment",), "share", "<=", 0.01, "share of units that were seen in both arms",
        "Fix the assignment: a unit must stay in its arm.",
    ),
    CheckSpec(
        "max_age", ALL, "seconds", "<=", None, "time since the newest evidence",
        "Pull again, or run the evaluation again.",
    ),
    CheckSpec(
        "last_pull", ALL, "yes", ">=", 1, "whether the last pull of each of its sources succeeded",
        "Run `signals pull` and mend what it names: until then older evidence speaks.",
    ),
    CheckSpec(
        "max_set_aside", ALL, "share", "<=", 0.1, "share of rows that could not be used",
        "Look at the set-aside rows on the Signals page and repair the export.",
    ),
    CheckSpec(
        "min_items", ("judge", "panel"), "count", ">=", 30, "items that both arms have", "Score more items.",
    ),
    CheckSpec(
        "paired", ("judge", "panel"), "share", ">=", 0.9, "share of items that both arms have",
        "Run both variants on the same items.",
    ),
    CheckSpec(
        "same_judge", ("judge",), "yes", ">=", 1, "whether one judge version scored both arms",
        "Score both arms again with one judge.",
    ),
    CheckSpec(
        "max_error_rate", ("judge",), "share", "<=", 0.05,
        "share of judgements that failed or could not be parsed, in the worse arm", "Re-run the failed judgements.",
    ),
    CheckSpec(
        "coverage", ("judge",), "share", ">=", None, "share of traffic whose segment has at least one golden item",
        "Declare the traffic mix (a source of shape traffic_mix) and add items from the segments that are missing.",
    ),
    CheckSpec(
        "human_agreement", ("judge",), "number", ">=", None,
        "Spearman correlation of judge and human scores over outputs that both scored",
        "Have people rate more of the golden set, or repair the rubric.",
    ),
    CheckSpec(
        "min_raters", ("panel",), "count", ">=", 2, "raters who rated both arms", "Ask more raters.",
    ),
    CheckSpec(
        "agreement", ("panel",), "number", ">=", None, "Krippendorff's alpha between raters",
        "Clarify the instructions, or train the raters.",
    ),
    CheckSpec(
        "response_rate_shift_p", ("feedback",), "p", ">=", 0.01,
        "p-value of a difference in how often people respond at all",
        "When people respond at another rate, those who respond are other people: look at the bounds.",
    ),
    CheckSpec(
        "min_responses", ("feedback",), "count", ">=", 100, "responses in the smaller arm", "Wait for more responses.",
    ),
)  # fmt: skip

BY_NAME: dict[str, CheckSpec] = {spec.name: spec for spec in CATALOGUE}


def checks_of(kind: SignalKind) -> tuple[CheckSpec, ...]:
    """The checks that a signal of this kind may be asked for."""
    return tuple(spec for spec in CATALOGUE if kind in spec.kinds)
