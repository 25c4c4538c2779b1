"""Inspect's archives: every way of packing, and every way of being broken."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.connectors.evals.inspect_log import read_log, samples
from signals.connectors.paths import InputFile
from signals.model import SignalsError
from tests.connectors.evals.inspect_logs import DEFLATED, STORED, ZSTD, archive, as_eval, as_json, read

HEAD = {"version": 2, "status": "success", "eval": {"task": "t", "model": "m"}}


def small(**sample):
    one = {"id": "a", "epoch": 1, "scores": {"model_graded_qa": {"value": "C"}}, **sample}
    return {"header.json": json.dumps(HEAD).encode(), "samples/a_epoch_1.json": json.dumps(one).encode()}


@pytest.mark.parametrize("method", [STORED, DEFLATED, ZSTD])
def test_every_way_of_packing_reads_the_same(desk, method):
    log = read(desk.files / "inspect" / "control.eval")
    desk.write("one.eval", as_eval(log, method))
    desk.write("one.json", as_json(log))
    assert desk.read("inspect", path="one.eval") == desk.read("inspect", path="one.json")
    assert desk.tally.rows_kept == 50


def test_a_bare_nan_in_json_is_no_fault(desk):
    log = read(desk.files / "inspect" / "control.eval")
    assert "NaN" in as_json(log)
    desk.write("one.json", as_json(log))
    assert len(desk.read("inspect", path="one.json", metric="rubric_0_1", scorer_version="1")) == 50


@pytest.mark.parametrize("method", [STORED, DEFLATED, ZSTD])
def test_an_entry_that_is_not_what_its_directory_says_is_damaged(desk, method):
    for lie in ({"size": 10}, {"size": 100_000}, {"crc": 1}):
        desk.write("a.eval", archive(small(), method, **lie))
        message = desk.fails("inspect", path="a.eval")
        assert "data/a.eval: its entry 'header.json' is damaged" in message


def test_a_bomb_is_not_unpacked(desk):
    desk.write("a.eval", archive({**small(), "samples/b_epoch_1.json": b" " * 5_000_000}, size=1000))
    assert "is damaged" in desk.fails("inspect", path="a.eval")
    desk.write("a.eval", archive(small(), size=3_000_000_000))
    assert "holds more than the 256,000,000 bytes" in desk.fails("inspect", path="a.eval")


def test_a_method_that_is_not_known(desk):
    desk.write("a.eval", archive(small(), 14))
    assert "its entry 'header.json' is packed by method 14, which cannot be read" in desk.fails(
        "inspect", path="a.eval"
    )


@pytest.mark.parametrize("name", ["header.json", "samples/a_epoch_1.json"])
@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"1" * 5000, b"null", b"[1]", b'{"id": 1}']
)
def test_entries_that_are_not_what_they_should_be(desk, name, content):
    desk.write("a.eval", archive({**small(), name: content}))
    message = desk.fails("inspect", path="a.eval")
    assert message.startswith("data/a.eval: ")
    assert "is not an Inspect log" in message or name in message


def test_files_that_are_no_logs(desk):
    whole = (desk.files / "inspect" / "control.eval").read_bytes()
    desk.write("cut.eval", whole[: len(whole) // 2])
    assert "data/cut.eval: ends too early: half-written log" in desk.fails("inspect", path="cut.eval")
    desk.write("text.eval", "hello")
    assert "data/text.eval: is not an Inspect log: an .eval file is an archive" in desk.fails(
        "inspect", path="text.eval"
    )
    desk.write("none.eval", b"")
    assert "data/none.eval: is empty" in desk.fails("inspect", path="none.eval")
    desk.write("other.eval", archive({"word/document.xml": b"<a/>"}))
    assert "data/other.eval: is not an Inspect log" in desk.fails("inspect", path="other.eval")
    desk.write("other.json", '{"results": {"results": []}}')
    assert "data/other.json: is not an Inspect log" in desk.fails("inspect", path="other.json")
    desk.write("list.json", "[1]")
    assert "data/list.json: is not an Inspect log" in desk.fails("inspect", path="list.json")
    text = as_json(read(desk.files / "inspect" / "control.eval"))
    desk.write("cut.json", text[: len(text) // 2])
    assert "half-written JSON" in desk.fails("inspect", path="cut.json")
    desk.write("new.json", text.replace('"version": 2', '"version": 3', 1))
    assert "is an Inspect log of format 3, and format 2 is what can be read" in desk.fails("inspect", path="new.json")


def test_samples_are_read_one_by_one(desk):
    """A log larger than memory: the first sample is there, though a later entry cannot be read."""
    entries = {**small(), "samples/b_epoch_1.json": b"{"}
    log = read_log(InputFile(desk.write("a.eval", archive(entries)), "a.eval"))
    found = samples(log)
    assert next(found)["id"] == "a"
    with pytest.raises(SignalsError, match="b_epoch_1"):
        next(found)


@given(st.data())
def test_no_byte_makes_it_fall_over(tmp_path_factory, data):
    whole = bytearray(archive(small(), data.draw(st.sampled_from([STORED, DEFLATED, ZSTD]))))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("log") / "a.eval"
    path.write_bytes(whole[: data.draw(st.integers(1, len(whole)))])
    with contextlib.suppress(SignalsError):
        assert all(isinstance(sample["epoch"], int) for sample in samples(read_log(InputFile(path, "a.eval"))))
