"""Cells that show nothing but noise, or something: columns of a table, or squares of 2 x 2 pixels.

    v_j ~ N(0, 1), shifted by `shift` with probability 1/2              a table: the column is v_j
    f(v) = sum over the cells j that are read of  w_j tanh(v_j / 4),    |w_j| from 0.7 to 1.4, either sign

Half of the cells are read; the order of cells is drawn. In an image v_j is the contrast of a square, two bright and two
dark pixels, with some noise of each pixel on it.

The null hypothesis of a cell is that the output would be distributed the same with another draw of the noise in its
place (Burns, Thomason and Tansey 2020, arXiv:1904.00045). It holds, exactly, where the cell is not read, whatever it
shows, and where it shows noise, however much it weighs. It fails where a cell is read and shifted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

Form = Literal["table", "image"]
SHOWN = 0.5
"""The probability that a cell is shifted."""
GRID = 8
"""Cells along a side of an image."""
PATTERN = torch.tensor([[1.0, -1.0], [-1.0, 1.0]])
PIXEL = 0.3
"""The noise of a pixel."""
COUNT: dict[Form, int] = {"table": 40, "image": GRID * GRID}


@dataclass(frozen=True, eq=False)
class Drawn:
    """Inputs, with what their cells show."""

    inputs: Float[Tensor, "n ..."]
    shifted: Bool[Tensor, "n cells"]


@dataclass(frozen=True, eq=False)
class Plant:
    """Which cells are read by which of two nets, and what they weigh."""

    form: Form
    shift: float
    read: Int[Tensor, "2 half"]
    weights: Float[Tensor, " cells"]

    @classmethod
    def draw(cls, form: Form, shift: float, generator: torch.Generator) -> Plant:
        """Halves in random order; weights even in their logarithm, of either sign."""
        order = torch.randperm(COUNT[form], generator=generator).view(2, -1)
        sizes = 2 ** (torch.rand(COUNT[form], generator=generator) - 0.5)
        signs = 2 * torch.randint(2, (COUNT[form],), generator=generator) - 1
        return cls(form, shift, order, sizes * signs)

    def inputs(self, count: int, generator: torch.Generator, shown: float = SHOWN) -> Drawn:
        """`count` inputs whose cells are shifted with probability `shown`."""
        cells = COUNT[self.form]
        shifted = torch.rand(count, cells, generator=generator) < shown
        values = torch.randn(count, cells, generator=generator) + self.shift * shifted
        if self.form == "table":
            return Drawn(values, shifted)
        pixels = torch.kron(values.view(-1, 1, GRID, GRID), PATTERN)
        return Drawn(pixels + PIXEL * torch.randn(pixels.shape, generator=generator), shifted)

    def shows(self, inputs: Float[Tensor, "n ..."]) -> Float[Tensor, "n cells"]:
        """What each cell shows: v, in an image with what the noise of four pixels adds."""
        if self.form == "table":
            return inputs
        kernel = PATTERN.view(1, 1, 2, 2).to(inputs) / PATTERN.numel()
        return torch.nn.functional.conv2d(inputs, kernel, stride=2).flatten(1)

    def values(self, inputs: Float[Tensor, "n ..."], which: int) -> Float[Tensor, " n"]:
        """What a net is to say."""
        read = self.read[which]
        return (self.weights[read] * torch.tanh(self.shows(inputs)[:, read] / 4)).sum(1)

    def entries(self, cells: Bool[Tensor, "n cells"]) -> Bool[Tensor, "n ..."]:
        """The entries of cells, in the shape of the inputs."""
        if self.form == "table":
            return cells
        return cells.view(-1, 1, GRID, GRID).repeat_interleave(2, 2).repeat_interleave(2, 3)

    def is_read(self, which: int) -> Bool[Tensor, " cells"]:
        """Which cells a net reads."""
        return torch.zeros(COUNT[self.form], dtype=torch.bool).index_fill_(0, self.read[which], True)
