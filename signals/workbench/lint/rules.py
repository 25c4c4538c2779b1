"""The catalogue of lint rules: one source for findings, their severities and ``docs/lint.md``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from signals.strictyaml import Loc

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Rule:
    """One thing that the linter looks for.

    Attributes:
        id: Its name in findings.
        severity: An error is something that the policy says and does not do; a warning deserves a second look.
        meaning: What is found, and why it matters.
        example: A part of a policy that has it.
        fix: What to do about it.
    """

    id: str
    severity: Severity
    meaning: str
    example: str
    fix: str


@dataclass(frozen=True)
class Found:
    """A finding before it has a line.

    Attributes:
        id: The rule.
        loc: Path of the value in the file.
        what: What is wrong, in words.
        why: How that can be seen.
        fix: What to do; the rule's own when empty.
        condition: The text of the condition at ``loc`` when ``at`` counts characters in it.
        at: Character of the condition at which the fault stands.
    """

    id: str
    loc: Loc
    what: str
    why: str
    fix: str = ""
    condition: str = ""
    at: int = 0


CATALOGUE: tuple[Rule, ...] = (
    # --- rows ---
    Rule(
        "row-unreachable", "error",
        "A row that is never the first to answer, in any situation that a release can be in: earlier rows answer "
        "whenever it would, its `when` never holds while it has an answer, or it lists no answer.",
        "hierarchy:\n  - {signal: conversion, win: ship, loss: rollback}\n  - {signal: conversion, win: hold}",
        "Drop the row, move it up, or narrow what stands above it",
    ),
    Rule(
        "row-never-decides", "warning",
        "A row that is sometimes the first to answer, but a guardrail or a ship requirement always has the last word.",
        "hierarchy:\n  - {signal: conversion, loss: hold}\n"
        "guardrails:\n  - {id: harm, when: conversion is loss, call: rollback}",
        "Drop the row, or let it answer with the call that the other rule makes anyway",
    ),
    Rule(
        "answer-unreachable", "warning",
        "One answer of a row is never the first, while its other answers are.",
        "hierarchy:\n  - {signal: conversion, win: ship}\n  - {signal: conversion, win: ship, loss: rollback}",
        "Drop this answer",
    ),
    Rule(
        "answer-never-decides", "warning",
        "One answer of a row is sometimes the first, but never becomes the verdict: a guardrail or a ship requirement "
        "always has the last word.",
        "hierarchy:\n  - {signal: conversion, win: ship, loss: hold}\n"
        "guardrails:\n  - {id: harm, when: conversion is loss, call: rollback}",
        "Drop this answer, or write the call that the other rule makes anyway",
    ),
    Rule(
        "when-always-holds", "warning",
        "The `when` of a row holds whenever the row has an answer, or that of an override holds in every situation: it "
        "tells nothing apart. Often a threshold that is not above what `trust` demands already.",
        "signals:\n  judge: {kind: judge, better: higher, trust: {human_agreement: 0.4}}\n"
        "hierarchy:\n  - {signal: judge, when: judge.human_agreement >= 0.3, win: ship}",
        "Drop the condition, or make it say something",
    ),
    Rule(
        "falls-through", "warning",
        "A state that no row of the signal names, so that by omission `otherwise` decides: a win or a loss in any "
        "case, every other state when `otherwise` is not `hold`.",
        "hierarchy:\n  - {signal: thumbs, loss: hold}",
        "Name the state in a row: with a call, or with `next` when that is meant",
    ),
    # --- overrides ---
    Rule(
        "override-never-moves", "error",
        "An override that never changes the order of the rows: its condition never holds, or its rows stand above "
        "already whenever it does.",
        "hierarchy:\n  - {signal: panel, loss: rollback}\n  - {signal: conversion, win: ship}\n"
        "overrides:\n  - {id: people, put: panel, above: conversion, when: panel is loss}",
        "Drop the override, or turn `put` and `above` round",
    ),
    Rule(
        "override-undone", "error",
        "Two overrides that can hold together, and the later one moves the rows back: the earlier one "
        "says who is above, and the verdict is made in another order.",
        "overrides:\n  - {id: people, put: panel, above: conversion, when: panel is loss}\n"
        "  - {id: clicks, put: conversion, above: panel, when: conversion is loss}",
        "Narrow one of the two conditions so that they cannot hold together",
    ),
    Rule(
        "override-no-effect", "warning",
        "An override that moves rows, and no verdict is different for it: call, reason and deciding rule are the same "
        "without it in every situation.",
        "hierarchy:\n  - {signal: conversion, loss: rollback}\n  - {signal: panel, loss: rollback}\n"
        "overrides:\n  - {id: people, put: panel, above: conversion, when: panel is win}",
        "Drop the override, or change its condition",
    ),
    # --- guardrails and requirements ---
    Rule(
        "guardrail-never-holds", "error",
        "A guardrail whose condition is true in no situation that a release can be in: it guards nothing.",
        "guardrails:\n  - {id: harm, when: panel is loss and panel is win, call: rollback}",
        "Mend the condition, or drop the guardrail",
    ),
    Rule(
        "guardrail-always-holds", "error",
        "A guardrail whose condition is true in every situation: no release can come to a milder call.",
        "guardrails:\n  - {id: harm, when: panel is loss or panel is not loss, call: hold}",
        "Mend the condition, or drop the guardrail",
    ),
    Rule(
        "guardrail-no-effect", "warning",
        "A guardrail without which every situation comes to the same call: whenever it fires, or cannot be evaluated, "
        "other rules make the call at least as severe.",
        "hierarchy:\n  - {signal: conversion, loss: rollback}\n"
        "guardrails:\n  - {id: harm, when: conversion is loss, call: hold}",
        "Drop the guardrail, or widen its condition",
    ),
    Rule(
        "requirement-never-holds", "error",
        "A ship requirement that is true in no situation: nothing can ever ship.",
        "ship_requires:\n  - {that: panel is win and panel is flat}",
        "Mend the condition, or drop the requirement",
    ),
    Rule(
        "requirement-always-holds", "warning",
        "A ship requirement that is true in every situation: it requires nothing.",
        "ship_requires:\n  - {that: panel is win or panel is not win}",
        "Mend the condition, or drop the requirement",
    ),
    Rule(
        "requirement-no-effect", "warning",
        "A ship requirement without which every situation comes to the same call: whatever it would refuse does not "
        "ship anyway.",
        "hierarchy:\n  - {signal: panel, win: ship, loss: rollback}\nship_requires:\n  - {that: panel is not loss}",
        "Drop the requirement, or make it ask for more",
    ),
    # --- conditions and thresholds ---
    Rule(
        "comparison-constant", "warning",
        "A comparison inside a condition that never comes out false, or never true, for any release.",
        "guardrails:\n  - {id: harm, when: conversion.benefit.low <= conversion.benefit and panel is loss, call: hold}",
        "Drop the comparison, or mend it",
    ),
    Rule(
        "threshold-never-met", "error",
        "A threshold outside of what the value can be (a share above 100 %, an agreement above 1), so that the "
        "comparison is never true, or the check under `trust` never passes.",
        "signals:\n  panel: {kind: panel, better: higher, trust: {agreement: 40}}",
        "Write a threshold that the value can reach",
    ),
    Rule(
        "threshold-always-met", "warning",
        "A threshold that every value meets: the comparison is true whenever the value is known, or the check under "
        "`trust` can only fail for want of a number.",
        "guardrails:\n  - {id: harm, when: 'any(conversion.segments, share >= 0% and high < 0)', call: hold}",
        "Write a threshold that tells something apart; to ask whether a value is known, write `has(...)`",
    ),
    Rule(
        "flat-without-margin", "error",
        "`flat` is asked of a signal that has no margin: without one nothing is ever flat.",
        "signals:\n  panel: {kind: panel, better: higher}\nhierarchy:\n  - {signal: panel, flat: hold, loss: rollback}",
        "Give the signal a margin",
    ),
    # --- the policy as a whole ---
    Rule(
        "not-monotone", "warning",
        "Making one signal better makes the call worse: its state goes from loss to unclear or flat to win, its bounds "
        "or segments go up or it becomes non-inferior, everything else stays, and a milder call becomes a more severe "
        "one.",
        "hierarchy:\n  - {signal: thumbs, win: rollback, loss: hold}",
        "Give the better situation a call at least as mild",
    ),
    Rule(
        "signal-unheard", "warning",
        "A signal that is declared and that no row and no condition asks about.",
        "signals:\n  cost: {kind: experiment, metric: {name: usd, type: mean}, better: lower}",
        "Let a row or a condition ask about it, or drop it",
    ),
    Rule(
        "untested", "warning",
        "A rule that none of the policy's own tests exercises: no test in which the row decides, the override moves a "
        "row, the guardrail fires, or the requirement turns a ship into a hold.",
        "guardrails:\n  - {id: harm, when: panel is loss, call: rollback}\ntests: []",
        "Add a test in which it does; `signals policy mutate` proposes some",
    ),
    Rule(
        "review-overdue", "warning",
        "The day on which somebody wanted to look at the policy again has passed.",
        "review_by: 2020-01-01",
        "Review the policy and move the date",
    ),
    Rule(
        "too-entangled", "warning",
        "Too many comparisons hang together to look at every situation. What was not looked at is named; it is not "
        "known to be sound.",
        "guardrails:\n  - {id: knot, when: a.benefit < b.benefit < c.benefit < d.benefit < e.benefit, call: hold}",
        "Use fewer signals or conditions that are compared with each other",
    ),
)  # fmt: skip

BY_ID: dict[str, Rule] = {rule.id: rule for rule in CATALOGUE}

_HEAD = """\
# Lint

`signals policy check` looks at a policy beyond what loading refuses: rules that can never act, thresholds that no value
meets, situations that nobody meant. Every situation is looked at, none is sampled, so each finding is a fact about the
policy. An **error** is something that the policy says and does not do: the command ends with exit code 2, as for a
failing test. A **warning** deserves a second look: it is printed, and the command succeeds.

| rule | severity |
|---|---|
"""
_FOOT = "This page is made from the code by `python -m signals.workbench.lint > docs/lint.md`.\n"


def page() -> str:
    """The text of ``docs/lint.md``: one section per rule."""
    index = "".join(f"| [`{rule.id}`](#{rule.id}) | {rule.severity} |\n" for rule in CATALOGUE)
    sections = (
        f"## {rule.id}\n\n{rule.severity.capitalize()}. {rule.meaning}\n\n```yaml\n{rule.example}\n```\n\n{rule.fix}.\n"
        for rule in CATALOGUE
    )
    return "\n".join([_HEAD + index, *sections, _FOOT])
