"""Case 9, lossless, they said: speculative decoding that is fast on the bench.

A small model drafts tokens and the large one checks them, so the answers stay what they were. On a replay of recorded
requests, most of them long answers served one at a time, the slow requests take half as long. Where many requests share
a batch and answers are short there is no spare capacity to draft with, and the check costs more than it saves: a slow
request takes 40 % longer. In the faulty release that is where four fifths of the traffic is. The twin has the same
engine, the same replay and the same answers; its traffic is what the replay is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from signals.cases.case import Case, Right, Setting
from signals.cases.kit import begin, days_before, rng, stamp, table

SOURCES = """\
releases:
  - id: draft-and-verify
    kind: decoding
    control: engine-plain
    candidate: engine-draft
    started: 2026-11-09
    owner: serving-team
    as_of: 2026-11-17T09:00:00Z
    synthetic: true

sources:
  replay:                              # recorded requests, each sent to one of the two engines at random
    signal: latency
    connector: table
    path: exports/replay.csv
    shape: outcome
    grain: unit
    quantile: 0.9
    map: {unit: request_id, variant: engine, value: seconds, at: sent_at, segment.workload: workload}
  traffic:                             # last week's requests, counted by the gateway
    signal: latency
    connector: table
    path: exports/traffic.csv
    shape: traffic_mix
    map: {segment.workload: workload, share: share_of_requests}
  golden-set:                          # the judge's scores, 0 to 1
    signal: judge
    connector: table
    path: exports/judge_scores.csv
    shape: item_score
    map: {item: item_id, variant: engine, value: score, scorer: judge, scorer_version: judge_version, at: scored_at}
"""

ARMS = ("engine-plain", "engine-draft")
REQUESTS = 3_000  # replayed, both engines together
SPREAD = 0.3  # of the logarithm of a request's seconds
ITEMS = 400
REWORDED = 0.15  # of the answers: sampled tokens differ, and with them the score a little


@dataclass(frozen=True)
class Workload:
    """One sort of request.

    Attributes:
        seconds: Of its median request, without drafts.
        times: What drafts make of that.
        bench: Its share of the replay, and of the twin's traffic.
        traffic: Its share of the faulty release's traffic.
    """

    seconds: float
    times: float
    bench: float
    traffic: float


WORKLOADS = {
    "one at a time, long": Workload(6.0, 0.55, 0.55, 0.04),
    "one at a time, short": Workload(0.8, 0.85, 0.20, 0.12),
    "full batch, long": Workload(9.0, 1.0, 0.05, 0.04),
    "full batch, short": Workload(1.5, 1.4, 0.20, 0.80),
}


def write(folder: Path, setting: Setting) -> None:
    """Write the project."""
    exports = begin(folder, "lossless", SOURCES)
    random = rng(9, setting)
    items = round(ITEMS * max(1.0, setting.size))
    quality = random.normal(0.72, 0.12, items)
    reworded = random.random(items) < REWORDED
    moved = random.normal(0.0, 0.12, items) * reworded
    scores = [
        (f"syn-{item:04}", engine, f"{min(1.0, max(0.0, float(quality[item] + arm * moved[item]))):.2f}",
         "rubric-judge", "2026-09", stamp(days_before(2)))
        for arm, engine in enumerate(ARMS)
        for item in range(items)
    ]  # fmt: skip
    table(exports / "judge_scores.csv", ("item_id", "engine", "score", "judge", "judge_version", "scored_at"), scores)

    rows: list[tuple[str, str, str, str, str]] = []
    for name, work in WORKLOADS.items():
        requests = int(random.poisson(REQUESTS * setting.size * work.bench))
        drafts = random.integers(0, 2, requests)
        seconds = work.seconds * work.times**drafts * random.lognormal(0.0, SPREAD, requests)
        minutes = random.integers(0, 7 * 24 * 60, requests)
        rows += [
            (f"q-{len(rows) + k:06}", ARMS[arm], name, f"{second:.3f}", stamp(days_before(8 - minute / 1440)))
            for k, (arm, second, minute) in enumerate(
                zip(drafts.tolist(), seconds.tolist(), minutes.tolist(), strict=True)
            )
        ]
    table(exports / "replay.csv", ("request_id", "engine", "workload", "seconds", "sent_at"), rows)

    shares = {name: work.bench + setting.strength * (work.traffic - work.bench) for name, work in WORKLOADS.items()}
    table(
        exports / "traffic.csv",
        ("workload", "share_of_requests"),
        [(name, f"{share:.4f}") for name, share in shares.items()],
    )


CASE = Case(
    number=9,
    slug="lossless-they-said",
    title="Lossless, they said",
    fault="The speed-up was measured where the traffic is not: for most requests the new engine is slower.",
    policy="lossless",
    release="draft-and-verify",
    write=write,
    wrong=Right(calls=("rollback",), reasons=(("state:latency=loss",),)),
    clean=Right(calls=("ship",), reasons=(("state:latency=win",),)),
    early=Right(calls=("hold", "rollback")),
)
