"""A small project whose debts a test chooses: a judge, a panel and an experiment, written as files and pulled."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from signals.model import Project
from signals.pull import pull
from signals.review import load, store_of

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)

POLICY = """\
schema: 1
name: small
owner: council
review_by: 2027-06-01
signals:
  done:
    kind: experiment
    owner: growth
    question: Done?
    metric: {name: done, type: proportion}
    better: higher
    margin: 2pp
    trust: {max_age: 3d}
  stars: {kind: panel, owner: people, question: Liked?, better: higher, margin: 0.2, trust: {max_age: 60d}}
  score:
    kind: judge
    owner: evals
    question: Better?
    better: higher
    margin: 2pp
    human_scale: [1, 5]
    trust: {max_age: 60d}
hierarchy:
  - {signal: done, win: ship, loss: rollback}
  - {signal: stars, loss: rollback}
  - {signal: score, win: ship}
otherwise: hold
"""

SOURCES = """\
  orders:
    signal: done
    connector: table
    path: orders.csv
    shape: outcome_counts
    map: {variant: variant, units: users, successes: good, day: day}
  golden:
    signal: score
    connector: table
    path: golden*.csv
    shape: item_score
    map: {item: item, variant: variant, value: value, scorer: scorer, scorer_version: version, at: at, made: made}
  ratings:
    signal: stars
    connector: table
    path: ratings.csv
    shape: rating
    scale: [1, 5]
    map: {item: item, rater: rater, variant: variant, value: stars, at: at}
"""


@dataclass(frozen=True)
class Story:
    """One release and its evidence. ``closed`` days after its start it is judged; None: it is still open.

    ``version`` scores both arms; ``control_version`` the control's outputs instead, ``anchors`` outputs of the control
    and the candidate were scored by ``anchored_by`` too.
    """

    id: str
    started: date
    closed: int | None = 14
    version: str = "v1"
    control_version: str = ""
    anchored_by: str = ""
    anchors: int = 0
    scored: int | None = 7  # days after the start; None: no judge
    items: int = 60
    made: str = "2026-06-01T00:00:00Z"
    labels: int = 55
    taste: float = 0.0  # what the judge adds to the candidate and people do not see
    users: int = 400  # per arm and day; 0: no experiment
    days: int = 14  # how long the experiment ran
    drift: float = 0.0  # of the judge's version for the anchors

    @property
    def arms(self) -> tuple[str, str]:
        """Control and candidate."""
        return f"{self.id}-old", f"{self.id}-new"


OLD = Story("old", date(2026, 9, 1))
MID = Story("mid", date(2026, 9, 22))
LATE = Story("late", date(2026, 10, 13))
OPEN = Story("open", date(2026, 10, 27), closed=None, days=25)
STORIES = (OLD, MID, LATE, OPEN)


def every(stories: Sequence[Story], **changes: object) -> tuple[Story, ...]:
    """The same change to all of them."""
    return tuple(replace(story, **changes) for story in stories)  # type: ignore[arg-type]  # names of its fields


@dataclass
class Made:
    """A project in a folder, pulled."""

    folder: Path
    project: Project = field(init=False)

    def __post_init__(self) -> None:
        self.project = load(self.folder)

    @property
    def database(self) -> Path:
        """The store's file."""
        return self.folder / "signals.db"

    def pull(self) -> None:
        """Every source; what fails is left to fail."""
        self.project = load(self.folder)
        pull(self.project, store_of(self.project))

    def pulled_on(self, source: str, moments: Sequence[datetime]) -> None:
        """Let the log say that the source brought new rows at these moments (oldest first), the last one today's."""
        with sqlite3.connect(self.database) as store:
            columns = [row[1] for row in store.execute("PRAGMA table_info(pull)") if row[1] != "id"]
            (last,) = store.execute("SELECT max(id) FROM pull WHERE source = ?", (source,)).fetchone()
            if store.execute("SELECT status FROM pull WHERE id = ?", (last,)).fetchone() == ("failed",):
                return
            row = dict(zip(columns, store.execute(
                f"SELECT {', '.join(columns)} FROM pull WHERE id = ?", (last,)).fetchone(), strict=True))  # fmt: skip
            store.execute("DELETE FROM pull WHERE source = ?", (source,))
            for moment in moments:
                text = moment.strftime("%Y-%m-%d %H:%M:%S.000000")
                values = {**row, "started": text, "checked": text, "new": 5, "status": "changed", "error": None}
                marks = ", ".join("?" for _ in columns)
                store.execute(f"INSERT INTO pull ({', '.join(columns)}) VALUES ({marks})", [values[c] for c in columns])


def made(
    folder: Path,
    stories: Sequence[Story] = STORIES,
    policy: str = POLICY,
    sources: str = SOURCES,
    *,
    pulled: bool = True,
) -> Made:
    """Write the project and pull it; every pull is noted as of ``NOW``."""
    (folder / "data").mkdir(parents=True)
    (folder / "hierarchy.yaml").write_text(policy, encoding="utf-8")
    releases = "".join(_release(story) for story in stories) or "  []\n"
    text = f"store: sqlite:///signals.db\nreleases:\n{releases}sources:\n{sources}"
    (folder / "data" / "sources.yaml").write_text(text, encoding="utf-8")
    (folder / "data" / "orders.csv").write_text(orders(stories), encoding="utf-8")
    (folder / "data" / "golden.csv").write_text(golden(stories), encoding="utf-8")
    (folder / "data" / "ratings.csv").write_text(ratings(stories), encoding="utf-8")
    found = Made(folder)
    if pulled:
        found.pull()
        for source in found.project.sources:
            found.pulled_on(source.name, [NOW])
    return found


def _release(story: Story) -> str:
    as_of = ""
    if story.closed is not None:
        as_of = f", as_of: {story.started + timedelta(days=story.closed)}T12:00:00Z"
    old, new = story.arms
    return f"  - {{id: {story.id}, kind: prompt, control: {old}, candidate: {new}, started: {story.started}{as_of}}}\n"


def orders(stories: Sequence[Story]) -> str:
    """Users and successes per day and variant."""
    lines = ["day,variant,users,good"]
    for story in stories:
        for k in range(story.days if story.users else 0):
            for variant in story.arms:
                day = story.started + timedelta(days=k)
                lines.append(f"{day},{variant},{story.users},{round(story.users * 0.3) + (k * 7 + len(variant)) % 5}")
    return "\n".join(lines) + "\n"


def golden(stories: Sequence[Story]) -> str:
    """Judge scores between 0 and 1; the judge's taste adds to the candidate."""
    lines = ["item,variant,value,scorer,version,at,made"]
    for story in stories:
        if story.scored is None:
            continue
        day = story.started + timedelta(days=story.scored)
        for k in range(story.items):
            for arm, variant in enumerate(story.arms):
                value = 0.3 + (k * 37 % 40) / 100 + arm * (story.taste + ((k * 13) % 7 - 3) / 100)
                version = story.control_version if arm == 0 and story.control_version else story.version
                hour = 8 + arm * bool(story.control_version)
                lines.append(f"i{k},{variant},{value:.3f},helpful,{version},{day}T{hour:02}:00:00Z,{story.made}")
                if k < story.anchors:
                    again = f"{value + story.drift:.3f},helpful,{story.anchored_by},{day}T12:00:00Z,{story.made}"
                    lines.append(f"i{k},{variant},{again}")
    return "\n".join(lines) + "\n"


def ratings(stories: Sequence[Story]) -> str:
    """Stars of three raters on the first ``labels`` items, near the judge's score without its taste."""
    lines = ["item,rater,variant,stars,at"]
    for story in stories:
        if story.scored is None:
            continue
        for k in range(story.labels):
            for arm, variant in enumerate(story.arms):
                for rater in range(3):
                    value = 0.3 + (k * 37 % 40) / 100 + arm * ((k * 13) % 7 - 3) / 100
                    stars = min(5, max(1, round(1 + 4 * value + ((k * 5 + rater * 3 + arm) % 4 - 1.5) / 3)))
                    at = f"{story.started + timedelta(days=story.scored)}T09:00:00Z"
                    lines.append(f"i{k},r{rater},{variant},{stars},{at}")
    return "\n".join(lines) + "\n"
