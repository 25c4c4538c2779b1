"""Makes ``data/exports``: four made-up releases, in the forms that real tools export. Nothing in them is real.

``python data/make_example.py [FOLDER]`` writes the same files every time. The totals of every release are fixed first
(``STORIES``) and chance only spreads them over days, segments, items and raters: the evidence is *constructed to show*
what ``data/README.md`` says, so no seed has to be lucky. Needs the standard library and DuckDB (for Parquet).
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import sys
import tempfile
import uuid
from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, product
from pathlib import Path
from random import Random
from typing import Any

DAYS = 14  # two whole weeks, so that every weekday counts twice in both arms
PLANS = {"free": 0.62, "pro": 0.28, "enterprise": 0.10}
LOCALES = {"en": 0.50, "de": 0.28, "fr": 0.22}
CELLS = tuple(product(PLANS, LOCALES))
SHARES = tuple(PLANS[plan] * LOCALES[locale] for plan, locale in CELLS)
LEVEL = {"free": 0.83, "pro": 1.2, "enterprise": 1.48}  # conversion of a plan, in parts of the average
GOLDEN_PLANS = {"free": 0.42, "pro": 0.34, "enterprise": 0.24}  # the golden set leans to paying customers
WEEKDAYS = (1.05, 1.1, 1.1, 1.05, 1.0, 0.8, 0.75)
RUBRIC_PROMPT = "Rubric: {{rubric}} Answer: {{output}}"
RUBRIC = "Answers fully: {{question}}"
JUDGE = "file://judge.cjs"
PROMPT = "Made-up help desk: {{question}}"
TOPICS = ("invoices", "exports", "sign-in", "team seats", "refunds", "delivery", "backups", "reports", "alerts", "webhooks")


@dataclass(frozen=True)
class Story:
    """One release: what its evidence adds up to."""

    id: str
    control: str
    candidate: str
    start: date
    users: tuple[int, int]
    converted: tuple[int, int]
    impressions: tuple[int, int]
    responses: tuple[int, int]
    positives: tuple[int, int]
    items: int  # golden items
    judge_lift: float
    wordy: bool  # the candidate writes longer answers, and the judge likes that
    panel_items: int
    up: tuple[int, ...]  # per rater: items on which the candidate's answer gets one star more
    down: tuple[int, ...]  # ... and one star less
    old_clients: int = 0  # rows of a version that is neither arm

    @property
    def arms(self) -> tuple[str, str]:
        """(control, candidate)."""
        return self.control, self.candidate

    @property
    def product(self) -> str:
        """The made-up product's name, as it appears in ids."""
        return self.control.split("-", maxsplit=1)[0]


STORIES = (
    Story(
        "tuesday-small", "help-v6", "help-v7", date(2026, 11, 3), (50_184, 49_921), (15_055, 14_677),
        (402_310, 400_874), (24_190, 24_131), (19_594, 19_562), 120, 0.08, True, 72, (9, 8, 8, 9), (8, 8, 9, 8), 412,
    ),
    Story(
        "tuesday-large", "assist-v6", "assist-v7", date(2026, 11, 3), (500_318, 499_641), (150_095, 146_894),
        (3_998_420, 4_003_377), (240_310, 240_182), (194_651, 194_427), 116, 0.08, True, 72, (8, 8, 9, 8), (9, 8, 8, 9),
    ),
    Story(
        "all-agree", "reply-v3", "reply-v4", date(2026, 10, 13), (50_036, 50_121), (12_009, 12_781),
        (3_004, 3_011), (1_052, 1_058), (800, 868), 112, 0.06, False, 60, (21, 20, 22), (3, 3, 2),
    ),
    Story(
        "sample-ratio", "guide-v2", "guide-v3", date(2026, 10, 27), (50_012, 48_604), (15_004, 15_262),
        (300_140, 291_655), (18_022, 17_490), (14_418, 14_009), 110, 0.04, True, 60, (8, 7, 7), (7, 7, 8),
    ),
)  # fmt: skip


# --- totals first ---------------------------------------------------------------------------------------------------


def spread(rng: Random, expected: Sequence[float], sd: Sequence[float], total: int, cap: Sequence[int]) -> list[int]:
    """Whole numbers near ``expected``, off by noise of size ``sd``, between 0 and ``cap``, that add up to ``total``."""
    noise = [rng.gauss(0, 1) * size for size in sd]
    excess = sum(expected) + sum(noise) - total
    weight = sum(size * size for size in sd)
    drawn = [e + n - excess * s * s / weight for e, n, s in zip(expected, noise, sd, strict=True)]
    whole = [min(max(round(value), 0), top) for value, top in zip(drawn, cap, strict=True)]
    while sum(whole) != total:
        step = 1 if sum(whole) < total else -1
        at = rng.randrange(len(whole))
        if 0 <= whole[at] + step <= cap[at]:
            whole[at] += step
    return whole


def binomial(rng: Random, of: Sequence[int], rates: Sequence[float], total: int, calm: float) -> list[int]:
    """``total`` successes spread over groups of the given sizes; ``calm`` shrinks the noise (1 is binomial)."""
    scale = total / sum(n * p for n, p in zip(of, rates, strict=True))
    shares = [p * scale for p in rates]
    sd = [calm * math.sqrt(n * p * (1 - p)) + 1e-9 for n, p in zip(of, shares, strict=True)]
    return spread(rng, [n * p for n, p in zip(of, shares, strict=True)], sd, total, of)


def sizes(rng: Random, weights: Sequence[float], total: int) -> list[int]:
    """``total`` units spread over groups as a random assignment would."""
    parts = [weight / sum(weights) for weight in weights]
    return spread(rng, [total * p for p in parts], [0.8 * math.sqrt(total * p) for p in parts], total, [total] * len(parts))


def day_weights(story: Story) -> list[float]:
    """How busy each day is."""
    return [WEEKDAYS[(story.start + timedelta(days=day)).weekday()] for day in range(DAYS)]


def iso(moment: datetime, digits: str = "seconds") -> str:
    """UTC text with a Z."""
    return moment.isoformat(timespec=digits).replace("+00:00", "Z")


def midnight(day: date) -> datetime:
    """The first moment of a day, UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


# --- conversion and thumbs ------------------------------------------------------------------------------------------


def moments(rng: Random, story: Story, how_many: int) -> list[datetime]:
    """Hours in the story's two weeks: busier on weekdays and in the middle of the day."""
    edges = list(accumulate(day_weights(story)))
    found = []
    for _ in range(how_many):
        day = bisect(edges, rng.random() * edges[-1])
        hour = int(12 * (rng.random() + rng.random()))
        found.append(midnight(story.start) + timedelta(days=day, hours=hour))
    return found


def conversion_cells(rng: Random, story: Story) -> Iterable[tuple[str, str, str, int, int]]:
    """(variant, plan, locale, units, successes)."""
    rates = [LEVEL[plan] for plan, _ in CELLS]
    for variant, users, converted in zip(story.arms, story.users, story.converted, strict=True):
        units = sizes(rng, SHARES, users)
        successes = binomial(rng, units, rates, converted, calm=0.5)
        for (plan, locale), n, s in zip(CELLS, units, successes, strict=True):
            yield variant, plan, locale, n, s


def conversion_units(rng: Random, story: Story, path: Path) -> None:
    """One row per user, as a warehouse table exported to Parquet."""
    rows = []
    for variant, plan, locale, n, s in conversion_cells(rng, story):
        flags = [1] * s + [0] * (n - s)
        rng.shuffle(flags)
        rows += [(at, variant, flag, plan, locale) for at, flag in zip(moments(rng, story, n), flags, strict=True)]
    old = f"{story.product}-v{int(story.control[-1]) - 1}"
    rows += [(at, old, int(rng.random() < 0.3), "free", "en") for at in moments(rng, story, story.old_clients)]
    rows.sort(key=lambda row: row[0])
    numbered = (
        (f"synthetic-{story.product}-{number:06}", variant, flag, iso(at), plan, locale)
        for number, (at, variant, flag, plan, locale) in enumerate(rows, 1)
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
        for vote, at in zip(votes, moments(rng, story, shown), strict=True):
            user = rng.randrange(users)
            rows.append((iso(at), f"syn-{variant[-2:]}-{user:04}", variant, vote, *home[user]))
    rows.sort()
    numbered = ((f"a{number:04}", *row) for number, row in enumerate(rows, 1))
    write_csv(path, ("answer_id", "shown_at", "user_id", "variant", "thumb", "plan", "locale"), numbered)


# --- the golden set, its judge and its panel ------------------------------------------------------------------------


@dataclass(frozen=True)
class Item:
    """One golden question with both answers, both judge scores and how good the answers really are."""

    id: str
    plan: str
    locale: str
    question: str
    answers: tuple[str, str]
    scores: tuple[float, float]
    quality: float


def golden_set(rng: Random, story: Story) -> list[Item]:
    """Items whose judge scores differ by ``judge_lift`` on average, in steps of 0.05 as rubric judges give them."""
    drafts = []
    for number in range(story.items):
        quality = rng.gauss(0, 1)
        plan = rng.choices(list(GOLDEN_PLANS), list(GOLDEN_PLANS.values()))[0]
        locale = rng.choices(list(LOCALES), list(LOCALES.values()))[0]
        topic = TOPICS[number % len(TOPICS)]
        extra = rng.randrange(4) if story.wordy else 0
        base = 0.64 + 0.15 * quality + rng.gauss(0, 0.05)
        lift = story.judge_lift * (extra / 1.5 if story.wordy else 1) + rng.gauss(0, 0.05)
        steps = [min(max(round(20 * score), 1), 20) for score in (base, base + lift)]
        short = f"Open {topic}, pick option {number % 7 + 1} and confirm."
        better = short + " Then check the page." * extra if story.wordy else short.replace("and", "then")
        drafts.append((number, plan, locale, topic, (short, better), steps, quality))
    kept = [d for d in drafts if d[0] not in faults(story)]
    wanted = round(20 * story.judge_lift * len(kept))
    while (gap := wanted - sum(d[5][1] - d[5][0] for d in kept)) != 0:
        steps = rng.choice(kept)[5]
        steps[1] = min(max(steps[1] + (1 if gap > 0 else -1), 1), 20)
    return [
        Item(
            f"syn-{story.product}-{number:03}", plan, locale, f"How do {topic} work? (made up, {number:03})",
            answers, (steps[0] / 20, steps[1] / 20), quality,
        )
        for number, plan, locale, topic, answers, steps, quality in drafts
    ]  # fmt: skip


def faults(story: Story) -> dict[int, tuple[str, str]]:
    """Items where one arm's run failed, by number: (variant, what failed)."""
    return {
        17: (story.candidate, "system"),
        41: (story.control, "grader"),
        83: (story.candidate, "unparsed"),
    }


def tokens(prompt: int, completion: int) -> dict[str, Any]:
    """The tool's token counter; the judge is a local script that counts none."""
    none = {
        "reasoning": 0, "acceptedPrediction": 0, "rejectedPrediction": 0,
        "cacheReadInputTokens": 0, "cacheCreationInputTokens": 0,
    }  # fmt: skip
    judge = {"total": 0, "prompt": 0, "completion": 0, "cached": 0, "numRequests": 0, "completionDetails": none}
    total = prompt + completion
    used = {"prompt": prompt, "completion": completion, "cached": 0, "total": total, "numRequests": 1}
    return {**used, "completionDetails": none, "assertions": judge}


def graded(item: Item, arm: int, fault: str | None) -> dict[str, Any]:
    """``gradingResult`` as the tool writes it: a judge that failed looks like a score of 0."""
    rubric = RUBRIC.replace("{{question}}", item.question)
    assertion = {"type": "llm-rubric", "value": RUBRIC, "metric": "helpfulness", "threshold": 0.5}
    details = {"reasoning": 0, "acceptedPrediction": 0, "rejectedPrediction": 0}
    used = {"total": 0, "prompt": 0, "completion": 0, "cached": 0, "numRequests": 0}
    component: dict[str, Any]
    if fault:
        reason = {
            "grader": "judge backend failed (synthetic)",
            "unparsed": "Could not extract JSON from llm-rubric response",
        }[fault]
        component = {
            "pass": False, "reason": reason, "score": 0, "tokensUsed": {**used, "completionDetails": details},
            "metadata": {"graderError": True, "renderedAssertionValue": rubric}, "assertion": assertion,
        }  # fmt: skip
    else:
        asked = RUBRIC_PROMPT.replace("{{rubric}}", rubric).replace("{{output}}", item.answers[arm])
        component = {
            "assertion": assertion, "pass": item.scores[arm] >= 0.5, "score": item.scores[arm],
            "reason": "made-up judge", "tokensUsed": {**used, "completionDetails": details},
            "metadata": {"renderedGradingPrompt": asked, "renderedAssertionValue": rubric},
        }  # fmt: skip
    passed, score = component["pass"], component["score"]
    return {
        "pass": passed, "score": score, "reason": "All assertions passed" if passed else component["reason"],
        "namedScores": {"helpfulness": score}, "namedScoreWeights": {"helpfulness": 1}, "tokensUsed": used,
        "componentResults": [component],
    }  # fmt: skip


def judge_row(rng: Random, story: Story, items: Sequence[Item], number: int, arm: int) -> dict[str, Any]:
    """One row of ``results.results``."""
    item = items[number]
    variant, fault = faults(story).get(number, ("", None))
    fault = fault if variant == story.arms[arm] else None
    options = {"provider": JUDGE, "rubricPrompt": RUBRIC_PROMPT}
    keys = {"item_id": item.id, "plan": item.plan, "locale": item.locale}
    asked = {"item_id": item.id, "question": item.question}
    latency = 400 + rng.randrange(900)
    failed = fault == "system"
    used = tokens(0, 0) if failed else tokens(20, len(item.answers[arm].split()))
    grading = None if failed else graded(item, arm, fault)
    response: dict[str, Any] = {"error": "HTTP 500 from the made-up provider"}
    if not failed:
        counts = {key: used[key] for key in ("total", "prompt", "completion")}
        response = {"output": item.answers[arm], "tokenUsage": counts, "cost": 0.0001, "latencyMs": latency}
    error = response.get("error") if grading is None else None if grading["pass"] else grading["reason"]
    return {
        "cost": 0 if failed else 0.0001,
        **({"error": error} if error else {}),
        "gradingResult": grading,
        "id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "latencyMs": 0 if failed else latency,
        "namedScores": grading["namedScores"] if grading else {},
        "prompt": {"raw": PROMPT.replace("{{question}}", item.question), "label": PROMPT, "config": options},
        "promptId": hashlib.sha256(PROMPT.encode()).hexdigest(),
        "promptIdx": arm,
        "provider": {"id": "file://provider.cjs", "label": story.arms[arm]},
        "response": response,
        "score": grading["score"] if grading else 0,
        "success": bool(grading and grading["pass"]),
        "testCase": {
            "description": item.id, "vars": asked, "metadata": keys,
            "assert": [{"type": "llm-rubric", "value": RUBRIC, "metric": "helpfulness", "threshold": 0.5}],
            "options": options,
        },
        "testIdx": number,
        "tokenUsage": used,
        "vars": asked,
        "metadata": {**keys, "_promptfooFileMetadata": {}},
        "failureReason": 2 if failed else 0 if grading and grading["pass"] else 1,
    }  # fmt: skip


def add_tokens(counts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The sum of token counters."""
    total = tokens(0, 0)
    total["numRequests"] = 0
    for used in counts:
        for key in ("prompt", "completion", "total", "numRequests"):
            total[key] += used[key]
    return total


def promptfoo(rng: Random, story: Story, items: Sequence[Item], path: Path) -> None:
    """The judge's scores of both arms: one eval with two providers, as ``promptfoo eval -o FILE.json`` writes it."""
    rows = [judge_row(rng, story, items, number, arm) for number in range(len(items)) for arm in (0, 1)]
    created = midnight(story.start) + timedelta(days=DAYS - 1, hours=7, minutes=30, milliseconds=rng.randrange(60_000))
    took = sum(row["latencyMs"] for row in rows) // 4
    prompts = []
    for arm, variant in enumerate(story.arms):
        mine = [row for row in rows if row["promptIdx"] == arm]
        done = [row for row in mine if row["gradingResult"]]
        count, total = len(done), sum(row["score"] for row in done)
        passed = sum(row["success"] for row in mine)
        metrics = {
            "score": total, "testPassCount": passed, "testFailCount": count - passed,
            "testErrorCount": len(mine) - count, "assertPassCount": passed, "assertFailCount": count - passed,
            "totalLatencyMs": sum(row["latencyMs"] for row in mine),
            "tokenUsage": add_tokens(row["tokenUsage"] for row in done), "namedScores": {"helpfulness": total},
            "namedScoresCount": {"helpfulness": count}, "namedScoreWeights": {"helpfulness": count},
            "cost": sum(row["cost"] for row in done),
        }  # fmt: skip
        prompt = {"id": rows[0]["promptId"], "raw": PROMPT, "label": PROMPT, "provider": variant, "metrics": metrics}
        prompts.append(prompt)
    reasons = [row["failureReason"] for row in rows]
    stats = {
        "successes": reasons.count(0), "failures": reasons.count(1), "errors": reasons.count(2),
        "tokenUsage": add_tokens(prompt["metrics"]["tokenUsage"] for prompt in prompts),  # type: ignore[index]  # a dict
        "durationMs": took, "evaluationDurationMs": took,
    }  # fmt: skip
    tests = [{key: row["testCase"][key] for key in ("description", "vars", "metadata")} for row in rows[::2]]
    config = {
        "tags": {"synthetic": "true", "release": story.id},
        "description": f"SYNTHETIC example evidence for {story.id}: not a real product, model or judge",
        "prompts": [PROMPT],
        "providers": [{"id": "file://provider.cjs", "label": v, "config": {"variant": v}} for v in story.arms],
        "tests": tests, "env": {}, "sharing": False,
        "defaultTest": {
            "options": rows[0]["testCase"]["options"], "assert": rows[0]["testCase"]["assert"],
            "vars": {}, "metadata": {},
        },
        "outputPath": [path.name], "extensions": [], "metadata": {},
        "evaluateOptions": {"repeat": 1, "maxConcurrency": 4, "cache": False},
    }  # fmt: skip
    evaluation = {
        "evalId": f"eval-syn-{iso(created)[:-1]}",
        "results": {
            "version": 3, "timestamp": iso(created, "milliseconds"), "prompts": prompts, "results": rows, "stats": stats,
        },
        "config": config,
        "shareableUrl": None,
        "metadata": {
            "promptfooVersion": "0.121.20", "nodeVersion": "v20.20.2", "platform": "linux", "arch": "x64",
            "exportedAt": iso(created + timedelta(milliseconds=took + 700), "milliseconds"),
            "evaluationCreatedAt": iso(created, "milliseconds"),
        },
        "vars": ["item_id", "question"],
        "runtimeOptions": {
            "eventSource": "cli", "repeat": 1, "maxConcurrency": 4, "cache": False, "showProgressBar": False,
        },
    }  # fmt: skip
    write_json(path, evaluation)


def stars(rng: Random, story: Story, items: Sequence[Item]) -> dict[tuple[str, int, int], int]:
    """Stars by (item, rater, arm). Raters differ in severity; the two answers to a question mostly get equal stars."""
    grades: dict[tuple[str, int, int], int] = {}
    liked = {item.id: rng.gauss(0, 1) for item in items}  # raters partly agree on which answer is the better one
    for rater, (up, down) in enumerate(zip(story.up, story.down, strict=True)):
        severity = 0.6 * rater / (len(story.up) - 1) - 0.3
        for item in items:
            seen = 3.2 + 0.95 * item.quality - severity + rng.gauss(0, 0.45)
            grades[item.id, rater, 0] = grades[item.id, rater, 1] = min(max(round(seen), 1), 5)
        order = sorted(items, key=lambda item: liked[item.id] + rng.gauss(0, 2.0))
        for item in [item for item in order if grades[item.id, rater, 0] > 1][:down]:
            grades[item.id, rater, 1] -= 1
        for item in [item for item in reversed(order) if grades[item.id, rater, 0] < 5][:up]:
            grades[item.id, rater, 1] += 1
    return grades


def label_studio(rng: Random, story: Story, items: Sequence[Item], path: Path) -> None:
    """The panel's stars: one project in which both arms' answers are mixed and unmarked, exported as JSON."""
    good = [item for number, item in enumerate(items) if number not in faults(story)]
    chosen = sorted(rng.sample(good, story.panel_items), key=lambda item: item.id)
    grades = stars(rng, story, chosen)
    tasks = [(item, arm) for item in chosen for arm in (0, 1)]
    rng.shuffle(tasks)
    project = 40 + STORIES.index(story)
    made = midnight(story.start) + timedelta(days=6, hours=15)
    work: list[tuple[datetime, int, int, float, int | None]] = []  # (at, task, rater, seconds, stars or None)
    for rater in range(len(story.up)):
        clock = made + timedelta(hours=17 + rater)
        for task, (item, arm) in enumerate(tasks):
            skipped = task == 5 and rater == 1
            for _ in range(2 if task == 11 and rater == 0 else 1):  # one task was opened and rated again
                seconds = round(8 + 24 * rng.random(), 1)
                clock += timedelta(seconds=seconds + 4, microseconds=rng.randrange(1_000_000))
                if clock.hour >= 17:
                    clock += timedelta(hours=15)
                work.append((clock, task, rater, seconds, None if skipped else grades[item.id, rater, arm]))
    work.sort()
    documents = []
    for task, (item, arm) in enumerate(tasks):
        given = [annotation(rng, story, project, number, *row) for number, row in enumerate(work, 1) if row[1] == task]
        cancelled = sum(entry["was_cancelled"] for entry in given)
        data = {
            "item_id": item.id, "variant": story.arms[arm], "question": item.question, "answer": item.answers[arm],
            "plan": item.plan, "locale": item.locale,
        }  # fmt: skip
        documents.append({
            "id": 1000 * project + task + 1, "annotations": given, "drafts": [], "predictions": [], "data": data,
            "meta": {"synthetic": True}, "created_at": iso(made, "microseconds"),
            "updated_at": given[-1]["updated_at"], "allow_skip": True, "inner_id": task + 1,
            "total_annotations": len(given) - cancelled, "cancelled_annotations": cancelled, "total_predictions": 0,
            "comment_count": 0, "unresolved_comment_count": 0, "last_comment_updated_at": None, "project": project,
            "updated_by": given[-1]["completed_by"], "comment_authors": [],
        })  # fmt: skip
    write_json(path, documents)


def annotation(
    rng: Random, story: Story, project: int, number: int, at: datetime, task: int, rater: int, seconds: float, given: int | None
) -> dict[str, Any]:
    """One annotation. A skipped one is cancelled and empty."""
    who = 10 * project + rater + 1
    result = [{"from_name": "quality", "to_name": "answer", "type": "rating", "value": {"rating": given}}]
    return {
        "id": 10_000 * project + number, "completed_by": who, "result": result if given is not None else [],
        "was_cancelled": given is None, "ground_truth": False, "created_at": iso(at, "microseconds"),
        "updated_at": iso(at, "microseconds"), "draft_created_at": None, "lead_time": seconds, "prediction": {},
        "result_count": int(given is not None), "unique_id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "import_id": None, "last_action": None, "bulk_created": False, "task": 1000 * project + task + 1,
        "project": project, "updated_by": who, "parent_prediction": None, "parent_annotation": None,
        "last_created_by": None,
    }  # fmt: skip


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
        types = "{'user_id': VARCHAR, 'variant': VARCHAR, 'converted': BOOLEAN, 'first_seen': TIMESTAMPTZ, 'plan': VARCHAR, 'locale': VARCHAR}"
        with duckdb.connect(config={"threads": 1}) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(
                f"COPY (SELECT * FROM read_csv(?, header = true, columns = {types})) TO '{path}' "
                "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 19, KV_METADATA {synthetic: 'true'})",
                [str(table)],
            )


def make(folder: Path) -> None:
    """Write every export under ``folder``."""
    for name in ("promptfoo", "label_studio", "conversion", "thumbs"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number, story in enumerate(STORIES):
        rng = Random(20_261_117 + number)
        items = golden_set(rng, story)
        promptfoo(rng, story, items, folder / "promptfoo" / f"{story.id}.json")
        label_studio(rng, story, items, folder / "label_studio" / f"{story.id}.json")
        if story.id == "tuesday-large":
            conversion_counts(rng, story, folder / "conversion" / f"{story.id}.csv")
        else:
            conversion_units(rng, story, folder / "conversion" / f"{story.id}.parquet")
        if story.id == "all-agree":
            feedback_rows(rng, story, folder / "thumbs" / f"{story.id}.csv")
        else:
            feedback_counts(rng, story, folder / "thumbs" / f"{story.id}.csv")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "exports"
    make(target)
    written = [path for path in target.rglob("*") if path.is_file()]
    print(f"{len(written)} files, {sum(path.stat().st_size for path in written) / 1e6:.2f} MB, in {target}")
