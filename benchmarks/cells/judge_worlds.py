"""What the judge cells draw: golden sets with a known effect, judged and graded by people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from scipy.special import ndtri

from benchmarks.cells import Run, outcome
from signals.checks import BY_NAME
from signals.model import Evidence, MixShare, Release, Segment, Signal
from signals.readings.judge_corrected import judge_bias, with_people
from signals.readings.judge_estimates import paired
from signals.readings.judge_weighted import effective_items, reweighted
from signals.readings.judged import Item
from signals.readings.labels import Labels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Draw = Callable[[np.random.Generator, int], Numbers]

RELEASE = Release("r", "prompt", "old", "new", date(2026, 11, 1))
BY_KIND: tuple[str, ...] = ("kind",)


def warns(check: str, value: float | None) -> bool:
    """Whether a check that the policy does not ask for would warn."""
    spec = BY_NAME[check]
    if value is None or spec.default is None:
        return False
    return value < spec.default if spec.passes == ">=" else value > spec.default


def signal(segments: tuple[str, ...] = ()) -> Signal:
    return Signal("judge", "judge", "?", "higher", 0.95, segments=segments)


TEMPLATE = dict(Item("", 0.0, 0.0, (1, 1), "", frozenset()).__dict__)
NAMES = [f"i{k:05d}" for k in range(1_000)]


def items(
    control: Sequence[float],
    candidate: Sequence[float],
    clusters: Sequence[str] | None = None,
    labels: Sequence[frozenset[tuple[str, str]]] | None = None,
) -> list[Item]:
    """One item per pair of scores. Filled in directly: there are some millions of them in a run of the grid."""
    made = []
    for k, (a, b) in enumerate(zip(control, candidate, strict=True)):
        one = object.__new__(Item)
        one.__dict__.update(TEMPLATE, name=NAMES[k], control=a, candidate=b)
        if clusters:
            one.__dict__["cluster"] = clusters[k]
        if labels:
            one.__dict__["labels"] = labels[k]
        made.append(one)
    return made


def graded(differences: Numbers, **fields: Any) -> list[Item]:
    """Items whose control scores .5, for intervals that look at differences only."""
    return items([0.5] * len(differences), (0.5 + differences).tolist(), **fields)


# --- raw ------------------------------------------------------------------------------------------------------------


def clustered(groups: int, sizes: Callable[[np.random.Generator, int], NDArray[np.intp]]) -> Callable[..., Run]:
    """Normal differences with intraclass correlation .2 and clusters of unequal size."""

    def simulate(rng: np.random.Generator) -> Run:
        held = sizes(rng, groups)
        where = [k for k, size in enumerate(held) for _ in range(size)]
        common = rng.normal(0, 0.2**0.5, groups)
        noise = rng.normal(0, 0.8**0.5, len(where))
        made = graded(0.3 + common[where] + noise, clusters=[f"c{k}" for k in where])
        return outcome(paired(made, 0.95), 0.3)

    return simulate


def unequal(rng: np.random.Generator, groups: int) -> NDArray[np.intp]:
    return rng.integers(*((5, 36) if groups <= 10 else (2, 9)), groups)


def giant(rng: np.random.Generator, groups: int) -> NDArray[np.intp]:
    sizes = rng.integers(3, 8, groups)
    sizes[0] = sizes[1:].sum()
    return sizes


def plain(n: int, draw: Draw, truth: float) -> Callable[..., Run]:
    def simulate(rng: np.random.Generator) -> Run:
        return outcome(paired(graded(draw(rng, n)), 0.95), truth, flagged=warns("min_items", n))

    return simulate


def normal(rng: np.random.Generator, n: int) -> Numbers:
    return rng.normal(0.1, 0.3, n)


def skewed(rng: np.random.Generator, n: int) -> Numbers:
    return rng.exponential(0.3, n)


def few_losses(rng: np.random.Generator, n: int) -> Numbers:
    """One item in ten gets worse, some by much; nothing else changes."""
    return (rng.random(n) < 0.1) * -rng.exponential(0.5, n)


def rare(rng: np.random.Generator, n: int) -> Numbers:
    """Pass/fail: 10 % of the items change, six in ten of them for the better."""
    chance = rng.random(n)
    return (chance < 0.06) * 1.0 - (chance > 0.96) * 1.0


def ordinal(rng: np.random.Generator, n: int) -> Numbers:
    """Differences of grades 1 to 5 that share an item's difficulty; their mean is .1862."""
    hard = rng.normal(0, 0.8, n)
    arms = [(hard + shift + rng.normal(0, 0.8, n)).round().clip(-2, 2) for shift in (0.0, 0.2)]
    return arms[1] - arms[0]


ORDINAL_TRUTH = 0.18618735


def discordant(n: int, share: float, gain: float = 0.5) -> Callable[..., Run]:
    """Pass/fail: ``share`` of the items change, ``gain`` of them for the better."""

    def simulate(rng: np.random.Generator) -> Run:
        better, worse, same = rng.multinomial(n, [share * gain, share * (1 - gain), 1 - share])
        made = items([0.0] * better + [1.0] * (worse + same), [1.0] * better + [0.0] * worse + [1.0] * same)
        return outcome(paired(made, 0.95), share * (2 * gain - 1), flagged=warns("min_items", n))

    return simulate


# --- reweighted -----------------------------------------------------------------------------------------------------


def mix_of(shares: dict[Segment, float]) -> tuple[MixShare, ...]:
    return tuple(MixShare(str(k), segment, share) for k, (segment, share) in enumerate(shares.items()))


def stratified(
    sizes: Sequence[int], shares: Sequence[float], draw: Draw, mean: float, step: float = 0.2
) -> Callable[..., Run]:
    """Items per segment as given; the effect differs by segment, in steps."""
    names = [f"k{k:02d}" for k in range(len(sizes))]
    mix = mix_of({(("kind", name),): share for name, share in zip(names, shares, strict=True)})
    shifts = [step * ((k % 3) - 1) for k in range(len(sizes))]
    truth = mean + sum(share * shift for share, shift in zip(shares, shifts, strict=True)) / sum(shares)
    labels = [frozenset({("kind", name)}) for name, size in zip(names, sizes, strict=True) for _ in range(size)]
    moved = [shift for shift, size in zip(shifts, sizes, strict=True) for _ in range(size)]

    def simulate(rng: np.random.Generator) -> Run:
        made = graded(draw(rng, len(labels)) + moved, labels=labels)
        return weigh(made, mix, truth)

    return simulate


def weigh(made: list[Item], mix: tuple[MixShare, ...], truth: float) -> Run:
    evidence = Evidence(RELEASE, mix=mix)
    found = reweighted(signal(), evidence, made)
    measure = effective_items(evidence, found)
    return outcome(found.estimate, truth, flagged=warns("min_effective_items", measure.value))


def raked(n: int, groups: int | None = None) -> Callable[..., Run]:
    """Two margins of traffic, associated in the golden set and not in the items' effect (which is additive)."""
    mix = mix_of(
        {(("kind", "a"),): 0.5, (("kind", "b"),): 0.3, (("kind", "c"),): 0.2,
         (("locale", "de"),): 0.7, (("locale", "en"),): 0.3}
    )  # fmt: skip
    truth = 0.1 + 0.5 * 0.0 + 0.3 * 0.2 - 0.2 * 0.2 + 0.7 * 0.0 + 0.3 * 0.1

    def simulate(rng: np.random.Generator) -> Run:
        kind = rng.choice(3, n, p=[0.2, 0.5, 0.3])
        english = rng.random(n) < 0.3 + 0.2 * kind
        where = rng.integers(0, groups, n) if groups else None
        common = rng.normal(0, 0.15, groups)[where] if where is not None else 0.0
        effect = 0.1 + (kind == 1) * 0.2 - (kind == 2) * 0.2 + english * 0.1 + common + rng.normal(0, 0.3, n)
        labels = [
            frozenset({("kind", "abc"[k]), ("locale", "en" if e else "de")}) for k, e in zip(kind, english, strict=True)
        ]
        clusters = [f"c{k}" for k in where] if where is not None else None
        return weigh(graded(effect, labels=labels, clusters=clusters), mix, truth)

    return simulate


# --- corrected ------------------------------------------------------------------------------------------------------

Made = tuple[list[Item], Labels, float]


def correct(make: Callable[[np.random.Generator], Made], segments: tuple[str, ...] = ()) -> Callable[..., Run]:
    def simulate(rng: np.random.Generator) -> Run:
        made, labels, truth = make(rng)
        found = with_people(signal(segments), made, labels)
        values = {measure.name: measure.value for measure in found.measures}
        flagged = any(warns(check, values[check]) for check in ("min_overlap", "label_balance_p"))
        if "corrected" not in found.estimates:
            return Run(None, None, flagged=True)
        return outcome(found.estimates["corrected"], truth, flagged=flagged)

    return simulate


def continuous(labelled: int, rest: int, slope: float, noise: float, bias: float = 0.1) -> Callable[..., Made]:
    """People's differences are normal around .1; the judge follows them with a slope, a bias and noise."""

    def make(rng: np.random.Generator) -> Made:
        people = rng.normal(0.1, 0.3, labelled + rest)
        judge = slope * people + bias + rng.normal(0, noise, people.size)
        pairs = {NAMES[k]: (0.5, 0.5 + float(people[k])) for k in range(labelled)}
        return graded(judge), Labels(pairs, 30, graded=len(pairs)), 0.1

    return make


def binary(
    labelled: int, rest: int, passes: tuple[float, float], right: tuple[float, float],
    others: tuple[float, float] | None = None, candidate: tuple[float, float] | None = None,
) -> Callable[..., Made]:  # fmt: skip
    """Pass/fail people (pass rates of control and candidate) and judge (true positive and true negative rate).

    ``others``: pass rates of the items that people did not grade; ``candidate``: the judge's rates on its answers.
    """
    rates = [passes] * labelled + [others or passes] * rest
    truth = sum(b - a for a, b in rates) / len(rates)

    def make(rng: np.random.Generator) -> Made:
        n = labelled + rest
        common = rng.normal(size=(n, 1))
        people = (common + rng.normal(size=(n, 2))) * 0.5**0.5 < ndtri(rates)
        chance = rng.random((n, 2))
        positive = [right[0], (candidate or right)[0]]
        negative = [right[1], (candidate or right)[1]]
        judge = (people & (chance < positive)) | (~people & (chance >= negative))
        pairs = {NAMES[k]: (float(people[k, 0]), float(people[k, 1])) for k in range(labelled)}
        return items(*judge.astype(float).T.tolist()), Labels(pairs, 30, graded=len(pairs)), truth

    return make


def by_segment(labelled: int, rest: int) -> Callable[..., Made]:
    """The judge errs the other way in each of two segments, one of which is thrice the other."""

    def make(rng: np.random.Generator) -> Made:
        n = labelled + rest
        small = rng.random(n) < 0.25
        people = 0.1 + 0.2 * small + rng.normal(0, 0.3, n)
        judge = 0.8 * people + (0.3 * small - 0.2) + rng.normal(0, 0.1, n)
        pairs = {NAMES[k]: (0.5, 0.5 + float(people[k])) for k in range(labelled)}
        labels = [frozenset({("kind", "b" if one else "a")}) for one in small]
        return graded(judge, labels=labels), Labels(pairs, 30, graded=len(pairs)), 0.15

    return make


def in_clusters(groups: int, size: int, share: float) -> Callable[..., Made]:
    """Items in clusters, some of each graded; the judge's error is shared within clusters too."""

    def make(rng: np.random.Generator) -> Made:
        where = [k for k in range(groups) for _ in range(size)]
        people = 0.1 + rng.normal(0, 0.2, groups)[where] + rng.normal(0, 0.4, len(where))
        judge = 0.7 * people + rng.normal(0, 0.1, groups)[where] + rng.normal(0, 0.2, len(where))
        chosen = rng.random(len(where)) < share
        pairs = {NAMES[k]: (0.5, 0.5 + float(people[k])) for k in range(len(where)) if chosen[k]}
        return graded(judge, clusters=[f"c{k}" for k in where]), Labels(pairs, 30, graded=len(pairs)), 0.1

    return make


def bias(make: Callable[[np.random.Generator], Made], truth: float) -> Callable[..., Run]:
    def simulate(rng: np.random.Generator) -> Run:
        made, labels, _ = make(rng)
        both = [one for one in made if one.name in labels.pairs]
        return outcome(judge_bias(signal(), both, labels), truth, flagged=warns("min_overlap", len(both)))

    return simulate


def by_raters(labelled: int, rest: int, raters: int, each: int, spread: float) -> Callable[..., Made]:
    """People's word on an item is the mean of some of the raters, who see the change differently by ``spread``."""

    def make(rng: np.random.Generator) -> Made:
        items_ = rng.normal(0.1, 0.3, labelled + rest)
        judge = 0.8 * items_ + 0.1 + rng.normal(0, 0.1, items_.size)
        tastes = rng.normal(0, spread, raters)
        cells = []
        pairs = {}
        for k in range(labelled):
            who = rng.choice(raters, each, replace=False)
            said = items_[k] + tastes[who] + rng.normal(0, 0.3, each)
            cells += [(NAMES[k], f"r{r:02}", float(value)) for r, value in zip(who, said, strict=True)]
            pairs[NAMES[k]] = (0.5, 0.5 + float(said.mean()))
        return graded(judge), Labels(pairs, raters, graded=len(pairs), cells=tuple(cells)), 0.1

    return make
