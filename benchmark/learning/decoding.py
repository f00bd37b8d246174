"""Directions for codes that were not learned with any: what codes write, by least squares."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

AT_ONCE = 8192
"""Rows that are summed up together, in double precision: codes that are always on together leave nothing to spare."""


def written(
    codes: Float[Tensor, "n m"], rows: Float[Tensor, "n d"]
) -> tuple[Float[Tensor, "m d"], Float[Tensor, " d"]]:
    """Atoms and bias that rebuild `rows` from `codes` with the least squares; those of a code that is never on are 0.

    A ridge of a millionth of the codes' mean square keeps codes apart that are always on together.
    """
    size = codes.shape[1] + 1
    gram, target = codes.new_zeros(size, size).double(), rows.new_zeros(size, rows.shape[1]).double()
    for some, of in zip(codes.split(AT_ONCE), rows.split(AT_ONCE), strict=True):
        design = torch.cat([some, torch.ones_like(some[:, :1])], 1).double()
        gram += design.T @ design
        target += design.T @ of.double()
    gram.diagonal().add_(1e-6 * gram.diagonal().mean() + 1e-12)
    solved = torch.linalg.solve(gram, target).to(rows)
    return solved[:-1], solved[-1]
