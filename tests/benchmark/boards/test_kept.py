"""What a folder keeps is read as it was written, its pages can be made again, and what is no board is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from benchmark.boards.describing import docstring, together
from benchmark.boards.kept import FACTS, SCHEMA, TABLES, as_csv, board_folder, parsed, plain, read, write
from benchmark.boards.showing import render_kept
from benchmark.errors import TouchstoneError, UnknownNameError
from benchmark.layout import Layout
from tests.support import kept_board


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A published board."""
    place = tmp_path / "board"
    write(kept_board.kept(tmp_path / "made"), place)
    render_kept(place)
    return place


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = kept_board.kept(tmp_path / "made")
    files = write(made, tmp_path / "board")
    again = read(tmp_path / "board")
    assert again.facts == made.facts
    assert again.provenance == made.provenance
    pd.testing.assert_frame_equal(again.scores, made.scores)
    assert {path.name for path in files} == {*(f"{name}.csv" for name in TABLES), FACTS, "scores.parquet"} | {
        "provenance.json",
        "f-t-good.png",
    }
    for name in TABLES:
        assert as_csv(again.tables[name]) == as_csv(made.tables[name]), name


def test_the_same_pages_are_made_from_what_is_kept(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    pages = {path for path in render_kept(folder) if path.suffix in (".html", ".md")}
    assert pages
    for path in pages:
        path.unlink()
    render_kept(folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_an_empty_text_is_no_missing_number() -> None:
    table = parsed("marks", b'family,reason,room,ranked\nNA,,,True\nf,"a, b",0.5,\n')
    assert table["family"].tolist() == ["NA", "f"]
    assert table["reason"].tolist() == ["", "a, b"]
    assert table["room"].isna().tolist() == [True, False]
    assert table["ranked"].isna().tolist() == [False, True]


def test_json_holds_no_numbers_that_are_none() -> None:
    assert plain({"a": (float("nan"), float("inf")), 1: {2}, "p": Path("x")}) == {
        "a": [None, "inf"],
        "1": [2],
        "p": "x",
    }


def test_a_board_from_before_the_agreement_of_metrics_has_none(folder: Path) -> None:
    _edit(folder, schema_version=1)
    (folder / "agreement.csv").unlink()
    table = read(folder).tables["agreement"]
    assert table.empty
    assert "tau" in table
    assert "Which faithfulness metrics" not in render_kept(folder)[0].with_name("index.html").read_text()


REFUSED = {
    "nothing there": (lambda folder: [path.unlink() for path in folder.glob("*.*")], "holds no board"),
    "an older form": (lambda folder: (folder / FACTS).unlink(), "published before"),
    "a newer schema": (lambda folder: _edit(folder, schema_version=SCHEMA + 1), f"schema {SCHEMA + 1}.*up to {SCHEMA}"),
    "another key": (lambda folder: _edit(folder, extra=1), "board.json is damaged: extra"),
    "half a file": (lambda folder: (folder / FACTS).write_text('{"schema_version": 1,'), "board.json is damaged"),
    "a list": (lambda folder: (folder / "provenance.json").write_text("[]"), "provenance.json is damaged"),
    "no scores": (lambda folder: (folder / "scores.parquet").write_bytes(b"PAR1"), "scores.parquet is damaged"),
    "a table lost": (lambda folder: (folder / "marks.csv").unlink(), "marks.csv is damaged"),
    "a word for a number": (
        lambda folder: (folder / "measured.csv").write_text("subject,seed,fact,value\ns,0,loss,much\n"),
        "measured.csv is damaged",
    ),
    "a picture lost": (lambda folder: (folder / "pictures" / "f-t-good.png").unlink(), "f-t-good.png is missing"),
}


def _edit(folder: Path, **changes: object) -> None:
    content = json.loads((folder / FACTS).read_text())
    (folder / FACTS).write_text(json.dumps(content | changes))


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_board_is_refused_with_the_reason(folder: Path, case: str) -> None:
    spoil, expected = REFUSED[case]
    spoil(folder)
    with pytest.raises(TouchstoneError, match=expected):
        read(folder)


def test_a_table_without_a_column_of_the_page_is_refused(folder: Path) -> None:
    (folder / "marks.csv").write_text("family,task\nf,t\n")
    with pytest.raises(TouchstoneError, match=r"marks.*lacks"):
        render_kept(folder)


def test_a_board_is_named_by_its_folder_or_its_profile(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert board_folder(str(folder)) == folder
    monkeypatch.chdir(folder.parent)
    write(read(folder), Layout("small").leaderboard)
    assert board_folder("small") == Layout("small").leaderboard
    with pytest.raises(UnknownNameError, match="did you mean 'small'"):
        board_folder("smal")


def test_parameters_that_differ_say_where_they_are_which() -> None:
    given = {"one": {"steps": 5, "rate": 0.1}, "two": {"steps": 20, "rate": 0.1}, "three": {"steps": 5}}
    assert together(given) == {"steps": "5 (one, three); 20 (two)", "rate": 0.1}


def test_the_docstring_of_a_file_and_of_what_it_defines(tmp_path: Path) -> None:
    path = tmp_path / "method.py"
    path.write_text('"""A lesson.\n\n    x = y\n"""\n\ndef method():\n    """What it does."""\n')
    assert docstring(path, "method") == "A lesson.\n\n    x = y\n\nWhat it does."
    assert docstring(tmp_path / "absent.py", "method") == ""
    path.write_text("def broken(:")
    assert docstring(path, "broken") == ""
