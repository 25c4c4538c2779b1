"""Run by a Python that has label-studio: makes raters, two panels and a side-by-side, and prints what they mean."""

from __future__ import annotations

import json
import sys
from typing import Any

from label_studio_sdk import LabelStudio

ITEMS = 24
STARS = (
    '<View><Text name="q" value="$question"/><Text name="a" value="$answer"/>'
    '<Rating name="quality" toName="a" maxRating="5"/><Choices name="issue" toName="a" choice="multiple">'
    '<Choice value="wrong"/><Choice value="rude"/></Choices></View>'
)
PAIRS = (
    '<View><Text name="q" value="$question"/><Text name="left" value="$left"/><Text name="right" value="$right"/>'
    '<Pairwise name="pref" toName="left,right"/></View>'
)


def stars(count: int) -> list[dict[str, Any]]:
    """A graded answer with a remark beside it."""
    remark = {"from_name": "issue", "to_name": "a", "type": "choices", "value": {"choices": ["wrong", "rude"]}}
    grade = {"from_name": "quality", "to_name": "a", "type": "rating", "value": {"rating": count}}
    return [grade, remark] if count == 1 else [grade]


def side(name: str) -> list[dict[str, Any]]:
    """A choice between two answers."""
    return [{"from_name": "pref", "to_name": "left,right", "type": "pairwise", "value": {"selected": name}}]


def write(url: str, token: str) -> dict[str, Any]:
    """Write it all.

    Returns:
        Projects, a personal access token, and what each annotation means: arm or sides, item, rater and the answer.
    """
    tool = LabelStudio(base_url=url, api_key=token)
    people = {name: tool.users.create(email=f"{name}@example.com", username=name).id for name in ("ann", "bob", "cyd")}
    ratings: list[tuple[str, str, int, int | None]] = []
    projects = {}
    for arm in ("control", "candidate"):
        project = projects[arm] = tool.projects.create(title=f"panel {arm}", label_config=STARS).id
        tasks = []
        for number in range(ITEMS):
            item, said = f"ticket-{number:03}", []
            for offset, (name, who) in enumerate(sorted(people.items())):
                if name == "cyd" and number % 2:
                    continue
                count = 1 + (number + offset + (arm == "candidate")) % 5
                skipped = name == "bob" and number == 12
                ratings.append((arm, item, who, None if skipped else count))
                said.append({"completed_by": who, "was_cancelled": skipped, "result": [] if skipped else stars(count)})
            data = {
                "item_id": item,
                "variant": arm,
                "question": "?",
                "answer": f"of {arm}",
                "lang": ("en", "de")[number % 2],
            }
            guess = [{"model_version": "m-1", "score": 0.5, "result": stars(2)}]
            tasks.append({"data": data, "annotations": said if number != 5 else [], "predictions": guess})
        ratings = [one for one in ratings if one[1] != "ticket-005"]  # nobody has rated it yet
        tool.projects.import_tasks(id=project, request=tasks)
        listed = {task.data["item_id"]: task.id for task in tool.tasks.list(project=project, fields="all")}
        again = tool.annotations.create(id=listed["ticket-001"], result=stars(5), was_cancelled=False)
        ratings.append((arm, "ticket-001", int(again.completed_by), 5))
        again = tool.annotations.create(id=listed["ticket-001"], result=stars(4), was_cancelled=False)
        ratings.append((arm, "ticket-001", int(again.completed_by), 4))
    project = projects["pairs"] = tool.projects.create(title="side by side", label_config=PAIRS).id
    pairs, tasks = [], []
    for number in range(ITEMS):
        item = f"ticket-{number:03}"
        left, right = ("control", "candidate") if number % 2 else ("candidate", "control")
        said = []
        for name, who in sorted(people.items()):
            choice = ["left", "right", "tie"][(number + len(said)) % 3] if name != "cyd" else "right"
            pairs.append((item, who, left, right, choice))
            said.append({"completed_by": who, "result": [] if choice == "tie" else side(choice)})
        data = {"item_id": item, "question": "?", "left": f"of {left}", "right": f"of {right}", "left_variant": left,
                "right_variant": right}  # fmt: skip
        tasks.append({"data": data, "annotations": said})
    tool.projects.import_tasks(id=project, request=tasks)
    personal = tool.tokens.create().token
    return {"projects": projects, "people": people, "token": personal, "ratings": ratings, "pairs": pairs}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(write(*sys.argv[1:3])))
