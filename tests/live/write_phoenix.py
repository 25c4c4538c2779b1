"""Run by a Python that has Phoenix and its client: writes experiments and annotated spans, and prints what it meant."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from phoenix.client import Client
from phoenix.client.experiments import create_evaluator

ITEMS, REPEATS, ANSWERS = 12, 2, 120
BEGIN = datetime(2026, 11, 16, 9, tzinfo=UTC)


def write(url: str) -> dict[str, Any]:
    """Write two experiments and the spans of an application; what judges and people said, by variant."""
    client = Client(base_url=url)
    return {"scores": _experiments(client), **_application(client)}


def _experiments(client: Client) -> dict[str, dict[str, object]]:
    """Two experiments whose judge is a function: the word on each output, by variant and ``item repeat``."""
    dataset = client.datasets.create_dataset(
        name="support",
        inputs=[{"question": f"Question {number}?"} for number in range(ITEMS)],
        outputs=[{"expected": "help"} for _ in range(ITEMS)],
        metadata=[{"item_id": f"ticket-{number:03}", "lang": ["en", "de"][number % 2]} for number in range(ITEMS)],
    )
    meant: dict[str, dict[str, object]] = {}
    for arm in ("control", "candidate"):

        def task(input: Any, arm: str = arm) -> str:  # noqa: A002  (the client's name)
            if arm == "candidate" and input["question"] == "Question 7?":
                raise RuntimeError("the application fails")
            return f"answer of {arm} to {input['question']}"

        @create_evaluator(kind="LLM", name="helpfulness")
        def judge(input: Any, arm: str = arm) -> dict[str, Any]:  # noqa: A002
            number = int(input["question"].split()[1].rstrip("?"))
            if number == 5:
                raise ValueError("the judge refuses")
            return {"score": round(0.4 + 0.02 * number + 0.01 * (arm == "candidate"), 3), "label": "good"}

        def polite(output: Any) -> bool:
            return bool(output) and "answer" in str(output)

        client.experiments.run_experiment(
            dataset=dataset, task=task, evaluators=[judge, polite], experiment_name=arm, repetitions=REPEATS,
            experiment_metadata={"variant": arm, "judge_version": "1"}, print_summary=False, retries=0,
        )  # fmt: skip
        words = meant.setdefault(arm, {})
        for number in range(ITEMS):
            word: object = round(0.4 + 0.02 * number + 0.01 * (arm == "candidate"), 3)
            if number == 5:
                word = "judge_error"
            if number == 7 and arm == "candidate":
                word = "system_error"
            words |= {f"ticket-{number:03} {repeat}": word for repeat in range(REPEATS)}
    return meant


def _application(client: Client) -> dict[str, Any]:
    """Answers of an application, rated by two people and by some users; one rating is given anew."""
    spans: list[Any] = []
    notes: list[Any] = []
    ratings: list[tuple[str, str, str, float]] = []
    thumbs = {"control": [0, 0], "candidate": [0, 0]}
    for number in range(ANSWERS):
        arm = ("control", "candidate")[number % 2]
        item = f"ticket-{number // 2 % ITEMS:03}"
        trace, span, step = f"{number + 1:032x}", f"{number + 1:016x}", f"{number + 1001:016x}"
        start = BEGIN + timedelta(hours=number)
        broken = number == 15  # rated, and without a thumb
        attributes = {"input.value": f"Question {number}?", "output.value": "An answer", "metadata.item_id": item,
                      "metadata.variant": arm, "metadata.lang": ["en", "de"][number % 3 % 2]}  # fmt: skip
        for name, parent in ((span, None), (step, span)):
            spans.append({
                "name": "answer" if parent is None else "step", "context": {"trace_id": trace, "span_id": name},
                "span_kind": "CHAIN" if parent is None else "LLM", "parent_id": parent, "attributes": attributes,
                "start_time": start.isoformat(), "end_time": (start + timedelta(seconds=1)).isoformat(),
                "status_code": "ERROR" if broken else "OK",
            })  # fmt: skip
        for rater in ("ann", "bob") if number < 2 * ITEMS else ():
            score = float(1 + (number + len(rater) * (rater == "bob")) % 5)
            notes.append(_note(span, "quality", rater, score=score))
            if not broken:
                ratings.append((arm, item, rater, score))
        if number % 4 < 2:
            up = number % 8 < 2 or arm == "control"
            notes.append(_note(span, "user_feedback", "", score=float(up), label="thumbs-up" if up else "thumbs-down"))
            thumbs[arm][0] += 1
            thumbs[arm][1] += up
    client.spans.log_spans(project_identifier="application", spans=spans)
    _wait(client, len(spans))
    client.spans.log_span_annotations(span_annotations=notes, sync=True)
    arm, item, rater, _ = ratings[0]
    ratings[0] = arm, item, rater, 5.0
    client.spans.log_span_annotations(span_annotations=[_note(f"{1:016x}", "quality", rater, score=5.0)], sync=True)
    client.spans.add_span_note(span_id=f"{1:016x}", note="read this one")
    return {"ratings": ratings, "thumbs": thumbs, "shown": ANSWERS // 2}


def _note(span: str, name: str, who: str, **result: Any) -> dict[str, Any]:
    return {"span_id": span, "name": name, "annotator_kind": "HUMAN", "identifier": who, "result": result}


def _wait(client: Client, count: int) -> None:
    """Spans are written a moment after they were taken."""
    import time

    for _ in range(120):
        try:
            if len(client.spans.get_spans(project_identifier="application", limit=10 * count)) >= count:
                return
        except Exception:  # noqa: BLE001  (the project is not there yet)
            pass
        time.sleep(0.5)
    raise TimeoutError("the spans do not arrive")


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"meant": write(sys.argv[1])}))
