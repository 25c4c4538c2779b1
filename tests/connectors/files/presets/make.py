"""Writes the files beside it: small exports in the form of each tool, made up from the tools' documentation.

Run it from anywhere; the same bytes come out every time. No tool wrote any of them.
"""

from __future__ import annotations

import csv
import gzip
import json
import random
import zipfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

HERE = Path(__file__).parent
START = datetime(2026, 11, 10, 17, 0, tzinfo=UTC)
ITEMS = [f"ticket-{number:03}" for number in range(1, 13)]
ARMS = ("control", "candidate")
MTURK = [
    "HITId", "HITTypeId", "Title", "Description", "Keywords", "Reward",
    "CreationTime", "MaxAssignments", "RequesterAnnotation", "AssignmentDurationInSeconds",
    "AutoApprovalDelayInSeconds", "Expiration",
    "NumberOfSimilarHITs", "LifetimeInSeconds", "AssignmentId", "WorkerId", "AssignmentStatus", "AcceptTime",
    "SubmitTime", "AutoApprovalTime", "ApprovalTime", "RejectionTime", "RequesterFeedback", "WorkTimeInSeconds",
    "LifetimeApprovalRate", "Last30DaysApprovalRate", "Last7DaysApprovalRate",
]  # fmt: skip


def pacific(moment: datetime) -> str:
    """As the requester's site writes it: PDT until November, PST after."""
    name, hours = ("PST", -8) if moment >= datetime(2026, 11, 1, 9, tzinfo=UTC) else ("PDT", -7)
    local = moment.astimezone(timezone(timedelta(hours=hours)))
    return local.strftime(f"%a %b %d %H:%M:%S {name} %Y")


def write_csv(name: str, header: list[str], rows: list[list[object]]) -> None:
    with (HERE / name).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
        writer.writerow(header)
        writer.writerows(rows)


def mturk() -> None:
    rng = random.Random(1)
    rows = []
    number = 0
    for item in ITEMS:
        for arm in ARMS:
            for worker in ("A1ANN", "A2BOB", "A3CYD"):
                number += 1
                grade = min(5, max(1, round(rng.gauss(3.0 if arm == "control" else 3.6, 0.9))))
                status = "Rejected" if number % 17 == 0 else "Submitted" if number % 5 == 0 else "Approved"
                at = START - timedelta(days=14) + timedelta(hours=5 * number)
                rows.append((number, item, arm, worker, 1 if status == "Rejected" else grade, status, at))

    def fixed(number: int, worker: str, status: str, at: datetime) -> list[object]:
        values = dict.fromkeys(MTURK, "")
        values |= {
            "HITId": f"3HIT{(number - 1) // 3:04}", "HITTypeId": "3TYPE", "Title": "Grade an answer", "Reward": "$0.12",
            "MaxAssignments": "3", "AssignmentId": f"3ASG{number:05}", "WorkerId": worker, "AssignmentStatus": status,
            "AcceptTime": pacific(at - timedelta(seconds=90)), "SubmitTime": pacific(at), "WorkTimeInSeconds": "90",
            "LifetimeApprovalRate": "98% (49/50)",
        }  # fmt: skip
        return list(values.values())

    flat = [[*fixed(n, w, s, at), item, arm, grade, "", ""] for n, item, arm, w, grade, s, at in rows]
    header = [*MTURK, "Input.item_id", "Input.variant", "Answer.quality.label", "Approve", "Reject"]
    write_csv("mturk_1.csv", header, flat[:48])
    write_csv("mturk_2.csv", header, flat[42:])  # downloaded again with six assignments of the first file in it
    nested = []
    for n, item, arm, w, grade, s, at in rows:
        said = {"quality": {str(one): one == grade for one in range(1, 6)}, "comment": 'so "so"'}
        if n == 4:
            said["quality"] = {str(one): False for one in range(1, 6)}  # nothing chosen
        nested.append([*fixed(n, w, s, at), item, arm, json.dumps([said]), "", ""])
    header[-3] = "Answer.taskAnswers"
    write_csv("mturk_crowd.csv", header, nested)


def prolific() -> None:
    rng = random.Random(2)
    statuses = {"p1": "APPROVED", "p2": "AWAITING REVIEW", "p3": "RETURNED", "p4": "TIMED-OUT", "p5": "APPROVED",
                "p6": "REJECTED"}  # fmt: skip
    rows: list[list[object]] = []
    responses = []
    for number, item in enumerate(ITEMS):
        for arm in ARMS:
            for person, status in statuses.items():
                grade = min(7, max(1, round(rng.gauss(4.0 if arm == "control" else 4.5, 1.2))))
                at = START + timedelta(minutes=7 * number, seconds=len(rows))
                task = f"{item}-{arm}"
                rows.append(
                    [f"sub-{person}", person, status, f"{at:%Y-%m-%dT%H:%M:%S}.123000Z", task, item, arm, grade]
                )
                responses.append(
                    {
                        "id": f"r{len(rows):04}",
                        "batch_id": "b1",
                        "participant_id": person,
                        "task_id": task,
                        "submission_id": f"sub-{person}",
                        "metadata": {"META_item": item, "META_variant": arm},
                        "response": {
                            "instruction_id": "i1",
                            "type": "multiple_choice",
                            "answer": [{"value": str(grade)}],
                        },
                        "created_at": f"{at:%Y-%m-%dT%H:%M:%S}.123000Z",
                        "schema_version": 4,
                    }
                )
    late = f"{START + timedelta(days=1):%Y-%m-%dT%H:%M:%S}.000000Z"
    rows.append(
        ["sub-p1b", "p1", "APPROVED", late, f"{ITEMS[0]}-control", ITEMS[0], "control", 7]
    )  # the task once more
    header = [
        "Submission id",
        "Participant id",
        "Status",
        "Completed at",
        "task_id",
        "META_item",
        "META_variant",
        "grade",
    ]
    write_csv("prolific.csv", header, rows)
    lines = "".join(json.dumps(one) + "\n" for one in responses)
    (HERE / "prolific_responses.jsonl").write_text(lines, encoding="utf-8")


def google_forms() -> None:
    rng = random.Random(3)
    questions = [
        f"Question {n}: how helpful is this answer, all in all? [Answer {side}]" for n in (1, 2, 3, 4) for side in "XY"
    ]
    rows, sheet = [], []
    for number, person in enumerate(("ann@x.org", "bob@x.org", "cyd@x.org", "dee@x.org", "eve@x.org")):
        at = datetime(2026, 11, 10, 23, 30, tzinfo=timezone(timedelta(hours=1))) + timedelta(minutes=20 * number)
        grades: list[object] = [min(5, max(1, round(rng.gauss(3.0 if n % 2 == 0 else 3.7, 1)))) for n in range(8)]
        if person == "dee@x.org":
            grades[3] = ""  # left out
            grades[5] = "4, 5"  # two boxes ticked
        hour = at.hour % 12 or 12
        stamp = f"{at:%Y/%m/%d} {hour}:{at:%M:%S} {at:%p} GMT+1"
        rows.append([stamp, person, *grades, "quick, precise"])
        sheet.append([f"{at.month}/{at.day}/{at.year} {at:%H:%M:%S}", person, *grades, "quick, precise"])
    header = ["Timestamp", "Email Address", *questions, "What did you like? (tick all)"]
    write_csv("google_forms.csv", header, rows)
    write_csv("google_forms_sheet.csv", header, sheet)  # the linked spreadsheet: its locale, no zone


def events() -> list[dict[str, object]]:
    """What sixty people did: shown a variant, got answers, rated some, ordered or not."""
    rng = random.Random(4)
    found: list[dict[str, object]] = []

    def event(name: str, who: str, at: datetime, **properties: object) -> None:
        found.append({"id": f"e{len(found):05}", "name": name, "who": who, "at": at, "properties": properties})

    for number in range(60):
        who, arm = f"user-{number:03}", ARMS[number % 2]
        at = START + timedelta(hours=number, minutes=rng.randrange(50))
        if number in (7, 8):
            event("order_completed", who, at - timedelta(hours=1), revenue=9.5)  # before the exposure
        event("variant_shown", who, at, variant=arm)
        if number == 9:
            event("variant_shown", who, at + timedelta(hours=2), variant="candidate" if arm == "control" else "control")
        for answer in range(rng.randrange(1, 4)):
            response = f"{who}-{answer}"
            event("answer_shown", who, at + timedelta(minutes=answer), variant=arm, response_id=response)
            if rng.random() < 0.6:
                up = rng.random() < (0.5 if arm == "control" else 0.65)
                event("answer_rated", who, at + timedelta(minutes=answer, seconds=20), variant=arm,
                      response_id=response, thumb="up" if up else "down")  # fmt: skip
        for order in range(rng.choice((0, 0, 1, 2) if arm == "control" else (0, 1, 1, 2))):
            event("order_completed", who, at + timedelta(hours=1 + order), revenue=rng.randrange(500, 5000) / 100)
    event("order_completed", "user-900", START + timedelta(hours=3), revenue=12.0)  # never exposed
    event("answer_rated", "user-003", START + timedelta(hours=9), variant=ARMS[1], response_id="user-003-0")  # no thumb
    changed = next(one for one in found if one["name"] == "answer_rated")
    event("answer_rated", str(changed["who"]), START + timedelta(days=3), **{**changed["properties"], "thumb": "down"})
    return found


def posthog(found: list[dict[str, object]]) -> None:
    lines = []
    for one in [*found, *found[10:14]]:  # four events were sent twice
        properties = {
            "$feature/helper-v7.1" if key == "variant" else key: value for key, value in one["properties"].items()
        }
        lines.append(
            {
                "uuid": f"018f-{one['id']}",
                "event": one["name"],
                "distinct_id": f"device-of-{one['who']}",
                "person_id": one["who"],
                "properties": json.dumps(properties),
                "person_properties": "{}",
                "team_id": 1,
                "timestamp": f"{one['at']:%Y-%m-%d %H:%M:%S}.000000+00:00",
                "set": None,
            }
        )
    packed("posthog.jsonl.gz", lines)


def amplitude(found: list[dict[str, object]]) -> None:
    hours: dict[str, list[dict[str, object]]] = {}
    for one in [*found, *found[20:25]]:
        signed = one["who"] if one["name"] != "answer_rated" else None  # raters were not signed in
        row = {
            "$insert_id": f"ins-{one['id']}", "event_type": one["name"], "user_id": signed, "device_id": one["who"],
            "event_time": f"{one['at']:%Y-%m-%d %H:%M:%S}.250000", "uuid": f"{one['id']}-{len(hours)}",
            "server_upload_time": f"{one['at']:%Y-%m-%d %H:%M:%S}.990000", "event_properties": one["properties"],
            "user_properties": {}, "amplitude_id": 1,
        }  # fmt: skip
        hours.setdefault(f"{one['at']:%Y-%m-%d}_{one['at'].hour}", []).append(row)
    with zipfile.ZipFile(HERE / "amplitude.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("187520/"), b"")
        for hour, rows in sorted(hours.items()):
            data = "".join(json.dumps(row) + "\n" for row in rows).encode()
            name = zipfile.ZipInfo(f"187520/187520_{hour}#0.json.gz")
            archive.writestr(name, gzip.compress(data, mtime=0))


def segment(found: list[dict[str, object]]) -> None:
    lines: list[dict[str, object]] = [
        {
            "messageId": f"ajs-{one['id']}",
            "type": "track",
            "event": one["name"],
            "anonymousId": one["who"],
            "userId": None,
            "properties": one["properties"],
            "context": {"library": {"name": "analytics.js"}},
            "timestamp": f"{one['at']:%Y-%m-%dT%H:%M:%S}.100Z",
            "sentAt": f"{one['at'] + timedelta(days=40):%Y-%m-%dT%H:%M:%S}.100Z",  # a clock that is far off
        }
        for one in [*found, *found[3:5]]
    ]
    lines.append(
        {
            "messageId": "ajs-page",
            "type": "page",
            "name": "Home",
            "anonymousId": "user-001",
            "timestamp": lines[0]["timestamp"],
        }
    )
    packed("1762732800000.segment.1.gz", lines[:150])
    packed("1762736400000.segment.2.gz", lines[150:])


def packed(name: str, lines: list[dict[str, object]]) -> None:
    data = "".join(json.dumps(line) + "\n" for line in lines).encode()
    (HERE / name).write_bytes(gzip.compress(data, mtime=0))


if __name__ == "__main__":
    mturk()
    prolific()
    google_forms()
    made = events()
    posthog(made)
    amplitude(made)
    segment(made)
