"""A verdict as a JUnit report, which every CI shows: the call is a test case, and so is each rule and required check.

The elements and attributes are those that the schemas of Jenkins allow and that GitLab and GitHub's reporters read. A
call other than SHIP fails, with its name as the type of the failure. A rule or check that could not be evaluated is
skipped and not passed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from signals.memo import Memo
from signals.memo.phrases import REASON_WORDS, STATUS_WORDS
from signals.model import RuleOutcome, Verdict
from signals.sharing import told
from signals.sharing.fit import name, short
from signals.words import CALL_WORDS, clean

LONGEST = 4_000
"""Characters of one text: a report of a release with a thousand segments stays readable."""


@dataclass(frozen=True)
class Case:
    """One test case; ``text`` says what was seen."""

    name: str
    outcome: Literal["passed", "failed", "skipped"]
    text: str
    message: str = ""  # of a failure or a skip
    type: str = ""  # of a failure


def report(verdict: Verdict, memo: Memo) -> str:
    """The report as XML, one suite with the release's name. Same memo, same bytes."""
    cases = _named_once([_call(verdict, memo), *_rules(verdict), *_checks(memo)])
    failures = str(sum(case.outcome == "failed" for case in cases))
    totals = {"tests": str(len(cases)), "failures": failures, "errors": "0"}
    root = Element("testsuites", {"name": "signals", **totals})
    suite = SubElement(
        root,
        "testsuite",
        {
            "name": name(verdict.release.id), **totals, "time": "0.000",
            "skipped": str(sum(case.outcome == "skipped" for case in cases)),
            "timestamp": memo.as_of_exact.removesuffix("Z"),
        },
    )  # fmt: skip
    properties = SubElement(suite, "properties")
    for key, value in (
        ("policy", memo.policy_hash), ("evidence", memo.evidence_hash), ("as_of", memo.as_of_exact),
        ("call", verdict.call), ("reason", verdict.reason),
    ):  # fmt: skip
        SubElement(properties, "property", {"name": key, "value": clean(value)})
    # Jenkins takes what stands before the last dot for a package, GitLab the whole for the suite.
    group = "signals." + name(verdict.release.id).replace(".", "_")
    for case in cases:
        _write(suite, group, case)
    indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _write(suite: Element, group: str, case: Case) -> None:
    element = SubElement(suite, "testcase", {"classname": group, "name": case.name, "time": "0.000"})
    if case.outcome == "failed":
        found = SubElement(element, "failure", {"type": case.type, "message": case.message})
        found.text = case.text
    elif case.outcome == "skipped":
        SubElement(element, "skipped", {"message": case.message})
    if case.outcome != "failed" and case.text:
        SubElement(element, "system-out").text = case.text


def _call(verdict: Verdict, memo: Memo) -> Case:
    lines = [
        f"{told.title(memo)}  {memo.release}: {memo.candidate} against {memo.control}",
        memo.sentence,
        memo.decided_by,
        told.steadiness(memo),
        *(f"Not heard: {line}" for line in memo.unheard),
        *(f"Overruled: {line.signal} ({line.state}). {line.why}" for line in memo.overruled),
        *(
            f"The way out: {line.signal + ': ' if line.signal else ''}{line.what}{f', by {line.by}' if line.by else ''}"
            for line in memo.needs
        ),
    ]
    text = "\n".join(short(line, LONGEST) for line in lines if line)
    ship = verdict.call == "ship"
    return Case(
        "call",
        "passed" if ship else "failed",
        text,
        "" if ship else short(f"{told.title(memo)}: {memo.sentence}"),
        "" if ship else verdict.call,
    )


def _rules(verdict: Verdict) -> Iterator[Case]:
    """Guardrails fail when they fire; what a SHIP requires fails when it does not hold."""
    for sort, rules, good in (
        ("guardrail", verdict.guardrails, False),
        ("ship requirement", verdict.ship_requires, True),
    ):
        for rule in rules:
            yield _rule(sort, rule, holds_well=good)


def _rule(sort: str, rule: RuleOutcome, *, holds_well: bool) -> Case:
    title = f"{sort} {name(rule.id)}"
    seen = "\n".join(short(line, LONGEST) for line in (rule.condition, rule.why, rule.because) if line)
    if rule.holds is None:
        unknown = ", ".join(clean(fact) for fact in rule.unknown)
        return Case(title, "skipped", seen, short(f"{REASON_WORDS['cannot-evaluate']}: {unknown}"))
    if rule.holds is holds_well:
        return Case(title, "passed", seen)
    call = "" if rule.call is None else f" ({CALL_WORDS[rule.call]})"
    outcome = "not met" if holds_well else f"fires{call}"
    return Case(title, "failed", seen, short(f"{outcome}: {rule.why}. {rule.because}".strip()), sort.replace(" ", "-"))


def _checks(memo: Memo) -> Iterator[Case]:
    """The checks that the policy asks for."""
    for line in memo.checks:
        if not line.required:
            continue
        title = f"check {name(line.signal)}: {line.title}"
        told_of = short(f"{line.title} {STATUS_WORDS[line.status]}: {line.told}")
        seen = "\n".join(part for part in (told_of, line.remedy) if part)
        if line.status == "fail":
            yield Case(title, "failed", seen, told_of, f"check-{line.sort}")
        elif line.status == "unknown":
            yield Case(title, "skipped", seen, told_of)
        else:
            yield Case(title, "passed", told_of)


def _named_once(cases: list[Case]) -> list[Case]:
    """GitLab counts only the first of several cases with one name: later ones get a number."""
    seen: dict[str, int] = {}
    found = []
    for case in cases:
        times = seen[case.name] = seen.get(case.name, 0) + 1
        title = case.name if times == 1 else f"{case.name} ({times})"
        found.append(Case(title, case.outcome, case.text, case.message, case.type))
    return found
