"""Whether a router's loop is closed, and whether it knew: checks of an experiment on requests that were routed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from signals.model import UNKNOWN_OUTCOME, Evidence, Measure, OutcomeCell, RoutedCell
from signals.readings.looks import members_of
from signals.stats.difference import RefusedError
from signals.stats.forecast import worst_route

CONFIDENCE = 0.95
"""One-sided, of the bound that ``max_overconfidence`` is: a router that knows is accused in one release in twenty."""
SMALL = 0.05
"""Share of an arm's requests below which a route is too small to be held against a loop."""


def route_checks(evidence: Evidence, cells: Sequence[OutcomeCell]) -> tuple[Measure, Measure]:
    """``outcome_known`` and ``max_overconfidence``.

    Args:
        evidence: Holds the routed cells and what was set aside.
        cells: Outcome cells of both arms.
    """
    return _known(evidence, cells), _overconfidence(evidence)


def _known(evidence: Evidence, cells: Sequence[OutcomeCell]) -> Measure:
    """Share of requests whose outcome was learned: of the worst route of an arm, else of the worse arm."""
    name = "outcome_known"
    unknown: Counter[str] = Counter()
    declared = False
    for entry in evidence.set_aside:
        if entry.why.startswith(UNKNOWN_OUTCOME):
            declared = True
            unknown[entry.variant or ""] += entry.rows if entry.units is None else entry.units
    if not declared:
        return Measure(name, None, "no source says which outcomes nobody learned")
    if evidence.routed:
        return Measure(name, *_worst_known(evidence.routed))
    known: Counter[str] = Counter()
    for cell in cells:
        known[cell.variant] += members_of(cell)
    arms = sorted(set(known) | {arm for arm in unknown if arm in evidence.release.arms})
    shares = [(known[arm] / (known[arm] + unknown[arm]), arm) for arm in arms if known[arm] + unknown[arm]]
    if not shares:
        return Measure(name, None, "there are no requests")
    share, arm = min(shares)
    return Measure(name, share, f"{known[arm]:,} of {known[arm] + unknown[arm]:,} requests of {arm}")


def _worst_known(routed: Sequence[RoutedCell]) -> tuple[float | None, str]:
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    arms: Counter[str] = Counter()
    for cell in routed:
        counts[cell.variant, cell.route][0] += cell.known
        counts[cell.variant, cell.route][1] += cell.n
        arms[cell.variant] += cell.n
    shares = [
        (known / n, arm, route, known, n)
        for (arm, route), (known, n) in sorted(counts.items())
        if n and n >= SMALL * arms[arm]
    ]
    if not shares:
        return None, "there are no requests"
    share, arm, route, known, n = min(shares)
    where = f"route {route} of {arm}" if route else arm
    many = f", the worst of {len(shares)} routes" if route and len(shares) > 1 else ""
    return share, f"{where}: {known:,} of {n:,} requests{many}"


def _overconfidence(evidence: Evidence) -> Measure:
    """Lower bound of forecast less realised success on the candidate's worst route."""
    name = "max_overconfidence"
    mine = [cell for cell in evidence.routed if cell.variant == evidence.release.candidate]
    if not any(cell.tenth >= 0 for cell in mine):
        return Measure(name, None, "the source has no forecasts: nothing says how the candidate thought it would do")
    routes: dict[str, list[RoutedCell]] = defaultdict(list)
    for cell in mine:
        routes[cell.route].append(cell)
    try:
        route, found, gap, compared = worst_route(routes, CONFIDENCE)
    except RefusedError as refused:
        return Measure(name, None, str(refused))
    where = f"route {route}" if route else "all routes"
    many = f", the worst of {compared} routes" if compared > 1 else ""
    z = "" if found.z is None else f", Spiegelhalter z {found.z:+.1f}"
    why = (
        f"{where}: {100 * found.predicted:.1f} % expected and {100 * found.realised:.1f} % realised over "
        f"{found.known:,} known outcomes{many}; {100 * gap.effect:+.1f} pp, at least {100 * gap.low:+.1f} pp{z}"
    )
    return Measure(name, max(0.0, gap.low), why)
