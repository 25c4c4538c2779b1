"""Judge scores, sorted out: which ones count, and what they say of each item under both variants."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from signals.model import Evidence, ItemScore, Measure, Signal
from signals.readings.common import Tray
from signals.stats.paired import Spread

OTHER_VERSION = "judge version did not score both arms of the item"
NO_SPREAD = Spread(0.0, 0, 0.0)


@dataclass(frozen=True)
class Said:
    """What one judge version said of one item: its mean scores, and how many went into them."""

    judge: str
    control: float
    candidate: float
    scores: tuple[int, int]


@dataclass(frozen=True)
class Item:
    """One item that both arms have: mean scores and what is known about it. Pairs are (control, candidate)."""

    name: str
    control: float
    candidate: float
    scores: tuple[int, int]  # how many scores went into the means
    cluster: str
    labels: frozenset[tuple[str, str]]
    spreads: tuple[Spread, Spread] = (NO_SPREAD, NO_SPREAD)
    versions: tuple[Said, ...] = ()
    lengths: tuple[float, float] | None = None  # mean length of the outputs
    content: str = ""
    made: datetime | None = None
    leaked: bool | None = None

    @property
    def difference(self) -> float:
        """Candidate minus control."""
        return self.candidate - self.control

    @property
    def group(self) -> Hashable:
        """Its cluster, or itself."""
        return ("cluster", self.cluster) if self.cluster else ("item", self.name)

    @property
    def pass_fail(self) -> bool:
        """Whether both arms have one score of 0 or 1."""
        return self.scores == (1, 1) and self.control in (0.0, 1.0) and self.candidate in (0.0, 1.0)


@dataclass(frozen=True)
class Judged:
    """The scores of one scorer, sorted out."""

    items: tuple[Item, ...] = ()
    union: int = 0  # items seen in either arm
    per_arm: tuple[int, int] = (0, 0)  # items with a score, whichever judge version gave it
    dropped: int = 0  # scores of versions that did not score both arms of their item, where no other did either
    error_rate: Measure = field(default_factory=lambda: Measure("max_error_rate", None, "nothing was judged"))
    outputs: Mapping[tuple[str, str], float] = field(default_factory=dict)  # (item, variant) -> mean score
    kept: tuple[ItemScore, ...] = ()
    valid: tuple[ItemScore, ...] = ()  # every score with a value, of all judge versions
    refused: str | None = None

    @property
    def unit(self) -> str:
        """``pp`` when all scores lie in 0..1."""
        values = [score.value for score in self.kept if score.value is not None]
        return "pp" if values and min(values) >= 0.0 and max(values) <= 1.0 else "points"


def sort_out(signal: Signal, evidence: Evidence, tray: Tray) -> Judged:
    """The scores that count, paired by item; what does not goes into the tray."""
    control, candidate = evidence.release.arms
    everyone = []
    for score in evidence.scores:
        if score.variant in (control, candidate):
            everyone.append(score)
        else:
            tray.put(f"variant {score.variant} is neither arm", score.variant)
    mine, refused = _one_scorer(everyone, signal, tray)
    basis = mine or everyone
    judged = Judged(
        union=len({score.item for score in basis}), per_arm=_items_per_arm(basis, control, candidate), refused=refused
    )
    if refused or not mine:
        return judged
    _set_errors_aside(mine, tray)
    valid = tuple(score for score in mine if score.value is not None)
    kept, dropped = _one_version(valid, tray)
    items, outputs = _pair(kept, control, candidate, tray)
    paired = {item.name for item in items}
    if not items:
        refused = _why_no_pair(judged, bool(dropped), control, candidate)
    return replace(
        judged,
        items=items,
        outputs=outputs,
        kept=kept,
        valid=valid,
        dropped=sum(score.item not in paired for score in dropped),
        error_rate=_error_rate(mine, control, candidate),
        refused=refused,
    )


def label(item: Item, dimension: str) -> str | None:
    """The item's value in a segment dimension."""
    return min((value for name, value in item.labels if name == dimension), default=None)


def _one_scorer(scores: list[ItemScore], signal: Signal, tray: Tray) -> tuple[list[ItemScore], str | None]:
    """The scores of the scorer that the policy names, or of the only one; else none, and why."""
    scorers = sorted({score.scorer for score in scores})
    if signal.scorer is None:
        if len(scorers) > 1:
            names = ", ".join(scorers[:8])
            return [], (
                f"the evidence has {len(scorers)} scorers ({names}) and the policy names none: "
                "set `scorer:` on the signal"
            )
        return scores, None
    for score in scores:
        if score.scorer != signal.scorer:
            name = score.scorer or "without a name"
            tray.put(f"scorer {name} is not the one that the policy names", score.variant)
    mine = [score for score in scores if score.scorer == signal.scorer]
    if scores and not mine:
        return [], f"no score by scorer {signal.scorer!r}; the evidence has {', '.join(scorers[:8])}"
    return mine, None


def _items_per_arm(scores: Sequence[ItemScore], control: str, candidate: str) -> tuple[int, int]:
    def count(arm: str) -> int:
        return len({score.item for score in scores if score.variant == arm and score.value is not None})

    return count(control), count(candidate)


def _one_version(valid: Sequence[ItemScore], tray: Tray) -> tuple[tuple[ItemScore, ...], tuple[ItemScore, ...]]:
    """The scores whose judge version is the same in both arms of their item, and those that are dropped for that.

    Item by item, because a rubric that is written per item makes a version per item. An item that only one arm has is
    kept here: nothing says that its judge changed, and it is set aside as unpaired later.
    """
    versions: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for score in valid:
        versions[score.item][score.variant].add(score.fingerprint)
    kept, dropped = [], []
    for score in valid:
        arms = list(versions[score.item].values())
        if len(arms) == 2 and score.fingerprint not in arms[0] & arms[1]:
            tray.put(OTHER_VERSION, score.variant)
            dropped.append(score)
        else:
            kept.append(score)
    return tuple(kept), tuple(dropped)


def _why_no_pair(judged: Judged, dropped: bool, control: str, candidate: str) -> str:
    for arm, items in zip((control, candidate), judged.per_arm, strict=True):
        if not items:
            return f"no usable score for {arm}"
    return "the two arms were scored by different judge versions" if dropped else "no item was scored in both arms"


def _set_errors_aside(scores: Sequence[ItemScore], tray: Tray) -> None:
    for score in scores:
        if score.value is None:
            words = (score.error or "no value").replace("_", " ")
            tray.put(f"no score: {words}", score.variant, fault=score.error != "skipped")


def _error_rate(scores: Sequence[ItemScore], control: str, candidate: str) -> Measure:
    """Failed over all judgements, in the worse arm; what was skipped on purpose was not tried."""
    worst, where = -1.0, ""
    for arm in (control, candidate):
        tried = [score for score in scores if score.variant == arm and score.error != "skipped"]
        if tried:
            failed = sum(score.value is None for score in tried)
            if failed / len(tried) > worst:
                worst, where = failed / len(tried), f"{failed:,} of {len(tried):,} judgements of {arm}"
    if worst < 0.0:
        return Measure("max_error_rate", None, "nothing was judged")
    return Measure("max_error_rate", worst, where)


def _pair(
    kept: Sequence[ItemScore], control: str, candidate: str, tray: Tray
) -> tuple[tuple[Item, ...], dict[tuple[str, str], float]]:
    """Mean score per item, judge version and arm; then over the versions that scored both arms of the item."""
    found: dict[str, dict[str, dict[str, list[ItemScore]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    by_output: dict[tuple[str, str], list[float]] = defaultdict(list)
    for score in kept:
        found[score.item][score.fingerprint][score.variant].append(score)
    items = []
    for name in sorted(found):
        both: list[tuple[str, list[float], list[float]]] = []
        records: list[ItemScore] = []
        for version in sorted(found[name]):
            arms = found[name][version]
            values = {arm: _values(scores) for arm, scores in arms.items()}
            for arm, some in values.items():
                by_output[name, arm].append(_mean(some))
            records += [score for scores in arms.values() for score in scores]
            if len(values) == 2:
                both.append((version, values[control], values[candidate]))
            else:
                arm, scores = next(iter(arms.items()))
                tray.put("item was scored in one arm only", arm, len(scores))
        if both:
            items.append(_item(name, both, records, control, candidate))
    return tuple(items), {output: sum(values) / len(values) for output, values in by_output.items()}


def _item(
    name: str,
    both: Sequence[tuple[str, list[float], list[float]]],
    records: Sequence[ItemScore],
    control: str,
    candidate: str,
) -> Item:
    versions = tuple(
        Said(version, _mean(ours), _mean(theirs), (len(ours), len(theirs))) for version, ours, theirs in both
    )
    return Item(
        name,
        _mean([said.control for said in versions]),
        _mean([said.candidate for said in versions]),
        (sum(said.scores[0] for said in versions), sum(said.scores[1] for said in versions)),
        min((score.cluster for score in records if score.cluster), default=""),
        frozenset(pair for score in records for pair in score.segment),
        (_spread([ours for _, ours, _ in both]), _spread([theirs for _, _, theirs in both])),
        versions,
        _lengths(records, control, candidate),
        min((score.content for score in records if score.content), default=""),
        min((score.made for score in records if score.made is not None), default=None),
        _leaked(records),
    )


def _spread(arm: Sequence[list[float]]) -> Spread:
    """Of one arm's scores, a list per judge version."""
    squares, free, thinning = 0.0, 0, 0.0
    for values in arm:
        mean = _mean(values)
        squares += sum((value - mean) ** 2 for value in values)
        free += len(values) - 1
        thinning += 1.0 / len(values)
    return Spread(squares, free, thinning / len(arm) ** 2)


def _lengths(records: Sequence[ItemScore], control: str, candidate: str) -> tuple[float, float] | None:
    found = [
        sorted(score.length for score in records if score.variant == arm and score.length is not None)
        for arm in (control, candidate)
    ]
    return (_mean(found[0]), _mean(found[1])) if all(found) else None


def _leaked(records: Iterable[ItemScore]) -> bool | None:
    said = [score.leaked for score in records if score.leaked is not None]
    return any(said) if said else None


def _values(scores: Sequence[ItemScore]) -> list[float]:
    return sorted(score.value for score in scores if score.value is not None)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
