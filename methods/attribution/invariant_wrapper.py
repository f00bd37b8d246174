"""Any method, averaged over the moves that the model should not mind (Crabbe and van der Schaar 2023).

    A(x) = mean over moves g of  g^-1 a(g x)

Over a whole group, whatever a does row by row, A moves as its input moves. It leaves a gradient of an invariant model
as it is, and takes from others what they bring along: noise, the grid of patches, the way windows slide. Over
`elements` random moves of a larger group it does so in part. The moves are those that the question names
(`symmetries`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion, attribution_method, check
from methods.attribution.gradient import gradient
from methods.attribution.integrated_gradients import integrated_gradients
from methods.attribution.lime import lime
from methods.attribution.occlusion import occlusion
from methods.attribution.smoothgrad import smoothgrad

BASES = {
    "gradient": gradient,
    "integrated_gradients": integrated_gradients,
    "lime": lime,
    "occlusion": occlusion,
    "smoothgrad": smoothgrad,
}


@attribution_method(cites="arXiv:2304.06715", small={"elements": 4})
def invariant_wrapper(
    question: AttributionQuestion,
    *,
    base: Literal["gradient", "integrated_gradients", "lime", "occlusion", "smoothgrad"] = "occlusion",
    elements: int = 24,
) -> Tensor:
    """The mean of a method's maps over up to `elements` moves of the inputs, each moved back; needs known moves."""
    if question.symmetries is None:
        raise Unsupported("invariant_wrapper needs moves that leave the answer as it is, and the question names none")
    order = torch.randperm(len(question.symmetries), generator=torch.Generator().manual_seed(question.seed))
    moves = question.symmetries[order[:elements].to(question.symmetries.device)]
    inputs = question.inputs.flatten(1)
    total = torch.zeros_like(inputs, device="cpu")
    for move in moves:
        moved = replace(question, inputs=inputs[:, move].view(question.inputs.shape))
        found = check(BASES[base](moved), moved).attributions.expand(question.inputs.shape)
        total += found.flatten(1)[:, move.argsort().cpu()]
    return (total / len(moves)).view(question.inputs.shape)
