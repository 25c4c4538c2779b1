"""Designs and draws for tests that simulate."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from signals.checks import checks_of
from signals.model import Estimate, Measure, Numbers, Release, SegmentEstimate, Signal
from signals.policy import Policy
from signals.workbench.simulation.design import Design
from signals.workbench.simulation.drawn import Drawn
from signals.workbench.simulation.noise import Noise, Streams
from signals.workbench.simulation.outcomes import Setting
from signals.workbench.simulation.plan import Plan, plan_of
from signals.workbench.simulation.reach import Look
from signals.workbench.simulation.simulate import Simulation
from signals.workbench.simulation.truth import Effect, Truth

AS_OF = datetime(2026, 11, 17, 9, tzinfo=UTC)
RELEASE = Release("r", "prompt", "old", "new", date(2026, 11, 3))
AGE = (AS_OF - datetime(2026, 11, 3, tzinfo=UTC)).total_seconds() / 86_400.0


def random_designs(policy: Policy, rng: random.Random) -> dict[str, Design]:
    """Designs near everything that can happen: small and large, checks that fail or are unknown, nothing at all."""
    found = {}
    for name, signal in policy.signals.items():
        if rng.random() < 0.15:
            continue
        if signal.kind == "feedback" or signal.metric is not None:
            plan = Plan(n=rng.choice([60, 400, 3000, 40_000]), control=rng.choice([0.02, 0.3, 0.8]))
        elif signal.kind == "panel":
            plan = Plan(n=rng.choice([10, 80]), sd=rng.choice([0.2, 1.0]), raters=rng.choice([2, 5]), control=3.0)
        else:
            plan = Plan(n=rng.choice([10, 300]), sd=rng.choice([0.02, 0.2]), control=0.6)
        made = plan_of(signal, plan)
        checks = dict(made.checks)
        for spec in checks_of(signal.kind):
            # What the policy asks for fails more often; maturity most, as it changes least.
            if rng.random() < (0.08 if spec.name not in signal.trust else 0.5 if spec.sort == "maturity" else 0.15):
                checks[spec.name] = rng.choice([None, 0.0, 1.0])
        if rng.random() < 0.05:
            made = replace(made, refused="there is no interval")
        found[name] = replace(made, checks=checks)
    return found


def random_truth(designs: dict[str, Design], policy: Policy, rng: random.Random) -> dict[str, Effect | float]:
    found: dict[str, Effect | float] = {}
    for name, design in designs.items():
        sign = policy.signals[name].sign
        size = rng.choice([0.0, -5.0, 5.0, 0.5]) * (design.se or 0.0)
        if design.law == "proportion":
            size = min(max(sign * size, 0.01 - (design.control or 0.0)), 0.99 - (design.control or 0.0))
        found[name] = size
    return found


def noise(size: int, names: tuple[str, ...], looks: int = 1, seed: int = 1) -> Noise:
    import numpy as np

    return Noise(Streams(seed), size, [(k + 1) / looks for k in range(looks)], names, np.eye(len(names)))


def drawn(signal: Signal, design: Design, true: float, size: int, *, looks: int = 1, look: int = 0) -> Drawn:
    """One signal alone."""
    shares = tuple((k + 1) / looks for k in range(looks))
    truth = Truth(true, (true,) * len(design.segments))
    return Drawn(signal, design, truth, noise(size, (signal.name,), looks), Look(look, shares))


def simulation(policy: Policy, designs: dict[str, Design], **setting: object) -> Simulation:
    return Simulation(policy, designs, Setting(**setting))  # type: ignore[arg-type]


def numbers_of(one: Drawn, draw: int) -> Numbers:
    """What the store would keep of a release in which just this was drawn."""
    signal, design = one.signal, one.design
    measures = []
    for spec in checks_of(signal.kind):
        column = one.check(spec.name)
        value = None if column is None else column.at(draw)
        if spec.name != "max_age":
            measures.append(Measure(spec.name, None if value is None else float(value), "drawn"))
    age = design.checks.get("max_age")
    segments: list[SegmentEstimate] = []
    if one.refused:
        estimate = Estimate(
            None, None, None, "", signal.confidence, control=design.control, n_control=int(design.n_control),
            n_candidate=int(design.n_candidate), refused=design.refused,
        )  # fmt: skip
    else:
        found = one.estimates
        refused = found.refused if isinstance(found.refused, bool) else bool(found.refused[draw])
        control = found.control if not hasattr(found.control, "__len__") else float(found.control[draw])  # type: ignore[index,arg-type]
        estimate = Estimate(
            float(found.effect[draw]),
            None if refused else float(found.low[draw]),
            None if refused else float(found.high[draw]),
            "drawn",
            signal.confidence,
            se=float(found.se[draw]),
            p_value=None if refused else float(found.p_value()[draw]),
            control=control,  # type: ignore[arg-type]
            n_control=int(design.n_control),
            n_candidate=int(design.n_candidate),
        )
        segments = [_segment(part, draw) for part in one.parts]
    return Numbers(
        signal.name,
        signal.kind,
        design.unit,
        "raw",
        {"raw": estimate},
        tuple(measures),
        tuple(segments),
        last_at=None if age is None else AS_OF - timedelta(seconds=age),
    )


def _segment(part: object, draw: int) -> SegmentEstimate:
    design, effect = part.design, float(part.effect[draw])  # type: ignore[attr-defined]
    near, far = (
        None if half is None else float(half[draw] if hasattr(half, "__len__") else half)
        for half in (part.half, part.far)  # type: ignore[attr-defined]
    )
    return SegmentEstimate(
        design.name,
        design.share,
        int(design.n_control),
        int(design.n_candidate),
        effect,
        None if near is None else effect - near,
        None if near is None else effect + near,
        None if far is None else effect - far,
        None if far is None else effect + far,
        design.control,
    )
