"""Evidence: records as the store keeps them, at the level that the statistics need."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from signals.model.kin import ModelFamily
from signals.model.release import Release

Segment = tuple[tuple[str, str], ...]
"""Sorted (dimension, value) pairs, for example ``(("locale", "de"), ("plan", "pro"))``; ``()`` is everything."""

BOTH_ARMS = "unit was seen in both arms"
"""The reason that connectors give for such units; the ``both_arms`` check counts by it."""

INCOMPLETE = "outcome window is not complete"
"""The reason that connectors give for units whose outcome may still come; ``outcome_complete`` counts by it."""

UNKNOWN_OUTCOME = "outcome was never learned"
"""The reason that connectors give for units whose outcome nobody knows; ``outcome_known`` counts by it."""

OTHER_RELEASES = "about the variants of other releases"
"""Why rows of a source that serves several releases do not count for one of them."""

ScoreError = Literal["system_error", "judge_error", "judge_unparsed", "skipped"]


@dataclass(frozen=True, slots=True)
class ItemScore:
    """One score of one output; ``value`` is None exactly when ``error`` says why."""

    record: str  # unique within its source
    item: str
    variant: str
    scorer: str
    value: float | None
    error: ScoreError | None = None
    fingerprint: str = ""  # identity of the judge: name, model, rubric, threshold, tool version
    repeat: int = 0
    cluster: str = ""  # items of one cluster are not independent; empty: the item is its own cluster
    segment: Segment = ()
    at: datetime | None = None
    length: float | None = None  # of the scored output, in whatever the source counts (characters, tokens)
    content: str = ""  # hash of what the item asks; items with the same one are duplicates; empty: not known
    made: datetime | None = None  # when the item was written
    leaked: bool | None = None  # whether the item is known to be in a training set


@dataclass(frozen=True, slots=True)
class Rating:
    """One rater's grade of one output. ``value`` is None for a skipped or rejected one (``status`` says which)."""

    record: str
    item: str
    rater: str
    variant: str
    value: float | None
    dimension: str = ""
    status: str = "submitted"
    attempt: int = 1
    segment: Segment = ()
    at: datetime | None = None
    expected: float | None = None  # the right answer of a gold item


@dataclass(frozen=True, slots=True)
class Preference:
    """One rater's choice between two outputs, with the sides they were shown on."""

    record: str
    item: str
    rater: str
    left: str
    right: str
    choice: Literal["left", "right", "tie"] | None
    dimension: str = ""
    status: str = "submitted"
    attempt: int = 1
    segment: Segment = ()
    at: datetime | None = None
    expected: Literal["left", "right", "tie"] | None = None  # the right answer of a gold item


@dataclass(frozen=True, slots=True)
class Moments:
    """Mergeable moments of up to three numbers per unit: outcome y, covariate x, denominator d.

    ``mean`` and ``m2`` (sum of squared deviations from the mean) are of y; ``xy``, ``yd``, ``xd`` are sums of products
    of deviations, and ``m3`` is the sum of cubed deviations of y. Never raw sums of squares: those lose all precision
    when the mean is large.
    """

    n: int
    mean: float
    m2: float
    x_mean: float | None = None
    x_m2: float | None = None
    xy: float | None = None
    d_mean: float | None = None
    d_m2: float | None = None
    yd: float | None = None
    xd: float | None = None
    m3: float | None = None


@dataclass(frozen=True, slots=True)
class OutcomeCell:
    """Moments of one metric over the units of one variant, segment and first day."""

    metric: str
    variant: str
    segment: Segment
    day: date | None  # the unit's first day (UTC), so that cells add up; None when the source has no times
    moments: Moments
    least: float | None = None  # smallest and largest outcome of one unit; None when only counts are known
    most: float | None = None
    counted: Literal["units", "clusters", "counts"] = "units"  # what a unit of the moments is; counts: rows were counts
    members: int | None = None  # clusters: how many units the clusters of the cell hold


QUANTILE_STEPS: tuple[float, ...] = tuple(step / 4 for step in range(1, 33))
"""How many standard errors of the rank the stored order statistics of a quantile stand away from it: 0.25 to 8."""


@dataclass(frozen=True, slots=True)
class QuantileCell:
    """A quantile of one metric over the units of one variant and segment, with order statistics around it.

    Quantiles do not merge, so a source gives one cell for everything (``segment`` is ``()``) and one per value of each
    segment dimension. ``lows[k]`` is the order statistic of rank ``floor(n q - z_k sqrt(n q (1 - q)))``, ``highs[k]``
    that of rank ``ceil(n q + z_k sqrt(n q (1 - q))) + 1``, ``z_k = QUANTILE_STEPS[k]``; both stop where ranks end.
    """

    metric: str
    variant: str
    segment: Segment
    quantile: float
    n: int
    value: float
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    at: datetime | None = None  # the newest unit's time: the cell says nothing of earlier moments
    counted: Literal["units", "clusters"] = "units"  # clusters: the units were randomised together


@dataclass(frozen=True, slots=True)
class RoutedCell:
    """What became of the requests of one variant that took one route, by tenth of the forecast probability of success.

    A request whose outcome nobody learned counts in ``n`` alone. Of the others: p is the forecast, y the outcome. The
    units of these cells are those of the source's ``OutcomeCell``s and of those that were set aside as unknown.
    """

    metric: str
    variant: str
    route: str  # empty: the source does not say which route was taken
    tenth: int  # 0 to 9 for forecasts in [0, 0.1) to [0.9, 1]; -1: without a forecast
    n: int
    known: int
    realised: float  # mean of y; 0 when none is known
    predicted: float = 0.0  # mean of p
    spread: float = 0.0  # sum of squared deviations of p - y from its mean
    chance: float = 0.0  # sum of p(1 - p)
    score: float = 0.0  # sum of (y - p)(1 - 2p)
    score_spread: float = 0.0  # sum of p(1 - p)(1 - 2p)^2
    at: datetime | None = None  # the newest unit's time: the cell says nothing of earlier moments


@dataclass(frozen=True, slots=True)
class FeedbackCell:
    """Per-user moments of thumbs: y = positives, d = responses, x = impressions of a user.

    When the source knows no users, each response is its own unit: n = responses, d_mean = 1. ``impressions`` is None
    when the source cannot know how many answers were shown.
    """

    variant: str
    segment: Segment
    day: date | None
    impressions: int | None
    users_known: bool
    moments: Moments
    top_user_share: float | None = None  # share of the cell's responses given by its loudest user


@dataclass(frozen=True, slots=True)
class MixShare:
    """Share of traffic (and of value) in one segment: what a golden set should look like."""

    record: str
    segment: Segment
    share: float
    value_share: float | None = None
    window: str = ""


@dataclass(frozen=True, slots=True)
class EmbeddingSample:
    """One vector, for drift."""

    record: str
    variant: str
    vector: tuple[float, ...]
    window: str = ""
    item: str = ""
    at: datetime | None = None
    model: str = ""  # which one made it; vectors of two models cannot be compared


Record = (
    ItemScore
    | Rating
    | Preference
    | OutcomeCell
    | QuantileCell
    | RoutedCell
    | FeedbackCell
    | MixShare
    | EmbeddingSample
)


@dataclass(frozen=True)
class SetAside:
    """Rows that do not count, and why. ``variant`` is None when the fault is not one arm's."""

    rows: int
    why: str
    variant: str | None = None
    fault: bool = True  # False: nothing is wrong with the rows, they are about another comparison
    units: int | None = None  # how many units the rows are of, where whole units were set aside


@dataclass(frozen=True)
class SourceNote:
    """Where evidence came from."""

    name: str
    connector: str
    pulled_at: datetime
    content: str  # sha256 of what was read
    rows_read: int = 0
    rows_kept: int = 0
    own_rows: int = 0  # of the rows kept, those about this release's arms (in proportion to its units)
    units: int | None = None  # what its evidence about this release's arms counts; None in notes of older versions


@dataclass(frozen=True)
class Evidence:
    """Everything one reading may look at: the records of one release's two arms for one signal."""

    release: Release
    scores: tuple[ItemScore, ...] = ()
    ratings: tuple[Rating, ...] = ()
    preferences: tuple[Preference, ...] = ()
    outcomes: tuple[OutcomeCell, ...] = ()
    quantiles: tuple[QuantileCell, ...] = ()
    routed: tuple[RoutedCell, ...] = ()
    feedback: tuple[FeedbackCell, ...] = ()
    mix: tuple[MixShare, ...] = ()
    vectors: tuple[EmbeddingSample, ...] = ()
    human: tuple[Rating, ...] = ()  # for a judge: what panels said of the same outputs
    set_aside: tuple[SetAside, ...] = ()
    sources: tuple[SourceNote, ...] = ()
    family: int = 1  # how many candidates are tested at once in the release's family
    kin: tuple[ModelFamily, ...] = ()  # which models are related, as the project declares
