"""The judge's effect as the traffic would have it: items weighted to the declared mix of segments."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from signals.model import Estimate, Evidence, Measure, MixShare, Segment, Signal
from signals.readings.common import estimate, refusal
from signals.readings.judge_estimates import one_sided, t_of
from signals.readings.judged import Item
from signals.stats.difference import RefusedError
from signals.stats.mix import mix_shift
from signals.stats.paired import FEW_CHANGES, FEW_CLUSTERS
from signals.stats.reweight import Weighted, weighted_mean
from signals.stats.weights import kish
from signals.words import plural, share

NO_MIX = "the traffic mix is not known: declare a source of shape traffic_mix"
ALL_COVERED = 1.0 - 1e-9
HEAVY = 10.0  # one item's weight over the mean weight
CONFIDENCE = 0.95  # one-sided, of the bound that max_mix_shift is
SHOWN = 4  # names of segments in a warning


@dataclass(frozen=True)
class Margin:
    """Cells of the mix that name the same dimensions, with the share of each; shares sum to 1."""

    dimensions: tuple[str, ...]
    shares: dict[Segment, float]


@dataclass(frozen=True)
class Reweighted:
    """An estimate and what its weights came to; None where there are none."""

    estimate: Estimate
    n_effective: float | None = None


def coverage(evidence: Evidence, items: Sequence[Item]) -> Measure:
    """Share of the newest traffic mix whose segment has at least one paired item; of the worst margin."""
    if not evidence.mix:
        return Measure("coverage", None, "the traffic mix is not known")
    margins = margins_of(newest_mix(evidence), value=False)
    if not margins:
        return Measure("coverage", None, "the traffic mix has no shares")
    covered, missing, cells = 1.0, [], 0
    for margin in margins:
        held = set(places_of(margin, items))
        covered = min(covered, sum(part for cell, part in margin.shares.items() if cell in held))
        missing += [cell for cell in margin.shares if cell not in held]
        cells += len(margin.shares)
    why = f"{cells} segments of traffic" + (f"; none of {_names(missing)}" if missing else "")
    return Measure("coverage", min(1.0, covered), why)


def mix_shift_of(evidence: Evidence, items: Sequence[Item]) -> Measure:
    """How far the mix of the paired items surely is from the newest traffic mix; of margins, the worst."""
    name = "max_mix_shift"
    if not evidence.mix:
        return Measure(name, None, "the traffic mix is not known")
    margins = margins_of(newest_mix(evidence), value=False)
    if not margins:
        return Measure(name, None, "the traffic mix has no shares")
    found: tuple[float, str] | None = None
    for margin in margins:
        placed = Counter(places_of(margin, items))
        if not items or placed[None] == len(items):
            return Measure(name, None, f"no item says its {' and '.join(margin.dimensions)} as the traffic mix does")
        cells = [*margin.shares, None]  # None: items of segments that traffic does not have
        shares = [0.0 if cell is None else margin.shares[cell] for cell in cells]
        shift = mix_shift([placed[cell] for cell in cells], shares, CONFIDENCE)
        off = max(cells, key=lambda cell: abs(placed[cell] / len(items) - (margin.shares[cell] if cell else 0.0)))
        part = margin.shares[off] if off else 0.0
        named = _names([off]) if off else "segments that traffic does not have"
        why = (
            f"{share(shift.distance)} of the items would have to be of other segments, of which chance explains up to "
            f"{share(shift.noise)}; most of all {named}: {share(placed[off] / len(items))} of the items and "
            f"{share(part)} of traffic"
        )
        found = max(found or (-1.0, ""), (shift.low, why))
    return Measure(name, *found) if found else Measure(name, None, "the traffic mix has no shares")


def effective_items(evidence: Evidence, weighted: Reweighted) -> Measure:
    """Kish's effective number of items under the weights of the mix."""
    if weighted.n_effective is None:
        why = "the traffic mix is not known" if not evidence.mix else weighted.estimate.refused or "no weights"
        return Measure("min_effective_items", None, why)
    items = weighted.estimate.n_control
    return Measure("min_effective_items", weighted.n_effective, f"{items:,} items, weighted to the traffic mix")


def reweighted(signal: Signal, evidence: Evidence, items: Sequence[Item], *, value: bool = False) -> Reweighted:
    """The mean difference under the newest mix: post-stratified, or raked when the mix gives several margins.

    Args:
        signal: Its confidence.
        evidence: Holds the mix.
        items: Those that both arms have.
        value: Weight by each segment's share of value instead of its share of traffic.
    """
    counts = (len(items), len(items))
    if not evidence.mix:
        return Reweighted(refusal(NO_MIX, signal.confidence, counts))
    margins = margins_of(newest_mix(evidence), value=value)
    if not margins:
        return Reweighted(refusal("the traffic mix has no shares", signal.confidence, counts))
    places = [places_of(margin, items) for margin in margins]
    inside = [k for k in range(len(items)) if all(place[k] is not None for place in places)]
    if not inside:
        dimensions = ", ".join(sorted({name for margin in margins for name in margin.dimensions}))
        return Reweighted(
            refusal(f"no item falls in a segment of the traffic mix ({dimensions})", signal.confidence, counts)
        )
    chosen = [items[k] for k in inside]
    levels, shares, missing, names = [], [], 0.0, []
    gaps: list[Segment] = []
    for margin, place in zip(margins, places, strict=True):
        own = [place[k] for k in inside]
        seen = set(own)
        cells = [cell for cell in margin.shares if cell in seen]
        order = {cell: k for k, cell in enumerate(cells)}
        covered = sum(margin.shares[cell] for cell in cells)
        if covered <= 0.0:
            return Reweighted(refusal("the items fall in segments without traffic only", signal.confidence, counts))
        missing = max(missing, 1.0 - covered)
        gaps += [cell for cell, part in margin.shares.items() if cell not in order and part > 0.0]
        levels.append([order[cell] for cell in own if cell is not None])
        shares.append([margin.shares[cell] / covered for cell in cells])
        names.append(cells)
    differences = [item.difference for item in chosen]
    counts = (len(chosen), len(chosen))
    try:
        found = weighted_mean(differences, [item.group for item in chosen], levels, shares, signal.confidence)
    except RefusedError as refused:
        return Reweighted(refusal(str(refused), signal.confidence, counts))
    warnings = _warnings(found, differences, names, missing, gaps, len(items) - len(chosen), value=value)
    return Reweighted(
        estimate(
            found.difference,
            _method(margins, found, value=value),
            signal.confidence,
            counts,
            levels=(
                float(sum(w * item.control for w, item in zip(found.weights, chosen, strict=True))),
                float(sum(w * item.candidate for w, item in zip(found.weights, chosen, strict=True))),
            ),
            n_effective=found.n_effective,
            warnings=warnings,
        ),
        found.n_effective,
    )


def has_value(evidence: Evidence) -> bool:
    """Whether every cell of the newest mix has a share of value."""
    newest = newest_mix(evidence)
    return bool(newest) and all(cell.value_share is not None for cell in newest)


def newest_mix(evidence: Evidence) -> list[MixShare]:
    """The cells of the newest window of the declared mix."""
    last = max((cell.window for cell in evidence.mix), default="")
    return [cell for cell in evidence.mix if cell.window == last]


def margins_of(mix: Sequence[MixShare], *, value: bool) -> list[Margin]:
    """The cells by the dimensions that they name; a margin without shares is left out."""
    found: dict[tuple[str, ...], dict[Segment, float]] = defaultdict(lambda: defaultdict(float))
    for cell in mix:
        amount = (cell.value_share or 0.0) if value else cell.share
        found[tuple(name for name, _ in cell.segment)][cell.segment] += amount
    margins = []
    for dimensions, cells in sorted(found.items()):
        total = sum(cells[cell] for cell in sorted(cells))
        if total > 0.0:
            margins.append(Margin(dimensions, {cell: cells[cell] / total for cell in sorted(cells)}))
    return margins


def places_of(margin: Margin, items: Sequence[Item]) -> list[Segment | None]:
    """The cell of each item, None when the margin has none for it."""
    known: dict[frozenset[tuple[str, str]], Segment | None] = {}
    for item in items:
        if item.labels not in known:
            labels = dict(sorted(item.labels, reverse=True))  # the least value, should an item have two
            cell = tuple((name, labels[name]) for name in margin.dimensions if name in labels)
            known[item.labels] = cell if cell in margin.shares else None
    return [known[item.labels] for item in items]


def _method(margins: Sequence[Margin], found: Weighted, *, value: bool) -> str:
    over = ", ".join(" × ".join(margin.dimensions) or "everything" for margin in margins)
    how = "post-stratified" if len(margins) == 1 else "raked"
    by = "value" if value else "traffic"
    return f"paired by item, {how} to the share of {by} by {over}, {t_of(found.difference)}"


def _warnings(
    found: Weighted,
    differences: Sequence[float],
    names: Sequence[Sequence[Segment]],
    missing: float,
    gaps: Sequence[Segment],
    outside: int,
    *,
    value: bool,
) -> list[str]:
    warnings = []
    if missing > 1.0 - ALL_COVERED:
        what = "value" if value else "traffic"
        warnings.append(f"no item from {share(missing)} of {what} ({_names(gaps)}): it speaks for the rest only")
    if outside:
        warnings.append(f"{plural(outside, 'items')} in no segment of the mix do not count")
    if found.thin:
        thin = [names[side][level] for side, level in found.thin]
        warnings.append(f"too few items in {_names(thin)} for the weight they carry: the interval is rough")
    heaviest = float(found.weights.max()) * len(differences)
    if heaviest > HEAVY:
        warnings.append(f"one item counts as {heaviest:.0f}")
    if found.groups < FEW_CLUSTERS:
        warnings.append(f"only {plural(found.groups, 'clusters')}: the interval is rough")
    changed = found.weights[[one != 0.0 for one in differences]]  # shares of 0 weigh nothing
    if changed.sum() > 0.0 and kish(changed) < FEW_CHANGES <= len(differences):
        return [*warnings, f"weighted, only {plural(kish(changed), 'items')} changed: the interval is rough"]
    return warnings + one_sided(differences, found.lopsided)


def _names(cells: Sequence[Segment]) -> str:
    shown = [" ".join(f"{name}={value}" for name, value in cell) or "everything" for cell in cells[:SHOWN]]
    return ", ".join(shown) + (f" and {len(cells) - SHOWN} more" if len(cells) > SHOWN else "")
