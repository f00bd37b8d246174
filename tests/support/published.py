"""A small published board of two tasks, written as files, of which a test changes what it is about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.published import FOLDER, Published, read_board

COUNTED = {"tasks": 2, "seeds": 10, "failures": 0, "unsupported": 0, "seconds": 0.5, "specialist": False}
CONTESTANT: dict[str, Any] = {
    **COUNTED, "family": "attribution", "skill": 0.5, "ci_low": 0.4, "ci_high": 0.6, "wide_low": 0.1, "wide_high": 0.9,
    "wide_over": "tasks", "rank_low": 1, "rank_high": 1, "beats_blind": True, "p_value": 0.002, "reference": False,
}  # fmt: skip
REFERENCE = CONTESTANT | {"rank_low": None, "rank_high": None, "reference": True, "beats_blind": False, "p_value": 1.0}
OTHERS = [
    CONTESTANT | {"method": "second", "skill": 0.2, "rank_low": 2, "rank_high": 3, "p_value": 0.03},
    CONTESTANT | {"method": "third", "skill": 0.1, "rank_low": 2, "rank_high": 3, "beats_blind": False, "p_value": 0.4},
    REFERENCE | {"method": "oracle", "skill": 1.0, "beats_blind": True, "p_value": 0.0001},
    REFERENCE | {"method": "edges", "skill": -0.01},
    REFERENCE | {"method": "random", "skill": -0.5},
]


def rows_of(method: str = "mine", **changed: Any) -> list[dict[str, Any]]:
    """The rows of the family's ranking: a method that is first of three, or what `changed` says of it."""
    return [CONTESTANT | {"method": method} | changed, *OTHERS]


def publish(
    base: Path, rows: list[dict[str, Any]], *, tasks: tuple[str, ...] = ("blocks", "digits"), **provenance: Any
) -> Published:
    """Write the board "board" below `base`, its rows being those of each task as well, and read it."""
    folder = base / FOLDER / "board"
    folder.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(folder / "leaderboard.csv", index=False)
    pd.DataFrame([{**row, "task": task} for task in tasks for row in rows]).to_csv(folder / "tasks.csv", index=False)
    mark = {"family": "attribution", "floor": 0.1, "blind": 0.3, "control": "edges", "ceiling": 1.0, "room": 0.78}
    marks = [mark | {"task": task, "variant": "plain", "ranked": True, "reason": None} for task in tasks]
    pd.DataFrame(marks).to_csv(folder / "marks.csv", index=False)
    scores = [
        {"family": "attribution", "task": task, "variant": "plain", "method": row["method"], "seed": seed}
        | {"metric": "auroc", "primary": True, "value": 0.25 + seed / 2, "status": "ok"}
        for task in tasks
        for row in rows
        for seed in (0, 1)
    ]
    pd.DataFrame(scores).to_parquet(folder / "scores.parquet")
    known = {"profile": "board", "commit": "0123456789abcdef", "dirty": False, "finished": "2026-01-31T12:00:00+00:00"}
    (folder / "provenance.json").write_text(json.dumps(known | provenance))
    return read_board("board", base)
