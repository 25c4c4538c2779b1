"""Presets for exports of events: PostHog, Amplitude and Segment, held against their own files read another way."""

from __future__ import annotations

import gzip
import json
import re
import zipfile
from collections import defaultdict
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from signals.model import BOTH_ARMS

FLAG = "properties.$feature/helper-v7.1"
VARIANT = {"posthog": FLAG, "amplitude": "event_properties.variant", "segment": "properties.variant"}
PATHS = {"posthog": "posthog.jsonl.gz", "amplitude": "amplitude.zip", "segment": "*.segment.*.gz"}
EVENT = {"posthog": "event", "amplitude": "event_type", "segment": "event"}
WITHIN = {"posthog": "properties", "amplitude": "event_properties", "segment": "properties"}
TOOLS = tuple(PATHS)


def lines(desk, tool):
    """The events of the file, as (id, name, who, when, properties), read with Python alone."""
    folder = desk.files / "presets"
    if tool == "amplitude":
        with zipfile.ZipFile(folder / "amplitude.zip") as archive:
            names = sorted(name for name in archive.namelist() if not name.endswith("/"))
            texts = [gzip.decompress(archive.read(name)).decode() for name in names]
    else:
        texts = [gzip.decompress(path.read_bytes()).decode() for path in sorted(folder.glob(PATHS[tool]))]
    found = []
    for row in (json.loads(line) for text in texts for line in text.splitlines()):
        if tool == "posthog":
            said = json.loads(row["properties"])
            said["variant"] = said.pop("$feature/helper-v7.1", None)
            found.append((row["uuid"], row["event"], row["person_id"], row["timestamp"], said))
        elif tool == "amplitude":
            who = row["user_id"] or row["device_id"]
            found.append((row["$insert_id"], row["event_type"], who, row["event_time"], row["event_properties"]))
        elif row["type"] == "track":
            who = row["userId"] or row["anonymousId"]
            found.append((row["messageId"], row["event"], who, row["timestamp"], row["properties"]))
    return found


def put(desk, tool):
    for path in (desk.files / "presets").glob(PATHS[tool]):
        desk.write(path.name, path.read_bytes())


def thumbs(tool, **more):
    inside = WITHIN[tool]
    return {
        "preset": tool, "path": PATHS[tool], "where": {EVENT[tool]: "answer_rated"},
        "map": {"variant": VARIANT[tool], "value": f"{inside}.thumb", "response": f"{inside}.response_id"}, **more,
    }  # fmt: skip


def orders(tool, **more):
    return {
        "preset": tool, "path": PATHS[tool], "shape": "outcome", "where": {EVENT[tool]: "order_completed"},
        "exposure": {EVENT[tool]: "variant_shown"},
        "map": {"variant": VARIANT[tool], "value": f"{WITHIN[tool]}.revenue"}, **more,
    }  # fmt: skip


def totals(cells):
    """Per variant: users, responses, ups."""
    found = defaultdict(lambda: [0, 0.0, 0.0])
    for cell in cells:
        moments = cell.moments
        found[cell.variant][0] += moments.n
        found[cell.variant][1] += moments.n * (moments.d_mean or 0)
        found[cell.variant][2] += moments.n * moments.mean
    return {arm: [round(number, 6) for number in numbers] for arm, numbers in found.items()}


def rated(rows):
    """Who rated what how: the last thumb of a user on a response, of events that say one."""
    last = {}
    for _, name, who, _, said in sorted(rows, key=lambda row: row[3]):
        if name == "answer_rated" and said.get("thumb"):
            last[said["variant"], who, said["response_id"]] = said["thumb"]
    return last


@pytest.mark.parametrize("tool", TOOLS)
def test_thumbs(desk, tool):
    put(desk, tool)
    rows = lines(desk, tool)
    once = list({row[0]: row for row in rows}.values())
    assert len(once) < len(rows)
    last = rated(once)
    arms = {arm: {who for variant, who, _ in last if variant == arm} for arm in ("control", "candidate")}
    both = arms["control"] & arms["candidate"]
    cells = desk.read(**thumbs(tool))
    assert totals(cells) == {
        arm: [
            len(users - both),
            sum(variant == arm and who not in both for variant, who, _ in last),
            sum(variant == arm and who not in both and up == "up" for (variant, who, _), up in last.items()),
        ]
        for arm, users in arms.items()
    }
    assert {cell.impressions for cell in cells} == {None}, "who rates only says nothing of what was shown"
    silent = [row for row in once if row[1] == "answer_rated" and not row[4].get("thumb")]
    copies = [row for row in rows if row[1] == "answer_rated"]
    again = len(copies) - len({row[0] for row in copies})
    assert len(silent) == 1
    whys = desk.whys
    assert whys.pop("value is empty (an event that says nothing is no answer that was shown)") == 1
    assert whys.pop("an earlier thumb for the same response (the last one counts)") == 1
    assert sum(count for why, count in whys.items() if why.startswith("the same row again")) == again > 0
    assert desk.tally.rows_read == len(copies)
    first = cells
    assert desk.read_again() == first


@pytest.mark.parametrize("tool", TOOLS)
def test_answers_that_were_shown(desk, tool):
    put(desk, tool)
    once = list({row[0]: row for row in lines(desk, tool)}.values())
    cells = desk.read(**thumbs(tool, shown={EVENT[tool]: "answer_shown"}))
    shown = {(row[4]["variant"], row[2], row[4]["response_id"]) for row in once if row[1] == "answer_shown"}
    answers = shown | set(rated(once))
    impressions = defaultdict(int)
    for cell in cells:
        impressions[cell.variant] += cell.impressions
    both = {who for arm, who, _ in answers if arm == "control"} & {w for arm, w, _ in answers if arm == "candidate"}
    assert impressions == {
        arm: sum(variant == arm and who not in both for variant, who, _ in answers) for arm in ("control", "candidate")
    }
    assert sum(impressions.values()) > len(rated(once))


@pytest.mark.parametrize("tool", TOOLS)
def test_revenue_of_everyone_who_was_exposed(desk, tool):
    put(desk, tool)
    rows = lines(desk, tool)
    once = list({row[0]: row for row in rows}.values())
    exposures = [row for row in once if row[1] == "variant_shown"]
    arms = defaultdict(set)
    for _, _, who, _, said in exposures:
        arms[who].add(said["variant"])
    first = {who: min(row[3] for row in exposures if row[2] == who) for who in arms}
    revenue = dict.fromkeys((who for who in arms if len(arms[who]) == 1), 0.0)
    before = never = 0
    for _, name, who, when, said in once:
        if name == "order_completed":
            never += who not in first
            early = who in first and when < first[who]
            before += early
            if who in revenue and not early:
                revenue[who] += said["revenue"]
    cells = desk.read(**orders(tool))
    for arm in ("control", "candidate"):
        expected = [amount for who, amount in revenue.items() if arms[who] == {arm}]
        mine = [cell for cell in cells if cell.variant == arm]
        assert sum(cell.moments.n for cell in mine) == len(expected)
        assert sum(cell.moments.n * cell.moments.mean for cell in mine) == pytest.approx(sum(expected))
        assert expected.count(0.0) > 0, "those who never ordered count as 0"
    whys = desk.whys
    assert (whys["the unit was never exposed"], whys["before the unit's first exposure"]) == (never, before) == (1, 2)
    assert whys[BOTH_ARMS] > 0
    assert {entry.units for entry in desk.tally.entries if entry.why.startswith(BOTH_ARMS)} == {1}


def test_who_ordered_at_all(desk):
    put(desk, "segment")
    entry = orders(
        "segment", once=["anonymousId", "event"], values={"order_completed": 1},
        map={"variant": "properties.variant", "value": "event"},
    )  # fmt: skip
    cells = desk.read(**entry)
    assert {(cell.least, cell.most) for cell in cells} <= {(0.0, 0.0), (0.0, 1.0), (1.0, 1.0)}
    once = list({row[0]: row for row in lines(desk, "segment")}.values())
    arms = defaultdict(set)
    for _, name, who, _, said in once:
        if name == "variant_shown":
            arms[who].add(said["variant"])
    first = {who: min(row[3] for row in once if row[1] == "variant_shown" and row[2] == who) for who in arms}
    bought = {row[2] for row in once if row[1] == "order_completed" and row[3] >= first.get(row[2], "9")}
    for arm in ("control", "candidate"):
        users = [who for who in arms if arms[who] == {arm}]
        mine = [cell for cell in cells if cell.variant == arm]
        assert sum(cell.moments.n for cell in mine) == len(users)
        assert round(sum(cell.moments.n * cell.moments.mean for cell in mine), 6) == len(bought & set(users))


def test_the_variant_is_that_of_the_exposure(desk):
    events = [
        ("1", "seen", "a", "08:00", {"v": "control"}),
        ("2", "bought", "a", "09:00", {"n": 2}),
        ("3", "bought", "a", "09:30", {"n": 3, "v": "candidate"}),
        ("4", "seen", "b", "08:00", {"v": "candidate"}),
    ]
    names = ("uuid", "event", "person_id", "timestamp", "properties")
    rows = [(*row[:3], f"2026-11-10 {row[3]}:00", json.dumps(row[4])) for row in events]
    desk.write("e.jsonl", "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows))
    cells = desk.read(
        preset="posthog", path="e.jsonl", shape="outcome", where={"event": "bought"}, exposure={"event": "seen"},
        map={"variant": "properties.v", "value": "properties.n"},
    )  # fmt: skip
    assert {cell.variant: (cell.moments.n, cell.moments.mean) for cell in cells} == {
        "control": (1, 5.0),
        "candidate": (1, 0.0),
    }


def test_parquet_of_posthog(desk):
    import duckdb

    put(desk, "posthog")
    expected = totals(desk.read(**thumbs("posthog")))
    duckdb.sql(
        "COPY (SELECT uuid, event, person_id, distinct_id, properties, CAST(timestamp AS TIMESTAMPTZ) AS timestamp "
        f"FROM read_json('{desk.data}/posthog.jsonl.gz', columns={{uuid: 'VARCHAR', event: 'VARCHAR', "
        "person_id: 'VARCHAR', distinct_id: 'VARCHAR', properties: 'VARCHAR', timestamp: 'VARCHAR'})) "
        f"TO '{desk.data}/events.parquet'"
    )
    assert totals(desk.read(**thumbs("posthog", path="events.parquet"))) == expected


def test_an_hour_without_a_thumb_is_no_fault(desk):
    put(desk, "amplitude")
    first = totals(desk.read(**thumbs("amplitude")))
    with zipfile.ZipFile(desk.data / "amplitude.zip") as archive:
        members = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    for name, data in members.items():  # the same export, unpacked into a folder
        desk.write(f"hours/{name.split('/')[-1]}", data)
    assert len(members) > 20
    assert totals(desk.read(**thumbs("amplitude", path="hours/*.json.gz"))) == first
    entry = thumbs("amplitude", path="hours/*.json.gz")
    entry["map"]["value"] = "event_properties.thump"
    assert "has no column 'event_properties.thump'" in desk.fails(**entry)


@pytest.mark.parametrize(
    "entry, message",
    [
        (
            thumbs("posthog") | {"where": {}},
            "preset 'posthog' needs to know which events count. Add `where: {event: NAME}`",
        ),
        (thumbs("amplitude") | {"where": {"event": "x"}}, "Add `where: {event_type: NAME}`"),
        (thumbs("segment") | {"shape": "rating"}, "cannot give shape 'rating'. It gives feedback or outcome"),
        (thumbs("posthog") | {"shown": {}}, "`shown:` names no event"),
        (thumbs("posthog") | {"exposure": {"event": "x"}}, "`exposure:` is not for shape feedback"),
        (orders("posthog") | {"exposure": None}, "units that never convert would be missing. Say which event"),
        (orders("posthog") | {"exposure": {}}, "`exposure:` names no event"),
        (orders("posthog") | {"grain": "unit"}, "`grain:` is for one row per unit"),
        (
            orders("posthog") | {"map": {"variant": "v", "value": "y", "covariate": "x"}},
            "map.covariate cannot be told from events",
        ),
        (
            orders("posthog") | {"map": {"variant": "v", "value": "y", "at": None}},
            "`exposure:` needs map.at",
        ),
        (
            thumbs("posthog", shown={"event": "x"}) | {"map": {"variant": "v", "value": "y"}},
            "`shown:` needs map.response",
        ),
    ],
)
def test_what_cannot_be_right_is_refused(desk, entry, message):
    found = desk.fails(**entry)
    assert message in found
    assert "sources.yaml:" in found


PAGE = Path(__file__).parents[2] / "docs" / "connectors" / "table.md"
FIXTURES = {
    "turk": ("mturk_[12].csv", {}),
    "turk-forms": ("mturk_crowd.csv", {}),
    "prolific-week-47": ("prolific.csv", {}),
    "prolific-tasks": ("prolific_responses.jsonl", {}),
    "posthog-thumbs": ("posthog.jsonl.gz", {"variant": FLAG}),
    "amplitude-thumbs": ("amplitude.zip", {}),
    "segment-orders": ("*.segment.*.gz", {}),
}


@pytest.mark.parametrize("name", FIXTURES)
def test_the_entry_of_the_page_reads_the_fixture(desk, name):
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    entries = {}
    for block in blocks:
        if block.startswith("  "):
            entries |= YAML(typ="safe").load(block)
    path, columns = FIXTURES[name]
    for file in (desk.files / "presets").glob(path):
        desk.write(file.name, file.read_bytes())
    entry = {key: value for key, value in entries[name].items() if key not in ("signal", "connector")}
    found = desk.read(**{**entry, "path": path, "map": {**entry["map"], **columns}})
    assert {record.variant for record in found} == {"control", "candidate"}
    assert desk.tally.rows_kept > 60
