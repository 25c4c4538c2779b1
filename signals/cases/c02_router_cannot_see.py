"""Case 2, the router that cannot see the load: sure of itself on the path that nobody reports back from.

The new router sends seven requests in ten to the small model, expecting it to handle 96 % of them. Under load
the small model gives up early and says so to nobody: it handles four in five. Of what it answers hardly any outcome is
ever known, as no agent looks at it; what is known comes from the large model, which is less busy than before and does
better. In the twin the loop is closed and the router is right about what to expect.
"""

from __future__ import annotations

from pathlib import Path

from signals.cases.case import Case, Right, Setting
from signals.cases.kit import begin, rng
from signals.cases.routing import SOURCES, bill, requests, traffic, tuning_set

ROUTERS = ("router-v3", "router-v4")
PLANS = {"free": 0.5, "pro": 0.3, "team": 0.2}
REQUESTS = 6_400  # per arm
SMALL_PATH = (0.40, 0.70)  # share of requests sent down it, of either router
EXPECTED = ((0.92, 0.92), (0.96, 0.95))  # on the small and on the large path, of either router
KNOWN = 0.93  # of the outcomes, where the loop is closed
UNHEARD = 0.85  # by how much less on the small path where it is open
FAILED = 0.15  # by how much worse than expected the small path does, of the new router
RELIEF = 0.03  # by how much better than expected the large path does when it is less busy
USD = (0.0100, 0.0055)
ITEMS = 700


def write(folder: Path, setting: Setting) -> None:
    """Write the project."""
    import numpy as np

    exports = begin(folder, "router", SOURCES.format(control=ROUTERS[0], candidate=ROUTERS[1]))
    random = rng(2, setting)
    n = max(200, round(REQUESTS * setting.size))
    arm = np.repeat([0, 1], n)
    plan = random.choice(list(PLANS), 2 * n, p=list(PLANS.values()))
    small = random.random(2 * n) < np.array(SMALL_PATH)[arm]
    centre = np.array(EXPECTED)[arm, np.where(small, 0, 1)]
    expected = np.round(random.beta(60.0 * centre, 60.0 * (1.0 - centre)), 3)
    off = np.where(small, -FAILED, RELIEF) * arm * setting.strength
    handled = random.random(2 * n) < np.clip(expected + off, 0.0, 1.0)
    known = random.random(2 * n) < KNOWN - UNHEARD * setting.strength * small
    route = np.where(small, "small", "large")
    requests(exports, random, np.array(ROUTERS)[arm], plan, route, expected, handled, known)
    bill(exports, random, {router: (n, usd) for router, usd in zip(ROUTERS, USD, strict=True)})
    items = max(50, round(ITEMS * setting.size))
    tuning_set(exports, random, ROUTERS, random.choice(list(PLANS), items, p=list(PLANS.values())), 0.07, 0.55, 0.012)
    traffic(exports, PLANS)


CASE = Case(
    number=2,
    slug="router-cannot-see",
    title="The router that cannot see the load",
    fault="Requests that the router calls easy fail on the cheap path, and hardly anyone ever hears of it.",
    policy="router",
    release="router-v4",
    write=write,
    wrong=Right(calls=("hold",), reasons=(("check:quality.max_overconfidence",), ("check:quality.outcome_known",))),
    clean=Right(calls=("ship",), reasons=(("state:cost=win",),)),
)
