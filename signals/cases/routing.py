"""What the cases about routers write alike: requests as a gateway logs them, the bill, the set they were tuned on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from signals.cases.kit import days_before, stamp, table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DAYS = 14

SOURCES = """\
releases:
  - id: {candidate}
    kind: router
    control: {control}
    candidate: {candidate}
    started: 2026-11-03
    owner: platform-team
    as_of: 2026-11-17T09:00:00Z
    synthetic: true

sources:
  gateway:                             # one row per request; `handled` is empty where nobody ever learned it
    signal: quality
    connector: table
    path: exports/requests.csv
    shape: outcome
    grain: unit
    empty: unknown
    map:
      unit: request_id
      variant: router
      value: handled
      at: day
      predicted: expected
      assigned: route
      segment.plan: plan
  bill:
    signal: cost
    connector: table
    path: exports/bill.csv
    shape: outcome_counts
    map: {{variant: router, units: requests, mean: usd_mean, sd: usd_sd, day: day}}
  tuning-set:                          # whether the route was right, by the set that the router was tuned on
    signal: offline
    connector: table
    path: exports/tuning_set.csv
    shape: item_score
    map:
      item: item_id
      variant: router
      value: route_was_right
      scorer: scorer
      scorer_version: scorer_version
      at: scored_at
      segment.plan: plan
  traffic:                             # what is asked now, by plan
    signal: offline
    connector: table
    path: exports/traffic.csv
    shape: traffic_mix
    map: {{share: requests, segment.plan: plan}}
"""


def requests(
    path: Path,
    random: np.random.Generator,
    router: NDArray[np.str_],
    plan: NDArray[np.str_],
    route: NDArray[np.str_],
    expected: NDArray[np.float64],
    handled: NDArray[np.bool_],
    known: NDArray[np.bool_],
) -> None:
    """The gateway's log: one row per request; all arrays of shape (requests,)."""
    dates = [stamp(days_before(DAYS - day))[:10] + "T00:00:00Z" for day in range(DAYS)]
    outcome = [("1" if good else "0") if told else "" for good, told in zip(handled, known, strict=True)]
    days = random.integers(0, DAYS, len(router)).tolist()
    rows = (
        (f"syn-{number:06}", one, dates[day], who, where, f"{chance:.3f}", out)
        for number, (one, day, who, where, chance, out) in enumerate(
            zip(router.tolist(), days, plan.tolist(), route.tolist(), expected.tolist(), outcome, strict=True)
        )
    )
    table(path / "requests.csv", ("request_id", "router", "day", "plan", "route", "expected", "handled"), rows)


def bill(path: Path, random: np.random.Generator, arms: dict[str, tuple[int, float]]) -> None:
    """Cost per request by day, as finance exports it: requests of each router, and what one costs on average (USD)."""
    rows = []
    for router, (count, usd) in arms.items():
        for day, number in enumerate(random.multinomial(count, [1.0 / DAYS] * DAYS).tolist()):
            mean = usd * random.normal(1.0, 1.1 / max(number, 1) ** 0.5)
            rows.append((f"{days_before(DAYS - day):%Y-%m-%d}", router, number, f"{mean:.6f}", f"{1.1 * usd:.6f}"))
    table(path / "bill.csv", ("day", "router", "requests", "usd_mean", "usd_sd"), rows)


def tuning_set(
    path: Path,
    random: np.random.Generator,
    routers: tuple[str, str],
    plan: NDArray[np.str_],
    wrong: float,
    again: float,
    anew: float,
) -> None:
    """Whether each router chose right on the items of the tuning set.

    Args:
        path: Folder of the exports.
        random: Where chance comes from.
        routers: Control and candidate.
        plan: Of each item, shape (items,).
        wrong: Share of items on which the control chose wrongly.
        again: Share of those on which the candidate does, too.
        anew: Share of the others on which the candidate does.
    """
    draws = random.random((2, len(plan)))
    control = draws[0] >= wrong
    candidate = draws[1] >= [anew if right else again for right in control]
    rows = [
        (f"syn-{item:04}", router, who, int(right), "path-label", "2026-10", stamp(days_before(4)))
        for router, found in zip(routers, (control, candidate), strict=True)
        for item, (who, right) in enumerate(zip(plan.tolist(), found.tolist(), strict=True))
    ]
    head = ("item_id", "router", "plan", "route_was_right", "scorer", "scorer_version", "scored_at")
    table(path / "tuning_set.csv", head, rows)


def traffic(path: Path, shares: dict[str, float]) -> None:
    """Requests per plan in the last four weeks."""
    table(path / "traffic.csv", ("plan", "requests"), [(plan, round(400_000 * part)) for plan, part in shares.items()])
