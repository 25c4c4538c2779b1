"""Coverage cells of feedback readings: thumbs of many people and of few, with floods, and bounds for the silent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchmarks.cells import Cell, Run, outcome
from signals.model import Evidence, FeedbackCell, Release, Signal
from signals.readings import measure, read
from signals.stats.moments import from_arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

RELEASE = Release("r", "prompt", "old", "new", date(2026, 11, 1))
AS_OF = datetime(2026, 11, 20, tzinfo=UTC)

Voting = Literal["per_response", "per_impression"]


@dataclass(frozen=True)
class Crowd:
    """People of one arm: how many, what they are shown, how often they respond, and how alike one's answers are."""

    users: int
    like: float  # share of thumbs up
    alike: float = 0.0  # correlation of one user's thumbs
    respond: float = 1.0  # share of answers shown that get a thumb
    shown: float = 1.0  # mean answers shown per user
    flood: float | None = None  # gamma shape of the answers shown per user; None: everyone is shown the mean


def draw(rng: np.random.Generator, crowd: Crowd) -> tuple[NDArray[np.int64], ...]:
    """Positives, responses and answers shown of each user who was shown any."""
    n = crowd.users
    if crowd.flood is None:
        x = np.full(n, round(crowd.shown))
    else:
        x = rng.poisson(rng.gamma(crowd.flood, crowd.shown / crowd.flood, n))
        x = x[x > 0] if x.any() else np.ones(1, dtype=np.int64)
    spread = (1.0 - crowd.alike) / crowd.alike if crowd.alike else 0.0
    like = rng.beta(crowd.like * spread, (1.0 - crowd.like) * spread, len(x)) if spread else crowd.like
    d = rng.binomial(x, crowd.respond)
    return rng.binomial(d, like), d, x


def cell_of(variant: str, y: NDArray[np.int64], d: NDArray[np.int64], x: NDArray[np.int64] | None) -> FeedbackCell:
    """One arm's cell; ``x`` is None when the source does not know what was shown."""
    shown = None if x is None else int(x.sum())
    loudest = float(d.max() / d.sum()) if d.sum() else None
    return FeedbackCell(variant, (), None, shown, True, from_arrays(y, x, d), loudest)


def told(cells: tuple[FeedbackCell, ...], name: str, truth: float, voting: Voting = "per_response") -> Run:
    """What a user sees: the estimate with its warnings, and the checks that warn."""
    signal = Signal("thumbs", "feedback", "?", "higher", 0.95, estimate=voting)
    numbers = measure(signal, Evidence(RELEASE, feedback=cells))
    checks = read(signal, numbers, AS_OF).checks.values()
    return outcome(numbers.estimates[name], truth, flagged=any(one.status in ("warn", "fail") for one in checks))


def thumbs(rng: np.random.Generator, control: Crowd, candidate: Crowd) -> Run:
    """The difference per response, without knowing what was shown."""
    arms = [(name, draw(rng, crowd)) for name, crowd in (("old", control), ("new", candidate))]
    cells = tuple(cell_of(name, y[d > 0], d[d > 0], None) for name, (y, d, _) in arms)
    return told(cells, "per_response", candidate.like - control.like)


def shown(rng: np.random.Generator, control: Crowd, candidate: Crowd) -> Run:
    """The difference per answer shown."""
    cells = tuple(cell_of(name, *draw(rng, crowd)) for name, crowd in (("old", control), ("new", candidate)))
    truth = candidate.like * candidate.respond - control.like * control.respond
    return told(cells, "per_impression", truth, "per_impression")


def silent(rng: np.random.Generator, crowd: Crowd, lift: float) -> Run:
    """Everyone's difference, at the end of the set: the control's silent are all up, the candidate's all down."""
    candidate = Crowd(crowd.users, crowd.like + lift, crowd.alike, crowd.respond, crowd.shown, crowd.flood)
    cells = tuple(cell_of(name, *draw(rng, one)) for name, one in (("old", crowd), ("new", candidate)))
    truth = candidate.respond * candidate.like - (crowd.respond * crowd.like + 1.0 - crowd.respond)
    return told(cells, "manski", truth)


def trimmed(rng: np.random.Generator, crowd: Crowd, more: float, like: float, lift: float) -> Run:
    """Always-responders' difference, when the candidate makes a further share of answers get a thumb.

    Args:
        rng: Where randomness comes from.
        crowd: The control; its responders respond under the candidate too.
        more: Share of answers shown that only the candidate gets a thumb for.
        like: Share of thumbs up among those.
        lift: What the candidate does to the always-responders: the truth.
    """
    candidate = Crowd(crowd.users, crowd.like + lift, crowd.alike, crowd.respond, crowd.shown, crowd.flood)
    (y0, d0, x0), (y1, d1, x1) = draw(rng, crowd), draw(rng, candidate)
    extra = rng.binomial(x1 - d1, more / (1.0 - crowd.respond))
    cells = (cell_of("old", y0, d0, x0), cell_of("new", y1 + rng.binomial(extra, like), d1 + extra, x1))
    return told(cells, "lee", lift)


def one_each(responses: int, like: float, other: float | None = None, times: int = 1) -> Cell:
    """Everyone responds once."""
    control, candidate = Crowd(responses, like), Crowd(responses * times, like if other is None else other)
    rates = f"{like:.0%}" if other is None else f"{like:.0%} v {other:.0%}"
    sizes = f"{responses:,} per arm" if times == 1 else f"{responses:,} v {responses * times:,}"
    return Cell(
        "feedback, per response", f"{rates} up, {sizes}, one response each",
        partial(thumbs, control=control, candidate=candidate),
    )  # fmt: skip


def flooded(situation: str, control: Crowd, candidate: Crowd | None = None) -> Cell:
    """Users respond often."""
    return Cell(
        "feedback, per response, by user", situation, partial(thumbs, control=control, candidate=candidate or control)
    )


def per_shown(situation: str, control: Crowd, candidate: Crowd | None = None) -> Cell:
    """Everything that was shown counts."""
    return Cell(
        "feedback, per answer shown, by user",
        situation,
        partial(shown, control=control, candidate=candidate or control),
    )


VISITORS = Crowd(300, 0.6, 0.3, 0.25, 6.0, 1.0)

CELLS: tuple[Cell, ...] = (
    one_each(20, 0.5),
    one_each(20, 0.95),
    one_each(200, 0.5),
    one_each(200, 0.95),
    one_each(200, 0.99),
    one_each(2_000, 0.5),
    one_each(2_000, 0.95),
    one_each(2_000, 0.99),
    one_each(200, 0.9, 0.8, times=10),
    flooded("10 users, 60 % up", Crowd(10, 0.6, 0.3, shown=6.0, flood=1.0)),
    flooded("50 users, 80 % up", Crowd(50, 0.8, 0.2, shown=3.0, flood=2.0)),
    flooded("100 users, 60 % up, floods", Crowd(100, 0.6, 0.4, shown=6.0, flood=0.3)),
    flooded("300 users, 60 % up", Crowd(300, 0.6, 0.3, shown=3.0, flood=1.0)),
    flooded("300 users, 95 % up, floods", Crowd(300, 0.95, 0.5, shown=6.0, flood=0.3)),
    flooded("1,000 users, 60 % up, floods", Crowd(1_000, 0.6, 0.6, shown=6.0, flood=0.3)),
    flooded("1,000 users, 95 % up", Crowd(1_000, 0.95, 0.3, shown=2.0, flood=2.0)),
    flooded("2,000 users, 99 % up", Crowd(2_000, 0.99, 0.3, shown=2.0, flood=2.0)),
    flooded(
        "100 v 1,000 users, 85 % v 95 % up",
        Crowd(100, 0.85, 0.3, shown=3.0, flood=2.0),
        Crowd(1_000, 0.95, 0.3, shown=3.0, flood=2.0),
    ),
    per_shown("40 users", Crowd(40, 0.6, 0.3, 0.2, 6.0, 1.0)),
    per_shown("300 users", VISITORS),
    per_shown(
        "300 users, 5 % v 10 % respond",
        Crowd(300, 0.6, 0.3, 0.05, 6.0, 1.0),
        Crowd(300, 0.6, 0.3, 0.1, 6.0, 1.0),
    ),
    Cell(
        "feedback, Manski bounds", "truth at their end, 300 users",
        partial(silent, crowd=VISITORS, lift=0.05), any_time=True,
    ),
    Cell(
        "feedback, Manski bounds", "truth at their end, 98 % respond",
        partial(silent, crowd=Crowd(600, 0.6, 0.0, 0.98), lift=0.0), any_time=True,
    ),
    Cell(
        "feedback, Lee bounds", "nobody else responds",
        partial(trimmed, crowd=VISITORS, more=0.0, like=0.5, lift=0.0), any_time=True,
    ),
    Cell(
        "feedback, Lee bounds", "a few more respond, all down (truth at the end)",
        partial(trimmed, crowd=VISITORS, more=0.01, like=0.0, lift=0.05), any_time=True,
    ),
    Cell(
        "feedback, Lee bounds", "many more respond, all up (truth at the end)",
        partial(trimmed, crowd=VISITORS, more=0.1, like=1.0, lift=-0.05), any_time=True,
    ),
    Cell(
        "feedback, Lee bounds", "95 % up, where trimming meets the limit",
        partial(trimmed, crowd=Crowd(2_000, 0.95, 0.1, 0.25, 4.0, 2.0), more=0.0132, like=1.0, lift=0.0), any_time=True,
    ),
)  # fmt: skip
