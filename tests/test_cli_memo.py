"""``signals memo``: four kinds of file, written at one stroke."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path

import pypdf
import pytest
from click.testing import CliRunner
from docx import Document

from signals.cli import cli
from signals.cli.files import announced, write_bytes
from signals.model import SignalsError
from signals.review import review


@pytest.fixture
def here(root: Path, demo_store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNALS_STORE", demo_store)
    monkeypatch.setenv("SIGNALS_PROJECT", str(root))


def test_every_ending_gives_its_own_kind_of_file(here: None, tmp_path: Path) -> None:
    for ending in ("md", "html", "pdf", "DOCX"):
        file = tmp_path / f"memo.{ending}"
        told = CliRunner().invoke(cli, ["memo", "tuesday-large", "-o", str(file)])
        assert told.exit_code == 0, told.output
        assert told.output == f"{file}: {file.stat().st_size:,} bytes\n"
    assert (tmp_path / "memo.md").read_text(encoding="utf-8").startswith("# Decision memo: tuesday-large\n")
    assert (tmp_path / "memo.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    sentence = review("tuesday-large").verdict.sentence[:40]
    first = pypdf.PdfReader(BytesIO((tmp_path / "memo.pdf").read_bytes())).pages[0].extract_text()
    assert sentence in " ".join(first.split())
    assert any(sentence in one.text for one in Document(str(tmp_path / "memo.DOCX")).paragraphs)
    assert {one.name for one in tmp_path.iterdir()} == {"memo.md", "memo.html", "memo.pdf", "memo.DOCX"}


def test_the_memo_names_the_verdict_as_the_record_does(here: None, tmp_path: Path) -> None:
    file = tmp_path / "memo.md"
    assert CliRunner().invoke(cli, ["memo", "tuesday-large", "-o", str(file)]).exit_code == 0
    assert "- **Verdict**: `sha256:" in file.read_text(encoding="utf-8")


def test_a_file_that_cannot_be_written_stays_as_it_was(here: None, tmp_path: Path) -> None:
    told = CliRunner().invoke(cli, ["memo", "tuesday-large", "-o", str(tmp_path / "no" / "memo.pdf")])
    assert told.exit_code == 2
    assert "cannot be written" in told.output
    told = CliRunner().invoke(cli, ["memo", "tuesday-large", "-o", str(tmp_path / "memo.xls")])
    assert (told.exit_code, "Choose .md, .html, .pdf, .docx" in told.output) == (2, True)


def test_a_file_is_replaced_whole_and_a_link_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, link = tmp_path / "real.pdf", tmp_path / "link.pdf"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_bytes(link, b"new")
    assert link.is_symlink()
    assert (real.read_bytes(), real.stat().st_mode & 0o777) == (b"new", 0o640)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SignalsError, match="No space left on device"):
        write_bytes(real, b"half")
    assert real.read_bytes() == b"new"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link.pdf", "real.pdf"]


def test_only_who_waits_at_a_terminal_is_told_what_takes_so_long(capfd: pytest.CaptureFixture[str]) -> None:
    with announced("Writing memo.pdf"):
        time.sleep(1.2)
    assert capfd.readouterr().err == ""  # not a terminal
    script = (
        "import time\nfrom signals.cli import files\nfiles.PATIENCE = 0.2\n"
        "with files.announced('Writing a.pdf'): pass\n"
        "with files.announced('Writing b.pdf'): time.sleep(1)\n"
    )
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", script], stderr=theirs, check=True)
    os.close(theirs)
    said = os.read(ours, 4096).decode()
    os.close(ours)
    assert "b.pdf …" in said
    assert "a.pdf" not in said
    assert said.endswith("\r\x1b[K")
