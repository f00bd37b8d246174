"""Tables as rows: dictionaries of plain Python values, in which what is missing is None."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import pandas as pd

Row = dict[str, Any]
T = TypeVar("T")


def rows(frame: pd.DataFrame) -> list[Row]:
    """The lines of a table: missing values are None, and `is True` means what it says."""
    known = frame.astype(object).where(frame.notna(), None)
    return [{str(name): value for name, value in line.items()} for line in known.to_dict("records")]


def grouped(lines: Iterable[Row], *columns: str) -> dict[tuple[Any, ...], list[Row]]:
    """The rows by their values in `columns`; keys and rows keep their order."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    for line in lines:
        found.setdefault(tuple(line[column] for column in columns), []).append(line)
    return found


def unique(values: Iterable[T]) -> list[T]:
    """Each value once, in the order in which they first come."""
    return list(dict.fromkeys(values))


def by(lines: Sequence[Row], column: str) -> dict[Any, Row]:
    """The rows by one column, of which no value comes twice."""
    return {line[column]: line for line in lines}
