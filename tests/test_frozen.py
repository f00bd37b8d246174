"""A threshold that moves is another one, and loses the reason of the old one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import frozen
from tests.support.frozen import Threshold

KEPT, MOVED = Threshold("othello", "legal moves", "at least", 1 / 3), Threshold("othello", "left", "at most", 0.8)


def test_what_stays_keeps_its_reason_and_what_moves_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frozen, "FILE", tmp_path / "thresholds.csv")
    frozen.write([MOVED, KEPT])
    assert frozen.read() == {KEPT: "", MOVED: ""}
    text = frozen.FILE.read_text()
    frozen.FILE.write_text(text.replace(f"{1 / 3!r},", f'{1 / 3!r},"chance, twice over"').replace("0.8,", "0.8,seldom"))
    assert frozen.read() == {KEPT: "chance, twice over", MOVED: "seldom"}
    moved = MOVED._replace(number=0.6)
    frozen.write([moved, KEPT])
    assert frozen.read() == {KEPT: "chance, twice over", moved: ""}


def test_no_threshold_stands_there_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frozen, "FILE", tmp_path / "thresholds.csv")
    frozen.write([KEPT])
    frozen.FILE.write_text(frozen.FILE.read_text() + "othello,legal moves,at least,0.3333333333333333,again\n")
    with pytest.raises(AssertionError, match="holds a threshold twice"):
        frozen.read()
