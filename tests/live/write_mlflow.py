"""Run by a Python that has mlflow: writes two runs of judged and rated traces, and prints what it meant by them."""

from __future__ import annotations

import json
import sys

import mlflow
from mlflow.entities import AssessmentError, AssessmentSource

ITEMS = 24


def write(url: str) -> dict[str, dict[str, object]]:
    """Write the traces; the judge's word on each output, by variant and item."""
    mlflow.set_tracking_uri(url)
    mlflow.set_experiment("support")
    judge = AssessmentSource(source_type="LLM_JUDGE", source_id="openai:/some-model")
    meant: dict[str, dict[str, object]] = {}
    for arm in ("control", "candidate"):
        words = meant.setdefault(arm, {})
        with mlflow.start_run(run_name=arm):
            mlflow.set_tag("variant", arm)

            @mlflow.trace
            def predict(question: str, arm: str = arm) -> str:
                if arm == "candidate" and question.endswith("7?"):
                    raise RuntimeError("the application fails")
                return f"answer of {arm} to {question}"

            for number in range(ITEMS):
                item = f"ticket-{number:03}"
                try:
                    predict(f"Question {number}?")
                    words[item] = round(0.4 + 0.02 * number + 0.01 * (arm == "candidate"), 3)
                except RuntimeError:
                    words[item] = "system_error"
                trace = mlflow.get_last_active_trace_id()
                mlflow.set_trace_tag(trace, "item_id", item)
                mlflow.set_trace_tag(trace, "lang", ["en", "de"][number % 2])
                if number == 5:
                    words[item] = "judge_error"
                    error = AssessmentError(error_code="SCORER_ERROR", error_message="refused")
                    code = AssessmentSource(source_type="CODE", source_id="helpfulness")
                    mlflow.log_feedback(trace_id=trace, name="helpfulness", source=code, error=error)
                else:
                    score = words[item] if isinstance(words[item], float) else 0.9
                    given = mlflow.log_feedback(
                        trace_id=trace, name="helpfulness", value=score, source=judge, metadata={"judge_version": "1"}
                    )
                    if number == 3:
                        words[item] = "skipped"
                        person = AssessmentSource(source_type="HUMAN", source_id="ann")
                        mlflow.override_feedback(
                            trace_id=trace, assessment_id=given.assessment_id, value=0.99, source=person
                        )
                for rater in ("ann", "bob"):
                    person = AssessmentSource(source_type="HUMAN", source_id=rater)
                    mlflow.log_feedback(trace_id=trace, name="quality", value=1 + number % 5, source=person)
                if number % 4 == 0:
                    user = AssessmentSource(source_type="HUMAN", source_id=f"user-{arm}-{number}")
                    mlflow.log_feedback(trace_id=trace, name="thumbs_up", value=number % 8 == 0, source=user)
                author = AssessmentSource(source_type="HUMAN", source_id="ann")
                mlflow.log_expectation(trace_id=trace, name="expected", value="help", source=author)
    return meant


if __name__ == "__main__":
    sys.stdout.write(json.dumps(write(sys.argv[1])))
