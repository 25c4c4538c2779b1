"""What is known of a draft: problems, tests, and what it decides differently from the saved policy.

It asks the loader, the linter, the tests, the difference and the replay; nothing is computed here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from signals.model import SEVERITY, Call, Outcome, Problem, Project, SignalsError, Verdict

if TYPE_CHECKING:
    from signals.policy import Policy
    from signals.policy.testing import CaseResult
    from signals.replay import Replayed
    from signals.workbench.edits.diff import Difference
    from signals.workbench.edits.mutate import MutationReport


@dataclass(frozen=True)
class Mark:
    """One problem at its place; lines and columns count from 1, None where it has none."""

    severity: Literal["error", "warning"]
    line: int | None
    column: int | None
    what: str
    remedy: str = ""


@dataclass(frozen=True)
class Checked:
    """A text that was read as a policy; ``policy`` is None when it does not load."""

    policy: Policy | None
    marks: tuple[Mark, ...]
    tests: tuple[CaseResult, ...] = ()
    fits: bool = True  # whether every source of the project still feeds a signal that reads it

    @property
    def errors(self) -> int:
        """How many problems are more than a warning."""
        return sum(mark.severity == "error" for mark in self.marks)

    @property
    def failed(self) -> tuple[CaseResult, ...]:
        """The tests of the policy that fail."""
        return tuple(result for result in self.tests if not result.passed)


@lru_cache(maxsize=32)
def check(text: str, file: str, today: date) -> Checked:
    """Load, lint and test a text.

    Args:
        text: The draft.
        file: The name that messages use.
        today: The day on which reviews may be due.
    """
    from signals.policy import run_tests
    from signals.review import parsed

    try:
        policy = parsed(text, file)
    except SignalsError as error:
        return Checked(None, tuple(_mark(problem) for problem in error.problems))
    results = run_tests(policy)
    failed = tuple(
        Mark("error", result.line, None, f"test fails: {result.name}", "; ".join(result.problems))
        for result in results
        if not result.passed
    )
    return Checked(policy, (*failed, *_lint(policy, today)), results)


def placed(project: Project, checked: Checked) -> Checked:
    """The same, held against the project's sources: one without its signal would stop every verdict."""
    from signals.review import misplaced

    problems = misplaced(project, checked.policy) if checked.policy else ()
    marks = tuple(Mark("error", None, None, f"{one.file}: {one.what}", one.remedy) for one in problems)
    return replace(checked, marks=(*marks, *checked.marks), fits=not marks)


def _lint(policy: Policy, today: date) -> tuple[Mark, ...]:
    from signals.workbench.lint.findings import lint

    try:
        findings = lint(policy, today)
    except SignalsError as error:
        return tuple(_mark(problem, "warning") for problem in error.problems)
    return tuple(
        Mark(one.severity, one.line, one.column, f"{one.what}: {one.why} [{one.id}]", one.fix) for one in findings
    )


def _mark(problem: Problem, severity: Literal["error", "warning"] = "error") -> Mark:
    return Mark(severity, problem.line, problem.column, problem.what, problem.remedy)


# --- what the draft changes -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Flip:
    """One release under both policies; where a policy cannot decide it, the call is None and ``why`` says so."""

    release: str
    before: Call | None
    after: Call | None
    by_before: str
    by_after: str
    outcome: Outcome
    decided: Call | None
    open: bool
    why: str = ""

    @property
    def differs(self) -> bool:
        """Whether the call is another one."""
        return self.before != self.after


def difference(saved: Policy, draft: Policy) -> Difference:
    """What the draft changes, situation by situation."""
    return _difference(saved.text, draft.text, draft.file)


@lru_cache(maxsize=32)
def _difference(saved: str, draft: str, file: str) -> Difference:
    from signals.review import parsed
    from signals.workbench.edits.diff import compare

    return compare(parsed(saved, file), parsed(draft, file))


def flips(project: Project, saved: Policy, draft: Policy) -> tuple[Flip, ...]:
    """Every release, as of its decision, under both policies: other calls first, the most alarming of them at the top.

    Raises:
        SignalsError: The store holds nothing yet, or cannot be read.
    """
    from signals.replay import replay

    return tuple(sorted((_flip(row) for row in replay(project, (saved, draft))), key=_alarm))


def _flip(row: Replayed) -> Flip:
    before, after = row.verdicts
    why = next((str(one) for one in (after, before) if isinstance(one, SignalsError)), "")
    return Flip(
        row.release.id, _call(before), _call(after), _by(before), _by(after), row.outcome, row.decided, row.open, why,
    )  # fmt: skip


def _call(verdict: Verdict | SignalsError) -> Call | None:
    return None if isinstance(verdict, SignalsError) else verdict.call


def _by(verdict: Verdict | SignalsError) -> str:
    return "" if isinstance(verdict, SignalsError) else verdict.decided_by or "otherwise"


def _alarm(flip: Flip) -> tuple[bool, bool, int, bool]:
    """Flips first; of these what is decided less severely, and what turned out bad."""
    if flip.before is None or flip.after is None:
        return (not flip.differs, False, 0, False)
    milder = SEVERITY[flip.after] - SEVERITY[flip.before]
    return (not flip.differs, flip.by_before == flip.by_after, milder, flip.outcome != "bad")


@lru_cache(maxsize=4)
def weakened(text: str, file: str) -> MutationReport:
    """Which single-step weakenings of a policy that loads its own tests would catch; about a second of work."""
    from signals.policy import parse_policy
    from signals.workbench.edits.mutate import mutate

    return mutate(parse_policy(text, file))
