"""``signals policy simulate``: how often a policy ships, holds and rolls back when the true effects are these."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from signals.cli.base import json_option, json_text, project_option
from signals.cli.policy import policy, policy_argument, policy_named
from signals.model import RELEASE_KINDS, Release, ReleaseKind, SignalsError

if TYPE_CHECKING:
    from signals.policy import Policy
    from signals.workbench.simulation.design import Design
    from signals.workbench.simulation.outcomes import Correlation
    from signals.workbench.simulation.plan import Plan
    from signals.workbench.simulation.truth import Effect

T = TypeVar("T")


def many(name: str, metavar: str, text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An option that may come several times."""
    return click.option(name, multiple=True, metavar=metavar, help=text)


@policy.command("simulate")
@policy_argument
@project_option
@click.option("--release", metavar="R", help="Take precision, checks and segments from this release (default: newest).")
@click.option("--planned", is_flag=True, help="Take no release: plan every signal.")
@click.option("--kind", type=click.Choice(RELEASE_KINDS), help="Kind of release (default: that of the release).")
@many("--effect", "NAME=VALUE", "True effect, candidate minus control: -2%, -0.6pp, 0.1, or 1m (one margin better).")
@many("--vary", "NAME", "Signal along which the table runs, or `all` (default: that of the first row).")
@many("--n", "NAME=N", "Units per arm; items for judge and panel.")
@many("--control", "NAME=LEVEL", "Plan the signal with this control level: 30% or 4.2.")
@many("--sd", "NAME=SD", "Plan it with this spread: of users, of items' differences, of one rater's on one item.")
@many("--response-rate", "NAME=SHARE", "Share of shown answers that people rate; --n then counts answers shown.")
@many("--raters", "NAME=N", "Raters of a planned panel.")
@many("--segments", "NAME.DIM=V:SHARE,..", "Segments of a planned signal: conversion.plan=free:60%,pro:40%.")
@many("--check", "NAME.CHECK=VALUE", "Number of a check in every draw: judge.human_agreement=0.45.")
@many("--without", "NAME", "No evidence of this signal.")
@many("--correlation", "R or A,B=R", "Correlation of the errors of all signals, or of two: judge,panel=0.4.")
@click.option("--looks", default=1, show_default=True, help="Equal looks; the first ship or rollback ends it.")
@click.option("--draws", default=100_000, show_default=True, help="Releases drawn per true effect.")
@click.option("--seed", default=20_261_123, show_default=True, help="The same seed gives the same figures.")
@json_option
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Draw it: FILE.svg.")
def policy_simulate(ref: str | None, folder: Path | None, as_json: bool, output: Path | None, **given: Any) -> None:
    """Say how often the policy ships, holds and rolls back, by the true effects.

    Effects are candidate minus control, as people say them: where lower is better a good effect is negative. Margins
    count benefit: 1m is one margin better, -1m one margin worse.
    """
    from signals.workbench.simulation.outcomes import Setting
    from signals.workbench.simulation.simulate import operating_characteristics

    if output is not None and output.suffix.lower() != ".svg":
        raise SignalsError(f"{output}: cannot write {output.suffix or 'a file without ending'}", "Choose FILE.svg")
    rules = policy_named(folder, ref)
    designs, kind, age, note = _designs(rules, folder, given)
    setting = Setting(kind, given["draws"], given["seed"], _correlation(given["correlation"]), given["looks"], age)
    vary = tuple(given["vary"])
    if "all" in vary:
        vary = tuple(name for name, design in designs.items() if not design.refused)
    result = operating_characteristics(rules, designs, vary=vary, truth=_effects(given["effect"]), setting=setting)
    if output is not None:
        from signals.workbench.simulation.picture import picture

        try:
            output.write_text(picture(result), encoding="utf-8", newline="\n")
        except OSError as error:
            raise SignalsError(f"{output}: cannot be written: {error.strerror}", "Choose another place") from None
    if as_json:
        from signals.workbench.simulation.words import document

        click.echo(json_text(document(result, rules, designs)))
        return
    _print(rules, designs, result, note)


def _print(rules: Policy, designs: Mapping[str, Design], result: Any, note: str) -> None:
    from signals.terminal import table, wrap
    from signals.workbench.simulation.words import assumptions, headline, table_of

    for line in (*([note] if note else []), *headline(result, rules, designs)):
        click.echo(wrap(line))
    head, rows = table_of(result, rules, designs)
    click.echo()
    click.echo(table(head, rows, right=range(len(head) - 1)))
    click.echo("\nAssumed:")
    for line in assumptions(result, rules, designs):
        click.echo(wrap(line, "  "))


# --- designs --------------------------------------------------------------------------------------------------------


def _designs(
    rules: Policy, folder: Path | None, given: Mapping[str, Any]
) -> tuple[dict[str, Design], ReleaseKind, float, str]:
    """Designs by signal, kind and age of the release, and a word on where they are from when nobody said."""
    from signals.workbench.simulation.design import resized
    from signals.workbench.simulation.plan import Plan, plan_of, planned

    plans = _plans(given)
    _known(rules, [*plans, *given["without"]])
    release, found, note = (None, {}, "") if given["planned"] else _released(rules, folder, given["release"])
    if release is None:
        designs = planned(rules, plans)
    else:
        designs = dict(found)
        for name, plan in plans.items():
            # A size alone asks for more or less of the same; whatever else is given plans the signal anew.
            if name in designs and plan.n is not None and replace(plan, n=None) == Plan():
                designs[name] = resized(designs[name], plan.n)
            else:
                designs[name] = plan_of(rules.signals[name], plan)
    for name in given["without"]:
        designs.pop(name, None)
    for name, check, value in _checks(rules, given["check"]):
        if name in designs:
            designs[name] = replace(designs[name], checks={**designs[name].checks, check: value})
    kind: ReleaseKind = given["kind"] or (release[0].kind if release else "prompt")
    return designs, kind, release[1] if release else 14.0, note


def _released(
    rules: Policy, folder: Path | None, wanted: str | None
) -> tuple[tuple[Release, float] | None, dict[str, Design], str]:
    """The release with its age in days, and its designs; nothing, and why, where there is no project or evidence."""
    from signals.review import find_release, load, numbers_of
    from signals.starter import folder_of
    from signals.workbench.simulation.release_design import designs_of

    place = folder_of(folder or click.get_current_context().find_root().obj)
    if wanted is None and not (place / "data" / "sources.yaml").exists():
        return None, {}, "There is no project here, so every signal is planned."
    project = load(place)
    if wanted is None and not project.releases:
        return None, {}, "The project declares no release, so every signal is planned."
    release = find_release(project, wanted) if wanted else project.newest
    try:
        numbers, moment = numbers_of(project, rules, release)
    except SignalsError as error:
        if wanted is None and "was ever pulled" in str(error):
            return None, {}, "The store is empty, so every signal is planned."
        raise
    family = sum(1 for other in project.releases if release.family and other.family == release.family) or 1
    age = (moment.date() - release.started).days
    found = designs_of(rules, numbers, moment, family=family, source=f"release {release.id}")
    return (release, float(max(age, 0))), found, ""


# --- what was typed -------------------------------------------------------------------------------------------------


def _pairs(texts: Sequence[str], option: str, read: Callable[[str], T]) -> dict[str, T]:
    found = {}
    for text in texts:
        name, sign, value = text.rpartition("=")
        if not sign or not name.strip():
            raise SignalsError(f"{option} {text!r:.60} names no signal", f"Write it like {option} NAME=VALUE")
        found[name.strip()] = read(value.strip())
    return found


def _number(text: str) -> float:
    match = re.fullmatch(r"([+-]?(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*(%|pp|k|h|d)?", text)
    if match is None:
        raise SignalsError(f"{text!r:.40} is not a number", "Write it like 50000, 0.3 or 30%")
    scale = {None: 1.0, "%": 0.01, "pp": 0.01, "k": 1000.0, "h": 3600.0, "d": 86_400.0}[match[2]]
    return float(match[1]) * scale


def _effects(texts: Sequence[str]) -> dict[str, Effect]:
    """By signal; ``NAME[plan=pro]=VALUE`` gives a segment an effect of its own."""
    from signals.workbench.simulation.truth import Effect, effect_of

    found: dict[str, Effect] = {}
    for name, effect in _pairs(texts, "--effect", effect_of).items():
        match = re.fullmatch(r"(?P<name>[^\[\]]+)\[(?P<segment>[^\[\]]+)\]", name)
        if match is None:
            found[name] = replace(effect, segments=found.get(name, Effect()).segments)
            continue
        own = found.get(match["name"], Effect())
        found[match["name"]] = replace(own, segments={**own.segments, match["segment"]: effect})
    return found


def _plans(given: Mapping[str, Any]) -> dict[str, Plan]:
    from signals.workbench.simulation.plan import Plan

    found: dict[str, Plan] = {}
    sizes, levels = _pairs(given["n"], "--n", _number), _pairs(given["control"], "--control", _number)
    spreads, rates = _pairs(given["sd"], "--sd", _number), _pairs(given["response_rate"], "--response-rate", _number)
    raters = _pairs(given["raters"], "--raters", lambda text: round(_number(text)))
    for name in dict.fromkeys([*sizes, *levels, *spreads, *rates, *raters]):
        found[name] = Plan(sizes.get(name), levels.get(name), spreads.get(name), rates.get(name), raters.get(name))
    for name, parts in _pairs(given["segments"], "--segments", _parts).items():
        signal, _, dimension = name.partition(".")
        own = found.get(signal, Plan())
        found[signal] = replace(own, segments={**own.segments, dimension: parts})
    return found


def _parts(text: str) -> tuple[tuple[str, float], ...]:
    """``free:60%,pro:40%``."""
    parts = [part.rpartition(":") for part in text.split(",")]
    if not all(sign and value for value, sign, _ in parts):
        raise SignalsError(f"{text!r:.60} names no shares", "Write it like free:60%,pro:40%")
    return tuple((value.strip(), _number(share.strip())) for value, _, share in parts)


def _checks(rules: Policy, texts: Sequence[str]) -> list[tuple[str, str, float]]:
    from signals.checks import checks_of
    from signals.workbench.lint.given import between, of_check

    found = []
    for name, value in _pairs(texts, "--check", _flag_or_number).items():
        signal, _, check = name.partition(".")
        _known(rules, [signal])
        names = [spec.name for spec in checks_of(rules.signals[signal].kind)]
        if check not in names:
            raise SignalsError(f"{signal} has no check {check!r:.40}", f"It has {', '.join(names)}")
        bounds = of_check(check)
        if not bounds[0] <= value <= bounds[1]:
            raise SignalsError(f"--check {name}: {value:g} is out of range", f"{check} is {between(*bounds)}")
        found.append((signal, check, value))
    return found


def _flag_or_number(text: str) -> float:
    flags = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}
    return flags[text.lower()] if text.lower() in flags else _number(text)


def _correlation(texts: Sequence[str]) -> Correlation:
    from signals.workbench.simulation.outcomes import Correlation

    common = 0.0
    pairs: dict[frozenset[str], float] = {}
    for text in texts:
        names, sign, value = text.rpartition("=")
        if not sign:
            common = _number(value.strip())
            continue
        pairs[frozenset(name.strip() for name in names.split(","))] = _number(value.strip())
    return Correlation(common, pairs)


def _known(rules: Policy, names: Sequence[str]) -> None:
    from signals.strictyaml import suggest

    for name in names:
        if name not in rules.signals:
            raise SignalsError(f"{name!r:.60} is not a signal of {rules.file}", suggest(name, rules.signals))
