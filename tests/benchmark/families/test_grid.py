"""A grid puts values where their concepts lie."""

import numpy as np
import pytest
import torch

from benchmark.errors import TouchstoneError
from benchmark.families.grid import Grid


def test_values_lie_in_their_cells_and_what_has_no_place_nowhere():
    laid = Grid(rows=2, columns=3, cells=(5, None, 0)).lay_out(torch.tensor([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(laid, [[3, np.nan, np.nan], [np.nan, np.nan, 1]])


def test_opposite_values_of_one_cell_are_taken_from_each_other():
    grid = Grid(rows=1, columns=2, cells=(0, 1, 0), signs=(1, 1, -1), meaning="here - there")
    np.testing.assert_array_equal(grid.lay_out(torch.tensor([5.0, 1.0, 3.0])), [[2, 1]])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"cells": (0, 6)}, "got cell 6, expected 0 to 5"),
        ({"cells": (-1,)}, "got cell -1"),
        ({"cells": (0, 1), "signs": (1,)}, "got 1 signs"),
        ({"cells": (0,), "signs": (2,)}, "expected a 1 or -1"),
    ],
)
def test_a_grid_that_fits_nothing_says_why(wrong, words):
    with pytest.raises(TouchstoneError, match=words):
        Grid(rows=2, columns=3, **wrong)


def test_too_few_values_are_refused():
    with pytest.raises(TouchstoneError, match="got 2 values, expected one for each of 1"):
        Grid(rows=1, columns=1, cells=(0,)).lay_out(torch.zeros(2))
