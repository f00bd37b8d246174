"""Edge detector: the Sobel magnitude of the input. It never looks at the model: what it scores needs no explanation.

    A(x) = sqrt((K_h * x)^2 + (K_v * x)^2),     K = [1 2 1]' [1 0 -1]

Adebayo et al. 2018 (arXiv:1810.03292): several methods make maps that look like an edge detector's.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion, attribution_method


@attribution_method(cites="arXiv:1810.03292", control=True)
def edge_detector(question: AttributionQuestion) -> Tensor:
    """The magnitude of the Sobel gradient over the last two dimensions, the border repeated; no model involved."""
    shape = question.inputs.shape
    if len(shape) < 3 or question.sequential:
        raise Unsupported(f"edge_detector needs images [n, ..., height, width], got inputs of shape {list(shape)}")
    images = F.pad(question.inputs.reshape(-1, 1, *shape[-2:]), (1, 1, 1, 1), mode="replicate")
    kernel = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]], device=images.device)
    across, down = F.conv2d(images, torch.stack([kernel, kernel.T])[:, None]).unbind(1)
    return torch.hypot(across, down).reshape(shape)
