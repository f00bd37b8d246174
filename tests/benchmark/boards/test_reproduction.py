"""Two runs' rows agree to the last bit, within the tolerance, or not; and what is run again is what the board ran."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.boards import reproduction
from benchmark.boards.reproduction import HOW, TOLERANCE, agreement, agrees, departures, lines
from benchmark.errors import UnknownNameError
from benchmark.registry import Plugin, Registry
from benchmark.statistics.rows import KEY
from tests.support import kept_board

ROWS = kept_board.scores()


def test_a_run_that_is_the_same_is_equal_to_the_last_bit() -> None:
    found = agreement(ROWS, ROWS.sample(frac=1.0, random_state=0).assign(seconds=9.0))
    assert set(found["how"]) == {HOW[0]}
    assert agrees(found)
    assert list(lines(found)) == [f"f/t: {len(ROWS)} rows equal to the last bit"]


@settings(max_examples=15, deadline=None)
@given(at=st.integers(0, len(ROWS) - 1), size=st.floats(1e-12, 0.4), sign=st.sampled_from([-1.0, 1.0]))
def test_a_row_agrees_by_its_share_of_the_way_to_the_truth(at: int, size: float, sign: float) -> None:
    """The way from floor to ceiling is a half here, and what a value moves its skill is not looked at."""
    moved = ROWS.copy()
    moved.loc[at, "value"] += sign * size
    found = agreement(ROWS, moved)
    share = abs(moved.loc[at, "value"] - ROWS.loc[at, "value"]) / 0.5
    assert found["difference"].max() == pytest.approx(share)
    expected = HOW[0] if share == 0 else HOW[1] if found["difference"].max() <= TOLERANCE else HOW[2]
    assert found["how"].value_counts().get(expected, 0) == (len(ROWS) if share == 0 else 1)
    assert agrees(found) is (expected != HOW[2])


def test_status_missing_rows_and_missing_numbers_are_differences() -> None:
    other = ROWS.copy()
    other.loc[0, ["status", "value"]] = ["failed", np.nan]
    found = agreement(ROWS, other.drop(index=1))
    assert found["how"].tolist()[:2] == [HOW[3], HOW[2]]
    assert not agrees(found)
    place = tuple(ROWS.loc[1, KEY])
    assert tuple(found.loc[0, KEY]) == place
    said = list(lines(found))
    assert said[0] == f"f/t: {len(ROWS) - 2} rows {HOW[0]}, 1 rows {HOW[2]}, 1 rows {HOW[3]}"
    assert said[1].startswith(f"  {HOW[3]}: ")
    assert said[1].endswith("-> nothing")
    assert said[2].endswith("-> failed")
    assert agreement(ROWS.drop(index=1), ROWS)["how"].tolist()[0] == HOW[4]


def _registry(*methods: str) -> Registry:
    return Registry(tuple(Plugin("method", name, "f", Path("m.py"), "m") for name in methods))


def test_what_was_added_since_is_not_run(tmp_path: Path) -> None:
    made = kept_board.kept(tmp_path, kept_board.scores(("f", "g")))
    profile = reproduction.settings(made, registry=_registry("good", "fair", "dark", "later"))
    assert profile["only"] == ["f/t", "g/t"]
    assert profile["exclude"] == ["method:f/later"]
    assert profile["draws"] == 50
    assert not any(key.startswith("resolved_") for key in profile)
    assert reproduction.settings(made, only=["f/t"], registry=_registry())["only"] == ["f/t"]
    with pytest.raises(UnknownNameError, match="this board"):
        reproduction.settings(made, only=["f/u"], registry=_registry())


def test_a_bare_name_of_a_task_must_be_unambiguous(tmp_path: Path) -> None:
    one = kept_board.kept(tmp_path, kept_board.scores(("f",)))
    assert reproduction.settings(one, only=["t"], registry=_registry())["only"] == ["f/t"]
    with pytest.raises(UnknownNameError):
        reproduction.settings(
            kept_board.kept(tmp_path, kept_board.scores(("f", "g"))), only=["t"], registry=_registry()
        )


def test_sealed_seeds_are_asked_for_as_such(tmp_path: Path) -> None:
    made = kept_board.kept(tmp_path)
    source = made.provenance["configuration"] | {"sealed": True}
    sealed = replace(made, provenance={**made.provenance, "configuration": source})
    assert reproduction.settings(sealed, registry=_registry())["seeds"] == {"sealed": len(kept_board.SEEDS)}


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "commit": ({"commit": "beef"}, "commit: c0ffee -> beef"),
    "version": ({"versions": {"torch": "2.6.0", "numpy": "2.3.1"}}, r"torch: 2.13.0\+cpu -> 2.6.0"),
    "hardware": ({"hardware": {"processor": "Z"}}, "hardware: .*Example.* -> .*Z.*"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_what_may_move_numbers_is_said(case: str) -> None:
    changes, expected = CHANGES[case]
    old = kept_board.provenance(ROWS)
    assert list(departures(old, old)) == []
    (said,) = departures(old, old | changes)
    assert pd.Series([said]).str.fullmatch(expected).all()
