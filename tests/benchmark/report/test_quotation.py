"""The sentence that may be quoted says what the tables say, in every case that a board may have, and nothing more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmark.errors import TouchstoneError, UnknownNameError
from benchmark.published import read_board
from benchmark.report.standing import find, quotation
from tests.support.published import CONTESTANT, OTHERS, publish, rows_of


def said(base: Path, provenance: dict[str, Any] | None = None, **changed: Any) -> str:
    """The sentence on a method that is first of three but for what `changed` says of it."""
    return quotation(find(publish(base, rows_of(**changed), **(provenance or {})), "mine"))


def test_the_whole_sentence(tmp_path: Path) -> None:
    assert said(tmp_path) == (
        "On Touchstone's attribution tasks (profile board, commit 0123456789, 2026-01-31), mine has a mean skill of "
        "0.50 (95 % interval 0.40 to 0.60 over retraining and 0.10 to 0.90 over tasks; 0 is what needs no look at the "
        "model, 1 the planted truth) over 2 tasks and 10 seeds; it is above what needs no look at the model "
        "(p = 0.002, corrected for all methods of the family); it ranks first of 3 methods."
    )


CASES: dict[str, tuple[dict[str, Any], str, tuple[str, ...]]] = {
    "not shown to be above blind": (
        {"beats_blind": False, "p_value": 0.3},
        "it is not shown to be above what needs no look at the model (p = 0.300",
        ("it is above", "below"),
    ),
    "below blind": (
        {"beats_blind": False, "p_value": 1.0, "skill": -0.3, "ci_low": -0.4, "ci_high": -0.2},
        "it is below what needs no look at the model; it",
        ("it is above", "p ="),
    ),
    "too few runs to tell": (
        {"beats_blind": None, "p_value": None},
        "so few runs cannot tell whether it is above what needs no look at the model",
        ("; it is above", "p ="),
    ),
    "a tiny p": ({"p_value": 0.00001}, "(p < 0.001", ("p = ",)),
    "no interval": (
        {"ci_low": None, "ci_high": None, "wide_low": None, "wide_high": None},
        "(without an interval;",
        ("95 %",),
    ),
    "an interval over retraining alone": (
        {"wide_low": None, "wide_high": None},
        "0.40 to 0.60 over retraining; 0",
        ("over tasks",),
    ),
    "tied for the top": (
        {"rank_high": 2},
        "it may be the best, but is not told apart from the next (ranks 1 to 2 of 3)",
        ("ranks first",),
    ),
    "first of those that are not above blind": (
        {"beats_blind": False, "p_value": 0.3},
        "its rank is 1 of 3 methods",
        ("first", "best"),
    ),
    "tied at the top of those that are not above blind": (
        {"beats_blind": None, "p_value": None, "rank_high": 2},
        "its rank is 1 to 2 of 3 methods",
        ("first", "best"),
    ),
    "no rank can be told": ({"rank_high": 3}, "this run does not tell its rank among 3 methods", ("first", "best")),
    "a lower rank": ({"rank_low": 2, "rank_high": 3}, "its rank is 2 to 3 of 3 methods", ("first", "may be")),
    "a specialist": (
        {"rank_low": None, "rank_high": None, "specialist": True, "tasks": 1},
        "over 1 of 2 tasks and 10 seeds; it is above what needs no look at the model (p = 0.002, corrected for all "
        "methods of the family); it is not ranked, as it answers under half of the tasks",
        ("first",),
    ),
    "failures": ({"failures": 3}, "3 of its runs failed and count as chance", ()),
    "one failure": ({"failures": 1}, "1 of its runs failed and counts as chance", ()),
    "declined": ({"unsupported": 2}, "it declined 2 runs, which do not count", ()),
    "nothing measured": ({"skill": None}, "mine has no score: it declined or could not be measured", ("rank", "above")),
    "few seeds": ({"seeds": 1}, "over 2 tasks and 1 seed;", ()),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_case(tmp_path: Path, case: str) -> None:
    changed, expected, absent = CASES[case]
    sentence = said(tmp_path, **changed)
    assert expected in sentence
    for part in absent:
        assert part not in sentence
    assert sentence.endswith(".")
    assert "None" not in sentence
    assert "nan" not in sentence


def test_who_else_may_be_the_best_is_named_and_many_are_counted(tmp_path: Path) -> None:
    tied = [CONTESTANT | {"method": f"m{n}", "rank_low": 1, "rank_high": 6} for n in range(6)]
    board = publish(tmp_path, [*rows_of(rank_high=6), *tied])
    assert "it may be the best, but is tied with m0, m1, m2, m3 and 2 more (ranks 1 to 6 of 9)" in quotation(
        find(board, "mine")
    )
    board = publish(tmp_path, [*rows_of(rank_low=4, rank_high=4), *tied[:2]])
    assert "its rank is 4 of 5 methods, of which m0 and m1 may be the best" in quotation(find(board, "mine"))
    board = publish(tmp_path, [CONTESTANT | {"method": "mine"}])
    assert quotation(find(board, "mine")).endswith("; no other method is ranked.")


def test_a_reference_is_called_one_and_has_no_rank(tmp_path: Path) -> None:
    sentence = quotation(find(publish(tmp_path, rows_of()), "edges"))
    assert "edges, a reference and no contestant, has a mean skill of -0.01" in sentence
    assert "(p = 1.000)" in sentence, "a reference's p is its own"
    assert "rank" not in sentence


def test_uncommitted_changes_are_told(tmp_path: Path) -> None:
    assert "commit 0123456789 with uncommitted changes" in said(tmp_path, {"dirty": True})
    assert "(profile board, 2026-01-31)" in said(tmp_path, {"commit": None, "dirty": None})


def test_a_method_that_still_rises_is_told(tmp_path: Path) -> None:
    folder = publish(tmp_path, rows_of()).folder
    (folder / "budgets.csv").write_text(
        "family,method,budget,rising\nattribution,mine,1,\nattribution,mine,4,True\nattribution,second,4,False\n"
    )
    board = publish(tmp_path, rows_of())
    assert quotation(find(board, "mine")).endswith("at the largest budget its skill was still rising.")
    assert "rising" not in quotation(find(board, "second"))


def test_wrong_names_are_answered(tmp_path: Path) -> None:
    board = publish(tmp_path, [*rows_of(), OTHERS[0] | {"family": "probing"}])
    with pytest.raises(UnknownNameError, match="did you mean 'second'"):
        find(board, "secnod")
    with pytest.raises(UnknownNameError, match="did you mean 'attribution'"):
        find(board, "atribution/mine")
    with pytest.raises(TouchstoneError, match="say which of attribution/second, probing/second"):
        find(board, "second")
    assert find(board, "probing/second").family == "probing"
    with pytest.raises(UnknownNameError, match=r"published board 'bord'.*did you mean 'board'"):
        read_board("bord", tmp_path)
