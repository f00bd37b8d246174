"""Does a net follow one pattern, all four cells of it, and ignore the other, wherever they stand?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from tasks.models.symmetric_models.groups import SIZE
from tasks.models.symmetric_models.plant import Drawn

Margin = Callable[[Float[Tensor, "n ..."]], Float[Tensor, " n"]]
"""By how much class 0 is ahead."""


@dataclass(frozen=True, eq=False)
class Reading:
    """What interventions do to the answers of a net that is to read one of the patterns."""

    right: Bool[Tensor, " n"]
    kept: Bool[Tensor, " n"]
    """With the other pattern drawn anew."""
    followed: Bool[Tensor, " n"]
    """With the own pattern of the other kind."""
    least_cell: float
    """The least share of a cell in what the four cells of the own pattern add to the margin one by one; 1/4 is even."""
    beside: float
    """The mean effect of a cell of the other pattern on the margin, as a share of that of a cell of the own."""
    moved: Float[Tensor, " n"]
    """What a random move changes of the margin, in standard deviations."""

    @property
    def confirmed(self) -> Bool[Tensor, " n"]:
        """On which inputs all three hold."""
        return self.right & self.kept & self.followed

    @classmethod
    def of(cls, margin: Margin, tests: Drawn, which: int, generator: torch.Generator) -> Reading:
        """Intervene on both patterns, cell by cell, and on the place of everything."""
        said = margin(tests.inputs)
        answer = (said < 0).long()
        own, other = (
            torch.stack([margin(tests.without_cell(one, cell)) for cell in range(SIZE)]) - said
            for one in (which, 1 - which)
        )
        falls = (own * (2 * answer - 1)).mean(1)
        moves = tests.plant.group.draw(len(said), generator)
        elsewhere = tests.inputs.flatten(1).gather(1, moves).view(tests.inputs.shape)
        return cls(
            right=answer == tests.classes[:, which],
            kept=(margin(tests.renewed(1 - which, generator).inputs) < 0) == answer,
            followed=(margin(tests.of_other_class(which).inputs) < 0) != answer,
            least_cell=float((falls / falls.sum()).min()),
            beside=float(other.abs().mean() / own.abs().mean()),
            moved=(margin(elsewhere) - said) / said.std(),
        )
