"""Makes ``data/exports``: ten made-up releases, in the forms that real tools export. Nothing in them is real.

``python data/make_example.py [FOLDER]`` writes the same files every time. The totals of every release are fixed first
(``STORIES``) and chance only spreads them over days, segments, items and raters: the evidence is *constructed to show*
what ``data/README.md`` says, so no seed has to be lucky. Needs the standard library and DuckDB (for Parquet).
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from bisect import bisect
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import accumulate, product
from pathlib import Path
from random import Random
from typing import Any

from example_golden import golden_set, label_studio, promptfoo
from example_past import PAST, judge_table, panel_table
from example_stories import DAYS, STORIES, Story, binomial, day_weights, iso, midnight, sizes

PLANS = {"free": 0.62, "pro": 0.28, "enterprise": 0.10}
LOCALES = {"en": 0.50, "de": 0.28, "fr": 0.22}
CELLS = tuple(product(PLANS, LOCALES))
SHARES = tuple(PLANS[plan] * LOCALES[locale] for plan, locale in CELLS)
WORTH = {"free": 0.0, "pro": 1.0, "enterprise": 9.0}  # revenue of one user of a plan, in parts of a pro user's
LEVEL = {"free": 0.83, "pro": 1.2, "enterprise": 1.48}  # conversion of a plan, in parts of the average


# --- conversion and thumbs ------------------------------------------------------------------------------------------


def hours(rng: Random, story: Story, how_many: int) -> list[int]:
    """Hours since the start of the story's two weeks: busier on weekdays and in the middle of the day."""
    edges = list(accumulate(day_weights(story)))
    return [
        24 * bisect(edges, rng.random() * edges[-1]) + int(12 * (rng.random() + rng.random())) for _ in range(how_many)
    ]


def conversion_cells(rng: Random, story: Story) -> Iterable[tuple[str, str, str, int, int]]:
    """(variant, plan, locale, units, successes)."""
    rates = [LEVEL[plan] for plan, _ in CELLS]
    for variant, users, converted in zip(story.arms, story.users, story.converted, strict=True):
        units = sizes(rng, SHARES, users)
        successes = binomial(rng, units, rates, converted, calm=0.3)
        for (plan, locale), n, s in zip(CELLS, units, successes, strict=True):
            yield variant, plan, locale, n, s


def conversion_units(rng: Random, story: Story, path: Path) -> None:
    """One row per user, as a warehouse table exported to Parquet."""
    rows = []
    for variant, plan, locale, n, s in conversion_cells(rng, story):
        flags = [1] * s + [0] * (n - s)
        rng.shuffle(flags)
        rows += [(hour, variant, flag, plan, locale) for hour, flag in zip(hours(rng, story, n), flags, strict=True)]
    old = f"{story.product}-v{int(story.control[-1]) - 1}"
    rows += [(hour, old, int(rng.random() < 0.3), "free", "en") for hour in hours(rng, story, story.old_clients)]
    rows.sort(key=lambda row: row[0])
    clock = [iso(midnight(story.start) + timedelta(hours=hour)) for hour in range(24 * DAYS)]
    numbered = (
        (f"synthetic-{story.product}-{number:06}", variant, flag, clock[hour], plan, locale)
        for number, (hour, variant, flag, plan, locale) in enumerate(rows, 1)
    )
    write_parquet(path, ("user_id", "variant", "converted", "first_seen", "plan", "locale"), numbered)


def conversion_counts(rng: Random, story: Story, path: Path) -> None:
    """Users and conversions per day and segment: what a big product exports."""
    rows = []
    for variant, plan, locale, n, s in conversion_cells(rng, story):
        units = sizes(rng, day_weights(story), n)
        successes = binomial(rng, units, [1.0] * DAYS, s, calm=1.0)
        for day, (u, c) in enumerate(zip(units, successes, strict=True)):
            rows.append((str(story.start + timedelta(days=day)), plan, locale, variant, u, c))
    write_csv(path, ("day", "plan", "locale", "variant", "users", "conversions"), sorted(rows))


def feedback_counts(rng: Random, story: Story, path: Path) -> None:
    """Answers shown, thumbs given, thumbs up, per day and segment."""
    rows = []
    groups = [(day, plan, locale) for day in range(DAYS) for plan, locale in CELLS]
    weights = [day * share for day in day_weights(story) for share in SHARES]
    for arm, variant in enumerate(story.arms):
        shown = sizes(rng, weights, story.impressions[arm])
        given = binomial(rng, shown, [1.0] * len(groups), story.responses[arm], calm=1.0)
        up = binomial(rng, given, [1.0] * len(groups), story.positives[arm], calm=1.0)
        for (day, plan, locale), *counts in zip(groups, shown, given, up, strict=True):
            rows.append((str(story.start + timedelta(days=day)), plan, locale, variant, *counts))
    write_csv(path, ("day", "plan", "locale", "variant", "shown", "rated", "thumbs_up"), sorted(rows))


def feedback_rows(rng: Random, story: Story, path: Path) -> None:
    """One row per answer shown: up, down or, mostly, nothing."""
    rows = []
    for arm, variant in enumerate(story.arms):
        shown, given, up = story.impressions[arm], story.responses[arm], story.positives[arm]
        votes = ["up"] * up + ["down"] * (given - up) + [""] * (shown - given)
        rng.shuffle(votes)
        users = shown * 2 // 3
        home = [rng.choices(CELLS, SHARES)[0] for _ in range(users)]
        for vote, hour in zip(votes, hours(rng, story, shown), strict=True):
            user = rng.randrange(users)
            at = midnight(story.start) + timedelta(hours=hour, seconds=rng.randrange(3600))
            rows.append((at, f"syn-{variant[-2:]}-{user:04}", variant, vote, *home[user]))
    rows.sort()
    numbered = [(f"a{number:04}", *row) for number, row in enumerate(rows, 1)]
    happy = [row for row in numbered if row[4] == "up"]
    changed = rng.sample(happy, 6)  # a few people changed their mind: the last thumb counts
    numbered += [(row[0], row[1] - timedelta(seconds=40), *row[2:4], "down", *row[5:]) for row in changed]
    numbered.sort(key=lambda row: row[1])
    header = ("answer_id", "rated_at", "user_id", "variant", "thumb", "plan", "locale")
    write_csv(path, header, ((row[0], iso(row[1]), *row[2:]) for row in numbered))


def traffic_mix(path: Path) -> None:
    """What real traffic looks like: share of users and of revenue by plan and locale, the same for every product."""
    worth = [share * WORTH[plan] for (plan, _), share in zip(CELLS, SHARES, strict=True)]
    rows = [
        (plan, locale, f"{share:.4f}", f"{value / sum(worth):.4f}")
        for (plan, locale), share, value in zip(CELLS, SHARES, worth, strict=True)
    ]
    write_csv(path, ("plan", "locale", "share_of_users", "share_of_revenue"), rows)


# --- files ----------------------------------------------------------------------------------------------------------


def write_json(path: Path, value: Any) -> None:
    """Compact JSON."""
    path.write_text(json.dumps(value, separators=(",", ":"), ensure_ascii=False), encoding="utf-8")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """CSV with plain newlines."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_parquet(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Parquet (zstd) that says in its own metadata that it is synthetic."""
    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "rows.csv"
        write_csv(table, header, rows)
        with duckdb.connect(config={"threads": 1}) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("CREATE TABLE rows AS SELECT * FROM read_csv(?, all_varchar = true)", [str(table)])
            connection.execute("ALTER TABLE rows ALTER converted TYPE BOOLEAN")
            connection.execute("ALTER TABLE rows ALTER first_seen TYPE TIMESTAMPTZ")
            connection.execute(
                "COPY rows TO ? "
                "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 19, KV_METADATA {synthetic: 'true'})",
                [str(path)],
            )


def make(folder: Path) -> None:
    """Write every export under ``folder``."""
    past = ("judge_scores", "panel_stars")
    names = ("promptfoo", "label_studio", "conversion_users", "conversion_daily", "thumbs_daily", "thumbs_answers")
    for name in (*names, *past, "traffic_mix"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    traffic_mix(folder / "traffic_mix" / "users.csv")
    for number, story in enumerate(STORIES):
        rng = Random(20_261_117 + number)
        items = golden_set(rng, story)
        write_json(folder / "promptfoo" / f"{story.id}.json", promptfoo(rng, story, items))
        write_json(folder / "label_studio" / f"{story.id}.json", label_studio(rng, story, items))
        if story.id == "tuesday-large":
            conversion_counts(rng, story, folder / "conversion_daily" / f"{story.id}.csv")
        else:
            conversion_units(rng, story, folder / "conversion_users" / f"{story.id}.parquet")
        if story.id == "all-agree":
            feedback_rows(rng, story, folder / "thumbs_answers" / f"{story.id}.csv")
        else:
            feedback_counts(rng, story, folder / "thumbs_daily" / f"{story.id}.csv")
    for number, story in enumerate(PAST):
        rng = Random(20_260_706 + number)
        items = golden_set(rng, story)
        header = ("item_id", "variant", "score", "judge", "judge_version", "scored_at", "plan", "locale")
        write_csv(folder / "judge_scores" / f"{story.id}.csv", header, judge_table(rng, story, items))
        header = ("item_id", "rater", "variant", "stars", "rated_at")
        write_csv(folder / "panel_stars" / f"{story.id}.csv", header, panel_table(rng, story, items))
        conversion_counts(rng, story, folder / "conversion_daily" / f"{story.id}.csv")
        feedback_counts(rng, story, folder / "thumbs_daily" / f"{story.id}.csv")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "exports"
    make(target)
    written = [path for path in target.rglob("*") if path.is_file()]
    print(f"{len(written)} files, {sum(path.stat().st_size for path in written) / 1e6:.2f} MB, in {target}")
