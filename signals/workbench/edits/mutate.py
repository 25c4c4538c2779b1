"""Which weakenings of a policy its own tests would catch: the policy's tests, tested.

Mutation analysis (DeMillo, Lipton and Sayward 1978, "Hints on test data selection", IEEE Computer 11:34) with two
differences: the atlas says exactly which edits weaken, so that the score counts no edit that changes nothing, and every
survivor comes with a test that catches it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from signals.model import RELEASE_KINDS, SEVERITY, ReleaseKind, SignalsError
from signals.policy.engine import Answer
from signals.policy.rules import Policy, Rules
from signals.policy.testing import run_tests
from signals.words import count, plural
from signals.workbench.edits.mutants import Mutation, mutations
from signals.workbench.edits.proposals import Proposal, Weaker, propose, run_one
from signals.workbench.situations.atlas import chart
from signals.workbench.situations.diagram import Node
from signals.workbench.situations.effort import WORK, TooLargeError, effort
from signals.workbench.situations.making import space_of
from signals.workbench.situations.space import Space

_WORK = 4 * WORK
"""Steps that all edits may take together: every one is another difference of two policies."""
_SHARED = WORK // 3
"""What looking at one edit may take while all edits share one space."""
Fate = Literal["killed", "survived", "equivalent", "stricter"]


@dataclass(frozen=True)
class Mutant:
    """One edit of the policy, and what became of it.

    Attributes:
        what: The edit in words.
        line: Where it is in the policy's text.
        column: Likewise, counted from 1.
        fate: ``killed`` by a test, ``survived``; ``equivalent`` when no situation comes to another call, ``stricter``
            when none comes to a less severe one. Only the first two are weakenings and count.
        killer: The first test that fails under it.
        situations: In how many situations its call is less severe.
        proposal: For a survivor, a situation that shows it as a test.
    """

    what: str
    line: int
    column: int
    fate: Fate
    killer: str | None = None
    situations: int = 0
    proposal: Proposal | None = None

    @property
    def place(self) -> str:
        """``59:26``: line and column in the policy's text."""
        return f"{self.line}:{self.column}"

    @property
    def shows(self) -> str:
        """The situation that shows a survivor, and what it comes to before and after; empty for the others."""
        return self.proposal.shows if self.proposal else ""

    @property
    def proposed_test(self) -> str:
        """YAML to paste under ``tests:``: it passes on the policy and fails on the edit; empty for the others."""
        return self.proposal.yaml if self.proposal else ""


@dataclass(frozen=True)
class MutationReport:
    """Every edit, in the order of the file.

    Attributes:
        mutants: All of them, those that are no weakenings too; with ``refused``, those that were looked at.
        failing: Tests that fail on the policy as it is; they can catch nothing and were left out.
        refused: Why not every edit could be looked at, so that there is no score; empty when all were.
    """

    mutants: tuple[Mutant, ...]
    failing: tuple[str, ...]
    refused: str = ""

    @property
    def counted(self) -> tuple[Mutant, ...]:
        """The edits that weaken."""
        return tuple(mutant for mutant in self.mutants if mutant.fate in ("killed", "survived"))

    @property
    def survivors(self) -> tuple[Mutant, ...]:
        """The weakenings that no test catches."""
        return tuple(mutant for mutant in self.mutants if mutant.fate == "survived")

    @property
    def score(self) -> float | None:
        """Share of the weakenings that a test catches, from 0 to 1; None when no edit weakens, or not all are known."""
        counted = () if self.refused else self.counted
        return 1.0 - len(self.survivors) / len(counted) if counted else None

    @cached_property
    def tests(self) -> str:
        """The proposed tests of all survivors in one piece, each once, ready to paste under ``tests:``."""
        return "".join(dict.fromkeys(mutant.proposed_test for mutant in self.survivors))


def mutate(policy: Policy) -> MutationReport:
    """Weaken a policy in every single step and see which steps its own tests catch.

    Never raises: what is too entangled, or too much, is told in ``MutationReport.refused``, and then there is no score.
    """
    results = run_tests(policy)
    failing = tuple(result.name for result in results if not result.passed)
    sound = replace(policy, tests=tuple(test for test in policy.tests if test.name not in failing))
    found: tuple[Mutation, ...] = ()
    judged: list[Mutant] = []
    refused = ""
    with effort(_WORK):
        try:
            _decided(sound)  # what is too entangled by itself needs no edits to be refused
            found = mutations(sound)
            bench = _Bench(sound, found, {test.name for test in policy.tests})
            for mutation in found:
                judged.append(_judged(bench, mutation))  # noqa: PERF401  # those before a refusal are kept
        except (TooLargeError, SignalsError) as error:
            why = str(error) if isinstance(error, SignalsError) and not judged else _too_much(found, judged)
            refused = f"not every weakening could be looked at: {why}"
    return MutationReport(tuple(judged), failing, refused)


def _decided(policy: Policy) -> None:
    with effort(WORK):
        for kind in _kinds(policy):
            chart(space_of([policy], kind), _rules(policy, kind), kind)


def _kinds(policy: Policy) -> list[ReleaseKind | None]:
    """Kinds with rules of their own; None stands for those without, where there are any."""
    own: list[ReleaseKind | None] = [kind for kind in RELEASE_KINDS if kind in policy.kinds]
    return own if len(own) == len(RELEASE_KINDS) else [None, *own]


def _too_much(found: Sequence[Mutation], judged: Sequence[Mutant]) -> str:
    if not found:
        return "the policy has too many rules and conditions to edit them one by one. Use fewer, or shorter ones"
    done = f"{count(len(judged))} of {plural(len(found), 'edits')}"
    return f"looking at all would take too long, {done} were. Use fewer signals, rules or tests"


def _judged(bench: _Bench, mutation: Mutation) -> Mutant:
    try:
        with effort(_SHARED if bench.sharing else _WORK):
            return _judge(bench, mutation)
    except (TooLargeError, SignalsError):
        if not bench.sharing:
            raise
    # The space of all edits is too large, or full: from here on, each edit has one of its own.
    bench.sharing = False
    return _judge(bench, mutation)


def _judge(bench: _Bench, mutation: Mutation) -> Mutant:
    found = Mutant(mutation.what, mutation.line, mutation.column, "equivalent")
    weaker: list[Weaker] = []
    situations = 0
    for kind in bench.kinds:
        compared = bench.compared(mutation, kind)
        if compared is None:
            continue
        space, node = compared
        counts = space.diagrams.counts(node)
        if counts.get("softer", 0):
            weaker.append((kind, space, space.diagrams.apply(_softer, node)))
            situations += counts["softer"]
        elif counts.get("harder", 0):
            found = replace(found, fate="stricter")
    if not weaker:
        return found
    results = (run_one(mutation.policy, test) for test in mutation.policy.tests)
    killer = next((result.name for result in results if not result.passed), None)
    if killer is not None:
        return replace(found, fate="killed", killer=killer, situations=situations)
    return replace(found, fate="survived", situations=situations, proposal=bench.proposal(mutation, weaker))


class _Bench:
    """A policy and its edits over one space of situations per kind of release, while ``sharing``."""

    def __init__(self, policy: Policy, found: Sequence[Mutation], taken: set[str]) -> None:
        self.policy, self.mutations, self.taken = policy, found, taken
        self.proposals: list[Proposal] = []
        self.kinds = _kinds(policy)
        self.sharing = True
        self._shared: dict[ReleaseKind | None, tuple[Space, Node]] = {}

    def compared(self, mutation: Mutation, kind: ReleaseKind | None) -> tuple[Space, Node] | None:
        """Where the edit's call is ``softer``, ``harder`` or the ``same``; None when it does not touch this kind.

        Raises:
            SignalsError, TooLargeError: When that is too entangled.
        """
        before, after = _rules(self.policy, kind), _rules(mutation.policy, kind)
        if before == after:
            return None
        space, base = self.space(mutation, kind)
        return space, space.diagrams.apply(_compared, base, chart(space, after, kind).node)

    def space(self, mutation: Mutation, kind: ReleaseKind | None) -> tuple[Space, Node]:
        """A space that tells the edit from the policy, and the policy's answers over it."""
        if kind in self._shared and self.sharing:
            return self._shared[kind]
        edits = self.mutations if self.sharing else (mutation,)
        space = space_of([self.policy, *(one.policy for one in edits)], kind)
        found = space, chart(space, _rules(self.policy, kind), kind).node
        if self.sharing:
            self._shared[kind] = found
        return found

    def proposal(self, mutation: Mutation, weaker: Sequence[Weaker]) -> Proposal | None:
        """A test that tells the edit: one that was proposed already, if it does."""
        for proposal in self.proposals:
            again = proposal.against(mutation.policy)
            if again is not None:
                return again
        fresh = propose(self.policy, mutation.policy, weaker, self.taken)
        if fresh is not None:
            self.taken.add(fresh.name)
            self.proposals.append(fresh)
        return fresh


def _rules(policy: Policy, kind: ReleaseKind | None) -> Rules:
    return policy.rules if kind is None else policy.for_kind(kind)


def _compared(before: Answer | None, after: Answer | None) -> str | None:
    if before is None or after is None:
        return None
    gap = SEVERITY[after.call] - SEVERITY[before.call]
    return "softer" if gap < 0 else "harder" if gap > 0 else "same"


def _softer(found: str | None) -> bool | None:
    return None if found is None else found == "softer"
