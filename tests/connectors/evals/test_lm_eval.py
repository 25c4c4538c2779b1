"""lm-eval's samples: one score of many, by metric and filter, and the run's results beside them."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections import Counter
from pathlib import Path
from statistics import mean

import pytest

from signals.connectors import get
from signals.project import load_project
from signals.strictyaml import parse

SLUG = "3ykv54sv"
TIME = {"control": "2026-11-22T10-10-19.265177", "candidate": "2026-11-22T10-10-25.765418"}
VARIANT = {"variant": "results.config.model_args.variant"}
GEN = {"path": "lm_eval/**/samples_support_gen_*", "map": VARIANT}
MC = {"path": "lm_eval/**/samples_support_mc_*", "map": VARIANT, "metric": "acc,none"}
DOCS = Path(__file__).parents[3] / "docs" / "connectors" / "lm_eval.md"


def place(arm, kind="support_gen"):
    name = f"results_{TIME[arm]}.json" if kind == "results" else f"samples_{kind}_{TIME[arm]}.jsonl"
    return f"lm_eval/{arm}/{SLUG}/{name}"


@pytest.fixture
def runs(desk):
    for path in (desk.files / "lm_eval").rglob("*.json*"):
        desk.write(path.relative_to(desk.files).as_posix(), path.read_bytes())
    return desk


def rows_of(desk, arm, kind="support_gen"):
    return [json.loads(line) for line in (desk.data / place(arm, kind)).read_text().splitlines()]


def write_rows(desk, arm, rows, kind="support_gen", name=None):
    desk.write(name or place(arm, kind), "".join(json.dumps(row) + "\n" for row in rows))


def edit_results(desk, arm, change, name=None):
    data = json.loads((desk.data / place(arm, "results")).read_text())
    change(data)
    desk.write(name or place(arm, "results"), json.dumps(data))


def lift(records) -> float:
    arms: dict[str, dict[str, float]] = {"control": {}, "candidate": {}}
    for record in records:
        arms[record.variant][record.item] = record.value
    assert arms["control"].keys() == arms["candidate"].keys()
    return mean(arms["candidate"][item] - arms["control"][item] for item in arms["control"])


def test_the_one_score_of_a_task(runs):
    records = runs.read("lm_eval", **GEN)
    hand = {
        (arm, row["doc"]["id"]): row["exact_match"] for arm in TIME for row in rows_of(runs, arm)
    }  # fmt: skip
    assert {(r.variant, r.item): r.value for r in records} == hand
    assert len(records) == runs.tally.rows_read == runs.tally.rows_kept == 60
    assert {r.scorer for r in records} == {"exact_match,first"}
    assert len({r.fingerprint for r in records}) == 1
    assert not runs.tally.entries
    assert runs.read_again() == records


def test_the_full_exports_give_the_tools_own_means(desk, shared):
    totals = {}
    for path in (shared / "exports" / "lm_eval").rglob("*.json*"):
        desk.write(path.relative_to(shared / "exports").as_posix(), path.read_bytes())
        if path.name.startswith("results"):
            totals[path.parts[-3]] = json.loads(path.read_text())["results"]
    for task, metric in (
        ("support_mc", "acc,none"),
        ("support_mc", "acc_norm,none"),
        ("support_gen", "exact_match,first"),
    ):
        records = desk.read("lm_eval", path="lm_eval/**/*", map=VARIANT, metric=metric)
        assert Counter(r.variant for r in records) == {"control": 60, "candidate": 60}
        for arm in TIME:
            assert mean(r.value for r in records if r.variant == arm) == pytest.approx(totals[arm][task][metric])
        assert lift(records) == pytest.approx(totals["candidate"][task][metric] - totals["control"][task][metric])
        # The other task's samples were read and are nobody's fault.
        assert [(e.rows, e.fault) for e in desk.tally.entries] == [(120, False)]
    assert round(lift(desk.read("lm_eval", **MC)), 4) == 0.0833


def test_several_scores_need_a_name(runs):
    message = runs.fails("lm_eval", path=MC["path"], map=VARIANT)
    assert "there are several scores (acc,none, acc_norm,none). Say which one is read: `metric: NAME,FILTER`" in message
    assert {r.scorer for r in runs.read("lm_eval", **MC)} == {"acc,none"}
    message = runs.fails("lm_eval", **MC | {"metric": "acc"})
    assert "no score is called 'acc'. Write name and filter: 'acc,none'" in message


def two_filters(desk, arm):
    """As gsm8k writes it: every document once per filter, one filter after the other."""
    rows = rows_of(desk, arm)
    flexible = [{**row, "filter": "flexible", "exact_match": 1.0 - row["exact_match"]} for row in rows]
    write_rows(desk, arm, rows + flexible)


def test_one_row_per_filter_is_no_repeat(runs):
    for arm in TIME:
        two_filters(runs, arm)
    assert "there are several scores (exact_match,first, exact_match,flexible)" in runs.fails("lm_eval", **GEN)
    first = runs.read("lm_eval", **GEN, metric="exact_match,first")
    other = runs.read("lm_eval", **GEN, metric="exact_match,flexible")
    assert {r.repeat for r in (*first, *other)} == {0}
    assert (len(first), len(other)) == (60, 60)
    assert lift(first) == pytest.approx(-lift(other))
    assert (runs.tally.rows_read, runs.tally.rows_kept) == (120, 60)
    assert {r.fingerprint for r in first}.isdisjoint(r.fingerprint for r in other)


def test_the_document_is_the_item_and_not_its_place(runs):
    rows = rows_of(runs, "control")
    for row in rows:
        del row["doc"]["id"]
    write_rows(runs, "control", rows)
    before = {
        r.item: r.value for r in runs.read("lm_eval", **GEN, where={"results.config.model_args.variant": "control"})
    }
    assert set(before) == {row["doc_hash"] for row in rows}
    write_rows(runs, "control", [{**row, "doc_id": n} for n, row in enumerate(reversed(rows))])
    assert before == {r.item: r.value for r in runs.read_again()}
    for row in rows:
        del row["doc_hash"]
    write_rows(runs, "control", rows)
    assert "samples carry nothing that names their item" in runs.fails("lm_eval", **GEN)
    assert len(runs.read("lm_eval", path=GEN["path"], map=VARIANT | {"item": "doc.question"})) == 60


def test_a_made_up_model_name_is_no_variant(runs):
    """Both arms' folders carry the same slug: taken for a variant, it would merge them."""
    message = runs.fails("lm_eval", path=GEN["path"])
    assert "nothing says which variant this run is of. Write `variant: NAME` in a source of its own" in message
    assert "(variant: results.config.model_args.variant)" in message
    one = runs.read("lm_eval", path="lm_eval/candidate/**/samples_support_gen_*", variant="candidate")
    assert {r.variant for r in one} == {"candidate"}
    message = runs.fails("lm_eval", path=GEN["path"], variant="control")
    assert "two runs of the variant 'control' differ in results.config.model_args.variant" in message


@pytest.mark.parametrize("written", ["pretrained=org/{},dtype=bfloat16", {"pretrained": "org/{}", "dtype": "bfloat16"}])
def test_the_model_that_the_arguments_name(runs, written):
    for arm in TIME:
        text = json.loads(json.dumps(written).replace("{}", arm)) if isinstance(written, dict) else written.format(arm)
        edit_results(runs, arm, lambda data, text=text: data["config"].update(model_args=text))
    records = runs.read("lm_eval", path=GEN["path"], values={"variant": {"org/control": "control"}})
    assert {r.variant for r in records} == {"control", "org/candidate"}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda data: data["config"]["model_args"].update(revision="b"), "results.config.model_args.revision"),
        (lambda data: data["config"].update(gen_kwargs={"temperature": 1}), "results.config.gen_kwargs.temperature"),
        (lambda data: data.update(system_instruction="Be kind"), "results.system_instruction"),
    ],
)
def test_one_model_with_two_settings_is_two_variants(runs, change, path):
    for arm in TIME:
        edit_results(runs, arm, lambda data: data["config"].update(model_args={"pretrained": "org/model"}))
    assert {r.variant for r in runs.read("lm_eval", path=GEN["path"])} == {"org/model"}
    assert {r.repeat for r in runs.read_again()} == {0, 1}, "two runs of one variant"
    edit_results(runs, "candidate", change)
    message = runs.fails("lm_eval", path=GEN["path"])
    assert f"two runs of the variant 'org/model' differ in {path} (nothing in " in message
    assert f"variant: {path}" in message


def test_a_copy_of_a_run_counts_once(runs):
    for kind in ("support_gen", "results"):
        copy = place("control", kind).replace("/control/", "/copy/")
        runs.write(copy, (runs.data / place("control", kind)).read_bytes())
    assert len(runs.read("lm_eval", **GEN)) == 60
    assert runs.whys == {"the same run was read from another file already": 30}
    assert (runs.tally.rows_read, runs.tally.rows_kept) == (90, 60)


def test_what_makes_another_scorer(runs):
    def prints(**more):
        found = {}
        for record in runs.read("lm_eval", **GEN, **more):
            found.setdefault(record.variant, set()).add(record.fingerprint)
        return [found["control"], found["candidate"]]

    whole = json.loads((runs.data / place("candidate", "results")).read_text())
    same = [
        lambda data: data["task_hashes"].update(support_gen="other"),
        lambda data: data.update(chat_template="x", total_evaluation_time_seconds="1"),
        lambda data: data["configs"]["support_gen"].update(doc_to_text="Q: {{question}}"),
    ]
    other = [
        lambda data: data["versions"].update(support_gen=2.0),
        lambda data: data["n-shot"].update(support_gen=5),
        lambda data: data["configs"]["support_gen"]["metric_list"][0].update(ignore_case=True),
        lambda data: data.update(lm_eval_version="0.5.0"),
    ]
    for change, expected in [(one, True) for one in same] + [(one, False) for one in other]:
        edit_results(runs, "candidate", change)
        control, candidate = prints()
        assert len(control) == len(candidate) == 1
        assert (control == candidate) == expected
        runs.write(place("candidate", "results"), json.dumps(whole))
    edit_results(runs, "candidate", other[0])
    assert prints(scorer_version="v") == [{"v"}, {"v"}]


def test_addresses_in_memory_are_no_settings(runs):
    for arm in TIME:
        said = f"<function score at 0x7f{arm.encode().hex()}>"
        edit_results(runs, arm, lambda data, said=said: data["configs"]["support_gen"].update(process_results=said))
    assert len({r.fingerprint for r in runs.read("lm_eval", **GEN)}) == 1


def test_time_length_and_content(runs):
    records = runs.read("lm_eval", **GEN)
    assert {r.variant: r.at.isoformat(timespec="seconds") for r in records} == {
        "control": "2026-11-22T10:10:18+00:00", "candidate": "2026-11-22T10:10:25+00:00",
    }  # fmt: skip
    assert {r.length for r in records} == {None}, "of two answers per document nobody says which one counted"
    assert len({r.content for r in records}) == 30
    for arm in TIME:
        write_rows(runs, arm, [{**row, "resps": [["vier"]]} for row in rows_of(runs, arm)])
    assert {r.length for r in runs.read_again()} == {4.0}
    assert {r.length for r in runs.read("lm_eval", **MC)} == {None}


def test_two_tasks_with_ids_need_a_word(runs):
    for arm in TIME:
        rows = [{**row, "filter": "none", "metrics": ["acc"], "acc": row["exact_match"]} for row in rows_of(runs, arm)]
        write_rows(runs, arm, rows)
    entry = MC | {"path": "lm_eval/**/*"}
    message = runs.fails("lm_eval", **entry)
    assert "the tasks 'support_gen' and 'support_mc' may use the same ids for other documents" in message
    assert len(runs.read("lm_eval", **entry, where={"task": "support_mc"})) == 60
    hashed = runs.read("lm_eval", **entry | {"map": VARIANT | {"item": "doc_hash", "segment.task": "task"}})
    assert len(hashed) == 120
    assert {dict(r.segment)["task"] for r in hashed} == {"support_gen", "support_mc"}


def test_what_is_no_score_of_an_item(runs):
    rows = rows_of(runs, "control")
    rows[3]["exact_match"] = float("nan")
    rows[4]["exact_match"] = True
    rows[5]["metrics"] = []
    del rows[5]["exact_match"]
    write_rows(runs, "control", rows)
    records = {r.item: r for r in runs.read("lm_eval", **GEN) if r.variant == "control"}
    assert (records["ticket-003"].value, records["ticket-003"].error) == (None, "judge_unparsed")
    assert records["ticket-004"].value == 1.0
    assert "ticket-005" not in records
    assert [(e.rows, e.fault) for e in runs.tally.entries] == [(1, False)]
    rows[0]["exact_match"] = [0, 1]
    write_rows(runs, "control", rows)
    message = runs.fails("lm_eval", **GEN)
    assert f"data/{place('control')}:1: 'exact_match,first' is no number per item here" in message
    write_rows(runs, "control", [{**row, "metrics": ["bypass"], "bypass": None} for row in rows])
    assert "nothing was scored: the run was made with --predict_only" in runs.fails("lm_eval", **GEN)


def test_older_samples_do_not_list_their_metrics(runs):
    for arm in TIME:
        rows = rows_of(runs, arm)
        for row in rows:
            del row["metrics"]
        write_rows(runs, arm, rows)
    assert len(runs.read("lm_eval", **GEN)) == 60


def test_samples_without_results_need_words_instead(runs):
    (runs.data / place("candidate", "results")).unlink()
    message = runs.fails("lm_eval", **GEN)
    assert f"(results_{TIME['candidate']}.json) are not beside it" in message
    entry = {"path": place("candidate"), "variant": "candidate", "scorer_version": "support 1.0"}
    records = runs.read("lm_eval", **entry)
    assert {(r.fingerprint, r.at) for r in records} == {("support 1.0", None)}


def test_results_of_another_run_in_the_folder_are_not_its_own(runs):
    early = place("control", "results").replace("10-10-19", "09-00-00")
    edit_results(runs, "control", lambda data: data["config"]["model_args"].update(variant="early"), early)
    assert {r.variant for r in runs.read("lm_eval", **GEN)} == {"control", "candidate"}


def test_results_count_for_the_fingerprint(runs):
    def fingerprint():
        project = load_project(runs.root)
        return get("lm_eval").fingerprint(project.sources[0], project)

    runs.read("lm_eval", **GEN)
    before = fingerprint()
    assert fingerprint() == before
    edit_results(runs, "control", lambda data: data.update(date=1.0))
    assert fingerprint() != before


def test_results_of_a_json_output_path_and_packed_files(runs):
    results = (runs.data / place("control", "results")).read_bytes()
    samples = gzip.compress((runs.data / place("control")).read_bytes())
    runs.write(f"out/mine_{TIME['control']}.json.gz", gzip.compress(results))
    runs.write(f"out/samples_support_gen_{TIME['control']}.jsonl.gz", samples)
    records = runs.read("lm_eval", path="out/*", variant="control")
    assert [r.record for r in records] == [
        r.record for r in runs.read("lm_eval", path=place("control"), variant="control")
    ]


def test_results_behind_a_link_out_of_the_folder_are_not_read(runs, tmp_path):
    outside = tmp_path / "outside.json"
    outside.write_bytes((runs.data / place("control", "results")).read_bytes())
    (runs.data / place("control", "results")).unlink()
    (runs.data / place("control", "results")).symlink_to(outside)
    assert "are not beside it" in runs.fails("lm_eval", path=place("control"), variant="control")
    assert len(runs.read("lm_eval", path=place("control"), variant="control", allow_outside=True)) == 30


def test_an_edit_changes_only_its_record(runs):
    before = {r.record: r for r in runs.read("lm_eval", **GEN)}
    rows = rows_of(runs, "control")
    rows[7]["exact_match"] = 1.0 - rows[7]["exact_match"]
    write_rows(runs, "control", rows)
    after = {r.record: r for r in runs.read_again()}
    assert before.keys() == after.keys()
    assert [after[key].item for key in after if after[key] != before[key]] == ["ticket-007"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty (0 rows)"),
        (b'{"doc_id": 0, "doc"', "half-written JSON"),
        (b"[1]\n", "the line is no JSON object"),
        (b'{"id": 1, "score": 2}\n', "is no sample of lm-eval: it has no filter"),
        ('{"a": "\xe9"}\n'.encode("latin-1"), "is not UTF-8 text"),
    ],
)
def test_bad_samples_are_told_in_one_line(runs, content, says):
    runs.write(place("control"), content)
    message = runs.fails("lm_eval", **GEN)
    assert says in message
    assert message.startswith(f"data/{place('control')}")


def test_bad_results_and_other_files(runs):
    for content, says in ((b"{", "half-written JSON"), (b"[]", "is no results file of lm-eval"), (b"{}", "no config")):
        runs.write(place("control", "results"), content)
        message = runs.fails("lm_eval", **GEN)
        assert says in message
        assert message.startswith(f"data/{place('control', 'results')}")
    assert "results hold no item. Run with --log_samples" in runs.fails("lm_eval", path="lm_eval/**/results_*.json")
    runs.write("lm_eval/notes.txt", "x")
    assert "data/lm_eval/notes.txt: is named like no file" in runs.fails("lm_eval", path="lm_eval/**/*")


def test_samples_are_read_line_by_line(runs):
    """What is held grows by what tells records apart, not by the lines."""
    rows = rows_of(runs, "control")
    pad = "x" * 4000
    with (runs.data / place("control")).open("w") as stream:
        for n in range(3000):
            row = rows[n % len(rows)]
            stream.write(json.dumps({**row, "doc": {**row["doc"], "id": f"t{n}", "pad": pad}}) + "\n")
    size = (runs.data / place("control")).stat().st_size
    runs.sources(src={"signal": "s", "connector": "lm_eval", "path": place("control"), "variant": "control"})
    project = load_project(runs.root)
    tracemalloc.start()
    records = get("lm_eval").read(project.sources[0], project, runs.tally)
    next(records)
    tracemalloc.reset_peak()
    count = 1 + sum(1 for _ in records)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 3000
    assert peak < size / 8


def test_the_entries_of_the_page_work(runs):
    blocks = [block.split("```")[0] for block in DOCS.read_text().split("```yaml\n")[1:]]
    assert len(blocks) == 2
    for path in (runs.files / "lm_eval").rglob("*.json*"):
        runs.write(f"exports/{path.relative_to(runs.files).as_posix()}", path.read_bytes())
    for block in blocks:
        for entry in parse(block, "docs").data.values():
            assert len(runs.read(**{key: entry[key] for key in entry if key != "signal"})) in (30, 60)
