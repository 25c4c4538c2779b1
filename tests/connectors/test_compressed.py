"""Packed files: every packing, every reader, and every way in which one can be cut off, damaged or too large."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import shutil
import tracemalloc
import zipfile
import zlib

import pytest
import zstandard
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from signals.connectors import unpacking
from signals.connectors.archives import members
from signals.connectors.compressed import HEAD, open_packed, packing, plain_name
from signals.connectors.paths import InputFile
from signals.model import SignalsError

PACK = {
    "gz": lambda data: gzip.compress(data, mtime=0),
    "zst": zstandard.ZstdCompressor(write_checksum=True).compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}
SCORES = {"shape": "item_score", "map": {"item": "i", "variant": "v", "value": "y"}}
CSV = "i,v,y\na,control,1\nb,candidate,0\n"
LINES = '{"i":"a","v":"control","y":1}\n{"i":"b","v":"candidate","y":0}\n'
EXPECTED = [("a", "control", 1.0), ("b", "candidate", 0.0)]
METHODS = {"stored": zipfile.ZIP_STORED, "deflate": zipfile.ZIP_DEFLATED, "bzip2": zipfile.ZIP_BZIP2}


def items(records):
    return [(r.item, r.variant, r.value) for r in records]


def zipped(files, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def unpacked(path):
    with open_packed(InputFile(path, path.name)) as stream:
        return stream.read()


@pytest.mark.parametrize("ending", PACK)
def test_tables_of_every_kind(desk, ending):
    import duckdb
    import openpyxl

    desk.write("s.csv", CSV)
    duckdb.sql(f"COPY (SELECT * FROM '{desk.data}/s.csv') TO '{desk.data}/s.parquet'")
    book = openpyxl.Workbook()
    for row in (["i", "v", "y"], ["a", "control", 1], ["b", "candidate", 0]):
        book.active.append(row)
    book.save(desk.data / "s.xlsx")
    desk.write("s.tsv", CSV.replace(",", "\t"))
    desk.write("s.jsonl", LINES)
    for kind in ("csv", "tsv", "jsonl", "parquet", "xlsx"):
        plain = (desk.data / f"s.{kind}").read_bytes()
        desk.write(f"p.{kind}.{ending}", PACK[ending](plain))
        assert items(desk.read(path=f"p.{kind}.{ending}", **SCORES)) == EXPECTED, kind
        desk.write(f"named-wrongly.{kind}", PACK[ending](plain))  # its bytes say what it is
        assert items(desk.read(path=f"named-wrongly.{kind}", **SCORES)) == EXPECTED, kind
        desk.write(f"not-packed.{kind}.{ending}", plain)  # a browser unpacked it and kept the name
        assert items(desk.read(path=f"not-packed.{kind}.{ending}", **SCORES)) == EXPECTED, kind


@pytest.mark.parametrize("method", METHODS)
def test_a_zip_of_several_files(desk, method):
    half = LINES.splitlines(keepends=True)
    files = {
        "export/": b"", "export/2.jsonl": half[1].encode().rstrip(), "export/1.json.gz": PACK["gz"](half[0].encode()),
        "__MACOSX/export/._1.json.gz": b"junk", "export/.DS_Store": b"junk",
    }  # fmt: skip
    desk.write("e.zip", zipped(files, METHODS[method]))
    assert items(desk.read(path="e.zip", **SCORES)) == EXPECTED
    assert items(desk.read(path="*.zip", **SCORES)) == EXPECTED
    assert items(desk.read(path="e.zip/export/2.jsonl", **SCORES)) == EXPECTED[1:]
    assert items(desk.read(path="*.zip/*.gz", **SCORES)) == EXPECTED[:1]
    assert "holds no file that matches 'x*'" in desk.fails(path="e.zip/x*", **SCORES)
    tables = {"a.csv": CSV.encode(), "b.csv.xz": PACK["xz"](b"v,i,y\ncontrol,c,1\n")}
    desk.write("t.zip", zipped(tables, METHODS[method]))
    assert items(desk.read(path="t.zip", **SCORES)) == [*EXPECTED, ("c", "control", 1.0)]
    desk.write("hidden.csv", zipped({"a.csv": CSV.encode()}))
    assert items(desk.read(path="hidden.csv", **SCORES)) == EXPECTED
    desk.write("t.zip", CSV)
    assert "data/t.zip: is no zip archive of files" in desk.fails(path="t.zip/x.csv", **SCORES)


def test_zstandard_inside_a_zip(desk):
    """Method 93: written by hand, because Python's zipfile cannot before 3.14."""
    data = LINES.encode()
    packed = PACK["zst"](data)
    raw = bytearray(zipped({"a.jsonl": packed}, zipfile.ZIP_STORED))
    crc = zlib.crc32(data).to_bytes(4, "little")
    central = raw.index(b"PK\x01\x02")
    for start, shift in ((0, 0), (central, 2)):
        raw[start + 8 + shift : start + 10 + shift] = (93).to_bytes(2, "little")
        raw[start + 14 + shift : start + 18 + shift] = crc
        raw[start + 22 + shift : start + 26 + shift] = len(data).to_bytes(4, "little")
    desk.write("z.zip", bytes(raw))
    assert items(desk.read(path="z.zip", **SCORES)) == EXPECTED


def test_faults_name_the_member_and_its_line(desk):
    good = '{"i":"a","v":"control","y":1}\n'
    desk.write("e.zip", zipped({"1.jsonl": good * 1200 + "\n", "2.jsonl": good + '{"i":"b","v', "3.jsonl": good}))
    outcome = {"shape": "outcome", "map": {"unit": "i", "variant": "v", "value": "y"}}
    for entry in (SCORES, outcome):
        assert desk.fails(path="e.zip", **entry).startswith("data/e.zip/2.jsonl:2: is not valid JSON here")
    desk.write("e.zip", zipped({"1.jsonl": good * 3, "2.jsonl": '{"i":"b","v":"control","y":"x"}\n'}))
    desk.read(path="e.zip", **SCORES)
    assert any("'x' in data/e.zip/2.jsonl row 1" in entry.why for entry in desk.tally.entries)
    desk.write("e.zip", zipped({"1.csv": CSV, "2.csv": "i,v\na,control\n"}))
    assert desk.fails(path="e.zip", **SCORES).startswith("data/e.zip/2.csv: has no column 'y'")
    desk.write("e.zip", zipped({"1.csv": CSV, "README.md": "x"}))
    assert "data/e.zip/README.md: no table ends in '.md'" in desk.fails(path="e.zip", **SCORES)


def test_bad_archives(desk):
    whole = zipped({"a.csv": CSV.encode() * 2000})
    flipped = bytearray(whole)
    flipped[80] ^= 255
    encrypted = bytearray(whole)
    encrypted[6] |= 1
    encrypted[whole.index(b"PK\x01\x02") + 8] |= 1
    method = bytearray(whole)
    method[whole.index(b"PK\x01\x02") + 10] = 9
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.csv", CSV)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.csv", CSV + "c,control,1\n")
    for data, message in (
        (whole[:-30], "data/e.zip: cannot be read: its zip packing ends too early"),
        (whole[: len(whole) // 2], "data/e.zip: cannot be read: its zip packing ends too early"),
        (bytes(flipped), "data/e.zip/a.csv: cannot be read: its zip packing is damaged"),
        (bytes(encrypted), "data/e.zip/a.csv: is encrypted"),
        (bytes(method), "data/e.zip/a.csv: is packed by method 9 of zip"),
        (out.getvalue(), "data/e.zip: holds two files named 'a.csv'"),
        (zipped({}), "data/e.zip: holds no file"),
        (zipped({"only/": b""}), "data/e.zip: holds no file"),
        (zipped({"a.zip": whole}), "data/e.zip/a.zip: no table ends in '.zip'"),
        (zipped({"a.csv": whole}), "data/e.zip/a.csv: is a zip archive inside a zip archive"),
        (zipped({"a.csv.gz": PACK["gz"](PACK["gz"](b"x"))}), "data/e.zip/a.csv.gz: is packed twice"),
        (zipped({"a\nb.csv": CSV.encode()}), "data/e.zip: holds a file with a control character"),
    ):
        desk.write("e.zip", data)
        found = desk.fails(path="e.zip", **SCORES)
        assert message in found, found
        assert "Traceback" not in found


@pytest.mark.parametrize("ending", PACK)
def test_cut_off_or_damaged(desk, ending):
    data = b"".join(b'{"i":"%d","v":"control","y":1}\n' % number for number in range(20_000))
    packed = PACK[ending](data)
    middle = len(packed) // 2
    bad = {
        "cut": packed[:-5], "half": packed[:middle], "begun": packed[:12],
        "flipped": packed[:middle] + bytes([packed[middle] ^ 0x55]) + packed[middle + 1 :],
        "more": packed + b"something else", "twice": PACK["gz"](packed),
    }  # fmt: skip
    for name, content in bad.items():
        desk.write(f"{name}.jsonl.{ending}", content)
        message = desk.fails(path=f"{name}.jsonl.{ending}", **SCORES)
        assert message.startswith(f"data/{name}.jsonl.{ending}: "), name
        assert ("is packed twice" if name == "twice" else "cannot be read: its") in message
        assert "again" in message or "Unpack" in message
    for name, content in {"two": packed + packed, "padded": packed + bytes(512)}.items():
        path = desk.write(f"{name}.jsonl.{ending}", content)
        assert unpacked(path) == data * (2 if name == "two" else 1)


@pytest.mark.parametrize("ending", PACK)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=3000), seed=st.integers(0, 10_000), bit=st.integers(0, 7), cut=st.booleans())
def test_whatever_comes_out_is_what_went_in(tmp_path, ending, data, seed, bit, cut):
    assume(packing(data[:HEAD]) is None)
    packed = bytearray(PACK[ending](data))
    path = tmp_path / f"f.{ending}"
    path.write_bytes(packed)
    assert unpacked(path) == data
    place = HEAD + seed % max(1, len(packed) - HEAD)
    if cut:
        path.write_bytes(packed[:place])
    else:
        packed[min(place, len(packed) - 1)] ^= 1 << bit
        path.write_bytes(packed)
    try:
        found = unpacked(path)
    except SignalsError as error:
        assert "cannot be read: its" in str(error) or "is packed twice" in str(error)  # noqa: PT017  (either is right)
    else:
        assert found == data and not (cut and place < len(packed))  # noqa: PT018  (a bit that means nothing)


@pytest.mark.parametrize("ending", PACK)
def test_bombs_are_refused_in_little_memory(desk, ending):
    make = {
        "gz": lambda: zlib.compressobj(9, zlib.DEFLATED, 31),
        "zst": zstandard.ZstdCompressor().compressobj,
        "bz2": bz2.BZ2Compressor,
        "xz": lzma.LZMACompressor,
    }
    packer = make[ending]()
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(300)) + packer.flush()
    desk.write(f"b.csv.{ending}", bomb)
    tracemalloc.start()
    try:
        message = desk.fails(path=f"b.csv.{ending}", **SCORES)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    if len(bomb) * 1000 < 300 << 20:
        assert "unpacks to more than" in message
        assert "1,000 times its size" in message
    assert most < 100_000_000


def test_a_zip_that_is_a_bomb(desk):
    desk.write("e.zip", zipped({f"{n}.csv": bytes(40 << 20) for n in range(8)}))
    message = desk.fails(path="e.zip", **SCORES)
    assert "more than its parts can be" in message or "unpacks to more" in message


def test_a_full_disk_is_said_before_it_is_full(desk, monkeypatch):
    desk.write("s.csv.gz", PACK["gz"](CSV.encode()))
    monkeypatch.setattr(unpacking, "ROOM", shutil.disk_usage(desk.root).free + (1 << 40))
    message = desk.fails(path="s.csv.gz", **SCORES)
    assert message.startswith("data/s.csv.gz: does not fit on the disk when it is unpacked:")
    assert "set TMPDIR" in message
    desk.write("s.csv", CSV)
    assert items(desk.read(path="s.csv", **SCORES)) == EXPECTED


def test_fingerprints_are_of_the_bytes_on_the_disk(desk):
    from signals import connectors
    from signals.project import load_project

    def fingerprint():
        project = load_project(desk.root)
        return connectors.get("table").fingerprint(project.sources[0], project)

    desk.write("e.zip", zipped({"a.csv": CSV.encode(), "b.csv": b"i,v,y\nc,control,1\n"}))
    desk.sources(src={"signal": "s", "connector": "table", "path": "e.zip", **SCORES})
    first = fingerprint()
    assert first == fingerprint()
    desk.sources(src={"signal": "s", "connector": "table", "path": "e.zip/a.csv", **SCORES})
    assert fingerprint() == first
    desk.write("e.zip", zipped({"a.csv": CSV.encode(), "b.csv": b"i,v,y\nc,control,0\n"}))
    assert fingerprint() != first


def test_names(tmp_path):
    for name, plain in (
        ("a/B.JSONL.gz", "b.jsonl"), ("x.csv", "x.csv"), ("e.zip/1.json.zst", "1.json"), ("x.tar.gz", "x.tar"),
    ):  # fmt: skip
        assert plain_name(name) == plain
    path = tmp_path / "e.zip"
    path.write_bytes(zipped({"b/x.csv": b"1", "a.csv": b"2"}))
    found = members(InputFile(path, "data/e.zip"))
    assert [(one.name, one.outer, one.member) for one in found] == [
        ("data/e.zip/a.csv", "data/e.zip", "a.csv"),
        ("data/e.zip/b/x.csv", "data/e.zip", "b/x.csv"),
    ]


def test_a_folder_may_be_called_like_an_archive(desk):
    desk.write("old.zip/s.csv", CSV)
    assert items(desk.read(path="old.zip/*.csv", **SCORES)) == EXPECTED


EXPORTS = {
    "promptfoo": ({"connector": "promptfoo", "map": {"item": "testCase.metadata.item_id"}}, "promptfoo_control.json"),
    "label_studio": (
        {"connector": "label_studio", "map": {"item": "data.item_id", "variant": "data.variant"}},
        "label_studio_rating_control.json",
    ),
}


@pytest.mark.parametrize("tool", EXPORTS)
@pytest.mark.parametrize("ending", [*PACK, "zip"])
def test_readers_of_json(desk, tool, ending):
    entry, name = EXPORTS[tool]
    plain = (desk.files / name).read_bytes()
    desk.write("plain.json", plain)
    expected = desk.read(path="plain.json", **entry)
    if ending == "zip":
        desk.write("p.zip", zipped({"in/x.json.gz": PACK["gz"](plain)}))
        found = desk.read(path="p.zip", **entry)
    else:
        desk.write(f"p.json.{ending}", PACK[ending](plain))
        found = desk.read(path=f"p.json.{ending}", **entry)
        desk.write("p.json", PACK[ending](plain))
        assert len(desk.read(path="p.json", **entry)) == len(expected)
        desk.write("cut.json", PACK[ending](plain)[:-7])
        assert "data/cut.json: cannot be read: its" in desk.fails(path="cut.json", **entry)
    assert found == expected
    assert len(found) > 20


def test_promptfoo_lines_in_a_zip(desk):
    rows = json.loads((desk.files / "promptfoo_control.json").read_text())["results"]["results"]
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    entry = {"connector": "promptfoo", "map": {"item": "testCase.metadata.item_id"}}
    desk.write("rows.jsonl", text)
    expected = desk.read(path="rows.jsonl", **entry)
    desk.write("rows.zip", zipped({"rows.jsonl.zst": PACK["zst"](text)}))
    assert desk.read(path="rows.zip", **entry) == expected
    desk.write("rows.zip", zipped({"rows.jsonl": text[:-40]}))
    assert "data/rows.zip/rows.jsonl:" in desk.fails(path="rows.zip", **entry)


def test_lm_eval_samples_with_their_results_in_a_zip(desk):
    folder = desk.files / "lm_eval"
    samples = sorted(folder.rglob("samples_support_mc_*.jsonl*"))
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in (".json", ".jsonl", ".gz"):
            name = path.relative_to(folder).as_posix()
            desk.write(f"lm/{name}", path.read_bytes())
            files[name] = path.read_bytes()
    assert samples
    entry = {
        "connector": "lm_eval", "metric": "acc,none", "where": {"task": "support_mc"},
        "map": {"variant": "results.config.model_args.variant"},
    }  # fmt: skip
    expected = desk.read(path="lm/**/samples_support_mc_*", **entry)
    desk.write("lm.zip", zipped(files))
    assert desk.read(path="lm.zip/*samples_support_mc_*", **entry) == expected


FOLDERS = {
    "deepeval": ("deepeval/**/*.json", {"connector": "deepeval", "map": {"item": "metadata.item_id"}}),
    "otel": (
        "otel/*.jsonl",
        {
            "connector": "otel", "metric": "Helpfulness",
            "map": {"item": "span.attributes.app.item_id", "variant": "span.resource.attributes.service.version"},
        },
    ),
    "langfuse": ("langfuse_*.json", {"connector": "langfuse", "variant": "control", "map": {"item": "subject.id"}}),
}  # fmt: skip


@pytest.mark.parametrize("tool", FOLDERS)
def test_folders_of_exports(desk, tool):
    pattern, entry = FOLDERS[tool]
    files = {path.relative_to(desk.files).as_posix(): path.read_bytes() for path in sorted(desk.files.glob(pattern))}
    assert len(files) > 1
    for name, data in files.items():
        desk.write(f"plain/{name}", data)
        desk.write(f"packed/{name}.zst", PACK["zst"](data))
    ending = pattern.rsplit(".", 1)[1]
    expected = desk.read(path=f"plain/**/*.{ending}", **entry)
    assert len(expected) > 10
    assert desk.read(path=f"packed/**/*.{ending}.zst", **entry) == expected
    desk.write("all.zip", zipped(files))
    assert desk.read(path="all.zip", **entry) == expected
    desk.write("cut.zip", zipped(files)[:-400])
    assert "data/cut.zip: cannot be read: its zip packing" in desk.fails(path="cut.zip", **entry)
