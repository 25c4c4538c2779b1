"""What the records of a source hold, noted as they pass: which fields are there, of which arms, on how many items."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from signals.model import (
    EmbeddingSample,
    FeedbackCell,
    ItemScore,
    MixShare,
    OutcomeCell,
    Preference,
    QuantileCell,
    Rating,
    Record,
    RoutedCell,
)

LABELS = 50
"""Labels of a segment dimension that are remembered."""

T = TypeVar("T", bound=Record)


@dataclass
class Profile:
    """Notes about the records of one source. Only records of declared arms count, except in ``variants``.

    Attributes:
        arms: The variants that some release names.
        count: Records of declared arms.
        variants: Scores, ratings or choices, units or responses, by variant.
        known: How many records have the fact.
        segments: Labels by dimension.
        scorers: Names of scorers.
        dimensions: Questions of a panel's form.
        raters: Their hashes.
        items: Hashes of items by variant; of a choice, under both of its variants.
        example: The id of one item.
    """

    arms: frozenset[str]
    count: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    variants: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    segments: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    scorers: Counter[str] = field(default_factory=Counter)
    dimensions: Counter[str] = field(default_factory=Counter)
    raters: set[int] = field(default_factory=set)
    items: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    example: str = ""
    twice: bool = False  # two raters graded one output
    both: bool = False  # one rater graded an item under two variants
    _first: dict[int, int] = field(default_factory=dict, repr=False)
    _seen: dict[int, int] = field(default_factory=dict, repr=False)

    def watch(self, records: Iterable[T]) -> Iterator[T]:
        """The records, noted."""
        for record in records:
            self.note(record)
            yield record

    def has(self, fact: str) -> bool:
        """Whether any record has it."""
        return self.known[fact] > 0

    def everywhere(self, fact: str) -> bool:
        """Whether every record has it."""
        return self.known[fact] == self.count > 0

    def pairs(self, control: str, candidate: str) -> tuple[int, int]:
        """Items that both arms have, and that any of them has."""
        ours, theirs = (self.items.get(arm, set()) for arm in (control, candidate))
        return len(ours & theirs), len(ours | theirs)

    def note(self, record: Record) -> None:
        """Remember what one record has."""
        mine = _variants(record)
        size = record.moments.n if isinstance(record, (OutcomeCell, FeedbackCell)) else 1
        if isinstance(record, FeedbackCell):
            size = round(record.moments.n * (record.moments.d_mean or 1.0))
        for variant in mine:
            self.variants[variant] += 0 if isinstance(record, (QuantileCell, RoutedCell)) else size
        if mine and not self.arms & set(mine):
            return
        self.kinds[type(record).__name__] += 1
        if isinstance(record, RoutedCell):  # of units that outcome cells count
            self.known["forecast"] += record.tenth >= 0
            return
        self.count += 1
        if not isinstance(record, EmbeddingSample):
            for name, label in record.segment:
                if len(self.segments[name]) < LABELS:
                    self.segments[name].add(label)
        self.known.update(fact for fact, there in _facts(record).items() if there)
        if isinstance(record, (ItemScore, Rating, Preference)):
            self._note_item(record, mine)

    def _note_item(self, record: ItemScore | Rating | Preference, mine: tuple[str, ...]) -> None:
        item = hash(record.item)
        self.example = self.example or record.item
        for variant in mine:
            self.items[variant].add(item)
        if isinstance(record, ItemScore):
            self.scorers[record.scorer] += 1
            return
        self.dimensions[record.dimension] += 1
        rater = hash(record.rater)
        if record.rater:
            self.raters.add(rater)
        output = hash((record.item, mine, record.dimension))
        self.twice = self.twice or self._first.setdefault(output, rater) != rater
        if isinstance(record, Preference):
            self.both = True
        elif not self.both:
            seen = hash((record.item, record.rater, record.dimension))
            self.both = self._seen.setdefault(seen, hash(record.variant)) != hash(record.variant)


def _variants(record: Record) -> tuple[str, ...]:
    if isinstance(record, Preference):
        return tuple(sorted((record.left, record.right)))
    if isinstance(record, EmbeddingSample):
        return (record.variant or record.window,)
    return () if isinstance(record, MixShare) or not record.variant else (record.variant,)


def _facts(record: Record) -> Mapping[str, bool]:
    if isinstance(record, ItemScore):
        return {
            "at": record.at is not None, "judge": bool(record.fingerprint) or record.value is None,
            "length": record.length is not None, "content": bool(record.content), "made": record.made is not None,
            "leaked": record.leaked is not None, "cluster": bool(record.cluster), "value": record.value is not None,
        }  # fmt: skip
    if isinstance(record, (Rating, Preference)):
        left = isinstance(record, Preference) and record.left < record.right
        return {
            "at": record.at is not None, "expected": record.expected is not None, "again": record.attempt > 1,
            "left": left, "right": isinstance(record, Preference) and not left,
        }  # fmt: skip
    if isinstance(record, OutcomeCell):
        moments = record.moments
        return {
            "at": record.day is not None, "covariate": moments.x_mean is not None,
            "denominator": moments.d_mean is not None, "units": record.counted != "counts",
            "clusters": record.counted == "clusters", "extremes": record.least is not None,
            "skew": moments.m3 is not None,
        }  # fmt: skip
    if isinstance(record, FeedbackCell):
        return {
            "at": record.day is not None, "impressions": record.impressions is not None, "users": record.users_known,
            "loudest": record.top_user_share is not None,
        }  # fmt: skip
    if isinstance(record, MixShare):
        return {"value_share": record.value_share is not None}
    if isinstance(record, EmbeddingSample):
        return {"at": record.at is not None, "model": bool(record.model), "window": bool(record.window)}
    return {"at": record.at is not None}
