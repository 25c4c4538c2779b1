"""``docs/presets.md``: what every preset is for, its rules, and how often it makes each call when the truth is known.

Run ``python -m benchmarks.presets > docs/presets.md`` (about a minute on one core).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping

from signals.policy import Policy, describe, load_policy
from signals.starter import DEFAULT_PRESET, PRESETS, preset_file
from signals.stats.power import NORMAL
from signals.words import count
from signals.workbench.edits.mutate import mutate
from signals.workbench.simulation.design import Design
from signals.workbench.simulation.outcomes import DRAWS, Point, Setting
from signals.workbench.simulation.plan import Plan, planned
from signals.workbench.simulation.simulate import Simulation
from signals.workbench.simulation.truth import Effect
from signals.workbench.simulation.words import chance, decider_text
from signals.workbench.situations.atlas import atlas_of

HEAD = f"""\
# Presets

`signals init --preset NAME` starts a project with one of these policies. Each is one commented file with tests of its
own: change what does not fit, and `signals policy diff` says what the change decides differently. Without `--preset`
it is `{DEFAULT_PRESET}`.

| preset | in a few words |
|---|---|
"""
OPERATING = """\
Under each preset stands how often it makes each call when the true effects are known: {draws} draws of what the signals
would then show, decided by the policy itself. “Better” and “worse” are by one margin of the signal; what is not named
does not differ, and the errors of different signals are independent of each other. Unless it says otherwise, every
signal is as precise as it takes to find one margin in 80 % of cases, or has half of its `planned_units` in each arm;
nothing is wrong with the evidence. `signals policy simulate` does the same with your own sizes.
"""
FOOT = """\
Made by `python -m benchmarks.presets > docs/presets.md`.
"""
STRONG = 0.95
"""Power per signal where four must pass: an error of 20 %, divided by three guardrails (or qualities) and one."""
ALL_MUST_PASS = ("do-no-harm", "cheaper-same-quality")


def main() -> None:
    table = [f"| [`{name}`](#{name}) | {words} |\n" for name, words in PRESETS.items()]
    parts = [HEAD + "".join(table), OPERATING.format(draws=count(DRAWS)), *map(section, PRESETS), FOOT]
    sys.stdout.write("\n".join(parts))


def section(name: str) -> str:
    policy = load_policy(preset_file(name))
    report, atlas = mutate(policy), atlas_of(policy)
    calls = ", ".join(f"{count(number)} {call}" for call, number in atlas.calls.items())
    facts = (
        f"Of the {count(atlas.total)} situations that it tells apart, {calls}. Its {len(policy.tests)} tests catch "
        f"{len(report.counted) - len(report.survivors)} of {len(report.counted)} single-step weakenings."
    )
    designs = planned(policy)
    parts = [f"## {name}", "", purpose(policy), "", rules_of(policy), "", facts, "", *table(policy, designs)]
    if name in ALL_MUST_PASS:
        parts += [
            "", f"Four signals must pass for a ship. The same with each of them planned for {100 * STRONG:g} %:", "",
            *table(policy, stronger(policy, designs, STRONG)),
        ]  # fmt: skip
    return "\n".join([*parts, ""])


def purpose(policy: Policy) -> str:
    """The comment at the head of the file; that of the shipped one is about the file."""
    if policy.name == DEFAULT_PRESET:
        return PRESETS[DEFAULT_PRESET].capitalize() + "."
    lines = policy.text.splitlines()[1:]
    kept = []
    for line in lines:
        if not line.startswith("#"):
            break
        kept.append(line.removeprefix("#").strip())
    return "\n".join(kept).strip()


def rules_of(policy: Policy) -> str:
    """Signals and rules in words, as ``signals policy show`` says them, without what changes with every save."""
    return "```text\n" + describe(policy).partition("\n\n")[2] + "\n```"


# --- operating characteristics --------------------------------------------------------------------------------------


def table(policy: Policy, designs: Mapping[str, Design]) -> list[str]:
    truths = scenarios(policy)
    points = Simulation(policy, designs, Setting()).at(list(truths.values()))
    rows = ["| what is true | ship | hold | rollback | most often |", "|---|---:|---:|---:|---|"]
    return [*rows, *(_row(words, point) for words, point in zip(truths, points, strict=True))]


def _row(words: str, point: Point) -> str:
    cells = [chance(point.calls[call], point.draws) for call in ("ship", "hold", "rollback")]
    return f"| {' | '.join([words, *cells, decider_text(point.deciders[0])])} |"


def scenarios(policy: Policy) -> dict[str, dict[str, Effect]]:
    """Nothing, all, each alone, and the signal that ships better while another is worse."""
    up, down = Effect(1.0, "m"), Effect(-1.0, "m")
    lead = next(row.signal for row in policy.hierarchy if "ship" in row.calls.values())
    found: dict[str, dict[str, Effect]] = {
        "nothing differs": {},
        "everything better": dict.fromkeys(policy.signals, up),
        "everything worse": dict.fromkeys(policy.signals, down),
    }
    for name in policy.signals:
        found[f"{name} better"] = {name: up}
        found[f"{name} worse"] = {name: down}
    for name in policy.signals:
        if name != lead:
            found[f"{lead} better, {name} worse"] = {lead: up, name: down}
    return found


def stronger(policy: Policy, designs: Mapping[str, Design], power: float) -> dict[str, Design]:
    """Designs that find one margin as often as ``power`` says: more users, or users and items that differ less.

    Signals with ``planned_units`` keep their size.
    """
    plans = {}
    for name, design in designs.items():
        signal = policy.signals[name]
        reach = NORMAL.inv_cdf(0.5 + signal.confidence / 2)
        gain = (reach + NORMAL.inv_cdf(power)) / (reach + NORMAL.inv_cdf(0.8))
        if signal.planned_units is not None:
            continue
        if design.law == "proportion":
            plans[name] = Plan(n=math.ceil(design.n_control * gain**2))
        elif design.panel is not None:
            parts = design.panel
            plans[name] = Plan(sd=math.sqrt(parts.item + parts.rater + parts.residual) / gain)
        else:
            arms = 1.0 if design.paired else 2.0
            plans[name] = Plan(sd=(design.se or 0.0) / math.sqrt(arms / design.n_control) / gain)
    return planned(policy, plans)


if __name__ == "__main__":
    main()
