"""Feature permutation: how much the output falls when a patch is exchanged for that of another input (Breiman 2001).

    A_P(x) = mean over k of  f_t(x) - f_t(x with x_P = (b_k)_P),     b_k from the background

The marginal of a patch stays what it is; what goes along with the other patches is broken.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, attribution_method
from methods.attribution._gradients import select
from methods.attribution._patches import cut


@attribution_method(cites="doi:10.1023/A:1010933404324")
@torch.no_grad()
def feature_permutation(question: AttributionQuestion, *, across: int = 8, samples: int = 8) -> Tensor:
    """The mean fall over `samples` exchanges of each patch, `across` along the longer side."""
    generator = torch.Generator().manual_seed(question.seed)
    patches, count = cut(question, across), len(question.inputs)
    full = select(question.model(question.inputs), question.targets)
    falls = torch.zeros(count, patches.count, device=full.device)
    for patch in range(patches.count):
        chosen = torch.randint(len(question.background), (samples, count), generator=generator).to(full.device)
        for others in chosen:
            changed = torch.where(patches.of == patch, question.background[others], question.inputs)
            falls[:, patch] += full - select(question.model(changed), question.targets)
    return patches.spread(falls / samples)
