"""Position prior: one fixed map for all inputs, strongest in the first row. It never looks at model or input.

    A_i = height - row(i),     for sequences length - place(i)

Where what matters always lies in the same place, as in images with the signal on top, a map that knows that place and
nothing else looks like an explanation. The pointing game (Zhang et al. 2016, arXiv:1608.00507) has the centre of the
image as its baseline for the same reason.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion, attribution_method


@attribution_method(cites="arXiv:1608.00507", control=True)
def position_prior(question: AttributionQuestion) -> Tensor:
    """A map that falls from the first row to the last, the same for every input; no model involved."""
    shape = question.inputs.shape
    if question.sequential:
        places = torch.arange(shape[2], 0, -1, dtype=question.inputs.dtype, device=question.inputs.device)
        return places.expand(shape).clone()
    if len(shape) < 3:
        raise Unsupported(f"position_prior needs images [n, ..., height, width], got inputs of shape {list(shape)}")
    rows = torch.arange(shape[-2], 0, -1, dtype=question.inputs.dtype, device=question.inputs.device)
    return rows[:, None].expand(shape).clone()
