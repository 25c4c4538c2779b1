"""People correct a judge, and people differ: what the choice of raters adds to an estimate that rests on them."""

from __future__ import annotations

import math
from dataclasses import replace

from signals.model import Estimate
from signals.readings.crossed import FEW_RATERS
from signals.readings.judge_estimates import t_of
from signals.readings.labels import Labels
from signals.stats.difference import RefusedError, from_se
from signals.stats.panel import RaterPart, rater_part
from signals.words import plural

ONE_RATER = "people's word is that of one rater"


def part_of(labels: Labels) -> RaterPart | str | None:
    """What raters add to the variance of their mean, or why that is not known; None when nobody graded both outputs."""
    if not labels.cells:
        return None
    try:
        return rater_part(labels.cells)
    except RefusedError as refused:
        return f"how much the {labels.raters} raters differ is not known: {refused}"


def with_raters(one: Estimate, raters: int, part: RaterPart | str | None) -> Estimate:
    """The estimate with what the choice of raters adds: next week brings others, as in the panel itself.

    A score interval of pass/fail grades and Rogan-Gladen's have no such part: they say whom they speak for.
    """
    if one.refused is not None or one.effect is None or one.se is None:
        return one
    if raters == 1:
        return replace(one, warnings=(*one.warnings, ONE_RATER))
    if isinstance(part, str):
        return replace(one, warnings=(*one.warnings, part))
    few = f"only {plural(raters, 'raters')}: how much raters differ is known roughly"
    doubts = (*one.warnings, few) if raters < FEW_RATERS else one.warnings
    if part is None or part.squared == part.variance == 0.0:
        return replace(one, warnings=doubts)
    if one.df is None or one.method.startswith("Rogan"):
        alone = f"speaks of these {plural(raters, 'raters')} only: others may see it otherwise"
        return replace(one, warnings=(*one.warnings, alone))
    squared, df = part.added_to(one.se**2, one.df)
    wider = from_se(one.effect, math.sqrt(squared), one.confidence, df)
    method = one.method.rpartition(", t(")[0]
    return replace(
        one,
        low=wider.low,
        high=wider.high,
        se=wider.se,
        df=df,
        p_value=wider.p_value,
        n_effective=None if one.n_effective is None else one.n_effective * one.se**2 / squared,
        method=f"{method}, raters random, {t_of(wider)}",
        warnings=doubts,
    )
