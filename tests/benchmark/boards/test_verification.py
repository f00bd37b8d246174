"""A true board passes every check, and each kind of falsehood fails the check that is about it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from benchmark.boards.checks import CHECKS, Case, shown_names
from benchmark.boards.kept import Kept, write
from benchmark.boards.showing import render_kept
from benchmark.boards.verification import lines, verify
from benchmark.conformance.checks import Suite
from tests.support import kept_board

ROWS = kept_board.scores()
REGISTRY = kept_board.registry(kept_board.scores(("f", "g")))
PAGES, TABLES = "its pages are those of its tables", "every table follows from the scores"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return kept_board.kept(tmp_path_factory.mktemp("made"), ROWS)


@pytest.fixture
def folder(made: Kept, tmp_path: Path) -> Path:
    """The board, published."""
    write(made, tmp_path)
    render_kept(tmp_path)
    return tmp_path


def failed(kept: Kept, about: str = "", *, allow_dirty: bool = False) -> list[str]:
    """Which of the checks whose names hold `about` a board fails; its pages, which are not made, are not looked at."""
    found: list[dict[str, object]] = []
    case = Case(Path("nowhere"), kept, REGISTRY, allow_dirty)
    Suite(check for check in CHECKS if about in check.name and check.name != PAGES).run(case, found.append)
    assert found
    return [str(finding["name"]) for finding in found if not finding["passed"]]


def test_a_true_board_passes_every_check_in_a_line_each(folder: Path) -> None:
    found = verify(folder, registry=REGISTRY)
    assert [finding for finding in found if not finding.passed] == []
    assert [finding.name for finding in found] == ["it can be read", *(check.name for check in CHECKS)]
    assert all(line.startswith("ok") and "\n" not in line for line in lines(found))


def _rows(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Kept], Kept]:
    """A board whose scores were changed and whose tables were computed from these."""

    def forged(made: Kept) -> Kept:
        rows = change(made.scores.copy())
        source = {**made.provenance}
        return Kept(made.facts, rows, made.tables, source, made.pictures)

    return forged


def _set(column: str, value: object, *, method: str = "good") -> Callable[[Kept], Kept]:
    """One row of a method, changed."""

    def change(rows: pd.DataFrame) -> pd.DataFrame:
        at = rows.index[rows["method"] == method][0]
        rows.loc[at, column] = value
        return rows

    return _rows(change)


def _source(**changes: object) -> Callable[[Kept], Kept]:
    return lambda made: Kept(made.facts, made.scores, made.tables, {**made.provenance, **changes}, made.pictures)


def _table(name: str, **columns: object) -> Callable[[Kept], Kept]:
    def change(made: Kept) -> Kept:
        tables = dict(made.tables) | {name: made.tables[name].assign(**columns)}
        return Kept(made.facts, made.scores, tables, made.provenance, made.pictures)

    return change


FORGED = {
    "a type": (_rows(lambda rows: rows.astype({"seed": "float64"})), "its rows have the form"),
    "a status": (_set("status", "fine"), "its rows have the form"),
    "a failure with a value": (_set("status", "failed"), "its rows have the form"),
    "a row twice": (_rows(lambda rows: pd.concat([rows, rows.tail(1)])), "no row is there twice"),
    "the hash": (_source(configuration_hash="0"), "the one whose hash it states"),
    "uncommitted changes": (_source(dirty=True), "clean, known commit"),
    "no commit": (_source(commit=None, dirty=None), "clean, known commit"),
    "a row less": (_rows(lambda rows: rows[rows.index != rows.index[rows["method"] == "fair"][0]]), "without a word"),
    "a method less": (_rows(lambda rows: rows[rows["method"] != "fair"]), "without a word"),
    "no control": (_rows(lambda rows: rows.assign(control=False)), "as they are declared"),
    "beyond the range": (_set("value", 1.5), "in its metric's range"),
    "a lower ceiling": (_rows(lambda rows: rows.assign(ceiling=0.99)), "the planted truth is the ceiling"),
    "a lower truth": (_set("value", 0.9, method="oracle"), "the planted truth is the ceiling"),
    "a lower floor": (_rows(lambda rows: rows.assign(floor=0.4)), "random explanations are at the floor"),
    "a lower blind mark": (_rows(lambda rows: rows.assign(blind=0.5)), "blind marks, skills"),
    "a higher skill": (_set("skill", 0.99), "blind marks, skills"),
    "a higher skill from chance": (_set("chance_skill", 0.99), "blind marks, skills"),
    "a seed not ranked": (_set("ranked", False), "blind marks, skills"),
    "a certificate that failed": (_table("certificates", value=0.5), "subjects are certified"),
    "a skill in a table": (_table("leaderboard", skill=1.0), "every table follows"),
    "a rank in a table": (_table("variants", rank_low=1, rank_high=1), "every table follows"),
    "a row of a table": (_table("tasks", method="good"), "every table follows"),
}


@pytest.mark.parametrize("case", FORGED)
def test_a_falsehood_fails_the_check_that_is_about_it(made: Kept, case: str) -> None:
    forge, expected = FORGED[case]
    assert len(failed(forge(made), expected)) == 1


def test_a_range_is_that_of_the_metric_and_not_of_its_sub_scores(made: Kept) -> None:
    more = made.scores.assign(metric="accuracy@per_class", primary=False, value=made.scores["value"] + 3)
    marks = {name: more[name] + 3 for name in ("floor", "blind", "ceiling")}
    rows = pd.concat([made.scores, more.assign(**marks)], ignore_index=True)
    kept = Kept(made.facts, rows, made.tables, made.provenance, made.pictures)
    assert failed(kept, "metric's range") == []
    alone = Kept(made.facts, rows[~rows["primary"]], made.tables, made.provenance, made.pictures)
    assert len(failed(alone, "metric's range")) == 1


def test_a_dirty_commit_can_be_accepted(made: Kept) -> None:
    assert failed(_source(dirty=True)(made), "commit", allow_dirty=True) == []


def test_a_task_that_is_missing_with_a_word_is_no_falsehood(made: Kept) -> None:
    source = kept_board.provenance(kept_board.scores(("f", "g")))
    silent = Kept(made.facts, made.scores, made.tables, source, made.pictures)
    assert len(failed(silent, "without a word")) == 1
    said = made.facts.model_copy(update={"left_out": ("task g/t is left out: its subject cannot be trained",)})
    assert failed(Kept(said, made.scores, made.tables, source, made.pictures), "without a word") == []


def test_pages_may_be_left_out_all_together_and_the_others_must_be_right(folder: Path) -> None:
    for page in [*folder.glob("*.html"), *folder.glob("*/*.html")]:
        page.unlink()
    (pages,) = (finding for finding in verify(folder, registry=REGISTRY) if finding.name == PAGES)
    assert pages.passed
    assert "are not kept" in pages.detail
    (folder / "README.md").write_text("edited")
    (pages,) = (finding for finding in verify(folder, registry=REGISTRY) if finding.name == PAGES)
    assert not pages.passed


def test_an_edited_page_or_note_is_noticed(folder: Path) -> None:
    page = folder / "README.md"
    page.write_text(page.read_text().replace("good", "best"))
    facts = json.loads((folder / "board.json").read_text())
    facts["notes"]["f"]["resolution"] = 1e-4
    (folder / "board.json").write_text(json.dumps(facts))
    found = {finding.name for finding in verify(folder, registry=REGISTRY) if not finding.passed}
    assert found == {PAGES, TABLES}


def test_a_folder_that_cannot_be_read_is_a_finding(tmp_path: Path, made: Kept) -> None:
    (only,) = verify(tmp_path)
    assert not only.passed
    assert "holds no board" in only.detail
    write(made, tmp_path)
    (tmp_path / "claims.csv").unlink()
    (only,) = verify(tmp_path)
    assert "claims.csv is damaged" in only.detail


def test_rows_have_the_name_of_the_method_at_its_largest_budget() -> None:
    methods = ["pca", "topk@1x", "topk@4x", "topk@16x", "ica@1x", "pca@sign-positive"]
    assert shown_names(methods) == ["pca", "topk@1x", "topk@4x", "topk", "ica", "pca@sign-positive"]
