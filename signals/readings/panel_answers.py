"""From a panel's answers to one value per item and rater, and to what the checks look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from signals.model import Preference, Rating, Segment
from signals.readings.common import Tray
from signals.readings.crossed import Cell
from signals.readings.human import Answer, latest_preferences, latest_ratings

NEARLY_ALL = 0.9

CHOICE = {"left": -1.0, "tie": 0.0, "right": 1.0}


@dataclass(frozen=True)
class Answers:
    """Answers to one question of the form, about this release's two arms, gold items left out."""

    ratings: Sequence[Rating] = ()
    preferences: Sequence[Preference] = ()

    @property
    def all(self) -> tuple[Rating | Preference, ...]:
        """Of either sort."""
        return (*self.ratings, *self.preferences)


@dataclass(frozen=True)
class Paired:
    """What a panel said of the two arms.

    Attributes:
        cells: One value per item and rater: candidate minus control, or net preference.
        items_seen: Items with an answer about either arm.
        per_arm: Items with an answer about that arm.
        grades: (output, rater, grade) of every latest answer; the output is (item, variant), or (item,) of a choice.
        pressed: The same with what the rater pressed: the grade, or the side.
        shown: (item, rater, value, whether the candidate came first or on the left) where that is known.
        choices: Whether the answers are choices between the two arms.
        refused: Why there is no effect.
    """

    cells: tuple[Cell, ...] = ()
    items_seen: int = 0
    per_arm: tuple[int, int] = (0, 0)
    grades: tuple[tuple[tuple[str, ...], str, float], ...] = ()
    pressed: tuple[tuple[Hashable, str, float], ...] = ()
    shown: tuple[tuple[str, str, float, bool], ...] = ()
    choices: bool = False
    refused: str | None = None


def pair(answers: Answers, tray: Tray, control: str, candidate: str) -> Paired:
    """Pair the two arms within items and raters; what cannot be paired goes into the tray."""
    if answers.ratings and answers.preferences:
        items = len({one.item for one in answers.all})
        return Paired(
            per_arm=(items, items), refused="both grades and choices were pulled: they are on different scales"
        )
    if answers.preferences:
        return _preferences(answers.preferences, tray, control, candidate)
    return _ratings(answers.ratings, tray, control, candidate)


def unresolved(forms: dict[str, Answers], control: str, candidate: str) -> Paired:
    """Several questions were answered and the policy does not say which one is meant."""
    ratings = [one for answers in forms.values() for one in answers.ratings if one.value is not None]
    choices = {one.item for answers in forms.values() for one in answers.preferences}
    per_arm = [len({one.item for one in ratings if one.variant == arm} | choices) for arm in (control, candidate)]
    names = ", ".join(name or "(none)" for name in sorted(forms)[:8])
    return Paired(
        per_arm=(per_arm[0], per_arm[1]),
        choices=not ratings,
        refused=f"the form has {len(forms)} dimensions ({names}) and the policy names none: "
        "set `dimension:` on the signal",
    )


def _ratings(ratings: Sequence[Rating], tray: Tray, control: str, candidate: str) -> Paired:
    given = latest_ratings(ratings, tray)
    grades: dict[tuple[str, str], dict[str, Rating]] = defaultdict(dict)
    for one in given:
        grades[one.item, one.rater][one.variant] = one
    both = {key: found for key, found in sorted(grades.items()) if len(found) == 2}
    alone = len(given) - 2 * len(both)
    for found in grades.values():
        if len(found) == 1:
            tray.put("the rater graded one arm of the item only", next(iter(found)))
    refused = None
    if given and alone / len(given) > NEARLY_ALL:
        refused = (
            f"{alone:,} of {len(given):,} grades are by raters who saw one arm of the item only: "
            "have each rater grade both"
        )
    labels = _labels(given)
    cells, shown = [], []
    for (item, rater), found in both.items():
        ours, theirs = found[control], found[candidate]
        assert ours.value is not None and theirs.value is not None  # noqa: PT018, S101 - the latest have values
        gap = theirs.value - ours.value
        cells.append(Cell(item, rater, gap, ours.value, theirs.value, labels.get(item, ())))
        if ours.at is not None and theirs.at is not None and ours.at != theirs.at:
            shown.append((item, rater, gap, theirs.at < ours.at))
    every = tuple(
        sorted(((one.item, one.variant), one.rater, one.value) for one in given if one.value is not None)
    )  # fmt: skip
    return Paired(
        tuple(cells),
        len({one.item for one in given}),
        (
            len({one.item for one in given if one.variant == control}),
            len({one.item for one in given if one.variant == candidate}),
        ),
        every,
        every,
        tuple(shown),
        refused=refused,
    )


def _preferences(answers: Sequence[Preference], tray: Tray, control: str, candidate: str) -> Paired:
    given = latest_preferences(answers, tray)
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    shown = []
    for one in sorted(given, key=lambda one: (one.item, one.rater, one.left, one.record)):
        value = towards(one, control, candidate)
        found[one.item, one.rater].append(value)
        shown.append((one.item, one.rater, value, one.left == candidate))
    # A rater who saw the pair in both orders has one opinion: the mean of the two choices.
    labels = _labels(given)
    cells = tuple(
        Cell(item, rater, sum(values) / len(values), segment=labels.get(item, ()))
        for (item, rater), values in sorted(found.items())
    )
    items = len({cell.item for cell in cells})
    pressed = sorted(((one.item, one.left), one.rater, CHOICE[one.choice or "tie"]) for one in given)
    return Paired(
        cells,
        len({one.item for one in answers}),
        (items, items),
        tuple(((cell.item,), cell.rater, cell.value) for cell in cells),
        tuple(((item,), rater, side) for (item, _), rater, side in pressed),
        tuple(shown),
        choices=True,
    )


def towards(one: Preference, control: str, candidate: str) -> float:
    """+1 when the candidate was chosen, -1 when the control was, 0 for a tie."""
    chosen = {"left": one.left, "right": one.right}.get(one.choice or "")
    return {candidate: 1.0, control: -1.0}.get(chosen or "", 0.0)


def _labels(answers: Sequence[Answer]) -> dict[str, Segment]:
    """The segment of each item; of several that disagree, the last in order of records."""
    return {one.item: one.segment for one in sorted(answers, key=lambda one: one.record) if one.segment}
