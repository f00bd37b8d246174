"""Directions for codes that were not learned with any: what codes write, by least squares."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def written(
    codes: Float[Tensor, "n m"], rows: Float[Tensor, "n d"]
) -> tuple[Float[Tensor, "m d"], Float[Tensor, " d"]]:
    """Atoms and bias that rebuild `rows` from `codes` with the least squares; those of a code that is never on are 0.

    A ridge of a millionth of the codes' mean square keeps codes apart that are always on together.
    """
    design = torch.cat([codes, torch.ones(len(codes), 1)], 1)
    gram = design.T @ design
    gram.diagonal().add_(1e-6 * gram.diagonal().mean() + 1e-12)
    solved = torch.linalg.solve(gram, design.T @ rows)
    return solved[:-1], solved[-1]
