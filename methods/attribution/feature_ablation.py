"""Feature ablation: how much the target's output falls when one patch is set to the baseline (Zeiler and Fergus 2013).

    A_P(x) = f_t(x) - f_t(x with x_P = b_P)

`occlusion` slides overlapping windows; here the patches are disjoint, and a patch's value is divided among its entries.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._patches import cut, ends, values


@attribution_method(cites="arXiv:1311.2901")
def feature_ablation(question: AttributionQuestion, *, across: int = 8) -> Tensor:
    """The fall of the output at each of the patches, `across` along the longer side."""
    patches = cut(question, across)
    without = ~torch.eye(patches.count, dtype=torch.bool, device=patches.of.device)
    falls = ends(question, patches)[1] - values(question, patches, without)
    return patches.spread(falls.T)
