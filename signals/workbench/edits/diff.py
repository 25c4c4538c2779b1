"""What an edit of a policy decides differently: every situation, exactly, the most alarming first.

Both versions are charted over one space of situations (``atlas``) and compared situation by situation. What changes
before any rule is asked (margins, trust, metrics) and the tests are told beside it (``definitions``).
"""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field

from signals.model import RELEASE_KINDS, SEVERITY, Call, ReleaseKind, SignalsError
from signals.policy.engine import Answer
from signals.policy.facts import Value
from signals.policy.rules import Policy, Rules
from signals.policy.syntax import Expr
from signals.words import CALL_WORDS, count, plural
from signals.workbench.edits.definitions import Definition, definitions
from signals.workbench.situations.atlas import chart
from signals.workbench.situations.boxes import largest
from signals.workbench.situations.effort import WORK, TooLargeError, effort
from signals.workbench.situations.making import space_of
from signals.workbench.situations.phrases import phrase

_WORK = 2 * WORK
"""Steps that a difference may take: it decides two policies, over the comparisons of both."""
Deciders = tuple[str, str]
Group = tuple[Call, Call, Deciders]


@dataclass(frozen=True)
class Change:
    """Situations that come to another call than before, decided by the same two rules.

    Attributes:
        before: The old policy's call.
        after: The new policy's.
        count: How many situations.
        share: Of all situations of these releases, from 0 to 1.
        total: How many those are.
        words: One line: calls, how many, what holds in the largest part of them, who decides.
        kind: The kind of release; None for the kinds without rules of their own.
        example: Facts of a release in the largest part; they settle as ``before`` and ``after`` say.
        by: Who decided before and who does after: a signal, an id, or ``otherwise``.
        where: What holds in the largest part.
        where_count: How many situations that part has.
    """

    before: Call
    after: Call
    count: int
    share: float
    total: int
    words: str
    kind: ReleaseKind | None
    example: Mapping[str, Value] = field(repr=False)
    by: Deciders
    where: str
    where_count: int

    @property
    def weakens(self) -> bool:
        """Whether the new call is less severe."""
        return SEVERITY[self.after] < SEVERITY[self.before]


@dataclass(frozen=True)
class Difference:
    """What an edit changes.

    Attributes:
        changes: Situations that come to another call, most alarming first: what newly ships, then what is no longer
            rolled back, then what is decided more strictly.
        elsewhere: In how many situations the call stays and another rule makes it.
        edits: What changes outside the rules, what weakens first.
        refused: Why the calls of some kinds of release could not be compared, one line each; they are then not in
            ``changes``, and the edit counts as a weakening, because nobody can show that it is none.
        text: Unified diff of the two files.
    """

    changes: tuple[Change, ...]
    elsewhere: int
    edits: tuple[Definition, ...]
    refused: tuple[str, ...]
    text: str

    @property
    def definitions(self) -> tuple[str, ...]:
        """What changes outside the rules, each with its direction in front."""
        return tuple(str(edit) for edit in self.edits)

    @property
    def weakens(self) -> bool:
        """Whether some situation gets a less severe call, a definition lets harm pass more easily, or nobody knows."""
        return bool(self.refused) or any(change.weakens for change in self.changes) or self._edited("weakens")

    @property
    def strengthens(self) -> bool:
        """Whether some situation gets a more severe call, or a definition lets less harm pass."""
        return any(not change.weakens for change in self.changes) or self._edited("strengthens")

    @property
    def same(self) -> bool:
        """Whether both versions read and decide everything alike, by the same rules, and have the same tests."""
        return not (self.changes or self.elsewhere or self.edits or self.refused)

    def _edited(self, direction: str) -> bool:
        return any(edit.direction == direction for edit in self.edits)

    @property
    def words(self) -> tuple[str, ...]:
        """For people: what changes, a line each, most alarming first."""
        if self.same:
            return ("Decides every situation as before.",)
        lines = [self._headline(), *self.refused, *(change.words for change in self.changes)]
        lines += [f"{definition[:1].upper()}{definition[1:]}" for definition in self.definitions]
        if self.elsewhere:
            lines.append(f"In {plural(self.elsewhere, 'situations')} the call stays and another rule makes it.")
        return tuple(lines)

    def _headline(self) -> str:
        if self.weakens and self.strengthens:
            return "Weakens protection in some ways and strengthens it in others."
        if self.weakens:
            return "Weakens protection."
        if self.strengthens:
            return "Strengthens protection."
        return "Changes no call." if not any(edit.decides for edit in self.edits) else "Changes what is read."


def compare(old: Policy, new: Policy) -> Difference:
    """What ``new`` decides differently from ``old``, over every situation that either can tell apart.

    Never raises: rules too entangled for that are told in ``Difference.refused``, with the definitions beside it.
    """
    with effort(_WORK):
        return _compare(old, new)


def _compare(old: Policy, new: Policy) -> Difference:
    changes: list[Change] = []
    refused: list[str] = []
    elsewhere = 0
    for kind in _kinds(old, new):
        try:
            found, moved = _of_kind(old, new, kind)
        except SignalsError as error:
            refused.append(f"{_releases(kind)}: calls cannot be compared: {error}")
            continue
        changes += found
        elsewhere += moved
    return Difference(
        changes=tuple(sorted(changes, key=_alarm)),
        elsewhere=elsewhere,
        edits=definitions(old, new),
        refused=tuple(refused),
        text=_unified(old, new),
    )


def _kinds(old: Policy, new: Policy) -> Iterator[ReleaseKind | None]:
    """Kinds of release that either treats in its own way; None for the others, where there are others."""
    own = [kind for kind in RELEASE_KINDS if kind in old.kinds or kind in new.kinds]
    if len(own) < len(RELEASE_KINDS):
        yield None
    yield from own


def _of_kind(old: Policy, new: Policy, kind: ReleaseKind | None) -> tuple[list[Change], int]:
    before, after = (policy.rules if kind is None else policy.for_kind(kind) for policy in (old, new))
    if _meaning(before) == _meaning(after):
        return [], 0
    space = space_of([old, new], kind)
    diagrams = space.diagrams
    try:
        both = diagrams.apply(_pair, chart(space, before, kind).node, chart(space, after, kind).node)
        grouped = diagrams.apply(_group, both)
        groups = diagrams.counts(grouped)
        total = sum(number for group, number in groups.items() if group is not None)
        changes = []
        for group, number in groups.items():
            if group is not None and group[0] != group[1]:
                part = largest(space, diagrams.apply(diagrams.bound(_is, group), grouped))
                if part is None:  # the group was counted
                    raise AssertionError
                where = phrase(space, part.box)
                changes.append(_change(group, number, total, kind, part.example, where, part.count))
    except TooLargeError:
        raise SignalsError("the two versions together are too entangled to decide every situation") from None
    moved = sum(n for group, n in groups.items() if group and group[0] == group[1] and group[2][0] != group[2][1])
    return changes, moved


def _change(
    group: Group, number: int, total: int, kind: ReleaseKind | None,
    example: Mapping[str, Value], where: str, where_count: int,
) -> Change:  # fmt: skip
    before, after, by = group
    who = f"{by[1]} decides" if by[0] == by[1] else f"{by[1]} decides, before {by[0]}"
    of_kind = "" if kind is None else f" of releases of kind {kind}"
    most = "" if where_count == number else f" (in {count(where_count)} of them)"
    words = (
        f"{CALL_WORDS[after]} instead of {CALL_WORDS[before]} in {count(number)} of {plural(total, 'situations')}"
        f"{of_kind}: {where}{most}; {who}"
    )
    return Change(before, after, number, number / total, total, words, kind, example, by, where, where_count)


def _alarm(change: Change) -> tuple[int, int, str]:
    """What newly ships first, a rollback before a hold; then what is no longer rolled back; then the stricter ones."""
    order: tuple[tuple[Call, Call], ...] = (
        ("rollback", "ship"), ("hold", "ship"), ("rollback", "hold"), ("ship", "rollback"), ("ship", "hold"),
        ("hold", "rollback"),
    )  # fmt: skip
    return order.index((change.before, change.after)), -change.count, change.words


def _releases(kind: ReleaseKind | None) -> str:
    return "releases" if kind is None else f"releases of kind {kind}"


# --- situations -----------------------------------------------------------------------------------------------------


def _pair(one: Answer | None, other: Answer | None) -> tuple[Answer, Answer] | None:
    return None if one is None or other is None else (one, other)


def _group(pair: tuple[Answer, Answer] | None) -> Group | None:
    if pair is None:
        return None
    one, other = pair
    return one.call, other.call, (one.by or "otherwise", other.by or "otherwise")


def _is(wanted: Group, group: Group | None) -> bool | None:
    return None if group is None else group == wanted


def _meaning(rules: Rules) -> Hashable:
    """The rules as they decide: without places, reasons and spelling."""
    return (
        tuple((row.signal, tuple(sorted(row.calls.items())), _tree(row.when)) for row in rules.hierarchy),
        rules.otherwise,
        tuple((rule.id, rule.put, rule.above, _tree(rule.when)) for rule in rules.overrides),
        tuple((rule.id, rule.call, _tree(rule.when)) for rule in rules.guardrails),
        tuple((rule.id, _tree(rule.that)) for rule in rules.ship_requires),
    )


def _tree(condition: object) -> Expr | None:
    return getattr(condition, "tree", None)


def _unified(old: Policy, new: Policy) -> str:
    before, after = old.file, new.file
    if before == after:
        before, after = f"{before} (before)", f"{after} (after)"
    lines = difflib.unified_diff(old.text.splitlines(), new.text.splitlines(), before, after, lineterm="")
    return "\n".join(lines)
