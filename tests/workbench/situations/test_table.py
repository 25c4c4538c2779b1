"""The table and the picture say what the atlas says, of every situation."""

from __future__ import annotations

import itertools
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from signals.cli import cli
from signals.policy import load_policy, parse_policy
from signals.workbench.situations.atlas import Atlas, atlas_of
from signals.workbench.situations.picture import picture
from signals.workbench.situations.table import ELSE, Table, table
from tests.policy.situations import HEAD, ROWS
from tests.workbench.random_policies import random_policy


def first(found: Table, situation: tuple[int, ...]) -> Any:
    return next(row for row in found.rows if all(situation[level] in able for level, able in row.box.items()))


def agrees(atlas: Atlas, found: Table) -> int:
    """The first row that fits a situation is the atlas's answer, and the rows share all situations among them."""
    diagrams = atlas.space.diagrams
    counts = dict.fromkeys(range(len(found.rows)), 0)
    for situation in itertools.product(*(range(size) for size in diagrams.sizes)):
        answer = diagrams.at(atlas.node, situation)
        if answer is None:
            continue
        row = first(found, situation)
        assert (row.call, row.rule, row.by) == (answer.call, answer.rule, answer.by or "otherwise")
        counts[found.rows.index(row)] += 1
    assert list(counts.values()) == [row.count for row in found.rows]
    assert sum(counts.values()) == found.total == atlas.total
    return atlas.total


def test_rows_share_all_situations_and_say_what_the_atlas_says() -> None:
    seen = 0
    for seed in range(80):
        atlas = atlas_of(random_policy(seed))
        if atlas.total <= 3000:
            seen += agrees(atlas, table(atlas))
    assert seen > 5000


def test_the_shipped_policy_fits_on_a_screen(root: Path) -> None:
    atlas = atlas_of(load_policy(root / "hierarchy.yaml"))
    found = table(atlas)
    agrees(atlas, found)
    assert len(found.rows) <= 25
    assert found.left == {}
    ships = [row for row in found.rows if row.call == "ship"]
    assert [row.by for row in ships] == ["conversion", "panel", "judge"]
    assert "conversion is win" in ships[0].words
    assert (found.rows[-1].words, found.rows[-1].by) == (ELSE, "otherwise")
    assert [row.call for row in found.rows] == sorted(
        (row.call for row in found.rows), key=["rollback", "ship", "hold"].index
    )


def test_a_short_table_keeps_something_of_every_call_and_says_what_is_missing(root: Path) -> None:
    atlas = atlas_of(load_policy(root / "hierarchy.yaml"))
    whole, short = table(atlas), table(atlas, 5)
    assert len(short.rows) < len(whole.rows)
    assert {(row.call, row.rule) for row in short.rows} == {(row.call, row.rule) for row in whole.rows}
    assert sum(row.count for row in short.rows) + sum(short.left.values()) == atlas.total
    assert sum(short.left.values()) > 0


def test_a_policy_that_always_decides_alike_is_one_row() -> None:
    text = HEAD + "hierarchy:\n  - {signal: panel, win: next}\notherwise: hold\n"
    assert [(row.words, row.call) for row in table(atlas_of(parse_policy(text))).rows] == [(ELSE, "hold")]


# --- the picture ----------------------------------------------------------------------------------------------------


def cells(svg: str, call: str) -> float:
    """The width of what is filled with the hatching of a call, the legend aside."""
    root = ET.fromstring(svg)  # our own text
    found = [one for group in root.iter("{http://www.w3.org/2000/svg}g") for one in group
             if f"url(#atlas-{call})" in one.get("style", "")]  # fmt: skip
    return sum(float(one.get("width", "0")) for one in found)


def test_the_picture_gives_each_call_its_share(root: Path) -> None:
    atlas = atlas_of(load_policy(root / "hierarchy.yaml"))
    svg = picture(atlas)
    assert svg == picture(atlas)
    widths = {call: cells(svg, call) for call in atlas.calls}
    for call, number in atlas.calls.items():
        assert widths[call] / sum(widths.values()) == pytest.approx(number / atlas.total, abs=2e-3)
        assert f"{call} {number:,}" in svg
    assert "<script" not in svg
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
    assert "prefers-color-scheme" not in svg
    assert "prefers-color-scheme" in picture(atlas, standalone=True)


def test_pictures_of_random_policies_are_well_formed_and_right() -> None:
    for seed in range(60):
        atlas = atlas_of(random_policy(seed))
        svg = picture(atlas)
        widths = {call: cells(svg, call) for call in atlas.calls}
        for call, number in atlas.calls.items():
            assert widths[call] / sum(widths.values()) == pytest.approx(number / atlas.total, abs=5e-3), seed
        assert not re.search(r'width="-|="(nan|inf)', svg)


def test_names_cannot_break_the_picture() -> None:
    text = HEAD + ROWS + "guardrails:\n  - {id: g, when: 'any(conversion.segments, name == \"a<b>&\")', call: hold}\n"
    ET.fromstring(picture(atlas_of(parse_policy(text)), standalone=True))  # our own text


# --- the command ----------------------------------------------------------------------------------------------------


def run(*words: str) -> Any:
    return CliRunner().invoke(cli, list(words))


def test_the_command_shows_counts_rows_and_draws(root: Path, tmp_path: Path) -> None:
    file, drawn = str(root / "hierarchy.yaml"), tmp_path / "atlas.svg"
    result = run("policy", "atlas", file, "-o", str(drawn))
    assert result.exit_code == 0
    atlas = atlas_of(load_policy(file))
    assert result.stdout.startswith(f"{atlas.total:,} situations: {atlas.calls['ship']:,} ship")
    assert "4 signals (conversion, panel, judge, thumbs) and 4 comparisons" in result.stdout
    assert len(result.stdout.splitlines()) < 55
    ET.parse(drawn)  # our own text
    told = json.loads(run("policy", "atlas", file, "--json").stdout)
    assert told["situations"] == sum(row["situations"] for row in told["rows"]) == atlas.total
    assert told["calls"] == atlas.calls
    assert set(told["used"]) == atlas.used
    assert sum(one["situations"] for one in told["answers"]) == atlas.total


def test_the_command_decides_for_a_kind(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    own = "kinds:\n  distillation:\n    hierarchy: [{signal: cost, win: ship, loss: rollback}]\n"
    file.write_text(HEAD + ROWS + own)
    result = run("policy", "atlas", str(file), "--kind", "distillation")
    assert "for releases of kind distillation" in result.stdout
    assert "cost is loss" in result.stdout
    assert "panel" not in result.stdout
    assert "panel" in run("policy", "atlas", str(file)).stdout


def test_the_command_refuses_what_it_cannot_write(root: Path, tmp_path: Path) -> None:
    result = run("policy", "atlas", str(root / "hierarchy.yaml"), "-o", str(tmp_path / "no" / "a.svg"))
    assert result.exit_code == 2
    assert "cannot write" in result.output
