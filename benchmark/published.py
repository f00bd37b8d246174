"""A published board read back: the tables of `leaderboard/<profile>/` as rows of plain values.

    board = read_board("board")
    board.leaderboard[0]["skill"], board.provenance["commit"]

Missing numbers, texts and answers are None. A board of an earlier release may lack a table or a column: the table is
empty then, and `row.get(column)` is None.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.boards.kept import SCORES, SOURCE, parsed
from benchmark.errors import TouchstoneError, UnknownNameError
from benchmark.site.rows import Row, rows

FOLDER = "leaderboard"
TABLE = "leaderboard.csv"


@dataclass(frozen=True)
class Published:
    """One published board."""

    folder: Path
    leaderboard: list[Row]
    """A row for each family and method."""
    tasks: list[Row]
    """The same for each task."""
    marks: list[Row] = field(default_factory=list)
    """A row for each variant of a task."""
    budgets: list[Row] = field(default_factory=list)
    certificates: list[Row] = field(default_factory=list)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def profile(self) -> str:
        """The name of the profile that was run."""
        return str(self.provenance.get("profile") or self.folder.name)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Every score in the long format; empty where the board keeps none."""
        path = self.folder / SCORES
        return pd.read_parquet(path) if path.is_file() else pd.DataFrame()


def boards(base: Path | None = None) -> list[str]:
    """The names of the boards that are published below a folder (the working folder, if not given)."""
    return sorted(path.parent.name for path in ((base or Path.cwd()) / FOLDER).glob(f"*/{TABLE}"))


def is_published(profile: str, base: Path | None = None) -> bool:
    """Whether a board of a profile is published, named as for any other command."""
    return _name(profile) in boards(base)


def read_board(profile: str, base: Path | None = None) -> Published:
    """The board of a profile, named as for any other command.

    Raises:
        UnknownNameError: no board of that name is published.
        TouchstoneError: a file of it cannot be read.
    """
    name = _name(profile)
    folder = (base or Path.cwd()) / FOLDER / name
    if not (folder / TABLE).is_file():
        raise UnknownNameError("published board", name, boards(base), where=str(folder.parent))
    try:
        tables = {
            table: _rows(folder / f"{table}.csv")
            for table in ("leaderboard", "tasks", "marks", "budgets", "certificates")
        }
        origin = folder / SOURCE
        provenance = json.loads(origin.read_bytes()) if origin.is_file() else {}
    except (ValueError, OSError) as error:
        raise TouchstoneError(f"the board in {folder} cannot be read: {error}") from error
    return Published(folder, provenance=provenance, **tables)


def _name(profile: str) -> str:
    return Path(profile).stem if profile.endswith((".yaml", ".yml")) else profile


def _rows(path: Path) -> list[Row]:
    if not path.is_file():
        return []
    return rows(parsed(path.stem, path.read_bytes()))
