"""``signals policy simulate`` as people and programs use it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from signals.cli import cli
from signals.model import CALLS
from signals.policy import load_policy
from signals.workbench.simulation.outcomes import Setting
from signals.workbench.simulation.picture import APART, BOTTOM, _spread, picture
from signals.workbench.simulation.plan import planned
from signals.workbench.simulation.simulate import operating_characteristics

FEW = ("--draws", "4000")


def simulate(*words: str | Path) -> Result:
    return CliRunner().invoke(cli, ["policy", "simulate", *map(str, words)])


@pytest.fixture
def here(root: Path, demo_store: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The checkout, with its store filled."""
    monkeypatch.setenv("SIGNALS_STORE", demo_store)
    monkeypatch.setenv("SIGNALS_PROJECT", str(root))
    return root


def document(*words: str | Path) -> Any:
    result = simulate(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_the_standup_in_one_command(here: Path) -> None:
    result = simulate("--effect", "conversion=-2%", "--draws", "50000")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0].startswith("At conversion −0.60 pp, −2.0 % of control: rolls back 15.")
    assert any(line.startswith("When nothing differs: ships 0.") for line in lines)
    assert any(
        line.startswith("One margin worse (conversion −0.50 pp, −1.7 % of control): rolls back") for line in lines
    )
    table = [line for line in lines if line.strip().startswith(("−3", "+3"))]
    assert "rollback by conversion (hierarchy[0])" in table[0]
    assert "ship by conversion (hierarchy[0])" in table[1]
    assert "50,184 and 49,921 users, control level 30.00 %" in result.output
    assert "release tuesday-small" in " ".join(result.output.split())


def test_json_has_every_figure(here: Path) -> None:
    found = document("--effect", "conversion=-2%", *FEW)
    assert found["asked"]["effects"]["conversion"] == pytest.approx(-0.006, rel=1e-4)
    assert found["false_ship"] == found["null"]["calls"]["ship"]
    assert len(found["points"]) == 13
    for point in found["points"]:
        assert sum(point["calls"].values()) == pytest.approx(1.0)
        assert set(point["calls"]) == set(CALLS)
        assert sum(one["chance"] for one in point["deciders"]) == pytest.approx(1.0)
    assert found["designs"]["conversion"]["n_control"] == 50184
    assert found["draws"] == 4000


def test_size_checks_and_absence_change_what_they_say(here: Path) -> None:
    usual = document(*FEW)
    more = document("--n", "conversion=500000", *FEW)
    assert more["designs"]["conversion"]["se"] < usual["designs"]["conversion"]["se"] / 3
    assert more["power_rollback"] > 0.9 > usual["power_rollback"]
    unheard = document("--check", "judge.human_agreement=0.45", "--effect", "judge=3m", *FEW)
    heard = document("--effect", "judge=3m", *FEW)
    assert not any(one["by"] == "judge" for one in unheard["asked"]["deciders"])
    assert any(one["by"] == "judge" for one in heard["asked"]["deciders"])
    absent = document("--without", "panel", *FEW)
    assert absent["power_ship"] == 0.0
    assert "panel" not in absent["designs"]
    fresh = document("--control", "conversion=10%", "--n", "conversion=20000", *FEW)
    assert fresh["designs"]["conversion"]["source"] == "planned"
    assert fresh["designs"]["panel"]["source"] == "release tuesday-small"


def test_another_release_and_several_signals_at_once(here: Path) -> None:
    found = document("--release", "tuesday-large", "--vary", "all", *FEW)
    assert found["vary"] == ["conversion", "panel", "judge", "thumbs"]
    assert found["designs"]["conversion"]["n_control"] == 500318
    broken = simulate("--release", "sample-ratio", *FEW)
    assert "sample_ratio_p is < 0.0001 (asks ≥ 0.001)" in " ".join(broken.output.split())


def test_looks_and_correlation_are_told(here: Path) -> None:
    result = simulate("--looks", "2", "--correlation", "0.3", "--correlation", "judge,panel=0.5", *FEW)
    text = " ".join(result.output.split())
    assert "Of 2 looks it takes" in text
    assert "correlated by 0.3, judge and panel 0.5" in text


def test_a_segment_may_have_an_effect_of_its_own(here: Path) -> None:
    found = document("--effect", "conversion=0", "--effect", "conversion[plan=enterprise]=-5pp", *FEW)
    assert found["asked"]["segments"] == {"conversion": {"plan=enterprise": -0.05}}
    fired = [one for one in found["asked"]["deciders"] if one["by"] == "no-segment-left-behind"]
    assert sum(one["chance"] for one in fired) > 0.4
    assert found["asked"]["calls"]["rollback"] > 10 * found["null"]["calls"]["rollback"]


def test_a_policy_without_any_project_is_planned(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIGNALS_PROJECT", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text((root / "hierarchy.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    result = simulate("mine.yaml", *FEW)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("There is no project here, so every signal is planned.")
    assert "Assumed: control level 10 %" in " ".join(result.output.split())
    sized = document("mine.yaml", "--n", "thumbs=100000", "--response-rate", "thumbs=5%", *FEW)
    assert sized["designs"]["thumbs"]["n_control"] == 5000
    parts = document("mine.yaml", "--segments", "conversion.plan=free:80%,pro:20%", "--raters", "panel=7", *FEW)
    names = [one["name"] for one in parts["designs"]["conversion"]["segments"]]
    assert names == ["plan=free", "plan=pro", "locale=a", "locale=b", "locale=c"]
    assert parts["designs"]["panel"]["panel"]["raters"] == 7


@pytest.mark.parametrize(
    "words, what",
    [
        (["--effect", "conversion"], "names no signal"),
        (["--effect", "conversion=loads"], "is not an effect"),
        (["--effect", "clicks=1%"], "clicks has no design"),
        (["--effect", "conversion=-40%m"], "is not an effect"),
        (["--effect", "conversion=-150%"], "leaves 0 to 100 %"),
        (["--effect", "panel=-2pp"], "not in percentage points"),
        (["--check", "judge.human_agreement=45"], "out of range"),
        (["--n", "conversoin=10"], "conversoin' is not a signal"),
        (["--n", "conversion=many"], "is not a number"),
        (["--check", "judge.mood=1"], "no check 'mood'"),
        (["--correlation", "judge,clicks=0.4"], "clicks is not simulated"),
        (["--correlation", "2"], "between -1 and 1"),
        (["--release", "friday"], "no release is called"),
        (["--looks", "0"], "0 looks"),
        (["--draws", "0"], "0 draws"),
        (["--vary", "clicks"], "clicks has no design"),
        (["--segments", "conversion.plan=free"], "names no shares"),
        (["-o", "oc.png"], "Choose FILE.svg"),
    ],
)
def test_mistakes_are_one_line(here: Path, words: list[str], what: str) -> None:
    result = simulate(*words)
    assert result.exit_code == 2
    assert what in result.output
    assert len(result.output.splitlines()) == 1


# --- picture --------------------------------------------------------------------------------------------------------


def test_the_picture_is_well_formed_and_tells_what_it_shows(here: Path, tmp_path: Path) -> None:
    file = tmp_path / "oc.svg"
    assert simulate("-o", file, *FEW).exit_code == 0
    tree = ET.fromstring(file.read_text(encoding="utf-8"))
    name = "{http://www.w3.org/2000/svg}"
    assert tree.get("role") == "img"
    spoken = tree.findtext(f"{name}desc") or ""
    assert spoken.count("rollback") == 13
    texts = [one.text for one in tree.iter(f"{name}text")]
    assert {"SHIP", "HOLD", "ROLLBACK", "within one margin", "pp", "margins"} <= set(texts)
    # Each call has a marker of its own shape on each of the 13 points, and one beside its name.
    assert len(list(tree.iter(f"{name}circle"))) == 14
    dashes = {one.get("stroke-dasharray") for one in tree.iter(f"{name}path") if one.get("class") in
              ("s-ship", "s-hold", "s-rollback")}  # fmt: skip
    assert len(dashes) == 3


def test_the_picture_escapes_and_is_the_same_bytes_again(root: Path) -> None:
    policy = load_policy(root / "hierarchy.yaml")
    result = operating_characteristics(policy, planned(policy), setting=Setting(draws=500))
    assert picture(result) == picture(result)
    assert "prefers-color-scheme" in picture(result)
    assert "prefers-color-scheme" not in picture(result, "dark")
    assert '"><script>' not in picture(result, prefix='"><script>')
    hostile = replace(result, policy="<b>&", vary=("conversion",), units={**result.units, "conversion": "<i>"})
    ET.fromstring(picture(hostile))
    with pytest.raises(ValueError, match="two points"):
        picture(replace(result, points=result.points[:1]))


@pytest.mark.parametrize(
    "ends", [[BOTTOM, BOTTOM, BOTTOM], [78.0, 78.0, BOTTOM], [100.0, 90.0, 95.0], [330.0, 78.0, 333.0]]
)
def test_names_do_not_cover_each_other(ends: list[float]) -> None:
    found = _spread(ends)
    order = sorted(found)
    assert all(b - a >= APART - 1e-9 for a, b in pairwise(order))
    assert order[-1] <= BOTTOM
    assert sorted(range(3), key=lambda place: found[place]) == sorted(range(3), key=lambda place: ends[place])
