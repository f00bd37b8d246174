"""Where concepts or features lie, so that pictures draw them in their places: on a board, an image, a sequence.

grid = Grid(rows=6, columns=6, cells=(0, 1, ..., None))       a task says it in its truth
grid.lay_out(values)                                          [rows, columns], for a picture
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import Tensor

from benchmark.errors import TouchstoneError


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Cells in rows and columns, numbered row by row, and in which of them each concept or feature lies."""

    rows: int
    columns: int
    cells: tuple[int | None, ...]
    """The cell of each concept or feature, in the truth's order; None for one that has no place (a control)."""
    signs: tuple[int, ...] = ()
    """What each adds to its cell, 1 or -1, where several say opposite things of one cell; empty: always 1."""
    meaning: str = ""
    """What a positive cell means where there are signs, such as "mine - yours"."""

    def __post_init__(self) -> None:
        bad = [cell for cell in self.cells if cell is not None and not 0 <= cell < self.rows * self.columns]
        if bad:
            raise TouchstoneError(
                f"grid of {self.rows} rows and {self.columns} columns: got cell {bad[0]}, expected 0 to"
                f" {self.rows * self.columns - 1}"
            )
        if self.signs and (len(self.signs) != len(self.cells) or not set(self.signs) <= {1, -1}):
            raise TouchstoneError(
                f"grid: got {len(self.signs)} signs {sorted(set(self.signs))} for {len(self.cells)} cells,"
                " expected a 1 or -1 for each"
            )

    def lay_out(self, values: Float[Tensor, " n"]) -> Float[np.ndarray, "rows columns"]:
        """The values of all concepts or features in their cells: signed, summed within a cell, NaN in empty ones."""
        if len(values) != len(self.cells):
            raise TouchstoneError(f"grid: got {len(values)} values, expected one for each of {len(self.cells)} places")
        laid = np.full(self.rows * self.columns, np.nan)
        for cell, sign, value in zip(self.cells, self.signs or (1,) * len(self.cells), values.tolist(), strict=True):
            if cell is not None:
                laid[cell] = sign * value + (0.0 if np.isnan(laid[cell]) else laid[cell])
        return laid.reshape(self.rows, self.columns)
