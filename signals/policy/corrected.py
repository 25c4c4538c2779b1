"""What makes the error of a judge that people correct, as more labels, items or raters would change it.

With ``l`` labels on ``N`` items the variance is ``people ((1 - r^2) / l + r^2 / N)``, r being the correlation of judge
and people (double sampling: Cochran 1977, Sampling Techniques, 12.6). Two stored errors tell the two unknowns: that of
people alone, ``people / l``, and that of the corrected estimate. What the choice of raters adds to both falls with more
raters only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from signals.model import Reading
from signals.policy.facts import units


@dataclass(frozen=True)
class CorrectedError:
    """The squared standard error of a corrected judge, in its parts.

    Attributes:
        own: What the choice of raters adds.
        alone: What people's labels would have without the judge, at ``labels`` of them and without ``own``.
        shared: Squared correlation of judge and people, as the two errors tell it.
        labels: Items that people graded.
        items: Items that the judge scored.
        raters: People who graded; None when it is not known.
    """

    own: float
    alone: float
    shared: float
    labels: float
    items: float
    raters: float | None

    def squared(self, labels: float, items: float, raters: float | None = None) -> float:
        """At other amounts; ``raters`` None leaves them as they are."""
        own = self.own if raters is None or self.raters is None else self.own * self.raters / raters
        return own + self.alone * self.labels * ((1.0 - self.shared) / labels + self.shared / items)

    def labels_for(self, wanted: float) -> float:
        """Labels on the judged items at which the squared error is ``wanted``; infinite when no number would do."""
        target = (wanted - self.own) / self.alone if self.alone > 0.0 else math.inf
        room = target - self.shared * self.labels / self.items
        return self.labels * (1.0 - self.shared) / room if room > 0 else math.inf


def labels_of(reading: Reading) -> float:
    """Items that people graded under both variants; those that the judge scored when nothing says how many."""
    overlap, people = reading.checks.get("min_overlap"), reading.estimates.get("human")
    return float(people.n_control if people and people.n_control else (overlap and overlap.value) or units(reading))


def corrected_error(reading: Reading) -> CorrectedError | None:
    """Of a reading whose corrected estimate votes; None when an error that it needs is not stored."""
    people, voting = reading.estimates.get("human"), reading.estimates.get(reading.voting)
    if people is None or not people.se or voting is None or not voting.se:
        return None
    labels, items = labels_of(reading), float(units(reading))
    own = min(reading.components.get("rater_error", 0.0), voting.se**2, people.se**2)
    alone = people.se**2 - own
    shared = 0.0
    if labels < items and alone > 0.0:
        shared = min(1.0, max(0.0, (1.0 - (voting.se**2 - own) / alone) / (1.0 - labels / items)))
    return CorrectedError(own, alone, shared, labels, items, reading.components.get("raters"))
