"""The golden set of the bundled example: its judge's scores and its panel's stars, as the real tools export them.

Used by make_example.py. Nothing here is real.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import fsum
from random import Random
from typing import Any

from example_stories import DAYS, STORIES, Story, iso, midnight

GOLDEN_PLANS = {"free": 0.42, "pro": 0.34, "enterprise": 0.24}  # the golden set leans to paying customers
GOLDEN_LOCALES = {"en": 0.50, "de": 0.28, "fr": 0.22}
RUBRIC_PROMPT = "Rubric: {{rubric}} Answer: {{output}}"
RUBRIC = "Answers fully: {{question}}"
JUDGE = "file://judge.cjs"
PROMPT = "Made-up help desk: {{question}}"
TOPICS = (
    "invoices",
    "exports",
    "sign-in",
    "team seats",
    "refunds",
    "delivery",
    "backups",
    "reports",
    "alerts",
    "webhooks",
)


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
        locale = rng.choices(list(GOLDEN_LOCALES), list(GOLDEN_LOCALES.values()))[0]
        topic = TOPICS[number % len(TOPICS)]
        extra = rng.randrange(4) if story.wordy else 0
        base = 0.64 + 0.15 * quality + rng.gauss(0, story.judge_noise)
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


def promptfoo(rng: Random, story: Story, items: Sequence[Item]) -> dict[str, Any]:
    """The judge's scores of both arms: one eval with two providers, as ``promptfoo eval -o FILE.json`` writes it."""
    rows = [judge_row(rng, story, items, number, arm) for number in range(len(items)) for arm in (0, 1)]
    created = midnight(story.start) + timedelta(days=DAYS - 1, hours=7, minutes=30, milliseconds=rng.randrange(60_000))
    took = sum(row["latencyMs"] for row in rows) // 4
    prompts = []
    for arm, variant in enumerate(story.arms):
        mine = [row for row in rows if row["promptIdx"] == arm]
        done = [row for row in mine if row["gradingResult"]]
        count, total = len(done), fsum(row["score"] for row in done)
        passed = sum(row["success"] for row in mine)
        metrics = {
            "score": total, "testPassCount": passed, "testFailCount": count - passed,
            "testErrorCount": len(mine) - count, "assertPassCount": passed, "assertFailCount": count - passed,
            "totalLatencyMs": sum(row["latencyMs"] for row in mine),
            "tokenUsage": add_tokens(row["tokenUsage"] for row in done), "namedScores": {"helpfulness": total},
            "namedScoresCount": {"helpfulness": count}, "namedScoreWeights": {"helpfulness": count},
            "cost": fsum(row["cost"] for row in done),
        }  # fmt: skip
        prompt = {"id": rows[0]["promptId"], "raw": PROMPT, "label": PROMPT, "provider": variant, "metrics": metrics}
        prompts.append(prompt)
    reasons = [row["failureReason"] for row in rows]
    stats = {
        "successes": reasons.count(0), "failures": reasons.count(1), "errors": reasons.count(2),
        "tokenUsage": add_tokens(prompt["metrics"]["tokenUsage"] for prompt in prompts),
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
        "outputPath": [f"{story.id}.json"], "extensions": [], "metadata": {},
        "evaluateOptions": {"repeat": 1, "maxConcurrency": 4, "cache": False},
    }  # fmt: skip
    return {
        "evalId": f"eval-syn-{iso(created)[:-1]}",
        "results": {
            "version": 3, "timestamp": iso(created, "milliseconds"), "prompts": prompts, "results": rows,
            "stats": stats,
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


def label_studio(rng: Random, story: Story, items: Sequence[Item]) -> list[dict[str, Any]]:
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
        given = [annotation(rng, project, number, *row) for number, row in enumerate(work, 1) if row[1] == task]
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
    return documents


def annotation(
    rng: Random,
    project: int,
    number: int,
    at: datetime,
    task: int,
    rater: int,
    seconds: float,
    given: int | None,
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
