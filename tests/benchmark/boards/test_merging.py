"""Parts of a profile become one board, whose statistics are those of all rows; parts that do not fit are refused."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmark.boards.kept import Kept, as_csv, read, write
from benchmark.boards.merging import KEY, MergeError, dirty, merge
from benchmark.boards.parts import without_details, without_pictures
from benchmark.boards.showing import render_kept
from benchmark.store import digest
from tests.support import kept_board

OTHER = {"processor": "Another", "cores": 64}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("made")


@functools.cache
def _made(folder: Path, families: tuple[str, ...]) -> Kept:
    rows = kept_board.scores(("f", "g", "h"))
    return kept_board.kept(folder, rows[rows["family"].isin(families)].reset_index(drop=True))


def part(folder: Path, *families: str, **changes: Any) -> Kept:
    """A board of some families, whose provenance and tables may be changed."""
    made = _made(folder, families)
    source = kept_board.provenance(made.scores, **changes)
    return Kept(made.facts, made.scores.copy(), dict(made.tables), source, made.pictures)


def test_the_parts_give_the_board_of_the_whole(folder: Path) -> None:
    whole = part(folder, "f", "g")
    joined = merge([part(folder, "g"), part(folder, "f")])
    expected = whole.scores.sort_values(KEY, kind="stable", ignore_index=True)
    pd.testing.assert_frame_equal(joined.scores, expected)
    for name in ("leaderboard", "tasks", "variants", "budgets", "dials", "marks", "claims"):
        assert as_csv(joined.tables[name]) == as_csv(whole.tables[name]), name
    assert joined.facts.notes == whole.facts.notes
    assert set(joined.facts.pictures) == set(whole.facts.pictures)
    assert joined.provenance["configuration"] == whole.provenance["configuration"]
    assert joined.provenance["configuration_hash"] == digest(whole.provenance["configuration"])


def test_what_differs_between_runs_is_kept_by_family(folder: Path) -> None:
    later = "2026-02-01T00:00:00+00:00"
    joined = merge([part(folder, "f"), part(folder, "g", hardware=OTHER, commit="beef", finished=later)])
    source = joined.provenance
    assert source["families"]["f"]["commit"] == "c0ffee"
    assert source["families"]["g"] | {"hardware": OTHER, "commit": "beef", "finished": later} == source["families"]["g"]
    assert source["commit"] is None
    assert "hardware" not in source
    assert source["finished"] == later
    assert source["duration_seconds"] == {"train": 20.0, "total": 20.0}
    assert source["dirty"] is False


def test_a_joined_board_can_be_written_shown_read_and_joined_again(folder: Path, tmp_path: Path) -> None:
    write(merge([part(folder, "f"), part(folder, "g")]), tmp_path)
    assert render_kept(tmp_path)
    joined = merge([read(tmp_path), part(folder, "h")])
    assert set(joined.provenance["families"]) == {"f", "g", "h"}
    assert joined.provenance["duration_seconds"]["total"] == 30.0


def test_the_same_task_twice_is_there_once(folder: Path) -> None:
    one = part(folder, "f", "g")
    again = part(folder, "g")
    again.scores["seconds"] += 1.0
    joined = merge([one, again])
    assert len(joined.scores) == len(one.scores)


def _settings(**changes: Any) -> dict[str, Any]:
    return {"configuration": changes}


REFUSED: dict[str, tuple[tuple[str, ...], dict[str, Any], str]] = {
    "profile": (("g",), {"profile": "another"}, "profile: invented and another"),
    "seeds": (("g",), _settings(seeds=[0]), r"seeds of the profile: .* and \[0\]"),
    "draws": (("g",), _settings(draws=5), "draws of the profile: 50 and 5"),
    "subject": (("g",), _settings(resolved_subjects={"model_f": {"width": 7}}), "settings of subject model_f differ"),
    "engine": (("g",), {"engine": "two"}, "engine: one .* and two"),
    "no engine and another commit": (("g",), {"engine": None, "commit": "beef"}, "engine unknown"),
    "library": (("g",), {"versions": {"torch": "2.6.0", "numpy": "2.3.1"}}, "torch: 2.13.0 and 2.6.0"),
    "hardware": (("f", "g"), {"hardware": OTHER}, "family f ran on different hardware"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_parts_that_do_not_fit_are_refused(folder: Path, case: str) -> None:
    families, changes, expected = REFUSED[case]
    with pytest.raises(MergeError, match=expected):
        merge([part(folder, "f"), part(folder, *families, **changes)])


def test_another_build_of_a_library_is_the_same_version(folder: Path) -> None:
    versions = {"torch": "2.13.0+cu130", "numpy": "2.3.1"}
    assert merge([part(folder, "f"), part(folder, "g", versions=versions)]).tasks == {("f", "t"), ("g", "t")}


def test_a_task_with_other_rows_is_refused(folder: Path) -> None:
    one, other = part(folder, "f"), part(folder, "f", "g")
    other.scores.loc[3, "value"] += 0.25
    with pytest.raises(MergeError, match="task f/t is in two of them"):
        merge([one, other])


def test_all_reasons_are_given_at_once_and_one_board_is_none(folder: Path) -> None:
    with pytest.raises(MergeError) as caught:
        merge([part(folder, "f"), part(folder, "g", engine="two", versions={"torch": "1", "numpy": "1"})])
    assert str(caught.value).count("\n  - ") == 3
    with pytest.raises(MergeError, match="two or more"):
        merge([part(folder, "f")])


def test_a_subject_that_was_trained_apart_is_named(folder: Path) -> None:
    one, other = part(folder, "f"), part(folder, "g")
    shared = one.tables["certificates"].assign(value=0.99)
    more = {"certificates": pd.concat([other.tables["certificates"], shared])}
    other = replace(other, tables={**other.tables, **more})
    joined = merge([one, other])
    assert "Subject `model_f` was trained apart in several runs" in joined.facts.left_out[-1]


def test_a_dirty_tree_is_named(folder: Path) -> None:
    assert list(dirty(part(folder, "f"))) == []
    assert list(dirty(part(folder, "f", dirty=True))) == ["f ran with uncommitted changes (commit c0ffee)"]
    joined = merge([part(folder, "f"), part(folder, "g", dirty=True)])
    assert joined.provenance["dirty"] is True
    assert len(list(dirty(joined))) == 1


def test_what_a_profile_says_of_families_that_one_part_ran_may_differ(folder: Path) -> None:
    older = part(folder, "f", configuration={"tasks": {"f/t": {"inputs": 3}, "g/t": {"inputs": 9}}, "title": "Once"})
    newer = part(folder, "g", configuration={"tasks": {"f/t": {"inputs": 3}, "g/t": {"inputs": 4}}, "title": "Now"})
    joined = merge([older, newer]).provenance["configuration"]
    assert joined["tasks"] == {"f/t": {"inputs": 3}, "g/t": {"inputs": 4}}
    assert joined["title"] == "Now"
    out = {"exclude": ["method:g/m"], "newcomers": True}
    assert merge([part(folder, "f"), part(folder, "g", configuration=out)]).provenance["configuration"]["newcomers"]
    with pytest.raises(MergeError, match=r"exclude of the profile: .*g/m"):
        merge([part(folder, "f", "g"), part(folder, "g", configuration=out)])
    both = part(folder, "f", "g", configuration={"tasks": {"g/t": {"inputs": 4}}})
    with pytest.raises(MergeError, match=r"tasks of the profile: .*9.* and .*4"):
        merge([part(folder, "g", configuration={"tasks": {"g/t": {"inputs": 9}}}), both])


def test_a_family_can_be_renewed(folder: Path) -> None:
    old, new = part(folder, "f", "g"), part(folder, "g")
    new.scores["value"] += 0.25
    with pytest.raises(MergeError, match="task g/t is in two of them"):
        merge([old, new])
    joined = merge([old, new], renewed=["g"])
    expected = pd.concat([part(folder, "f").scores, new.scores]).sort_values(KEY, kind="stable", ignore_index=True)
    pd.testing.assert_frame_equal(joined.scores, expected)
    assert {shown.family for shown in joined.facts.pictures} == {"f", "g"}
    assert len(joined.tables["certificates"]) == len(part(folder, "f", "g").tables["certificates"])
    assert "duration_seconds" not in joined.provenance["families"]["f"], "it ran with what is gone"
    with pytest.raises(MergeError, match="got h to renew, expected families of the parts: f, g"):
        merge([old, new], renewed=["h"])
    with pytest.raises(MergeError, match="nothing is left of part 1"):
        merge([part(folder, "g"), old], renewed=["g"])


def test_other_engines_are_joined_by_whoever_says_why_and_the_reason_is_published(folder: Path, tmp_path: Path) -> None:
    old, new = part(folder, "f"), part(folder, "g", engine="two")
    reason = "the rows of <another> profile are the same"
    joined = merge([old, new], rows_agree=reason)
    assert joined.provenance["engine"] == "two"
    assert joined.provenance["families"]["f"]["engine"] == "one"
    assert joined.provenance["families"]["f"]["rows_agree"] == reason
    assert "rows_agree" not in joined.provenance["families"]["g"]
    write(joined, tmp_path)
    assert render_kept(tmp_path)
    assert "the rows of &lt;another&gt; profile are the same" in (tmp_path / "index.html").read_text()
    again = merge([read(tmp_path), part(folder, "h", engine="two")])
    assert again.provenance["families"]["f"]["rows_agree"] == reason


def test_pictures_of_single_methods_can_be_left_out(folder: Path, tmp_path: Path) -> None:
    board = part(folder, "f")
    (one,) = board.facts.pictures
    assert one.method
    whole = one.model_copy(update={"name": "all", "method": ""})
    board = replace(
        board,
        facts=board.facts.model_copy(update={"pictures": (whole, one)}),
        pictures={shown.file: board.pictures[one.file] for shown in (whole, one)},
    )
    write(board, tmp_path)
    assert len(list((tmp_path / "pictures").glob("*.png"))) == 2
    write(without_details(board), tmp_path)
    assert [path.name for path in (tmp_path / "pictures").glob("*.png")] == [whole.file]
    assert read(tmp_path).facts.pictures == (whole,)
    cosines = whole.model_copy(update={"name": "t-plain-cosines"})
    facts = board.facts.model_copy(update={"pictures": (whole, cosines)})
    board = replace(board, facts=facts, pictures=dict.fromkeys((whole.file, cosines.file), board.pictures[whole.file]))
    assert without_pictures(board, ["cosines"]).facts.pictures == (whole,)
    assert without_pictures(board, ["plain"]).facts.pictures == (whole, cosines)
