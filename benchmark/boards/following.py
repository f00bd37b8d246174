"""Checks of a board: its tables, notes, claims and pages follow from what it keeps."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.boards.checks import CHECKS, LAST_DIGITS, SIX_DIGITS, Case, expect_none
from benchmark.boards.kept import as_csv, parsed, plain
from benchmark.boards.showing import board_of
from benchmark.boards.tables import FROM_SCORES, claims_about, computed
from benchmark.site import render


@CHECKS("every table follows from the scores", "these are the numbers that are quoted")
def _tables(case: Case) -> str:
    facts = case.kept.facts
    found = computed(case.scores, facts, claims_about(case.kept.tasks))
    said = {name: _unlike(name, case, found.tables[name]) for name in FROM_SCORES}
    wrong = [f"{name}.csv: {difference}" for name, difference in said.items() if difference]
    notes = found.notes
    wrong += [f"the notes on {family} in board.json" for family in notes if _notes_differ(notes, facts.notes, family)]
    expect_none(wrong)
    return ", ".join(f"{name}.csv" for name in FROM_SCORES)


@CHECKS("its pages are those of its tables", "a page can be edited; `touchstone site` makes it anew")
def _pages(case: Case) -> str:
    with tempfile.TemporaryDirectory() as temporary:
        pages = [path.relative_to(temporary) for path in render(board_of(case.kept), Path(temporary))]
        kept = pages
        if not (case.folder / "index.html").exists():  # a repository may keep what pages are made from alone
            kept = [page for page in pages if (case.folder / page).exists()]
        wrong = [str(p) for p in kept if not _same_bytes(Path(temporary) / p, case.folder / p)]
    expect_none(f"{name} is not what this checkout makes" for name in wrong)
    return f"{len(kept)} file(s)" + (f"; {len(pages) - len(kept)} are not kept" if len(kept) < len(pages) else "")


def _unlike(name: str, case: Case, table: pd.DataFrame) -> str:
    """In what a table of the board is not this one; empty where they agree in six digits."""
    got, expected = case.kept.tables[name], parsed(name, as_csv(table))
    if list(got.columns) != list(expected.columns):
        return f"columns {', '.join(sorted(set(got.columns) ^ set(expected.columns))) or 'in another order'}"
    if len(got) != len(expected):
        return f"{len(got)} rows, expected {len(expected)}"
    for column in got.columns:
        one, other = got[column], expected[column]
        if str(one.dtype) == "float64":
            wrong = ~np.isclose(one, other, rtol=SIX_DIGITS, atol=1e-9, equal_nan=True)
        else:
            wrong = ~((one == other).fillna(False) | one.isna() & other.isna()).to_numpy(dtype=bool)
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            return f"{column} of row {at + 1} is {one.iloc[at]}, expected {other.iloc[at]}"
    return ""


def _notes_differ(notes: Mapping[str, Any], kept: Mapping[str, Any], family: str) -> bool:
    one, other = plain(notes[family]), plain(kept.get(family, {}))
    numbers = [key for key in one if isinstance(one[key], float) and isinstance(other.get(key), float)]
    close = all(np.isclose(one[key], other[key], rtol=LAST_DIGITS) for key in numbers)
    rest = [{k: v for k, v in each.items() if k not in numbers} for each in (one, other)]
    return not close or rest[0] != rest[1]


def _same_bytes(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()
