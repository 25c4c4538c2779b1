"""Case 4, trained on the eval set: a router that is right 96 times in a hundred, on last year's traffic.

The router was tuned on the very set that it is scored on, which was drawn before enterprise admins began to script
bulk queries: they are 1 % of the set and 18 % of traffic. The queries are short and look easy, so the router sends them
to the small model, which answers the first and drops the rest. Everybody else is served better than before, so the
average holds and the bill shrinks by 58 %. In the twin the set was drawn from today's traffic and admins are served as
well as all others.
"""

from __future__ import annotations

from pathlib import Path

from signals.cases.case import Case, Right, Setting
from signals.cases.kit import begin, rng
from signals.cases.routing import SOURCES, bill, requests, traffic, tuning_set

ROUTERS = ("router-v5", "router-v6")
ADMIN = "enterprise-admin"
TRAFFIC = {"free": 0.42, "pro": 0.24, "team": 0.16, ADMIN: 0.18}
TUNED_ON = {"free": 0.53, "pro": 0.30, "team": 0.16, ADMIN: 0.01}
REQUESTS = 6_000  # per arm
HANDLED, GAIN = 0.93, 0.03
COLLAPSE = 0.17
SMALL_PATH = (0.35, 0.80)  # share of requests sent down it, of either router
KNOWN = 0.92
USD = (0.0120, 0.0120 * 0.42)
ITEMS = 800


def write(folder: Path, setting: Setting) -> None:
    """Write the project."""
    import numpy as np

    exports = begin(folder, "router", SOURCES.format(control=ROUTERS[0], candidate=ROUTERS[1]))
    random = rng(4, setting)
    n = max(200, round(REQUESTS * setting.size))
    arm = np.repeat([0, 1], n)
    plan = random.choice(list(TRAFFIC), 2 * n, p=list(TRAFFIC.values()))
    small = random.random(2 * n) < np.array(SMALL_PATH)[arm]
    centre = HANDLED + GAIN * arm
    expected = np.round(random.beta(60.0 * centre, 60.0 * (1.0 - centre)), 3)
    dropped = COLLAPSE * setting.strength * (plan == ADMIN) * arm
    handled = random.random(2 * n) < np.clip(expected - dropped, 0.0, 1.0)
    known = random.random(2 * n) < KNOWN
    route = np.where(small, "small", "large")
    requests(exports, random, np.array(ROUTERS)[arm], plan, route, expected, handled, known)
    bill(exports, random, {router: (n, usd) for router, usd in zip(ROUTERS, USD, strict=True)})
    items = max(50, round(ITEMS * setting.size))
    shares = [(1.0 - setting.strength) * TRAFFIC[one] + setting.strength * TUNED_ON[one] for one in TRAFFIC]
    # Tuned on the items that it is scored on, it is wrong where it was before in three of ten and seldom elsewhere.
    again = 0.55 - 0.25 * setting.strength
    tuning_set(exports, random, ROUTERS, random.choice(list(TRAFFIC), items, p=shares), 0.08, again, 0.015)
    traffic(exports, TRAFFIC)


CASE = Case(
    number=4,
    slug="trained-on-the-eval-set",
    title="Trained on the eval set",
    fault="The router is right 96 times in a hundred on the set it was tuned on, which is not today's traffic: "
    "enterprise admins with scripted bulk queries collapse behind a fine average.",
    policy="router",
    release="router-v6",
    write=write,
    wrong=Right(calls=("rollback",), reasons=(("guardrail:no-plan-left-behind",), ("check:offline.max_mix_shift",))),
    clean=Right(calls=("ship",), reasons=(("state:cost=win",),)),
)
