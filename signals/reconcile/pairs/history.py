"""What past releases let one expect of one signal when another says this."""

from __future__ import annotations

from signals.model import Correction, Reading
from signals.reconcile.pairs.attribute import Expected, scale_of
from signals.stats.proxy import Relation
from signals.stats.student import critical

REMEDY = "keep past releases in sources.yaml"


def expected(
    found: Relation, together: str, one: Reading, two: Reading, *, one_scale: bool = True
) -> Expected | Correction:
    """The line of past releases on the pair's scale, or why there is none.

    Args:
        found: How the true benefits of the two went together, both in margins.
        together: A sentence: how often the state of the first came with the same state of the second.
        one: The signal whose number is to be explained.
        two: The signal that it is held against.
        one_scale: Whether a unit that both share means the same.
    """
    why = found.refused or found.no_line
    if why:
        remedy = REMEDY if found.n < found.needed else ""
        return Correction("construct", "", refused=why, remedy=remedy)
    unit, _, _ = scale_of(one, two, one_scale=one_scale)
    if unit == "margins":
        factors = 1.0, 1.0
    elif one.margin and two.margin:
        factors = two.margin, two.margin / one.margin
    else:
        return Correction("construct", "", refused="past releases are compared in margins, and a signal declares none")
    line = found.lines[0]
    # Where it is not known how the errors of the two went together the slope is less sure than its own line says.
    half = critical(found.confidence, found.n - 2)
    slope = found.slope
    reach = max((slope.high or 0.0) - line.slope, line.slope - (slope.low or 0.0)) / half
    wider = max(1.0, reach**2 / line.covariance[1][1]) if line.covariance[1][1] > 0.0 else 1.0
    (aa, ab), (_, bb) = line.covariance
    a, b = factors
    return Expected(
        a * line.intercept,
        b * line.slope,
        ((wider * a * a * aa, wider * a * b * ab), (wider * a * b * ab, wider * b * b * bb)),
        float(found.n - 2),
        together.rstrip("."),
        (found.reach[0] * a / b, found.reach[1] * a / b),
    )
