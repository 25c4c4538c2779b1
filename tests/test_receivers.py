"""`notify:` is read strictly, with line and column, and holds no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from signals.model import SignalsError
from signals.project import load_project

RELEASES = """\
releases:
  - {id: prompt-v7, kind: prompt, control: prompt-v6, candidate: prompt-v7, started: 2026-11-10}
notify:
"""


def project(tmp_path: Path, text: str) -> Path:
    (tmp_path / "data").mkdir(exist_ok=True)
    (tmp_path / "data" / "sources.yaml").write_text(RELEASES + text)
    return tmp_path


def test_receivers_are_loaded_as_written(tmp_path: Path) -> None:
    text = """\
  - url: ${SIGNALS_WEBHOOK}
    secret: ${SIGNALS_WEBHOOK_SECRET}
  - {url: "${SLACK:-}", format: slack, releases: [prompt-v7]}
  - {url: http://127.0.0.1:9000/hook, secret: "${S}"}
"""
    first, second, third = load_project(project(tmp_path, text)).receivers
    assert (first.url, first.secret, first.format, first.releases) == (
        "${SIGNALS_WEBHOOK}", "${SIGNALS_WEBHOOK_SECRET}", "json", ()
    )  # fmt: skip
    assert first.shown == "receiver 1 (json, ${SIGNALS_WEBHOOK})"
    assert (second.number, second.format, second.secret, second.releases) == (2, "slack", "", ("prompt-v7",))
    assert third.line == 7


def test_a_file_without_it_tells_nobody(tmp_path: Path, root: Path) -> None:
    assert load_project(root).receivers == ()


@pytest.mark.parametrize(
    "text, place, says",
    [
        ("  - {url: 'https://hooks.example.org/T1/B2', format: slack}", "4:11", "write url: ${NAME}"),
        (
            "  - {url: '${S:-https://hooks.example.org/T1/B2}', format: slack}",
            "4:11",
            "a part of the address of a chat",
        ),
        ("  - {url: 'https://hooks.example.org/T1/B2/${S}', format: slack}", "4:11", "a part of the address of a chat"),
        ("  - {url: '${A}', secret: topsecret}", "4:27", "the secret stands in the file"),
        ("  - {url: '${A}', secret: '${B}x'}", "4:27", "more than one variable"),
        ("  - {url: '${A}', secret: '${B:-topsecret}'}", "4:27", "more than one variable"),
        ("  - {url: '${A}'}", "4:5", "key 'secret' is missing"),
        ("  - {url: 'http://example.org', secret: '${B}'}", "4:11", "not encrypted (http)"),
        ("  - {url: 'example.org', secret: '${B}'}", "4:11", "not the address of a receiver"),
        ("  - {url: '${A}', format: slak}", "4:27", "Did you mean 'slack'?"),
        ("  - {url: '${A}', format: slack, release: [prompt-v7]}", "4:34", "Did you mean 'releases'?"),
        ("  - {url: '${A}', format: slack, releases: [prompt-v8]}", "4:45", "Did you mean 'prompt-v7'?"),
        ("  - {url: '${A}', format: slack, releases: []}", "4:44", "at least 1 item"),
        ("  - {format: slack}", "4:5", "key 'url' is missing"),
        ("  - {url: '${A}', format: slack}\n  - {url: '${A}', format: slack}", "5:11", "first on line 4"),
        ("  - just text", "4:5", "holds keys with values"),
        ("  url: '${A}'", "4:3", "list"),
    ],
)
def test_each_mistake_is_told_with_its_place(tmp_path: Path, text: str, place: str, says: str) -> None:
    with pytest.raises(SignalsError) as raised:
        load_project(project(tmp_path, text))
    said = str(raised.value)
    assert f"sources.yaml:{place}:" in said, said
    assert says in said
    assert "topsecret" not in said
    assert "T1/B2" not in said


def test_an_address_that_is_given_twice_is_not_repeated(tmp_path: Path) -> None:
    entry = "  - {url: 'https://hooks.example.org/T1/B2', format: slack}\n"
    with pytest.raises(SignalsError, match="first on line 4") as raised:
        load_project(project(tmp_path, entry + entry))
    assert "T1/B2" not in str(raised.value)
